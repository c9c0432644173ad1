/**
 * Account signatures as the chain knows them (go-filecoin 2019): secp256k1 with public key recovery over
 * the blake2b-256 digest, 65 bytes R‖S‖V with V = 0 or 1. Deterministic (RFC 6979). Only the low S is
 * accepted, so that nobody but the signer can give a signed message a second id.
 */
import { type Address, addressHash } from "../address.ts";
import { compareBytes, equalBytes, fromHex } from "../bytes.ts";
import { keyErrors } from "./errors.ts";
import { blake2b160, blake2b256 } from "./hash.ts";
import { kernel } from "./kernel.ts";

export const signatureBytes = 65;
export const secpPublicKeyBytes = 65;

/** Half the order of the group (SEC 2 §2.4.1), the largest low S. */
const halfOrder = fromHex("7fffffffffffffffffffffffffffffff5d576e7357a4501ddfe92f46681b20a0");

/** The uncompressed public key, 65 bytes 04‖X‖Y. Fails with `key/bad-private-key`. */
export function publicKeyOf(privateKey: Uint8Array): Uint8Array {
  const publicKey = privateKey.length === 32 ? kernel.secpPublicKey(privateKey) : undefined;
  if (publicKey === undefined) throw keyErrors.badPrivateKey({ type: "secp256k1" });
  return publicKey;
}

/** Signs the blake2b-256 digest of the message: 65 bytes R‖S‖V. Fails with `key/bad-private-key`. */
export function signRecoverable(privateKey: Uint8Array, message: Uint8Array): Uint8Array {
  const signature = privateKey.length === 32 ? kernel.secpSign(blake2b256(message), privateKey) : undefined;
  if (signature === undefined) throw keyErrors.badPrivateKey({ type: "secp256k1" });
  return signature;
}

/** The 65-byte public key that made the signature, or undefined if no key can have made it. */
export function recoverPublicKey(message: Uint8Array, signature: Uint8Array): Uint8Array | undefined {
  if (signature.length !== signatureBytes) return undefined;
  if ((signature[64] ?? 0) > 1) return undefined;
  if (compareBytes(signature.subarray(32, 64), halfOrder) > 0) return undefined;
  return kernel.secpRecover(blake2b256(message), signature);
}

/**
 * Whether the key behind `signer` signed the message. Any malformed signature is `false`. The networks of
 * an address are spellings of one key, so only the hash counts.
 */
export function verifySignature(message: Uint8Array, signature: Uint8Array, signer: Address): boolean {
  const publicKey = recoverPublicKey(message, signature);
  return publicKey !== undefined && equalBytes(blake2b160(publicKey), addressHash(signer));
}
