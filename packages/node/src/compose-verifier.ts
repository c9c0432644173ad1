/** Idle space of one node: being a verifier of others, and a miner's way to the chain and to verifiers. */
import { type Address, parseAddress } from "@holdfast/base";
import type { NetworkParams } from "@holdfast/consensus";
import type { Chain } from "./chain/index.ts";
import type { NodeParts } from "./compose.ts";
import type { Sender } from "./mempool/index.ts";
import type { NodeConfig } from "./repo/index.ts";
import { type IdleNetworkNeeds, openIdleNetwork, openVerifier, type Verifier } from "./verifier/index.ts";

export type { Verifier as IdleVerifierService } from "./verifier/index.ts";

/** A node that verifies idle space. */
export interface VerifierService {
  /** Signs what it says; undefined: the wallet's default address. */
  readonly account: Address | undefined;
}

/** Errors: `verifier/not-ours`. */
export function openVerifierOf(
  { idleVerifier, wallet: signer, wire, clock, logger }: NodeParts,
  chain: Chain,
): Verifier | undefined {
  if (idleVerifier === undefined) return undefined;
  const account = idleVerifier.account ?? signer.payer();
  return openVerifier({ chain, wire, signer, account, clock, logger });
}

/** What the prover of a miner's idle space talks to. */
export function idleNetworkOf(
  { wire, clock, logger }: Pick<NodeParts, "wire" | "clock" | "logger">,
  { chain, sender }: { readonly chain: Chain; readonly sender: Sender },
  miner: Address,
) {
  const needs: IdleNetworkNeeds = { miner, chain, sender, wire, clock, logger };
  return openIdleNetwork(needs);
}

/** What the configuration says. */
export function verifierOf(
  { verifier: { serve, account } }: NodeConfig,
  options: { readonly verifier?: boolean },
  { networkByte: network }: NetworkParams,
): Pick<NodeParts, "idleVerifier"> {
  if (options.verifier !== true && !serve) return {};
  return { idleVerifier: { account: account === "" ? undefined : parseAddress(account, { network }) } };
}
