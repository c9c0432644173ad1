/**
 * How many SNARKs a proof in the groth16 form holds, and how many public inputs they have, so that it can be
 * paid for before it is verified. Both follow from the network's classes and from what is proven, never from
 * the bytes of the proof. Invariant: these are the counts of the circuits' public inputs.
 */
import { findResolved, type ResolvedClass } from "@holdfast/proofs/verify";
import type { NetworkParams } from "../../types/params.ts";
import type { ProofWork } from "../../vm/gas.ts";

/** Bits of indices that one field element carries. */
const packedBits = 253;
/** Bits beside the indices in a seal challenge: whether it is of the first layer, and which parents there are. */
const flagBits = 14;
/** The challenged node and its thirteen parents. */
const indicesPerSealChallenge = 14;
/** Roots before and after, the plain node and the header. */
const rootsPerSealChallenge = 4;

type Classes = Pick<NetworkParams, "sectorClasses">;

function groth16ClassOf({ sectorClasses }: Classes, sectorBytes: number): ResolvedClass | undefined {
  const found = findResolved(sectorClasses, sectorBytes);
  return found?.sectorClass.proofMode === "groth16" ? found : undefined;
}

/** The SNARKs in one proof: how many, and their public inputs in all. */
export type SnarkWork = Required<Pick<ProofWork, "snarks" | "publicInputs">>;

const none: SnarkWork = { snarks: 0, publicInputs: 0 };

/** The SNARKs of a seal proof for a sector of this size (padded bytes); none in the vanilla form. */
export function sealSnarks(params: Classes, sectorBytes: number): SnarkWork {
  const found = groth16ClassOf(params, sectorBytes);
  if (found === undefined) return none;
  const { sealChallenges, challengesPerProof, nodes } = found.profile;
  const challenges = sealChallenges.reduce((sum, count) => sum + count, 0);
  const snarks = Math.ceil(challenges / challengesPerProof);
  const indexBits = indicesPerSealChallenge * Math.log2(nodes);
  const perChallenge = rootsPerSealChallenge + Math.ceil((flagBits + indexBits) / packedBits);
  return { snarks, publicInputs: snarks * (1 + challengesPerProof * perChallenge) };
}

/** The SNARKs of a window proof over these sectors: each class by itself. */
export function windowPostSnarks(
  params: Classes,
  sectors: readonly { readonly sectorBytes: number }[],
): SnarkWork {
  let { snarks, publicInputs } = none;
  for (const sectorBytes of new Set(sectors.map((sector) => sector.sectorBytes))) {
    const found = groth16ClassOf(params, sectorBytes);
    if (found === undefined) continue;
    const { windowChallenges, sectorsPerProof, nodes } = found.profile;
    const count = sectors.filter((sector) => sector.sectorBytes === sectorBytes).length;
    const proofs = Math.ceil(count / sectorsPerProof);
    const perSector = 1 + Math.ceil((windowChallenges * Math.log2(nodes)) / packedBits);
    snarks += proofs;
    publicInputs += proofs * sectorsPerProof * perSector;
  }
  return { snarks, publicInputs };
}
