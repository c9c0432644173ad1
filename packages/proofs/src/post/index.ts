/** Proofs of spacetime: what they say (statement.ts), their prover and their verifier. */
export { checkedOpening, provePost, provePostSteps, type StoredSector } from "./prove.ts";
export { type PostKind, type PostSector, postChallenges, succinctClassesOf } from "./statement.ts";
export { verifyPost } from "./verify.ts";
