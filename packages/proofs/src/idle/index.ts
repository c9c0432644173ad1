/** Proofs of idle space: files that cannot be compressed, and commitments to them. */
export * from "./hardened/index.ts";
