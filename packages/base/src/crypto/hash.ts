/**
 * The hash functions of the network: blake2b-256 names blocks and digests messages, blake2b-160 makes
 * addresses, sha-256 makes tickets and piece trees, blake2s-256 labels replicas (RFC 7693, FIPS 180-4).
 */
import { keccak_256 } from "@noble/hashes/sha3.js";
import { kernel } from "./kernel.ts";

/** 32 bytes. */
export function blake2b256(bytes: Uint8Array): Uint8Array {
  return kernel.blake2b256(bytes);
}
/** 20 bytes. */
export function blake2b160(bytes: Uint8Array): Uint8Array {
  return kernel.blake2b160(bytes);
}
/** 32 bytes. */
export function blake2s256(bytes: Uint8Array): Uint8Array {
  return kernel.blake2s256(bytes);
}
/** 32 bytes. */
export function sha256(bytes: Uint8Array): Uint8Array {
  return kernel.sha256(bytes);
}

/** As Ethereum hashes: Keccak's own padding, not SHA-3's. For names of events of other chains, never in a hot path. */
export function keccak256(bytes: Uint8Array): Uint8Array {
  return keccak_256(bytes);
}
