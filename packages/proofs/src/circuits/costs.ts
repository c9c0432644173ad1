/**
 * What the circuits cost, by part, beside what the originals cost. Ours are counted by running the synthesis;
 * those of rust-fil-proofs are figures from its tests, and formulas that reproduce them.
 */
import { assert } from "@holdfast/base";
import { indexBits } from "../gadgets/index.ts";
import { type Circuit, type CircuitSize, sizeOf } from "../r1cs/index.ts";
import { type PostShape, postCircuit } from "./post.ts";
import { type SdrCircuitShape, sdrSealCircuit } from "./sdr-seal.ts";
import { type SealShape, zigzagSealCircuit } from "./zigzag-seal.ts";

export type CircuitChoice =
  | { readonly kind: "zigzag-seal"; readonly shape: SealShape }
  | { readonly kind: "post"; readonly shape: PostShape }
  | { readonly kind: "sdr-seal"; readonly shape: SdrCircuitShape };

export interface CircuitCosts {
  /** The circuit's id. */
  readonly id: string;
  readonly constraints: number;
  readonly publicInputs: number;
  /** With the one that is always 1. */
  readonly variables: number;
  /** Points of Groth16's domain: the power of two above constraints + public inputs + 1. */
  readonly domain: number;
  /** Largest first; they sum up to `constraints`. */
  readonly parts: readonly { readonly part: string; readonly constraints: number }[];
  readonly originals: readonly OriginalCost[];
}

/** What another implementation needs for the same or a comparable statement. */
export interface OriginalCost {
  readonly what: string;
  readonly constraints: number;
  readonly source: string;
}

const era = "rust-fil-proofs, spring of 2019";
const today = "rust-fil-proofs 19";

/** A path of `height` levels in a binary tree of Pedersen hashes, root private. */
const pedersenPath = (height: number): number => 1382 * height + 2;
/** One challenge of a ZigZag layer with 13 parents, without binding the encoding. */
const zigzagChallenge = (height: number): number => 20_730 * height + 152_693;
const zigzagLayer = 257;
/** BLAKE2s over so many blocks of 64 bytes. */
const blake2s = (blocks: number): number => 21_006 + 21_390 * (blocks - 1);
/** Replica id and 13 parents of 32 bytes. */
const zigzagKeyBlocks = 7;

/** Counts of single circuits from the originals' tests, with the shapes that they belong to. */
export const originalFigures = {
  /** 64 nodes in a tree of arity 8; the roots are opened from commR by one more hash per sector. */
  fallbackPost: { nodes: 64, sectors: 3, challenges: 5, constraints: 16_869 },
  /** One base tree of 8 nodes, 2 layers, one challenge. */
  sdrSeal: { nodes: 8, layers: 2, challenges: 1, constraints: 1_199_620 },
} as const;

function originalsOf(choice: CircuitChoice): OriginalCost[] {
  const height = indexBits(choice.shape.nodes);
  switch (choice.kind) {
    case "zigzag-seal": {
      const count = choice.shape.challengesPerProof;
      return [
        {
          what: `ZigZag, one layer, challenges: ${count}; the encoding is not bound to the openings`,
          constraints: count * zigzagChallenge(height) + zigzagLayer,
          source: era,
        },
        { what: "of these BLAKE2s", constraints: count * blake2s(zigzagKeyBlocks), source: era },
      ];
    }
    case "post": {
      const { sectorsPerProof, challengesPerSector } = choice.shape;
      const count = sectorsPerProof * challengesPerSector;
      const { fallbackPost } = originalFigures;
      return [
        {
          what: `as many paths (${count}) in Pedersen trees`,
          constraints: count * pedersenPath(height),
          source: era,
        },
        {
          what: `fallback PoSt, ${fallbackPost.sectors} sectors × ${fallbackPost.challenges}, 64 nodes each`,
          constraints: fallbackPost.constraints,
          source: `${today}, fallback_circuit`,
        },
      ];
    }
    case "sdr-seal":
      return [
        {
          what: "SDR, 8 nodes, 2 layers, 1 challenge",
          constraints: originalFigures.sdrSeal.constraints,
          source: `${today}, stacked_circuit, tree 8-0-0`,
        },
      ];
  }
}

/** Any circuit of a choice. */
function circuitOfChoice(choice: CircuitChoice): Circuit<never> {
  switch (choice.kind) {
    case "zigzag-seal":
      return zigzagSealCircuit(choice.shape);
    case "post":
      return postCircuit(choice.shape);
    case "sdr-seal":
      return sdrSealCircuit(choice.shape);
  }
}

/** Constraints by part, largest first. */
export function costsByPart({ parts, constraintCount }: CircuitSize): CircuitCosts["parts"] {
  const totals = new Map<string, number>();
  parts.forEach(({ first, part }, i) => {
    const end = parts[i + 1]?.first ?? constraintCount;
    totals.set(part, (totals.get(part) ?? 0) + end - first);
  });
  return [...totals].map(([part, constraints]) => ({ part, constraints })).sort(largestFirst);
}

const largestFirst = (a: { constraints: number }, b: { constraints: number }): number =>
  b.constraints - a.constraints;

/** Counts a circuit without building it: milliseconds for our circuits, seconds for SDR's millions. */
export function circuitCosts(choice: CircuitChoice): CircuitCosts {
  const circuit = circuitOfChoice(choice);
  const size = sizeOf(circuit);
  const needed = size.constraintCount + size.publicCount + 1;
  const parts = costsByPart(size);
  const total = parts.reduce((sum, { constraints }) => sum + constraints, 0);
  assert(total === size.constraintCount, "parts sum up to the whole");
  return {
    id: circuit.id,
    constraints: size.constraintCount,
    publicInputs: size.publicCount,
    variables: size.variableCount,
    domain: 2 ** Math.ceil(Math.log2(needed)),
    parts,
    originals: originalsOf(choice),
  };
}
