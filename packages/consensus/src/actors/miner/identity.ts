/**
 * The identity of a sealed sector: what the replica is bound to. The network's name is part of it, so a
 * replica that was sealed for one network proves nothing on another.
 */
import type { Address } from "@holdfast/base";
import { blake2b256, concatBytes, utf8Bytes } from "@holdfast/base";
import type { SectorIdentity } from "@holdfast/proofs/verify";
import type { NetworkParams } from "../../types/params.ts";
import type { SealedFields } from "./state.ts";

/** 32 bytes that identify a network by its name and its network byte. */
export function networkIdOf(params: Pick<NetworkParams, "name" | "networkByte">): Uint8Array {
  const domain = utf8Bytes("holdfast network\n");
  return blake2b256(concatBytes(domain, Uint8Array.of(params.networkByte), utf8Bytes(params.name)));
}

/** What the replica of a sector must be bound to. */
export function sectorIdentityOf(
  params: Pick<NetworkParams, "name" | "networkByte">,
  miner: Address,
  sealed: Pick<SealedFields, "sectorId" | "ticket" | "commD">,
): SectorIdentity {
  return {
    networkId: networkIdOf(params),
    miner,
    sectorId: sealed.sectorId,
    ticket: sealed.ticket,
    commD: sealed.commD,
  };
}
