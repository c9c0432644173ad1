/**
 * Challenged nodes of SDR seal proofs. All forms take a hash as a little-endian number modulo n − 1, plus 1:
 * node 0 is never challenged, and a node may be challenged twice. Interactive challenges come from chain
 * randomness that is drawn after the commitment is on the chain; non-interactive ones from the commitment
 * itself, which a prover can grind, so there are many more of them.
 * Source: Filecoin specs, SDR; FIP-0090 and FIP-0092 (non-interactive).
 */
import { concatBytes, littleEndian, sha256, utf8Bytes } from "@holdfast/base";
import type { SealChallenges } from "../porep/index.ts";
import type { SdrProfile } from "./params.ts";

/** The node that 32 bytes challenge: their little-endian number mod (nodes − 1), plus 1. */
export function challengedNode(bytes: Uint8Array, nodes: number): number {
  const modulus = nodes - 1;
  const rest = bytes.reduceRight((sum, byte) => (sum * 256 + byte) % modulus, 0);
  return rest + 1;
}

function draw(prefix: Uint8Array, nodes: number, first: number, count: number): readonly number[] {
  return Array.from({ length: count }, (_none, i) =>
    challengedNode(sha256(concatBytes(prefix, littleEndian(first + i, 4))), nodes),
  );
}

/**
 * Interactive challenges number `first` … `first + count − 1`, in order and with repetitions. Partition k of
 * m challenges each starts at k · m. `replicaId`, `seed`: 32 bytes.
 */
export function sdrChallenges(
  nodes: number,
  replicaId: Uint8Array,
  seed: Uint8Array,
  count: number,
  first = 0,
): readonly number[] {
  return draw(concatBytes(replicaId, seed), nodes, first, count);
}

const nonInteractiveTag = utf8Bytes("filecoin.io|PoRep|1|NonInteractive|1");

/** Non-interactive challenges, counted as in `sdrChallenges`. `replicaId`, `commR`: 32 bytes. */
export function sdrNonInteractiveChallenges(
  nodes: number,
  replicaId: Uint8Array,
  commR: Uint8Array,
  count: number,
  first = 0,
): readonly number[] {
  return draw(concatBytes(nonInteractiveTag, replicaId, commR), nodes, first, count);
}

/**
 * The challenges of our seal proofs: Filecoin's interactive ones, as many as the row says, in one list. They
 * do not depend on commR*: the chain draws `seed` after the commitment.
 */
export function pollSdr(
  profile: Pick<SdrProfile, "nodes" | "sealChallenges">,
  replicaId: Uint8Array,
  _commRStar: Uint8Array,
  seed: Uint8Array,
): SealChallenges {
  return [sdrChallenges(profile.nodes, replicaId, seed, profile.sealChallenges[0] ?? 0)];
}
