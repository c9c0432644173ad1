/**
 * Challenges of a sector update ("SnapDeals", empty sector update): data that goes into a sealed sector that
 * held zeros is proven in partitions, each of which owns an equal part of the nodes. A Poseidon digest under
 * a tag of its own gives as many challenges as its 254 bits hold; the partition is their top bits.
 * Source: FIP-0019.
 */
import { assert } from "@holdfast/base";
import { frFromBytes } from "../field/index.ts";
import { exactLog2 } from "../merkle/index.ts";
import { poseidonHash } from "../poseidon/index.ts";
import { sdrErrors } from "./errors.ts";

/** The domain tag of "generate randomness". */
const randomnessTag = 1n << 40n;
const digestBits = 254;

/** By nodes: up to 8 KiB, up to 32 KiB, up to 16 MiB, larger. */
export function sdrUpdatePartitions(nodes: number): number {
  if (nodes <= 2 ** 8) return 1;
  if (nodes <= 2 ** 10) return 2;
  return nodes <= 2 ** 19 ? 4 : 16;
}

/** Challenges of one partition. */
export function sdrUpdateChallengeCount(nodes: number): number {
  return nodes <= 2 ** 19 ? 10 : 86;
}

/**
 * The challenged nodes of one partition, in order and with repetitions. `commRNew`: the commitment of the
 * updated replica. Throws sdr/bad-partition, field/bad-length, field/not-canonical.
 */
export function sdrUpdateChallenges(
  nodes: number,
  commRNew: Uint8Array,
  partition: number,
): readonly number[] {
  const partitions = sdrUpdatePartitions(nodes);
  if (!Number.isInteger(partition) || partition < 0 || partition >= partitions) {
    throw sdrErrors.badPartition({ partition, count: partitions });
  }
  const bits = exactLog2(nodes / partitions);
  assert(bits !== undefined && bits > 0, "a sector has a power of two of nodes");
  const perDigest = Math.floor(digestBits / bits);
  const count = sdrUpdateChallengeCount(nodes);
  const firstDigest = partition * Math.ceil(count / perDigest);
  const commitment = frFromBytes(commRNew);
  const digests = Array.from({ length: Math.ceil(count / perDigest) }, (_none, i) =>
    poseidonHash([commitment, BigInt(firstDigest + i)], randomnessTag),
  );
  const start = partition * (nodes / partitions);
  return Array.from({ length: count }, (_none, i) => {
    const digest = digests[Math.floor(i / perDigest)] ?? 0n;
    return start + Number(BigInt.asUintN(bits, digest >> BigInt(bits * (i % perDigest))));
  });
}
