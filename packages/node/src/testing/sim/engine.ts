/**
 * The engine room of a simulated miner, as a daemon has it: the queue of its jobs, workers that are processes with
 * lives of their own, and a second disk that comes and goes. Work takes its time and so do writes, so that whoever
 * works may die, or stand still for longer than its lease, between any two of them.
 */
import type { Cancel, Clock, Disk, DiskFile, Logger } from "@holdfast/base";
import type { SeededRandom, SimClock, SimDisk } from "@holdfast/base/testing";
import type { Prover } from "@holdfast/proofs";
import {
  createInlineSealer,
  type JobListener,
  type JobQueue,
  openSqliteJobs,
  type Sealer,
  type SealingPool,
  storageErrors,
} from "@holdfast/storage";
import { Drive } from "./drive.ts";
import type { History } from "./history.ts";
import { JobWatch } from "./job-watch.ts";
import { clockOf, type Life, plantDiskFaults, type Troubles, volumeFault } from "./life.ts";
import { SimWorker } from "./sim-worker.ts";

export interface EngineParts {
  readonly name: string;
  /** The miner's machine: its first disk, which a power cut replaces. */
  readonly machine: { readonly disk: SimDisk };
  readonly drive: SimDisk;
  /** Below the drive's mount point. */
  readonly below: SimDisk;
  readonly queuePath: string;
  readonly troubles: Troubles;
  readonly clock: SimClock;
  readonly history: History;
  readonly prover: Prover;
  readonly random: SeededRandom;
  /** The nemesis breaks no disks: a process that is alive says what it has to say. */
  readonly isSteady: boolean;
}

/** How long the work of each kind takes. */
const tookMs = { seal: [2_000, 40_000], prove: [500, 10_000], quick: [20, 1_000] } as const;
/** Of a change to a disk that somebody works on, at most. */
const slowestMs = 1_500;
/** When another process hears of a change of the queue, at the latest. */
const heardMs = 250;
const mostWorkers = 3;

const reading: ReadonlySet<string> = new Set([
  ...["peek", "job", "list", "counts", "cordons", "workers", "volumes", "events", "eventsOf", "lastCursor"],
  "cursorOf",
]);

/** Why a seal or its proof fails that does not find its files as they were written. */
const lostFile: ReadonlySet<string> = new Set([
  ...["disk/not-found", "storage/missing-file", "storage/staged-corrupt", "storage/replica-corrupt"],
]);

interface Listening {
  readonly life: Life;
  readonly listener: JobListener;
  isWoken: boolean;
}

export class EngineRoom {
  readonly drive: Drive;
  readonly workers: readonly SimWorker[];
  /** Jobs with no lane of their own that the node does itself; 0: its workers do them. */
  readonly parallel: number;
  /** For whoever looks from outside; it keeps the rows in memory while no process is there. */
  readonly queue: JobQueue;
  readonly #parts: EngineParts;
  readonly #watch: JobWatch;
  readonly #random: SeededRandom;
  readonly #listening = new Set<Listening>();

  constructor(parts: EngineParts) {
    const { name, clock, history, isSteady, random } = parts;
    this.#parts = parts;
    this.#random = random.fork("engine");
    this.drive = new Drive(parts.drive, parts.below);
    this.queue = openSqliteJobs({ dbPath: parts.queuePath, clock });
    this.#watch = new JobWatch({ machine: name, history, isSteady });
    this.parallel = this.#random.below(2);
    this.workers = Array.from(
      { length: this.#random.between(1, mostWorkers) },
      (_, index) => new SimWorker({ ...parts, name: `${name}/worker-${index}`, room: this }),
    );
  }

  /** What a process sees of the queue: every change may be its last, and after its end there is no answer. */
  openQueue(name: string, life: Life): JobQueue {
    const { clock } = this.#parts;
    const queue = openSqliteJobs({ dbPath: this.#parts.queuePath, clock: clockOf(life, clock) });
    void life.end.then(() => queue[Symbol.asyncDispose]());
    const by = { life, name };
    return new Proxy(queue, {
      get: (target, key) => {
        const value: unknown = Reflect.get(target, key, target);
        if (typeof value !== "function") return value;
        const method = value.bind(target) as (...given: unknown[]) => Promise<unknown>;
        if (key === Symbol.asyncDispose) return method;
        if (key === "onChange") return (listener: JobListener) => this.#listen(life, target, listener);
        return (...given: unknown[]) => this.#ask(by, String(key), () => method(...given), given[0]);
      },
    });
  }

  async #ask(
    by: { readonly life: Life; readonly name: string },
    method: string,
    run: () => Promise<unknown>,
    given: unknown,
  ): Promise<unknown> {
    const { life } = by;
    await life.gate(Promise.resolve()); // who stands still asks nothing
    if (reading.has(method)) return await life.gate(run());
    const isClaim = method.startsWith("claim");
    if (!isClaim && !mayAct(life, `jobs ${method}`)) return await silence();
    if (volumeFault(life, "jobs.db") !== undefined) throw storageErrors.databaseFull({ dbPath: "jobs.db" });
    const answer = await run();
    const isNothing = answer === undefined || (Array.isArray(answer) && answer.length === 0);
    if (isClaim && isNothing) return await life.gate(Promise.resolve(answer)); // nothing has changed
    this.#watch.said(by, method, given, answer);
    this.#tell(life);
    if (!mayAct(life, `jobs ${method} done`)) return await silence();
    return await life.gate(Promise.resolve(answer));
  }

  #listen(life: Life, queue: JobQueue, listener: JobListener): Disposable {
    const own = queue.onChange((jobId) => {
      if (life.alive) listener(jobId);
    });
    const entry: Listening = { life, listener, isWoken: false };
    this.#listening.add(entry);
    return {
      [Symbol.dispose]: () => {
        own[Symbol.dispose]();
        this.#listening.delete(entry);
      },
    };
  }

  /** Other processes look at the file every now and then. */
  #tell(from: Life): void {
    for (const entry of this.#listening) {
      if (!entry.life.alive) this.#listening.delete(entry);
      else if (entry.life !== from && !entry.isWoken) {
        entry.isWoken = true;
        void this.#parts.clock.sleep(this.#random.between(1, heardMs)).then(() => {
          entry.isWoken = false;
          if (entry.life.alive) entry.listener(undefined);
        });
      }
    }
  }

  /** Where no disk fails, no file is lost, and nothing is to be made anew: what is away comes back. */
  watched(name: string, logger: Logger): Logger {
    const { history, isSteady } = this.#parts;
    return {
      debug: (event, data) => logger.debug(event, data),
      info: (event, data) => {
        logger.info(event, data);
        if (isSteady && event === "storage: files were made anew")
          history.violate("what is whole is left alone", name, JSON.stringify(data));
      },
      warn: (event, data) => logger.warn(event, data),
      error: (event, data) => {
        logger.error(event, data);
        if (isSteady && event === "storage: a job failed" && lostFile.has(String(data?.code)))
          history.violate("no file of a job is lost", name, JSON.stringify(data));
      },
    };
  }

  /** In the place of a pool of threads. */
  poolOf(life: Life): SealingPool {
    return {
      threadCount: 0,
      sealerFor: (disk: Disk, _logger: Logger) => this.sealerOf(life, disk),
      [Symbol.asyncDispose]: async () => undefined,
    };
  }

  sealerOf(life: Life, disk: Disk): Sealer {
    const clock = clockOf(life, this.#parts.clock);
    const random = this.#random;
    const sealer = createInlineSealer(slowly(disk, clock, random), this.#parts.prover);
    const takes = async ([least, most]: readonly [number, number], signal: Cancel): Promise<void> =>
      clock.sleep(random.between(least, most), signal);
    return {
      replicate: async (job, options) => {
        await takes(tookMs.seal, options.signal);
        return await sealer.replicate(job, options);
      },
      prove: async (job, options) => {
        await takes(tookMs.prove, options.signal);
        await sealer.prove(job, options);
      },
      extract: async (job, options) => {
        await takes(tookMs.quick, options.signal);
        return await sealer.extract(job, options);
      },
      post: async (job, options) => {
        await takes(tookMs.quick, options.signal);
        return await sealer.post(job, options);
      },
      [Symbol.asyncDispose]: () => sealer[Symbol.asyncDispose](),
    };
  }

  /** The node's process has started: the drive fails as its troubles say. */
  plant(life: Life): void {
    plantDiskFaults(life, this.drive.disk, () => this.drive.isAway);
  }

  async bringDriveBack(): Promise<void> {
    const { history, name } = this.#parts;
    const written = await this.drive.below.list("");
    if (written.length > 0)
      history.violate("nothing is written where a disk is away", name, written.join(", "));
    this.drive.isAway = false;
  }

  /** Of the whole machine. */
  cutPower(): void {
    for (const worker of this.workers) worker.kill("a power cut");
    this.drive.disk = this.drive.disk.crash();
  }
}

function mayAct(life: Life, what: string): boolean {
  try {
    life.pass(what);
    return true;
  } catch {
    return false;
  }
}

/** Of a process that is dead. */
function silence(): Promise<never> {
  return new Promise<never>(() => undefined);
}

/** A disk whose changes take their time. */
function slowly(disk: Disk, clock: Clock, random: SeededRandom): Disk {
  const late = async <Result>(run: () => Promise<Result>): Promise<Result> => {
    await clock.sleep(random.between(0, slowestMs));
    return await run();
  };
  const file = (open: DiskFile): DiskFile => ({
    readAt: (offset, length) => open.readAt(offset, length),
    writeAt: (offset, bytes) => {
      const copy = bytes.slice(); // the caller may change its array as soon as the call returns
      return late(() => open.writeAt(offset, copy));
    },
    sizeBytes: () => open.sizeBytes(),
    truncate: (length) => late(() => open.truncate(length)),
    sync: () => late(() => open.sync()),
    [Symbol.asyncDispose]: () => open[Symbol.asyncDispose](),
  });
  return {
    readFile: (path) => disk.readFile(path),
    writeFile: (path, bytes) => {
      const copy = bytes.slice();
      return late(() => disk.writeFile(path, copy));
    },
    open: async (path, mode) => file(await disk.open(path, mode)),
    list: (path) => disk.list(path),
    remove: (path) => late(() => disk.remove(path)),
    rename: (from, to) => late(() => disk.rename(from, to)),
    sizeBytes: (path) => disk.sizeBytes(path),
    freeBytes: () => disk.freeBytes(),
    nativePath: (path) => disk.nativePath(path),
  };
}
