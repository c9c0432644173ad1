/**
 * The proof that a sector of the genesis is sealed. There is no chain yet whose randomness could come after the
 * commitment, so the challenges come out of the commitments themselves: who wants others must seal another replica. The
 * chain's own proofs of spacetime follow from the first deadline on.
 */
import type { Address, Codec, SectorId } from "@holdfast/base";
import { blake2b256, c, concatBytes, encode, utf8Bytes } from "@holdfast/base";
import type { SealStatement } from "@holdfast/proofs/verify";
import { networkIdOf, sectorIdentityOf } from "../actors/miner/identity.ts";
import type { NetworkParams } from "../types/params.ts";
import { type GenesisSector, genesisSectorTicket } from "./sector.ts";

type FoundedSector = Omit<GenesisSector, "expiration">;

const committedCodec: Codec<FoundedSector & { readonly networkId: Uint8Array; readonly miner: Address }> =
  c.tuple("FoundedSector", {
    networkId: c.fixedBytes(32),
    miner: c.address,
    sectorId: c.sectorId,
    sectorBytes: c.uint(),
    commD: c.fixedBytes(32),
    commR: c.fixedBytes(32),
    commRStar: c.fixedBytes(32),
  });

/** 32 bytes from which the challenges of a founder's seal proof are drawn. */
export function founderSealSeed(params: NetworkParams, miner: Address, sector: FoundedSector): Uint8Array {
  const { sectorId, sectorBytes, commD, commR, commRStar } = sector;
  const networkId = networkIdOf(params);
  const committed = { networkId, miner, sectorId, sectorBytes, commD, commR, commRStar };
  return blake2b256(concatBytes(utf8Bytes("holdfast founder seal 1\n"), encode(committedCodec, committed)));
}

export interface FounderSeal {
  readonly miner: Address;
  readonly sectorId: SectorId;
  readonly proof: Uint8Array;
}

/** So many founders with so many sectors each can prove them. */
export const maxFounderSeals: number = 1_000 * 256;
const sealDigestsCodec = c.list(
  c.tuple("FounderSeal", { miner: c.address, sectorId: c.sectorId, proofDigest: c.fixedBytes(32) }),
  maxFounderSeals,
);

/** 32 bytes for all proofs, in whatever order they are given: what the genesis block says of them. */
export function founderSealsDigest(seals: readonly FounderSeal[]): Uint8Array {
  const digests = seals
    .map(({ miner, sectorId, proof }) => ({ miner, sectorId, proofDigest: blake2b256(proof) }))
    .sort((a, b) => (a.miner === b.miner ? a.sectorId - b.sectorId : a.miner < b.miner ? -1 : 1));
  return blake2b256(concatBytes(utf8Bytes("holdfast founder seals 1\n"), encode(sealDigestsCodec, digests)));
}

/** What the proof of a founder's sector must show. */
export function founderSealStatement(
  params: NetworkParams,
  miner: Address,
  sector: FoundedSector,
  proof: Uint8Array,
): SealStatement {
  const { sectorBytes, commR, commRStar } = sector;
  return {
    classes: params.sectorClasses,
    sectorBytes,
    identity: sectorIdentityOf(params, miner, { ...sector, ticket: genesisSectorTicket }),
    commR,
    commRStar,
    seed: founderSealSeed(params, miner, sector),
    proof,
  };
}
