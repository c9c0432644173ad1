/**
 * What a proof of retrievability is asked, and what an answer is worth.
 *
 * The challenged leaves follow from the piece's commitment and size, the asker's seed and the asker's context, so
 * that an answer serves one question only. They are distinct, uniform over the leaves that hold user bytes (the
 * zero fill behind them is known to everybody and asking for it would prove nothing), and chosen after the seed is
 * known: the seed must be unpredictable to the prover.
 *
 * A prover that lacks m of n leaves passes q distinct challenges with probability C(n−m, q) / C(n, q), at most
 * (1 − m/n)^q. So the proof shows that nearly all leaves are there; that the whole file comes back needs an erasure
 * code that mends the rest, or the file's commitment checked at retrieval.
 * Source: Filecoin specs, proof of retrievability (Merkle inclusion); Juels and Kaliski 2007.
 */
import { bigEndian, concatBytes, sha256, utf8Bytes } from "@holdfast/base";
import { paddedLength } from "../fr32/index.ts";
import { challengedNodes } from "../graph/index.ts";
import { nodeBytes } from "../merkle/index.ts";
import { isPieceCommitment, paddedPieceBytes } from "../piece/index.ts";

export interface PorRequest {
  /** commP: 32 bytes. */
  readonly commitment: Uint8Array;
  /** Bytes of the data, from 1; with its zero fill it has at most 2^36 padded bytes. */
  readonly userBytes: number;
  /** How many leaves are asked, from 1 to 2^16; all of them if the data has fewer. */
  readonly challenges: number;
  /** 32 bytes that the prover could not know. */
  readonly seed: Uint8Array;
  /** Who asks whom and why, in whatever encoding the askers agree on; at most 1,024 bytes. */
  readonly context: Uint8Array;
}

const domain = utf8Bytes("holdfast proof of retrievability 1\n");
const seedBytes = 32;
const maxPaddedBytes = 2 ** 36;
const maxChallenges = 2 ** 16;
const maxContextBytes = 1024;

/** What is wrong with a request, or `undefined`. */
export function requestFlaw(
  request: PorRequest,
): { what: string; found: number; allowed: string } | undefined {
  const { commitment, userBytes, challenges, seed, context } = request;
  const isSize = Number.isSafeInteger(userBytes) && userBytes >= 1;
  if (!isSize || paddedPieceBytes(userBytes) > maxPaddedBytes) {
    return { what: "a size in bytes of", found: userBytes, allowed: "1 to 2^36 with padding" };
  }
  if (!isPieceCommitment(commitment)) {
    return { what: "a commitment with bytes", found: commitment.length, allowed: "32, two top bits zero" };
  }
  if (!Number.isInteger(challenges) || challenges < 1 || challenges > maxChallenges) {
    return { what: "a number of challenges of", found: challenges, allowed: `1 to ${maxChallenges}` };
  }
  if (seed.length !== seedBytes) {
    return { what: "a seed with bytes", found: seed.length, allowed: `${seedBytes}` };
  }
  if (context.length > maxContextBytes) {
    return { what: "a context with bytes", found: context.length, allowed: `at most ${maxContextBytes}` };
  }
  return undefined;
}

/** Leaves of the piece's tree, a power of two. */
export function treeLeaves({ userBytes }: Pick<PorRequest, "userBytes">): number {
  return paddedPieceBytes(userBytes) / nodeBytes;
}

/** The challenged leaves, ascending. The request has no flaw. */
export function porChallenges(request: PorRequest): readonly number[] {
  const { commitment, userBytes, challenges, seed, context } = request;
  const size = concatBytes(bigEndian(userBytes, 8), bigEndian(challenges, 4));
  const key = sha256(concatBytes(domain, commitment, size, seed, context));
  return challengedNodes(key, challenges, paddedLength(userBytes) / nodeBytes);
}

/**
 * The probability that a prover is caught that lacks `lost` of `leaves` leaves and is asked `challenges` distinct
 * ones: 1 − C(leaves − lost, challenges) / C(leaves, challenges).
 */
export function detectionProbability(leaves: number, lost: number, challenges: number): number {
  let missed = 1;
  for (let asked = 0; asked < Math.min(challenges, leaves); asked += 1) {
    missed *= Math.max(0, (leaves - lost - asked) / (leaves - asked));
  }
  return 1 - missed;
}

/**
 * Challenges that a prover who lacks the share `lostRatio` (between 0 and 1) passes with at most
 * `missProbability`, whatever the size of the data: ⌈ln missProbability / ln (1 − lostRatio)⌉.
 */
export function challengesFor(lostRatio: number, missProbability: number): number {
  return Math.ceil(Math.log(missProbability) / Math.log1p(-lostRatio));
}
