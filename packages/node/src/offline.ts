/**
 * The door for work that needs no running node: piece commitments, proofs, parameters. What a command does not
 * use is not loaded.
 */
export * from "./offline/index.ts";
