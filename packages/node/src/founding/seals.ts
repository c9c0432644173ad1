/**
 * Proofs that founders' sectors are sealed. Where the draft asks for them (`foundersProven`), the genesis commits to
 * one for every sector, and each verifies; where it does not, there is none, and whoever reads the file is told so. A
 * network whose money has a value cannot do without.
 */
import { type Address, equalBytes, MemoryBlockstore, sectorId } from "@holdfast/base";
import {
  type FounderSeal,
  founderSealSeed,
  founderSealStatement,
  founderSealsDigest,
  type GenesisSector,
  listMiners,
  type NetworkParams,
  readNetworkParams,
  readSectors,
} from "@holdfast/consensus";
import { createProver, type SealedReplica, type SectorIdentity } from "@holdfast/proofs";
import { createVerifier } from "@holdfast/proofs/verify";
import { loadGenesis } from "../genesis.ts";
import { limits } from "../limits.ts";
import { foundingErrors } from "./errors.ts";
import type { NetworkFile } from "./network-file.ts";

const longest = (params: NetworkParams): number => Math.min(params.maxMessageBytes, limits.founderSealBytes);

/** Base64. Errors: `proofs/no-parameters`, `proofs/wrong-proof`, `network/seal-not-proven` if it is too long. */
export async function proveFounderSector(
  params: NetworkParams,
  { identity, sealed }: { readonly identity: SectorIdentity; readonly sealed: SealedReplica },
  sectorBytes: number,
): Promise<string> {
  const { miner, sectorId: id, commD } = identity;
  const { commR, commRStar, aux } = sealed;
  const sector = { sectorId: sectorId(id), sectorBytes, commD, commR, commRStar };
  const proof = await createProver().proveSeal({
    ...{ classes: params.sectorClasses, sectorBytes, identity, aux, commR, commRStar },
    seed: founderSealSeed(params, miner, sector),
  });
  if (proof.length > longest(params)) {
    const problem = `its proof has ${proof.length} bytes, and the chain takes ${longest(params)}`;
    throw foundingErrors.sealNotProven({ miner, sectorId: id, problem });
  }
  return Buffer.from(proof).toString("base64");
}

/** Errors: `network/seal-not-proven`. */
export function checkFounderSeal(
  params: NetworkParams,
  miner: Address,
  sector: Omit<GenesisSector, "expiration">,
  base64: string | undefined,
): void {
  const problem = sealProblem(params, miner, sector, base64);
  if (problem === undefined) return;
  throw foundingErrors.sealNotProven({ miner, sectorId: sector.sectorId, problem });
}

function sealProblem(
  params: NetworkParams,
  miner: Address,
  sector: Omit<GenesisSector, "expiration">,
  base64: string | undefined,
): string | undefined {
  if (base64 === undefined) return "there is no proof of its seal";
  const proof = bytesOf(base64);
  if (proof.length > longest(params)) return `its proof has ${proof.length} bytes`;
  const statement = founderSealStatement(params, miner, sector, proof);
  return createVerifier().verifySeal(statement) ? undefined : "the proof of its seal does not verify";
}

/** What the genesis block says of the proofs. */
export const digestOf = (seals: NetworkFile["seals"]): Uint8Array =>
  founderSealsDigest(
    seals.map(
      ({ miner, sectorId: id, proof }): FounderSeal => ({
        miner: miner as Address,
        sectorId: sectorId(id),
        proof: bytesOf(proof),
      }),
    ),
  );

const bytesOf = (base64: string): Uint8Array => new Uint8Array(Buffer.from(base64, "base64"));

/**
 * How many sectors the genesis has, and how many of them the file proves: all or none. Errors:
 * `network/seal-not-proven`, `network/contradiction`.
 */
export async function checkSeals(
  file: string,
  { car, seals }: Pick<NetworkFile, "car" | "seals">,
): Promise<{ readonly sectors: number; readonly proven: number }> {
  const store = new MemoryBlockstore();
  const { stateRoot, block } = await loadGenesis(car, store);
  const params = readNetworkParams(store, stateRoot);
  const sectors = listMiners(store, stateRoot).flatMap((miner) =>
    readSectors(store, stateRoot, miner).map((sector) => ({ miner, sector })),
  );
  const digest = block.header.winningPost;
  if (digest.length === 0 && params.networkByte === 1) {
    if (seals.length === 0) return { sectors: sectors.length, proven: 0 };
    throw foundingErrors.contradiction({ file, field: "seals", said: `${seals.length}`, found: "none" });
  }
  const given = new Map(seals.map(({ miner, sectorId: id, proof }) => [`${miner}/${id}`, proof]));
  for (const { miner, sector } of sectors) {
    checkFounderSeal(params, miner, sector, given.get(`${miner}/${sector.sectorId}`));
  }
  // Every sector has one; what is left over, or another proof than the founder gave, is not what was agreed on.
  if (seals.length !== sectors.length || !equalBytes(digestOf(seals), digest)) {
    const found = "the digest of others";
    throw foundingErrors.contradiction({ file, field: "seals", said: `${seals.length} proofs`, found });
  }
  return { sectors: sectors.length, proven: sectors.length };
}
