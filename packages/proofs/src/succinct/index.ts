/** Succinct proofs: seals and proofs of spacetime as SNARKs, and where their keys come from. */
export {
  type CircuitUse,
  circuitOf,
  circuitUses,
  postShapeOf,
  sealShapeOf,
  shapeOfCircuit,
} from "./circuits.ts";
export { installProvingKeys, type ProvingKeySource, provingKeyOf } from "./keys.ts";
export { type PostTarget, type PostUse, postClaims, postProofCount } from "./post-claims.ts";
export { proveTargetsSteps } from "./post-prove.ts";
export { proveSealSteps } from "./seal-prove.ts";
export { succinctForm } from "./seal-statement.ts";
export { verifySealSuccinct } from "./seal-verify.ts";
