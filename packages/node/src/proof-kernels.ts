/**
 * Fast functions for the kernels of `proofs`: hashtree for the pairs of SHA-256 trees, and the compiled kernels
 * for Poseidon and for sums of points. Each is optional: where a binary is missing, or gives a wrong answer to a
 * known question, the TypeScript reference stays, and the answer says so and why.
 */
import { equalBytes } from "@holdfast/base";
import { installCurveKernel, installTreeKernel, plainTreeKernel } from "@holdfast/proofs";
import { installDelayKernel } from "./delay-kernel.ts";

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

/** hashtree (SHA-NI or AVX2) for the pairs of SHA-256 trees: 24 M/s where TypeScript makes 2 M/s. */
export async function installTreeHashing(): Promise<ProofBackend> {
  try {
    const { hashInto } = await import("@chainsafe/hashtree");
    const sha256Pairs = (row: Uint8Array, room?: Uint8Array): Uint8Array => {
      const parents = room ?? new Uint8Array(row.length / 2);
      hashInto(row, parents);
      for (let last = 31; last < parents.length; last += 32) parents[last] = (parents[last] ?? 0) & 0x3f;
      return parents;
    };
    const sample = Uint8Array.from({ length: 256 }, (_, index) => (index * 7 + 1) & 0xff);
    if (equalBytes(sha256Pairs(sample), plainTreeKernel.sha256Pairs(sample))) {
      installTreeKernel({ sha256Pairs });
      return "native";
    }
  } catch {
    // No prebuilt binary for this platform: the reference does the work.
  }
  return "reference";
}
