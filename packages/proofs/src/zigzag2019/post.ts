/**
 * The VDF proof of spacetime of the era: openings of challenged leaves, epoch after epoch, where the next
 * epoch's challenges depend on a delay function of the leaves that were opened before. One round of sloth
 * under a constant key is no delay worth the name; and only the first of the sectors is ever asked.
 * The verifier makes the checks that the era's lacked, each by its name: it stopped before the last epoch,
 * mixed with outputs that it never compared with the delay's, and took fewer openings than challenges.
 * Source: rust-fil-proofs of May 2019 (vdf_post, porc, vdf_sloth).
 */
import { concatBytes, equalBytes, toHex } from "@holdfast/base";
import { frFromBytes, frToBytes } from "../field/index.ts";
import { slothDecode, slothEncode } from "./encoding.ts";
import { zigzag2019Errors } from "./errors.ts";
import { fieldOf, isElement, isEraProof, isListOf, isWhole } from "./form.ts";
import { pedersenEraHasher } from "./hashers.ts";
import { type EraPostParams, EraPostStream } from "./post-challenges.ts";
import {
  type EraMerkleProof,
  type EraTree,
  eraNodeBytes,
  eraProofHolds,
  eraTreeHeight,
  openEraTree,
} from "./tree.ts";

export interface EraPostStatement {
  readonly params: EraPostParams;
  /** comm_r of each sector. */
  readonly commitments: readonly Uint8Array[];
  /** A field element: see `eraPostSeed`. */
  readonly seed: Uint8Array;
}

export interface EraPostProof {
  /** The openings of each epoch. */
  readonly openings: readonly (readonly EraMerkleProof[])[];
  /** Outputs of the delay function after each epoch but the last, as the next epoch mixes them in. */
  readonly ys: readonly Uint8Array[];
  /** The same outputs, as the delay function's proofs. */
  readonly vdfProofs: readonly Uint8Array[];
  /** Challenged leaves and sectors of each epoch. */
  readonly challenges: readonly (readonly number[])[];
  readonly challengedSectors: readonly (readonly number[])[];
}

/** Input of the delay function: the hash of the opened leaves. */
function vdfInput(openings: readonly EraMerkleProof[]): bigint {
  return frFromBytes(pedersenEraHasher.hash(concatBytes(...openings.map(({ leaf }) => leaf))));
}

function checkCount(what: string, count: number, expected: number): void {
  if (count !== expected) throw zigzag2019Errors.malformedInput({ what, count, expected });
}

/**
 * Opens challenged leaves of sectors ("proof of retrievable commitments").
 * Throws zigzag2019/malformed-input, zigzag2019/invalid-commitment, zigzag2019/bad-index.
 */
export function provePorc(
  commitments: readonly Uint8Array[],
  trees: readonly EraTree[],
  leaves: readonly number[],
  sectors: readonly number[],
): EraMerkleProof[] {
  checkCount("commitments", commitments.length, trees.length);
  checkCount("challenged sectors", sectors.length, leaves.length);
  return leaves.map((leaf, i) => {
    const sector = sectors[i] ?? 0;
    const tree = trees[sector];
    const commitment = commitments[sector];
    if (tree === undefined || commitment === undefined) {
      throw zigzag2019Errors.badIndex({ index: sector, leafCount: trees.length });
    }
    if (!equalBytes(tree.root, commitment)) {
      const data = { sector, expected: toHex(commitment), found: toHex(tree.root) };
      throw zigzag2019Errors.invalidCommitment(data);
    }
    return openEraTree(tree, leaf);
  });
}

/** Whether these are the openings of the challenges, one for each. Bad bytes are `false`. */
export function verifyPorc(
  commitments: readonly Uint8Array[],
  leafCount: number,
  leaves: readonly number[],
  sectors: readonly number[],
  openings: readonly EraMerkleProof[],
): boolean {
  return (
    isListOf(openings, isEraProof, leaves.length) &&
    porcHolds(commitments, leafCount, leaves, sectors, openings)
  );
}

/** Compares as many openings as there are. */
function porcHolds(
  commitments: readonly Uint8Array[],
  leafCount: number,
  leaves: readonly number[],
  sectors: readonly number[],
  openings: readonly EraMerkleProof[],
): boolean {
  return openings.slice(0, leaves.length).every((opening, i) => {
    const commitment = commitments[sectors[i] ?? 0];
    return (
      commitment !== undefined &&
      equalBytes(opening.root, commitment) &&
      opening.path.length === eraTreeHeight(leafCount) &&
      eraProofHolds(pedersenEraHasher, opening, leaves[i] ?? -1)
    );
  });
}

/**
 * Proves the trees of the sectors' replicas.
 * Throws zigzag2019/malformed-input, zigzag2019/invalid-commitment.
 */
export function proveEraPost(statement: EraPostStatement, trees: readonly EraTree[]): EraPostProof {
  const { params, commitments } = statement;
  checkCount("trees", trees.length, params.sectorsCount);
  checkCount("commitments", commitments.length, params.sectorsCount);
  const stream = new EraPostStream(params);
  const openings: EraMerkleProof[][] = [];
  const ys: Uint8Array[] = [];
  const challenges: (readonly number[])[] = [];
  const challengedSectors: (readonly number[])[] = [];
  let mix = statement.seed;
  for (let epoch = 0; epoch < params.epochs; epoch += 1) {
    const { leaves = [], sectors = [] } = stream.next(mix) ?? {};
    const opened = provePorc(commitments, trees, leaves, sectors);
    openings.push(opened);
    challenges.push(leaves);
    challengedSectors.push(sectors);
    if (epoch === params.epochs - 1) break;
    mix = frToBytes(slothEncode(params.slothKey, vdfInput(opened), params.slothRounds));
    ys.push(mix);
  }
  return { openings, ys, vdfProofs: ys.map((y) => y.slice()), challenges, challengedSectors };
}

export type EraPostCheck =
  | "vdf"
  | "openings"
  // What the era did not check:
  | "form"
  | "opening-count"
  | "outputs"
  | "last-epoch"
  | "stated-challenges";

/** The checks that the era's verifier did not make. */
export const eraPostOmissions: ReadonlySet<EraPostCheck> = new Set<EraPostCheck>([
  "form",
  "opening-count",
  "outputs",
  "last-epoch",
  "stated-challenges",
]);

function hasForm({ params, commitments, seed }: EraPostStatement, proof: unknown): boolean {
  const { epochs, sectorsCount } = params;
  // Two leaves are the least that the delay function's input can be hashed from.
  const isOpenings = (list: unknown): boolean =>
    isListOf(list, isEraProof) && (list as readonly unknown[]).length >= 2;
  const isIndices = (list: unknown): boolean => isListOf(list, isWhole);
  return (
    isElement(seed) &&
    isListOf(commitments, isElement, sectorsCount) &&
    isListOf(fieldOf(proof, "openings"), isOpenings, epochs) &&
    isListOf(fieldOf(proof, "ys"), isElement, epochs - 1) &&
    isListOf(fieldOf(proof, "vdfProofs"), isElement, epochs - 1) &&
    isListOf(fieldOf(proof, "challenges"), isIndices, epochs) &&
    isListOf(fieldOf(proof, "challengedSectors"), isIndices, epochs)
  );
}

const sameNumbers = (a: readonly number[] | undefined, b: readonly number[]): boolean =>
  a?.length === b.length && a.every((value, i) => value === b[i]);

/**
 * Every check that the proof fails; none: it is valid. Never throws on a proof, whatever it is.
 * Throws zigzag2019/bad-sector-size, zigzag2019/bad-number for parameters of the verifier's own that are none.
 */
export function failedEraPostChecks(
  statement: EraPostStatement,
  proof: EraPostProof,
): ReadonlySet<EraPostCheck> {
  const { params, commitments, seed } = statement;
  const failed = new Set<EraPostCheck>();
  const stream = new EraPostStream(params);
  if (!hasForm(statement, proof)) return failed.add("form");
  const leafCount = params.sectorBytes / eraNodeBytes;
  let mix = seed;
  for (let epoch = 0; epoch < params.epochs; epoch += 1) {
    const last = epoch === params.epochs - 1;
    const { leaves = [], sectors = [] } = stream.next(mix) ?? {};
    const opened = proof.openings[epoch] ?? [];
    if (opened.length !== params.challengeCount) failed.add("opening-count");
    if (!porcHolds(commitments, leafCount, leaves, sectors, opened))
      failed.add(last ? "last-epoch" : "openings");
    const stated = [proof.challenges[epoch], proof.challengedSectors[epoch]] as const;
    if (!sameNumbers(stated[0], leaves) || !sameNumbers(stated[1], sectors)) failed.add("stated-challenges");
    if (last) break;
    const output = proof.vdfProofs[epoch] as Uint8Array;
    const decoded = slothDecode(params.slothKey, frFromBytes(output), params.slothRounds);
    if (decoded !== vdfInput(opened)) failed.add("vdf");
    mix = proof.ys[epoch] as Uint8Array;
    if (!equalBytes(mix, output)) failed.add("outputs");
  }
  return failed;
}

/** Whether the proof shows the statement. Bad bytes are `false`. */
export function verifyEraPost(statement: EraPostStatement, proof: EraPostProof): boolean {
  return failedEraPostChecks(statement, proof).size === 0;
}
