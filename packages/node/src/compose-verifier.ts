/** Idle space of one node: being a verifier of others, and a miner's way to the chain and to verifiers. */
import { type Address, accountAddress, parseAddress } from "@holdfast/base";
import type { NetworkParams } from "@holdfast/consensus";
import type { Attestation } from "./attestation/index.ts";
import type { Chain } from "./chain/index.ts";
import type { NodeParts } from "./compose.ts";
import type { Sender } from "./mempool/index.ts";
import type { NodeConfig } from "./repo/index.ts";
import {
  type IdleNetworkNeeds,
  openIdleNetwork,
  openVerifier,
  type Verifier,
  type VerifierKey,
} from "./verifier/index.ts";

export type { Verifier as IdleVerifierService } from "./verifier/index.ts";

/** A node that verifies idle space. */
export interface VerifierService {
  /** Its operator; undefined: the wallet's default address. */
  readonly account: Address | undefined;
}

/** Errors: `verifier/not-ours`. */
export function openVerifierOf(
  { idleVerifier, wallet: signer, wire, clock, logger, attestation }: NodeParts,
  { chain, sender }: { readonly chain: Chain; readonly sender: Sender },
): Verifier | undefined {
  if (idleVerifier === undefined) return undefined;
  const account = idleVerifier.account ?? signer.payer();
  const attest = attestation && (async () => keyOf(await attestation(chain), chain, wire.self));
  const given = attest === undefined ? {} : { attest };
  return openVerifier({ chain, wire, signer, sender, account, clock, logger, ...given });
}

/** The sealed key of a verifier, and evidence that is bound to it. */
async function keyOf(attestation: Attestation, chain: Chain, peerId: string): Promise<VerifierKey> {
  const use = "idle-verifier" as const;
  const { kind, program } = attestation;
  const { publicKey, sign, boundTo } = await attestation.identity(use);
  const address = accountAddress(chain.params.networkByte, publicKey);
  return {
    ...{ kind, program, address, publicKey, boundTo, sign },
    async evidence(bound) {
      const identity = { use, networkId: chain.networkId, nodeKey: publicKey, peerId, ...bound };
      return (await attestation.attest(identity)).evidence;
    },
  };
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
