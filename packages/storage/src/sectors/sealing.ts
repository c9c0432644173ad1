/**
 * From a closed sector to a proof on disk. Each step is recorded before it starts (with all it depends on)
 * and after its files are in place, so that a restart repeats at most one step, with the same ticket or seed
 * and so with the same result.
 * A job writes below work/<job>; its files are renamed into place under the sector's lock, after a look at
 * whether the job is still wanted. So a job that was called off can never harm its successor's files. What it had
 * written when the node ended stays, and a large seal goes on behind its last whole layer.
 */
import { type Address, assert, HoldfastError, type JsonObject, sectorId as sectorIdOf } from "@holdfast/base";
import type { SectorIdentity } from "@holdfast/proofs";
import { storageErrors } from "../errors.ts";
import type { JobOptions } from "../pool/index.ts";
import {
  everySector,
  type SectorChange,
  type SectorFailure,
  type SectorRow,
  type StorageWriter,
} from "../store/index.ts";
import { type Core, ensureOpen, patiently, sectorIn } from "./core.ts";
import { Dues } from "./dues.ts";
import { bareName, filePath } from "./files.ts";
import { installFiles, type JobFiles } from "./install.ts";
import { KeyedLocks } from "./locks.ts";
import { userOffset } from "./options.ts";
import { commDOf } from "./packing.ts";
import { publishStaged } from "./publish.ts";
import { type SectorState, workingStates } from "./states.ts";
import type { SealIdentity, Ticket } from "./types.ts";

/** Between two tries to record a failure. */
const recordRetryMs = 5_000;

export interface SealingParts {
  /** Deletes the files of a sector that its state no longer claims; called under its lock. */
  readonly sweep: (sectorId: number) => Promise<void>;
  /** Deletes a file that nobody owns; called under the lock of its sector. */
  readonly discard: (path: string) => Promise<unknown>;
  /** Another place for a sector that has none that can be used. */
  readonly placeAnew: (tx: StorageWriter, row: SectorRow) => Promise<void>;
}

interface Running {
  readonly stop: AbortController;
  readonly done: Promise<void>;
  progress: number;
}

export class Sealing {
  readonly #core: Core;
  readonly #parts: SealingParts;
  readonly #running = new Map<number, Running>();
  /** Per sector: held while its state and the job that belongs to it change together. */
  readonly #orders = new KeyedLocks();
  /** When the sectors' seals are of no more use. */
  readonly dues = new Dues();

  constructor(core: Core, parts: SealingParts) {
    this.#core = core;
    this.#parts = parts;
  }

  /** Starts again what a stopped process was working on. */
  async resume(): Promise<void> {
    for await (const row of everySector(this.#core.store, workingStates)) this.#launch(row);
  }

  /** Closed and without a job, the oldest first. */
  async next(): Promise<SectorRow | undefined> {
    return (await this.#core.store.sectors({ states: ["closing"], limit: 1 }))[0];
  }

  async startSeal(sectorId: number, ticket: Ticket, identity: SealIdentity): Promise<void> {
    ensureOpen(this.#core);
    checkLength(sectorId, "ticket", ticket.bytes);
    checkLength(sectorId, "network id", identity.networkId);
    const { networkId, miner } = identity;
    const change = { ticket: { ...ticket, networkId, miner }, commitments: null, seed: null };
    await this.#begin(sectorId, ["closing"], "sealing", change);
  }

  async proveSeal(sectorId: number, seed: Uint8Array): Promise<void> {
    ensureOpen(this.#core);
    checkLength(sectorId, "seed", seed);
    await this.#begin(sectorId, ["sealed", "proved"], "proving", { seed });
  }

  /** A new attempt is recorded, then its job starts. */
  async #begin(
    sectorId: number,
    from: readonly SectorState[],
    to: "sealing" | "proving",
    change: SectorChange,
  ): Promise<void> {
    if (to === "sealing") await this.#core.volumes.look();
    await this.#orders.run(sectorId, async () => {
      const row = await this.#core.store.transaction(async (tx) => {
        const before = await sectorIn(tx, sectorId, from);
        if (to === "sealing") await this.#parts.placeAnew(tx, before);
        return await tx.move(sectorId, { from }, to, this.#now(), { ...change, attempt: before.attempt + 1 });
      });
      if (!this.#core.end.aborted) this.#launch(row); // else the next start does it
    });
  }

  /** The seal proof. Throws storage/wrong-state, storage/missing-file. */
  async readProof(sectorId: number): Promise<Uint8Array> {
    ensureOpen(this.#core);
    await sectorIn(this.#core.store, sectorId, ["proved"]);
    const file = await this.#core.store.volumes.file(sectorId, "proof");
    const path = file === undefined ? bareName({ sectorId }, "proof") : filePath(file);
    const proof = await this.#core.disk.readFile(path);
    if (proof === undefined) throw storageErrors.missingFile({ sectorId, path });
    return proof;
  }

  /** A failed step is made ready again: `closing` waits for a ticket, `sealed` for a seed. */
  async retry(sectorId: number): Promise<void> {
    ensureOpen(this.#core);
    await this.#core.store.transaction(async (tx) => {
      const { failure } = await sectorIn(tx, sectorId, ["failed"]);
      assert(failure !== null, "a failed sector knows its failure");
      if (failure.during === "sealing") await this.#reopen(tx, sectorId, ["failed"], "retry");
      else await tx.move(sectorId, { from: ["failed"] }, "sealed", this.#now(), {}, "retry");
    });
  }

  /** Gives a seal up that the chain has not taken; the sector waits for a new ticket. */
  async restart(sectorId: number, reason: string): Promise<void> {
    ensureOpen(this.#core);
    const from = ["sealing", "sealed", "proving", "proved", "failed"] as const;
    await this.callOff(sectorId, async (tx) => {
      await sectorIn(tx, sectorId, from);
      await this.#reopen(tx, sectorId, from, reason);
    });
  }

  /**
   * Makes a change that ends whatever runs for a sector, then deletes what the sector no longer claims.
   * The change comes first and durably: a crash right after it leaves only garbage.
   */
  async callOff(sectorId: number, change: (tx: StorageWriter) => Promise<void>): Promise<void> {
    const running = await this.#orders.run(sectorId, async () => {
      await this.#core.store.transaction(change);
      const job = this.#running.get(sectorId);
      job?.stop.abort(storageErrors.cancelled({ job: `the job of sector ${sectorId}` }));
      return job;
    });
    await running?.done;
    await this.#core.locks.run(sectorId, () => this.#parts.sweep(sectorId));
  }

  progress(sectorId: number): number | null {
    return this.#running.get(sectorId)?.progress ?? null;
  }

  /** Resolves when no job runs; they end by `end` of the core. */
  async settled(): Promise<void> {
    await Promise.allSettled([...this.#running.values()].map((running) => running.done));
  }

  /** Resolves when the present job of a sector, if any, has ended one way or the other. */
  async idle(sectorId: number): Promise<void> {
    await this.#running.get(sectorId)?.done;
  }

  async #reopen(
    tx: StorageWriter,
    sectorId: number,
    from: readonly SectorState[],
    reason: string,
  ): Promise<void> {
    await tx.freeDroppedSlots(sectorId);
    const nothing = { ticket: null, commitments: null, seed: null };
    await tx.move(sectorId, { from }, "closing", this.#now(), nothing, reason);
  }

  #launch(row: SectorRow): void {
    const before = this.#running.get(row.sectorId);
    const stop = new AbortController();
    const signal = AbortSignal.any([this.#core.end, stop.signal]);
    const onProgress = (doneRatio: number) => {
      running.progress = doneRatio;
    };
    const options: JobOptions = { signal, onProgress, due: this.dues.of(row.sectorId) };
    const job = async (): Promise<void> => {
      await before?.done; // a job that was called off has to let go of its sector first
      let work: string | undefined;
      try {
        const { volumes } = this.#core.store;
        const place = await patiently(this.#core, signal, () => volumes.placeOf(row.sectorId));
        assert(place !== undefined, "a sector that is sealed has its place");
        work = this.#core.work.open(row.sectorId, row.attempt, place.seal.volumeId);
        const folder = work;
        await this.#core.uses.during([row.sectorId], () =>
          row.state === "sealing" ? this.#seal(row, folder, options) : this.#prove(row, folder, options),
        );
      } catch (error) {
        await this.#fail(row, error, signal);
      } finally {
        if (work !== undefined) await this.#tidy(row.sectorId, work);
        if (this.#running.get(row.sectorId) === running) this.#running.delete(row.sectorId);
      }
    };
    const { promise: done, resolve } = Promise.withResolvers<void>();
    const running: Running = { stop, done, progress: 0 };
    this.#running.set(row.sectorId, running);
    job().then(resolve, (error: unknown) => {
      this.#core.logger.error("storage: a job ended without a record", {
        sectorId: row.sectorId,
        ...told(error),
      });
      resolve();
    });
  }

  async #seal(row: SectorRow, work: string, options: JobOptions): Promise<void> {
    const { classes, limits, store, sealer } = this.#core;
    const { sectorId, sectorBytes } = row;
    const slots = await patiently(this.#core, options.signal, () => store.slots(sectorId));
    const commD = commDOf(slots, sectorBytes);
    const files = jobFiles(work);
    const publish = () => publishStaged(this.#core, row, this.#parts.discard);
    const staged = await patiently(this.#core, options.signal, publish);
    const result = await sealer.replicate(
      {
        classes,
        sectorBytes,
        identity: identityOf(row, commD),
        stagedPath:
          slots.length === 0 ? null : staged === undefined ? bareName(row, "staged") : filePath(staged),
        ranges: slots.map(({ offsetPaddedBytes, userBytes }) => ({
          startUserBytes: userOffset(offsetPaddedBytes),
          userBytes,
        })),
        replicaPath: files.sealed,
        treePath: files.tree,
        auxPath: files.aux,
        resumePath: sectorBytes < limits.checkpointFromBytes ? null : `${work}/resume`,
      },
      options,
    );
    const commitments = { commD, ...result };
    await installFiles(this.#core, row, files, ["sealed", "tree", "aux"], options.signal, (tx) =>
      tx.move(sectorId, wanted(row), "sealed", this.#now(), { commitments }),
    );
  }

  async #prove(row: SectorRow, work: string, options: JobOptions): Promise<void> {
    const { classes, sealer, store } = this.#core;
    const { sectorId, sectorBytes, commitments, seed } = row;
    assert(commitments !== null && seed !== null, "a proving sector has its commitments and its seed");
    const files = jobFiles(work);
    const aux = await patiently(this.#core, options.signal, () => store.volumes.file(sectorId, "aux"));
    await sealer.prove(
      {
        classes,
        sectorBytes,
        identity: identityOf(row, commitments.commD),
        commR: commitments.commR,
        commRStar: commitments.commRStar,
        seed,
        auxPath: aux === undefined ? bareName(row, "aux") : filePath(aux),
        proofPath: files.proof,
      },
      options,
    );
    await installFiles(this.#core, row, files, ["proof"], options.signal, (tx) =>
      tx.move(sectorId, wanted(row), "proved", this.#now()),
    );
  }

  async #fail(row: SectorRow, error: unknown, signal: AbortSignal): Promise<void> {
    if (signal.aborted) return; // called off by who has moved the sector, or to go on at the next start
    const { sectorId } = row;
    const during = row.state === "sealing" ? "sealing" : "proving";
    const failure: SectorFailure = { during, ...codeOf(error) };
    this.#core.logger.error("storage: a job failed", { sectorId, during, ...told(error) });
    await this.#suspectVolumes(sectorId, failure.code);
    if (await this.#recordFailure(row, failure, signal)) {
      await this.#core.locks.run(sectorId, () => this.#parts.sweep(sectorId));
    }
  }

  /** A volume that fails a job is looked at before another job goes there. */
  async #suspectVolumes(sectorId: number, code: string): Promise<void> {
    if (!code.startsWith("disk/") && !code.startsWith("storage/volume-")) return;
    const { volumes, store, logger } = this.#core;
    try {
      const place = await store.volumes.placeOf(sectorId);
      for (const share of [place?.seal, place?.store])
        if (share !== undefined) volumes.suspect(share.volumeId);
      await volumes.look();
    } catch (error) {
      logger.warn("storage: volumes could not be looked at", { sectorId, ...told(error) });
    }
  }

  /**
   * Says "failed" in the metadata, as often as it takes: a full volume usually takes both the job and the
   * database down, and a sector must not look busy for ever. False when the job is no longer wanted.
   */
  async #recordFailure(row: SectorRow, failure: SectorFailure, signal: AbortSignal): Promise<boolean> {
    const { store, logger, clock } = this.#core;
    const { sectorId } = row;
    for (;;) {
      try {
        await store.transaction((tx) =>
          tx.move(sectorId, wanted(row), "failed", this.#now(), { failure }, failure.code),
        );
        return true;
      } catch (refused) {
        if (!(refused instanceof HoldfastError)) throw refused;
        if (!refused.code.startsWith("storage/database-")) return false;
        logger.error("storage: a failure cannot be recorded yet", { sectorId, ...told(refused) });
      }
      try {
        await clock.sleep(recordRetryMs, signal);
      } catch {
        return false; // the storage closes, or the sector was called off
      }
    }
  }

  /** What a job has left goes, with what claims of it have; unless it goes on in the next life of the node. */
  async #tidy(sectorId: number, work: string): Promise<void> {
    const { disk, end } = this.#core;
    try {
      if (end.aborted) return;
      await disk.remove(work);
      const room = work.slice(0, work.lastIndexOf("/"));
      for (const name of await disk.list(room)) {
        const path = `${room}/${name}`;
        const isClaim = path.startsWith(`${work}-`) && /^\d+$/.test(path.slice(work.length + 1));
        if (isClaim) await disk.remove(path);
      }
    } catch (error) {
      this.#core.logger.warn("storage: work files stay until the next start", { sectorId, ...told(error) });
    } finally {
      this.#core.work.close(work);
    }
  }

  #now(): number {
    return this.#core.clock.nowMs();
  }
}

function wanted(row: SectorRow): { from: readonly SectorState[]; attempt: number } {
  return { from: [row.state], attempt: row.attempt };
}

function jobFiles(work: string): JobFiles {
  return { sealed: `${work}/sealed`, tree: `${work}/tree`, aux: `${work}/aux`, proof: `${work}/proof` };
}

/** What the replica of a sector is bound to. */
export function identityOf(row: SectorRow, commD: Uint8Array): SectorIdentity {
  const { sectorId, ticket } = row;
  assert(ticket !== null, "a sector has its ticket from the start of its seal");
  const { networkId, miner, bytes } = ticket;
  return { networkId, miner: miner as Address, sectorId: sectorIdOf(sectorId), ticket: bytes, commD };
}

function checkLength(sectorId: number, what: string, bytes: Uint8Array): void {
  if (bytes.length === 32) return;
  throw storageErrors.badSector({ sectorId, reason: `its ${what} has ${bytes.length} bytes, not 32` });
}

function codeOf(error: unknown): { code: string; message: string } {
  if (error instanceof HoldfastError) return { code: error.code, message: error.message };
  return { code: "storage/job-failed", message: error instanceof Error ? error.message : String(error) };
}

function told(error: unknown): JsonObject {
  return { ...codeOf(error) };
}
