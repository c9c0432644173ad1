/**
 * Which nodes of which layers a seal proof of the era opened. The last layer has `count` challenges in each
 * partition, and each layer before it a share `taper` fewer, down to `taperLayers` layers; the count is the
 * smallest with which all partitions together reach a minimum. Challenges come from the replica id and
 * comm_r* alone (Fiat and Shamir), so a sealer could grind them.
 * Invariant: 64-bit float arithmetic in the order of the source; neither the first node nor the last is ever
 * challenged, since the first node of either direction has no parents.
 * Source: rust-fil-proofs 2019 (layered_drgporep, challenge_derivation; select_challenges of its API).
 */
import { blake2s256, concatBytes, littleEndian, readLittleEndian } from "@holdfast/base";
import { checkLength, checkNumber, zigzag2019Errors } from "./errors.ts";
import { eraNodeBytes } from "./tree.ts";

export interface Taper {
  readonly layers: number;
  /** The share of challenges that a layer loses against the next one. */
  readonly taper: number;
  readonly taperLayers: number;
}

export interface EraChallengeParams extends Taper {
  readonly partitions: number;
  /** The least number of challenges in all partitions and layers together. */
  readonly minimumChallenges: number;
}

/** The constants of its API, the same for its test sectors and its live ones. */
export const eraChallengeParams: EraChallengeParams = Object.freeze({
  layers: 4,
  taper: 1 / 3,
  taperLayers: 2,
  partitions: 2,
  minimumChallenges: 12,
});

/** Layers and partitions are hashed as single bytes. */
const maxByte = 255;

/** Throws zigzag2019/bad-number, zigzag2019/bad-taper. */
export function checkChallengeParams(params: EraChallengeParams): void {
  checkNumber("the number of layers", params.layers, 1, maxByte);
  checkNumber("the number of tapered layers", params.taperLayers, 0, maxByte);
  checkNumber("the number of partitions", params.partitions, 1, maxByte);
  checkNumber("the minimum of challenges", params.minimumChallenges, 0, 1_000_000);
  if (!(params.taper >= 0 && params.taper < 1)) throw zigzag2019Errors.badTaper({ taper: params.taper });
}

/** A power by repeated squaring, as the source's compiler makes it: other orders round differently. */
function integerPower(base: number, exponent: number): number {
  let result = 1;
  let square = base;
  for (let rest = exponent; ; ) {
    if (rest % 2 === 1) result *= square;
    rest = Math.floor(rest / 2);
    if (rest === 0) return result;
    square *= square;
  }
}

/** Challenges of each layer in one partition, first layer to last, when the last one has `count`. */
export function taperedChallenges({ layers, taper, taperLayers }: Taper, count: number): number[] {
  return Array.from({ length: layers }, (_none, layer) => {
    const tapered = Math.min(layers - 1 - layer, taperLayers);
    return Math.max(1, Math.ceil(integerPower(1 - taper, tapered) * count));
  });
}

/**
 * Challenges of each layer in one partition, with the smallest count that reaches the minimum. The defaults
 * give [1, 1, 2, 2]. Throws zigzag2019/bad-number, zigzag2019/bad-taper.
 */
export function selectChallenges(params: EraChallengeParams): number[] {
  checkChallengeParams(params);
  for (let count = 1; ; count += 1) {
    const challenges = taperedChallenges(params, count);
    const total = challenges.reduce((sum, one) => sum + one, 0);
    if (params.partitions * total >= params.minimumChallenges) return challenges;
  }
}

/**
 * The `count` challenged nodes of one layer (from 0) and one partition (from 0); a node may be there twice.
 * k partitions of n challenges ask the same nodes as one of k · n.
 * Throws zigzag2019/bad-length, zigzag2019/bad-number.
 */
export function deriveEraChallenges(
  { replicaId, commRStar }: { readonly replicaId: Uint8Array; readonly commRStar: Uint8Array },
  { nodes, layer, partition, count }: { nodes: number; layer: number; partition: number; count: number },
): number[] {
  checkLength("the replica id", replicaId, eraNodeBytes);
  checkLength("comm_r*", commRStar, eraNodeBytes);
  checkNumber("the number of nodes", nodes, 3, 2 ** 32);
  checkNumber("the layer", layer, 0, maxByte);
  checkNumber("the partition", partition, 0, maxByte);
  return Array.from({ length: count }, (_none, i) => {
    const index = littleEndian(count * partition + i, 4);
    const digest = blake2s256(concatBytes(replicaId, commRStar, Uint8Array.of(layer), index));
    return Number(readLittleEndian(digest) % BigInt(nodes - 2)) + 1;
  });
}
