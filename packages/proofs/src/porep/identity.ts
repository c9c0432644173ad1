/**
 * What a replica is bound to: the network, the miner, the sector, a ticket of the chain, the data and the
 * profile. Change one of them and every byte of the replica changes, so no replica serves two purposes and
 * none can be made before the ticket exists.
 * Source: Filecoin specs, replica id; extended by network and profile.
 */
import {
  type Address,
  addressBytes,
  bigEndian,
  concatBytes,
  type SectorId,
  sha256,
  utf8Bytes,
} from "@holdfast/base";
import { proofsErrors } from "../errors.ts";
import { type Commitment, nodeBytes } from "../merkle/index.ts";
import type { SectorProfile } from "../profiles.ts";

export interface SectorIdentity {
  /** 32 bytes that name the network. */
  readonly networkId: Uint8Array;
  readonly miner: Address;
  readonly sectorId: SectorId;
  /** 32 bytes of chain randomness from before sealing. */
  readonly ticket: Uint8Array;
  /** Root of the sector's data tree. */
  readonly commD: Commitment;
}

/** Clears the two bits above 2^254, which makes any 32 bytes a field element. */
export const topByteMask = 0x3f;

const domain = utf8Bytes("holdfast replica id 1\n");

/** Throws proofs/bad-length. */
export function checkIdentity({ networkId, ticket, commD }: SectorIdentity): void {
  for (const [what, part] of Object.entries({ networkId, ticket, commD })) {
    if (part.length === nodeBytes) continue;
    throw proofsErrors.badLength({ what, length: part.length, expected: nodeBytes });
  }
}

/**
 * The replica id: a field element of 32 bytes. Every part but the profile's id has a fixed length and that
 * one comes last, so two identities never give the same input. Throws proofs/bad-length.
 */
export function replicaIdOf(profile: Pick<SectorProfile, "id">, identity: SectorIdentity): Uint8Array {
  const { networkId, miner, sectorId, ticket, commD } = identity;
  checkIdentity(identity);
  const id = sha256(
    concatBytes(
      domain,
      networkId,
      addressBytes(miner),
      bigEndian(sectorId, 8),
      ticket,
      commD,
      utf8Bytes(profile.id),
    ),
  );
  id[nodeBytes - 1] = (id[nodeBytes - 1] as number) & topByteMask;
  return id;
}
