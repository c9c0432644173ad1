/**
 * The prover that a storage miner takes. Its methods are asynchronous, so that a pool of worker threads
 * satisfies the same interface; `createProver` computes in the calling thread.
 */
import { type Address, assert } from "@holdfast/base";
import { type ResolvedClass, resolveClass, type SectorClass } from "./classes.ts";
import { proofsErrors } from "./errors.ts";
import type { ProvingKey } from "./groth16/index.ts";
import {
  auxSource,
  boundTo,
  extractMaskedRange,
  extractRange,
  type RangeCost,
  type ReplicaReader,
  type SealCommitments,
  type SealedReplica,
  type SectorIdentity,
} from "./porep/index.ts";
import { porepOf } from "./poreps.ts";
import { type PostKind, provePostSteps, type StoredSector, succinctClassesOf } from "./post/index.ts";
import { sdrMask } from "./sdr/index.ts";
import { verifySealOf } from "./seal-check.ts";
import type { SealInput, SealSource, SealStore } from "./seal-io/index.ts";
import { runStepsPausing, type SealHooks } from "./steps/index.ts";
import { proveSealSteps, provingKeyOf } from "./succinct/index.ts";

export interface ReplicateRequest {
  /** The sizes of the network: a constant of its parameters. */
  readonly classes: readonly SectorClass[];
  readonly sectorBytes: number;
  readonly identity: SectorIdentity;
  /** Fr32-padded, exactly `sectorBytes`. */
  readonly data: Uint8Array;
}

export interface SealSectorRequest {
  readonly classes: readonly SectorClass[];
  readonly sectorBytes: number;
  readonly identity: SectorIdentity;
  /** The padded data, as they are asked for. */
  readonly input: SealInput;
  /** Takes `aux`, whose last part is the replica's tree, leaves first; gives parts of it back. */
  readonly store: SealStore;
}

export interface ExtractRequest {
  readonly classes: readonly SectorClass[];
  readonly sectorBytes: number;
  readonly identity: SectorIdentity;
  readonly replica: Uint8Array;
}

export interface ExtractRangeRequest {
  readonly classes: readonly SectorClass[];
  readonly sectorBytes: number;
  readonly identity: SectorIdentity;
  /** Random access to the sealed file. */
  readonly read: ReplicaReader;
  readonly startUserBytes: number;
  readonly userBytes: number;
}

export interface ProveSealRequest {
  readonly classes: readonly SectorClass[];
  readonly sectorBytes: number;
  readonly identity: SectorIdentity;
  /** As replicate returned it, or what reads it as it was written. */
  readonly aux: Uint8Array | SealSource;
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
  /**
   * Seals with two layers in memory and the rows of two trees, whatever the number of layers. Fails with
   * proofs/unknown-sector-size, not-padded, comm-d-mismatch, and errors of input and store.
   */
  seal(request: SealSectorRequest, hooks?: SealHooks): Promise<SealCommitments>;
  /**
   * Seals bytes in memory, all of `aux` with them. Fails with proofs/unknown-sector-size, bad-length, not-padded,
   * comm-d-mismatch.
   */
  replicate(request: ReplicateRequest, hooks?: SealHooks): Promise<SealedReplica>;
  /** The padded data. Fails with proofs/unknown-sector-size, bad-length, not-a-replica. */
  extract(request: ExtractRequest, hooks?: SealHooks): Promise<Uint8Array>;
  /**
   * The user bytes of a range, in chunks, from the parts of the replica that they depend on; returns what it cost.
   * Throws proofs/unknown-sector-size; its chunks fail with proofs/bad-range, bad-length, not-a-replica,
   * fr32/not-padded.
   */
  extractRange(request: ExtractRangeRequest, hooks?: SealHooks): AsyncGenerator<Uint8Array, RangeCost, void>;
  /**
   * Proves, then verifies what was made: a damaged file is found here and not by the chain, where it costs
   * the deposit. Fails with proofs/unknown-sector-size, bad-length, wrong-proof.
   */
  proveSeal(request: ProveSealRequest, hooks?: SealHooks): Promise<Uint8Array>;
  /**
   * Proves, then verifies SNARKs that were made. Fails with proofs/no-sectors, duplicate-sector,
   * unknown-sector-size, bad-length, comm-r-mismatch, no-parameters, wrong-parameters.
   */
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
    async seal({ classes, sectorBytes, identity, input, store }, hooks = {}) {
      const { profile } = resolveClass(classes, sectorBytes);
      const steps = porepOf(profile).sealSteps(profile, boundTo(identity), input, store);
      const { commR, commRStar } = await runStepsPausing(steps, hooks, pause);
      return { commR, commRStar };
    },
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
    extractRange({ classes, sectorBytes, identity, read, startUserBytes, userBytes }, hooks = {}) {
      const { profile } = resolveClass(classes, sectorBytes);
      const range = { startUserBytes, userBytes };
      const options = { ...hooks, pause };
      if (profile.kind === "zigzag") return extractRange(profile, identity, range, read, options);
      return extractMaskedRange(profile, range, read, sdrMask(profile, identity), options);
    },
    async proveSeal(request, hooks = {}) {
      hooks.cancel?.throwIfAborted();
      const { classes, sectorBytes, identity, commR, commRStar, seed } = request;
      const resolved = resolveClass(classes, sectorBytes);
      const proof = await sealProof(resolved, request, hooks, pause);
      if (!verifySealOf(resolved, identity, { commR, commRStar }, seed, proof)) {
        throw proofsErrors.wrongProof({ what: "seal proof" });
      }
      hooks.progress?.(1);
      return proof;
    },
    async provePost({ classes, kind, seed, miner, sectors }, hooks = {}) {
      hooks.cancel?.throwIfAborted();
      const keys = new Map<SectorClass, ProvingKey>();
      for (const sectorClass of succinctClassesOf(classes, sectors)) {
        const { keys: verifying, profile } = sectorClass;
        assert(verifying !== null, "a succinct class has its keys");
        keys.set(sectorClass, await provingKeyOf(verifying[kind], `${kind} proofs of ${profile}`));
      }
      const steps = provePostSteps(kind, seed, miner, sectors, classes, keys);
      const proof = await runStepsPausing(steps, hooks, pause);
      hooks.progress?.(1);
      return proof;
    },
  };
}

/** The proof in the form of the class, not yet verified. */
async function sealProof(
  { profile, sectorClass }: ResolvedClass,
  { identity, aux, seed }: ProveSealRequest,
  hooks: SealHooks,
  pause: () => Promise<void>,
): Promise<Uint8Array> {
  const { keys } = sectorClass;
  const porep = porepOf(profile);
  const source = aux instanceof Uint8Array ? auxSource(porep, profile, aux) : aux;
  if (keys === null) {
    return runStepsPausing(porep.proveSteps(profile, identity, source, seed), hooks, pause);
  }
  const key = await provingKeyOf(keys.seal, `seals of ${profile.id}`);
  return runStepsPausing(proveSealSteps(profile, key, identity, source, seed), hooks, pause);
}
