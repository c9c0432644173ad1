/**
 * Verifying off the main thread. The chain's rules verify synchronously; a node has proofs checked here while
 * a block is on its way and hands the verdicts to a memo verifier, so that applying the block costs a look-up.
 */
import { availableParallelism } from "node:os";
import type { PostStatement, SealStatement, Statement } from "@holdfast/proofs";
import { defaultThreadOptions, Threads } from "./threads.ts";

export interface VerifierPool extends AsyncDisposable {
  /** Threads that exist now; 0 when there was nothing to do for a while. */
  readonly threadCount: number;
  /** As `Verifier.verifySeal`: false for bad bytes. Throws storage/worker-crashed, storage/closed. */
  verifySeal(statement: SealStatement, signal?: AbortSignal): Promise<boolean>;
  /** As `Verifier.verifyPost`. */
  verifyPost(statement: PostStatement, signal?: AbortSignal): Promise<boolean>;
  /** Any statement, as a memo verifier takes it. */
  verify(statement: Statement, signal?: AbortSignal): Promise<boolean>;
}

export interface VerifierPoolOptions {
  /** One less than the processor has when left out. */
  readonly threads?: number;
  /** 30 s when left out. */
  readonly idleMs?: number;
  readonly maxStarts?: number;
  /** Address (href) of a module that every worker imports first, to install native kernels. */
  readonly setup?: string;
}

/** Starts no thread before the first proof. */
export function createVerifierPool(options: VerifierPoolOptions = {}): VerifierPool {
  const { threads = Math.max(1, availableParallelism() - 1), ...rest } = options;
  const pool = new Threads({ ...defaultThreadOptions, ...rest, threads });
  const verify = async (statement: Statement, signal?: AbortSignal): Promise<boolean> => {
    const make = () => ({ work: { type: "verify" as const, statement }, transfer: [] });
    return (await pool.run(`verify ${statement.check}`, make, signal)) === true;
  };
  return {
    get threadCount() {
      return pool.threadCount;
    },
    verify,
    verifySeal: (statement, signal) => verify({ check: "seal", statement }, signal),
    verifyPost: (statement, signal) => verify({ check: "post", statement }, signal),
    [Symbol.asyncDispose]: () => pool[Symbol.asyncDispose](),
  };
}
