/** What verifying Groth16 proofs takes, and nothing that proves: the part of the room behind the verifying door. */
export { decodeProof, encodeProof, groth16ProofBytes, type ProofPoints } from "./proof.ts";
export { type ProofClaim, verifyProof, verifyProofs } from "./verify.ts";
export {
  decodeVerifyingKey,
  encodeVerifyingKey,
  maxPublicInputs,
  publicInputsOf,
  type VerifyingKey,
} from "./verifying-key.ts";
