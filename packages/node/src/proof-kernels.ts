/**
 * Fast functions for the kernels of `proofs`: hashtree for the pairs of SHA-256 trees, and the compiled kernels
 * for Poseidon and for sums of points. Each is optional: where a binary is missing, or gives a wrong answer to a
 * known question, the TypeScript reference stays, and the answer says so and why.
 */
import { installCurveKernel, installTreeKernel } from "@holdfast/proofs";
import { installDelayKernel } from "./delay-kernel.ts";
import { installTreeHashing } from "./tree-hashing.ts";

export type ProofBackend = "native" | "wasm" | "reference";

/** What does the work behind the kernels of `proofs`. */
export interface ProofBackends {
  readonly sha256Pairs: ProofBackend;
  readonly poseidon: ProofBackend;
  readonly curve: ProofBackend;
  /** Why the compiled kernels are not in use. */
  readonly reason?: string;
}

/** Installs all, OpenSSL's exponentiation for the delay function with them; call once in a thread. */
export async function installProofKernels(): Promise<ProofBackends> {
  const { loadWasmKernels } = await import("@holdfast/proofs/kernels"); // who only hashes trees waits for none
  const [sha256Pairs, compiled] = await Promise.all([installTreeHashing(), loadWasmKernels()]);
  installTreeKernel(compiled.tree);
  installCurveKernel(compiled.curve);
  installDelayKernel();
  const { backend, reason } = compiled;
  return { sha256Pairs, poseidon: backend, curve: backend, ...(reason === undefined ? {} : { reason }) };
}
