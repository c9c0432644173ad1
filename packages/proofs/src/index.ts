/**
 * The door of `proofs`: the field, Fr32, Poseidon, Merkle trees, pieces, and on them proofs of replication
 * and of spacetime. Pure: no clock, no randomness, no IO.
 */
export * from "./aggregate/index.ts";
export * from "./circuits/index.ts";
export * from "./classes.ts";
export * from "./curve/index.ts";
export { proofsErrors } from "./errors.ts";
export * from "./field/index.ts";
export * from "./fr32/index.ts";
export * as gadgets from "./gadgets/index.ts";
export * from "./graph/index.ts";
export * from "./groth16/index.ts";
export * from "./idle/index.ts";
export * from "./layers/index.ts";
export * from "./memory/index.ts";
export * from "./merkle/index.ts";
export * from "./numbers/index.ts";
export * from "./openings/index.ts";
export * from "./parameters/compat-names.ts";
export * from "./parameters/index.ts";
export * from "./piece/index.ts";
export * from "./por/index.ts";
export * from "./porep/index.ts";
export * from "./poreps.ts";
export * from "./poseidon/index.ts";
export * from "./post/index.ts";
export * from "./post/sequential.ts";
export * from "./profiles.ts";
export * from "./prover.ts";
export * from "./r1cs/index.ts";
export * from "./sdr/index.ts";
export * from "./seal-check.ts";
export * from "./seal-io/index.ts";
export * from "./succinct/index.ts";
export * from "./vdf/index.ts";
export * from "./verifier.ts";
export * from "./verifier-memo.ts";
export * from "./zigzag2019/index.ts";
