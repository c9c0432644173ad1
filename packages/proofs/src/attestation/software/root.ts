/** The public root of a network's evidence by software: all that a verifier needs of it. */
import { concatBytes, utf8Bytes } from "@holdfast/base";
import { sha256 } from "@noble/hashes/sha2.js";
import { keyIdOf, keyOf } from "./issue.ts";

/** The seed of a network's authority, which anybody can compute; `networkId` is what its signatures are bound to. */
export function networkSeed(networkId: Uint8Array): Uint8Array {
  return sha256(concatBytes(utf8Bytes("holdfast/software-attestation/1\n"), networkId));
}

/** What verifiers of this network pin: SHA-256 of the root's public key in hex. */
export function softwareRootOf(networkId: Uint8Array): string {
  return keyIdOf(keyOf(networkSeed(networkId), "root"));
}
