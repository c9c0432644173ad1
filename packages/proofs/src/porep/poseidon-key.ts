/**
 * The key of a node by Poseidon, over numbers: the definition that circuits follow, and that the key deriver
 * over bytes is tested against.
 */
import { assert, readLittleEndian, utf8Bytes } from "@holdfast/base";
import { poseidonHash } from "../poseidon/index.ts";
import { totalDegree } from "../profiles.ts";

/** The first input of the hash: what it is used for. */
export const zigzagKeyDomain = readLittleEndian(utf8Bytes("holdfast zigzag key 2"));

/**
 * Poseidon of arity 16 over [domain, replica id, header, 13 slots]: the values of the encoded parents in graph
 * order, then zeros. `header` is `keyHeader(layer, node, number of parents)`. All inputs are in [0, r).
 */
export function zigzagKeyPoseidon(replicaId: bigint, header: bigint, parents: readonly bigint[]): bigint {
  assert(parents.length <= totalDegree, "a node has at most 13 parents");
  const zeros = new Array<bigint>(totalDegree - parents.length).fill(0n);
  return poseidonHash([zigzagKeyDomain, replicaId, header, ...parents, ...zeros]);
}
