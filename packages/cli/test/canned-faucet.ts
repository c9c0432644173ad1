/** What a canned node says of test money. */
import type { MethodResult } from "@holdfast/api";

interface FaucetCalls {
  readonly "faucet.ask": MethodResult<"faucet.ask">;
  readonly "faucet.show": MethodResult<"faucet.show">;
}

export function faucetCalls(address: string, account: string, cid: string): FaucetCalls {
  return {
    "faucet.ask": {
      cid,
      peerId: "12D3KooWNRgiFRiyixcVhNBwhQjyzGqwG9Uvgis3TPtFBvBNM7gr",
      address,
      account,
      amountFil: "5",
      balanceFil: "995",
      height: 101,
    },
    "faucet.show": {
      network: "canned",
      amountFil: "5",
      windowMs: 86_400_000,
      mostPerAddress: 1,
      mostPerPeer: 4,
      mostPerMachine: 16,
      mostInAll: 1_000,
      mostPerMinute: 20,
      serving: { account, balanceFil: "995", paid: 1 },
    },
  };
}
