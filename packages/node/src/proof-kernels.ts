/**
 * Fast functions for the kernels of `proofs`: hashtree for the pairs of SHA-256 trees, and the compiled kernels
 * for Poseidon, for sums of points and for layers of replicas, native or in WebAssembly. Each is optional: where a
 * binary is missing, or gives a wrong answer to a known question, the next best back end works, and the answer
 * says so and why. That a binary is there and was refused is said aloud, once in a process.
 */
import { isMainThread } from "node:worker_threads";
import {
  installAllocator,
  installCessKernel,
  installCurveKernel,
  installLayerKernel,
  installSpaceKernel,
  installSpare,
  installTreeKernel,
  treeKernel,
} from "@holdfast/proofs";
import type { Crew, LoadedKernels } from "@holdfast/proofs/kernels";
import { limits } from "./limits.ts";
import { installNumberFunctions } from "./number-kernel.ts";
import { installTreeHashing } from "./tree-hashing.ts";

export type ProofBackend = "native" | "wasm" | "reference";

/** What does the work behind the kernels of `proofs`. */
export interface ProofBackends {
  readonly sha256Pairs: ProofBackend;
  readonly poseidon: ProofBackend;
  readonly curve: ProofBackend;
  /** Layers of ZigZag and SDR. */
  readonly layers: ProofBackend;
  /** Labels of idle files, in the hardened and in the compatibility profile. */
  readonly space: ProofBackend;
  readonly cess: ProofBackend;
  /** Why a better back end of the compiled kernels is not in use. */
  readonly reason?: string;
  /** What the native kernels use of the processor. */
  readonly features?: readonly string[];
}

/** Installs all, OpenSSL's for large numbers with them; call once in a thread. */
export async function installProofKernels(): Promise<ProofBackends> {
  const { loadKernels } = await import("@holdfast/proofs/kernels"); // who only hashes trees waits for none
  const [sha256Pairs, compiled] = await Promise.all([installTreeHashing(), loadKernels()]);
  installTreeKernel(compiled.tree);
  installCurveKernel(compiled.curve);
  installLayerKernel(compiled.layers);
  installSpaceKernel(compiled.space);
  installCessKernel(compiled.cess);
  installNumberFunctions();
  installSpare(spareBytes);
  if (!isMainThread) await installCrew(compiled);
  const { backend, reason, refused, features } = compiled;
  if (refused === true && isMainThread) {
    process.emitWarning(`the ${backend} kernels are in use: ${reason}`, { code: "HOLDFAST_KERNELS" });
  }
  return {
    sha256Pairs,
    poseidon: backend,
    curve: backend,
    layers: backend,
    space: backend,
    cess: backend,
    ...(reason === undefined ? {} : { reason }),
    ...(features === undefined ? {} : { features }),
  };
}

/** An eighth of what machine or container have left: a seal takes two such, and other seals go on beside it. */
const spareBytes = (): number => Math.min(limits.keptParentsBytes, process.availableMemory() / 8);

/** The helpers of this thread, if it may have some: for computations in slices of their own. */
export let threadCrew: Crew | undefined;

/**
 * Lets a thread that may stand still do its large computations on all cores. Threads start when there is one; the
 * main thread, which must go on hearing, has no crew.
 */
async function installCrew({ backend, curve, layers }: LoadedKernels): Promise<void> {
  const { allocateShared, createCrew, crewCurve, crewLayers, crewTree } = await import(
    "@holdfast/proofs/kernels"
  );
  const own = treeKernel;
  const sha256Pairs: typeof treeKernel.sha256Pairs = (row, room) => treeKernel.sha256Pairs(row, room);
  const kernels = { tree: { ...own, sha256Pairs }, curve, layers };
  const setup = new URL("./crew-hashing.ts", import.meta.url).href;
  const crew = createCrew({ backend, kernels, setup, idleMs: limits.helperIdleMs });
  if (crew.threads === 1) return;
  threadCrew = crew;
  installAllocator(allocateShared);
  installTreeKernel(crewTree(crew, kernels));
  installCurveKernel(crewCurve(crew, kernels));
  installLayerKernel(crewLayers(crew, kernels));
}
