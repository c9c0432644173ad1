/**
 * The prover that a storage miner takes. Its methods are asynchronous, so that a pool of worker threads
 * satisfies the same interface; `createProver` computes in the calling thread.
 */
import type { Address } from "@holdfast/base";
import { resolveClass, type SectorClass } from "./classes.ts";
import { proofsErrors } from "./errors.ts";
import { runStepsPausing, type SealedReplica, type SealHooks, type SectorIdentity } from "./porep/index.ts";
import { porepOf } from "./poreps.ts";
import { type PostKind, provePost, type StoredSector } from "./post/index.ts";

export interface ReplicateRequest {
  /** The sizes of the network: a constant of its parameters. */
  readonly classes: readonly SectorClass[];
  readonly sectorBytes: number;
  readonly identity: SectorIdentity;
  /** Fr32-padded, exactly `sectorBytes`. */
  readonly data: Uint8Array;
}

export interface ExtractRequest {
  readonly classes: readonly SectorClass[];
  readonly sectorBytes: number;
  readonly identity: SectorIdentity;
  readonly replica: Uint8Array;
}

export interface ProveSealRequest {
  readonly classes: readonly SectorClass[];
  readonly sectorBytes: number;
  readonly identity: SectorIdentity;
  /** As replicate returned it. */
  readonly aux: Uint8Array;
  readonly commR: Uint8Array;
  readonly commRStar: Uint8Array;
  /** 32 bytes of chain randomness from after the commitment. */
  readonly seed: Uint8Array;
}

export interface ProvePostRequest {
  readonly classes: readonly SectorClass[];
  readonly kind: PostKind;
  /** 32 bytes of chain randomness. */
  readonly seed: Uint8Array;
  readonly miner: Address;
  readonly sectors: readonly StoredSector[];
}

export interface Prover {
  /** Fails with proofs/unknown-sector-size, bad-length, not-padded, comm-d-mismatch. */
  replicate(request: ReplicateRequest, hooks?: SealHooks): Promise<SealedReplica>;
  /** The padded data. Fails with proofs/unknown-sector-size, bad-length, not-a-replica. */
  extract(request: ExtractRequest, hooks?: SealHooks): Promise<Uint8Array>;
  /**
   * Proves, then verifies what was made: a damaged file is found here and not by the chain, where it costs
   * the deposit. Fails with proofs/unknown-sector-size, bad-length, wrong-proof.
   */
  proveSeal(request: ProveSealRequest, hooks?: SealHooks): Promise<Uint8Array>;
  /** Fails with proofs/no-sectors, duplicate-sector, unknown-sector-size, bad-length, comm-r-mismatch. */
  provePost(request: ProvePostRequest, hooks?: SealHooks): Promise<Uint8Array>;
}

export interface InlineProverOptions {
  /**
   * Awaited every few hundredths of a second of work, so that the host can let other work run. This package
   * has no timers: without it, long computations hold the thread until they end.
   */
  readonly pause?: () => Promise<void>;
}

/** Computes in the calling thread. */
export function createProver({ pause = () => Promise.resolve() }: InlineProverOptions = {}): Prover {
  return {
    async replicate({ classes, sectorBytes, identity, data }, hooks = {}) {
      const { profile } = resolveClass(classes, sectorBytes);
      const steps = porepOf(profile).replicateSteps(profile, identity, data);
      return runStepsPausing(steps, hooks, pause);
    },
    async extract({ classes, sectorBytes, identity, replica }, hooks = {}) {
      const { profile } = resolveClass(classes, sectorBytes);
      const steps = porepOf(profile).extractSteps(profile, identity, replica);
      return runStepsPausing(steps, hooks, pause);
    },
    async proveSeal({ classes, sectorBytes, identity, aux, commR, commRStar, seed }, hooks = {}) {
      hooks.cancel?.throwIfAborted();
      const { profile } = resolveClass(classes, sectorBytes);
      const porep = porepOf(profile);
      const proof = porep.prove(profile, identity, aux, seed);
      if (!porep.verify(profile, identity, { commR, commRStar }, seed, proof)) {
        throw proofsErrors.wrongProof({ what: "seal proof" });
      }
      hooks.progress?.(1);
      return proof;
    },
    async provePost({ classes, kind, seed, miner, sectors }, hooks = {}) {
      hooks.cancel?.throwIfAborted();
      const proof = provePost(kind, seed, miner, sectors, classes);
      hooks.progress?.(1);
      return proof;
    },
  };
}
