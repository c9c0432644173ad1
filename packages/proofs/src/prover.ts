/**
 * The prover that a storage miner takes. Its methods are asynchronous, so that a pool of worker threads
 * satisfies the same interface; `createProver` computes in the calling thread.
 */
import type { Address } from "@holdfast/base";
import { proofsErrors } from "./errors.ts";
import {
  runStepsPausing,
  type SealedReplica,
  type SealHooks,
  type SectorIdentity,
  zigzag,
} from "./porep/index.ts";
import { type PostKind, provePost, type StoredSector } from "./post/index.ts";
import { sectorProfile } from "./profiles.ts";

export interface ReplicateRequest {
  readonly sectorBytes: number;
  readonly identity: SectorIdentity;
  /** Fr32-padded, exactly `sectorBytes`. */
  readonly data: Uint8Array;
}

export interface ExtractRequest {
  readonly sectorBytes: number;
  readonly identity: SectorIdentity;
  readonly replica: Uint8Array;
}

export interface ProveSealRequest {
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
    async replicate({ sectorBytes, identity, data }, hooks = {}) {
      const steps = zigzag.replicateSteps(sectorProfile(sectorBytes), identity, data);
      return runStepsPausing(steps, hooks, pause);
    },
    async extract({ sectorBytes, identity, replica }, hooks = {}) {
      const steps = zigzag.extractSteps(sectorProfile(sectorBytes), identity, replica);
      return runStepsPausing(steps, hooks, pause);
    },
    async proveSeal({ sectorBytes, identity, aux, commR, commRStar, seed }, hooks = {}) {
      hooks.cancel?.throwIfAborted();
      const profile = sectorProfile(sectorBytes);
      const proof = zigzag.prove(profile, identity, aux, seed);
      if (!zigzag.verify(profile, identity, { commR, commRStar }, seed, proof)) {
        throw proofsErrors.wrongProof({ what: "seal proof" });
      }
      hooks.progress?.(1);
      return proof;
    },
    async provePost({ kind, seed, miner, sectors }, hooks = {}) {
      hooks.cancel?.throwIfAborted();
      const proof = provePost(kind, seed, miner, sectors);
      hooks.progress?.(1);
      return proof;
    },
  };
}
