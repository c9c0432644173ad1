/** The door of the crypto room. */
export { blake2b160, blake2b256, blake2s256, sha256 } from "./hash.ts";
export { type CryptoKernel, installCryptoKernel, nobleKernel } from "./kernel.ts";
