/**
 * What every signature on a network is bound to: its genesis. Two networks may have the same name, network byte
 * and keys, and even a copied list of parameters; as long as their first blocks differ, nothing that was signed
 * for the one is worth anything on the other.
 */
import type { CID } from "@holdfast/base";
import { assert, blake2b256, concatBytes, utf8Bytes } from "@holdfast/base";

const domain = utf8Bytes("holdfast genesis\n");
export const networkIdBytes = 32;

/** 32 bytes that identify a network by its genesis block. */
export function networkIdOfGenesis(genesis: CID): Uint8Array {
  return blake2b256(concatBytes(domain, genesis.bytes));
}

/** The bytes under a signature of one kind: the kind's word, the network, the encoded fields. */
export function domainBytes(kind: Uint8Array, networkId: Uint8Array, fields: Uint8Array): Uint8Array {
  assert(networkId.length === networkIdBytes, "a network id has 32 bytes");
  return concatBytes(kind, networkId, fields);
}
