/**
 * The door of `proofs`: field, Fr32, Poseidon, Merkle trees and pieces. Pure: no clock, no randomness, no IO.
 */
export * from "./field/index.ts";
export * from "./fr32/index.ts";
export * from "./merkle/index.ts";
export * from "./piece/index.ts";
export * from "./poseidon/index.ts";
