/** Proofs of idle space: files that cannot be compressed, and commitments to them. */
export * from "./cess/index.ts";
export * from "./hardened/index.ts";
export * from "./protocol/index.ts";
