/** Groth16 over BLS12-381: setup, prove, verify, and the encodings of proofs and keys. */
export * from "./ceremony/index.ts";
export { checkProvingKey, type KeyCheck } from "./check-key.ts";
export { minEntropyBytes } from "./derive.ts";
export { groth16Errors } from "./errors.ts";
export { prove, type StartedProof, startProof } from "./prove.ts";
export { decodeProvingKey, encodeProvingKey, type ProvingKey } from "./proving-key.ts";
export { domainSizeOf } from "./qap.ts";
export { setup } from "./setup.ts";
export * from "./verifier.ts";
