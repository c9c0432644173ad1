/**
 * Encrypted files in the format of age (https://c2sp.org/age), version 1: what `put --encrypt` stores, and what the
 * programs age, rage and typage open with the wallet's key. Pure; streams and files are the node's.
 */
export { ageIdentityOfAccount, fileSecretOfAccount } from "./account-keys.ts";
export { ageErrors } from "./errors.ts";
export {
  type AgeHeader,
  type AgeStanza,
  ageHeaderPrefix,
  isAgeHeaderOf,
  maxAgeHeaderBytes,
  parseAgeHeader,
  printAgeHeader,
} from "./header.ts";
export {
  ageRecipientOf,
  parseAgeIdentity,
  parseAgeRecipient,
  printAgeIdentity,
  printAgeRecipient,
  unwrapAgeFileKey,
  wrapAgeFileKey,
} from "./keys.ts";
export {
  type AgeLayout,
  ageChunkBytes,
  ageLayout,
  ageNonceBytes,
  agePayloadBytes,
  agePayloadKey,
  ageSealedChunkBytes,
  openAgeChunk,
  sealAgeChunk,
} from "./payload.ts";
