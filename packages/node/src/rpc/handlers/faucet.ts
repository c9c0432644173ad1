/** Methods about test money. */
import type { ApiHandlers } from "@holdfast/api";
import { rpcErrors } from "../errors.ts";
import type { HandlerNeeds } from "../needs.ts";
import { addressParam } from "./params.ts";

export function faucetHandlers(needs: HandlerNeeds): Pick<ApiHandlers, "faucet.ask" | "faucet.show"> {
  const { faucet, wallet } = needs;
  return {
    "faucet.show": async () => faucet.show(),
    "faucet.ask": async ({ address: given, key, from, waitMs }, signal) => {
      const address = given === undefined ? wallet.defaultAddress() : addressParam(needs, given);
      if (address === undefined) throw rpcErrors.notFound({ what: "account in this wallet" });
      return faucet.ask({ address, key }, { waitMs, signal, ...(from === undefined ? {} : { from }) });
    },
  };
}
