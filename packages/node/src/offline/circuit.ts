/** What the circuits of a sector size cost, on a thread of its own: SDR's millions take seconds to count. */
import type { Json } from "@holdfast/base";
import {
  type CircuitChoice,
  type CircuitCosts,
  type CircuitUse,
  circuitCosts,
  postShapeOf,
  type SectorProfile,
  sdrCircuitDegrees,
  sealShapeOf,
  sectorProfiles,
  unknownSize,
} from "@holdfast/proofs";

export interface CircuitRequest {
  readonly kind: CircuitKind;
  /** Padded bytes. */
  readonly sectorBytes: number;
  readonly uses: readonly CircuitUse[];
  /** Challenges in one seal proof, if not those of the row. */
  readonly challenges?: number;
}

/** Rows of the table of sector sizes that have circuits, by their keys. */
export type CircuitKind = "zigzag" | "zigzag-blake2s" | "sdr";

export interface CountedCircuit extends CircuitCosts {
  readonly use: CircuitUse;
  /** The row that the shape comes from. */
  readonly profile: string;
}

const derivations = { zigzag: "poseidon", "zigzag-blake2s": "blake2s", sdr: "sha256" } as const;

/** Error `proofs/unknown-sector-size`. */
export async function work(
  { kind, sectorBytes, uses, challenges }: CircuitRequest,
  report: (doneRatio: Json) => void,
): Promise<readonly CountedCircuit[]> {
  const rows = sectorProfiles.filter((row) => row.keyDerivation === derivations[kind]);
  const row = rows.find((one) => one.sectorBytes === sectorBytes);
  if (row === undefined) throw unknownSize(sectorBytes, rows);
  const profile = challenges === undefined ? row : { ...row, challengesPerProof: challenges };
  return uses.map((use, index) => {
    report(index / uses.length);
    return { use, profile: row.id, ...circuitCosts(choiceOf(profile, use)) };
  });
}

function choiceOf(profile: SectorProfile, use: CircuitUse): CircuitChoice {
  if (use !== "seal") return { kind: "post", shape: postShapeOf(profile, use) };
  if (profile.kind !== "sdr") return { kind: "zigzag-seal", shape: sealShapeOf(profile) };
  const { nodes, layers, challengesPerProof } = profile;
  return { kind: "sdr-seal", shape: { nodes, layers, challengesPerProof, ...sdrCircuitDegrees } };
}
