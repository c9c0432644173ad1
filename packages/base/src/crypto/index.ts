/** The door of the crypto room. */
export {
  blsKeyFromSeed,
  blsPublicKey,
  blsPublicKeyBytes,
  blsSign,
  blsSignatureBytes,
  blsVerify,
} from "./bls.ts";
export { keyErrors, keystoreErrors } from "./errors.ts";
export { blake2b160, blake2b256, blake2s256, keccak256, sha256 } from "./hash.ts";
export { type CryptoKernel, installCryptoKernel, type ScryptCost } from "./kernel.ts";
export {
  exportLotusKey,
  exportSeedKeys,
  generateKey,
  importKeys,
  type KeyInfo,
  type KeyType,
  publicKeyOfKey,
} from "./keys.ts";
export {
  defaultScryptCost,
  type KeystoreSecret,
  maxKeystoreBytes,
  openKeys,
  openSecret,
  type SealOptions,
  sealKeys,
  sealSecret,
} from "./keystore.ts";
export { blsDomain, nobleKernel } from "./noble.ts";
export {
  publicKeyOf,
  recoverPublicKey,
  secpPublicKeyBytes,
  signatureBytes,
  signRecoverable,
  verifySignature,
} from "./secp.ts";
