/** The worker threads of a process, which all nodes in it share: they seal, and check proofs. */
import { availableParallelism } from "node:os";
import { shareSeats } from "@holdfast/proofs/kernels";
import { createSealingPool, createVerifierPool, type SealingPool } from "@holdfast/storage";
import { createClaimPool } from "./claim-pool.ts";
import type { ClaimChecker } from "./claims.ts";
import { limits } from "./limits.ts";
import { type ProofChecker, shareVerdicts } from "./proof-pass.ts";

export interface Workers extends AsyncDisposable {
  readonly sealing: SealingPool;
  /** Its threads, that of deadlines left out. */
  readonly sealingThreads: number;
  readonly checker: ProofChecker;
  /** Where signatures are verified. */
  readonly claims: ClaimChecker;
}

export interface ThreadCounts {
  readonly sealingThreads: number;
  /** 0, when left out: as many as the processor has. */
  readonly computeThreads?: number;
  /** 1 when left out. */
  readonly urgentThreads?: number;
}

/**
 * Threads start with their first job and end when idle. Each works with helpers on `computeThreads` cores (0: all),
 * which they share: two that seal at the same time have half of them each.
 */
export function openWorkers({
  sealingThreads,
  computeThreads = 0,
  urgentThreads = 1,
}: ThreadCounts): Workers {
  shareSeats(computeThreads === 0 ? Math.min(availableParallelism(), limits.computeThreads) : computeThreads);
  const setup = new URL("./worker-kernels.ts", import.meta.url).href;
  const sealing = createSealingPool({ threads: sealingThreads, urgentThreads, setup });
  const verifier = createVerifierPool({ threads: 1, setup });
  const claims = createClaimPool();
  return {
    sealing,
    sealingThreads,
    checker: shareVerdicts(verifier),
    claims,
    async [Symbol.asyncDispose]() {
      await Promise.all([sealing, verifier, claims].map((pool) => pool[Symbol.asyncDispose]()));
    },
  };
}
