/** A proof file is read, its statement is checked by the verifier of its kind, and what was checked is said. */
import { addressFromBytes, fromHex, sectorId } from "@holdfast/base";
import { findProfile, type Porep, porepOf, type SectorProfile } from "@holdfast/proofs";
import { installProofKernels } from "../proof-kernels.ts";
import { checkAggregate } from "./aggregate.ts";
import { offlineErrors } from "./errors.ts";
import { checkInclusion, commPOfCid } from "./inclusion.ts";
import { type ProofFile, readProofFile, type SealFile } from "./proof-file.ts";

export interface CheckedProof {
  readonly file: ProofFile;
  /** What was checked, in words. */
  readonly checks: readonly string[];
  /** What a reader should know besides. */
  readonly notes: readonly string[];
}

/** Errors `proof/bad-file`, `proof/file-too-large`, `proof/invalid`. */
export async function checkProofFile(bytes: Uint8Array): Promise<CheckedProof> {
  const file = readProofFile(bytes);
  if (file.kind === "seal") await installProofKernels();
  if (file.kind === "seal") return { file, ...checkSeal(file) };
  checkCid(file);
  const checks = file.kind === "piece-inclusion" ? checkInclusion(file) : checkAggregate(file);
  return { file, checks: [...checks, "the piece CID is that of commP"], notes: [] };
}

function checkCid({ pieceCid, commP }: { readonly pieceCid: string; readonly commP: string }): void {
  if (commPOfCid(pieceCid) === commP) return;
  throw offlineErrors.invalid({ what: "the piece CID is not that of commP" });
}

function checkSeal(file: SealFile): Omit<CheckedProof, "file"> {
  const profile = findProfile(file.profile);
  if (profile === undefined || profile.sectorBytes !== file.sectorBytes) {
    throw offlineErrors.badFile({
      problem: `there is no row ${file.profile} for sectors of ${file.sectorBytes} bytes`,
    });
  }
  const porep = porepOf(profile);
  const [seed, commR, commRStar, proof] = [file.seed, file.commR, file.commRStar, file.proof].map(
    fromHex,
  ) as [Uint8Array, Uint8Array, Uint8Array, Uint8Array];
  if (!porep.verify(profile, identityOf(file), { commR, commRStar }, seed, proof)) {
    throw offlineErrors.invalid({ what: "it does not show that this sector was sealed as it says" });
  }
  const notes = profile.productionSafe ? [] : ["sectors of this size are for devnets and tests"];
  return { checks: sealChecks(profile, porep), notes };
}

/** Errors `address/…`. */
function identityOf(file: SealFile) {
  return {
    networkId: fromHex(file.networkId),
    miner: addressFromBytes(fromHex(file.proverId)),
    sectorId: sectorId(file.sectorId),
    ticket: fromHex(file.ticket),
    commD: fromHex(file.commD),
  };
}

function sealChecks(profile: SectorProfile, { kind }: Porep<unknown>): readonly string[] {
  const challenges = profile.sealChallenges.reduce((sum, count) => sum + count, 0);
  return [
    "the replica id binds network, miner, sector, ticket and commD",
    "commR* binds the replica id and the root of every layer",
    "the challenges follow from commR* and the seed, the parents from the graph",
    `${challenges} challenged nodes in ${profile.layers} layers are encoded as ${kind} says, each opened under its root`,
  ];
}
