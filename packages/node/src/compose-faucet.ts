/** The faucet of one node: giving test money, or only asking for it. */
import type { Chain } from "./chain/index.ts";
import type { NodeParts } from "./compose.ts";
import { type Faucet, openFaucet } from "./faucet/index.ts";
import { limits } from "./limits.ts";
import type { Sender } from "./mempool/index.ts";

export function openFaucetOf(
  parts: NodeParts,
  { chain, sender }: { readonly chain: Chain; readonly sender: Sender },
): Faucet {
  const { wire, clock, logger, database, wallet: signer, netControl, faucet: service } = parts;
  return openFaucet({
    ...{ chain, sender, signer, wire, clock, logger, database, limits, service },
    // Who asks and hangs up has a machine too, only an unknown one.
    remoteOf: (peer) => netControl && (netControl.peers().find(({ id }) => id === peer)?.remote ?? ""),
  });
}
