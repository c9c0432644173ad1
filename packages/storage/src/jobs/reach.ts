/**
 * What a worker on any machine reaches of a miner's volumes. It takes only jobs whose files lie there, and what it
 * cannot open it leaves to others.
 * It opens nothing on the word of a row: of the table that came with a job it takes the places that it has reached, by
 * the marker that it has read there.
 * Invariant: for want of a disk, of a key or of parameters here no job fails and no sector is called faulty: a worker
 * says only what it has read, and the node itself, which takes what is due, says the rest.
 */
import { type Clock, HoldfastError, type Logger } from "@holdfast/base";
import { isDatabaseSilent, storageErrors } from "../errors.ts";
import {
  homeSpec,
  homeVolumeId,
  locate,
  placeText,
  reachVolume,
  type VolumeSpec,
  type VolumeTable,
  volumeLimits,
} from "../volumes/index.ts";
import { passedMs } from "./clock-jumps.ts";
import type { Job, JobKind, JobQueue } from "./types.ts";

export interface Unreached {
  readonly volume: VolumeSpec;
  readonly error: HoldfastError;
}

export interface Reach {
  /** Volumes that it reaches, and others. */
  readonly reached: readonly VolumeSpec[];
  readonly unreached: readonly Unreached[];
  /** Of those that it reaches. */
  readonly markers: readonly string[];
  /** Looks at all of them when it is time to; only the first look is waited for. */
  look(): Promise<void>;
  /** What of a job's table may be opened here. Throws storage/not-reached where its files lie in a home that is not. */
  narrow(table: VolumeTable, paths: readonly string[]): Promise<VolumeTable>;
  /** Kinds that it leaves to others at present. */
  isResting(kind: JobKind): boolean;
  /** Throws storage/not-reached where faults may be this machine's: a file that cannot be read is not a wrong one. */
  confirm(markers: readonly string[], faults: readonly { readonly code: string }[]): Promise<void>;
  /** Why a job failed, if for want of something here: it is to be given back. */
  lackOf(job: Job, error: unknown): Promise<string | undefined>;
}

export interface ReachOptions {
  readonly queue: Pick<JobQueue, "volumes">;
  readonly clock: Clock;
  readonly logger: Logger;
  /** The full path of a home that is this process's own, with a marker or without. */
  readonly home?: string;
  /** Resolves where a volume is the right one and can be used; as this process opens volumes when left out. */
  readonly reachVolume?: (volume: VolumeSpec) => Promise<void>;
}

/** What says that this machine does not reach a volume, and nothing of its files. */
const notHere: ReadonlySet<string> = new Set([
  "storage/volume-away",
  "storage/volume-keys-missing",
  "storage/volume-refused",
  "storage/volume-taken",
  "storage/not-reached",
]);
/** What is known of a file that was read: it is another's, or not there while its volume is. */
const verdicts: ReadonlySet<string> = new Set([
  "storage/replica-corrupt",
  "storage/missing-file",
  "proofs/comm-r-mismatch",
]);
/** Whose parameters are missing, here. */
const parameterCodes: ReadonlySet<string> = new Set(["proofs/no-parameters"]);
/** Between two looks at which volumes there are. */
const listMs = 5_000;
/** So long others do what this machine could not. */
const restMs = 60_000;

export function openReach(options: ReachOptions): Reach {
  return new WorkerReach(options);
}

class WorkerReach implements Reach {
  readonly #options: ReachOptions;
  /** By marker; an error where it is not reached. */
  #found = new Map<string, { readonly volume: VolumeSpec; readonly error: HoldfastError | undefined }>();
  readonly #lostUntil = new Map<string, number>();
  readonly #restUntil = new Map<JobKind, number>();
  #looking: Promise<void> | undefined;
  #hasLooked = false;
  #listedMs = Number.NEGATIVE_INFINITY;
  #probedMs = Number.NEGATIVE_INFINITY;

  constructor(options: ReachOptions) {
    this.#options = options;
  }

  get reached(): readonly VolumeSpec[] {
    const nowMs = passedMs(this.#options.clock);
    return [...this.#found.values()]
      .filter(
        ({ volume, error }) =>
          error === undefined && nowMs >= (this.#lostUntil.get(volume.marker) ?? Number.NEGATIVE_INFINITY),
      )
      .map(({ volume }) => volume);
  }
  get unreached(): readonly Unreached[] {
    return [...this.#found.values()].flatMap(({ volume, error }) =>
      error === undefined ? [] : [{ volume, error }],
    );
  }
  get markers(): readonly string[] {
    return this.reached.map(({ marker }) => marker);
  }

  async look(): Promise<void> {
    if (passedMs(this.#options.clock) - this.#listedMs < listMs) return;
    const looking = this.#lookNow();
    if (!this.#hasLooked) return await looking;
    looking.catch((error: unknown) => {
      if (!isDatabaseSilent(error))
        this.#options.logger.warn("storage: the job queue does not say its volumes", {
          detail: String(error),
        });
    });
  }

  async narrow(table: VolumeTable, paths: readonly string[]): Promise<VolumeTable> {
    const isOwn = table.home !== null && table.home === this.#options.home;
    const home = homeSpec(table);
    if (home === undefined && !isOwn) throw storageErrors.notReached({ reason: "its home has no marker" });
    const named = home === undefined ? table.volumes : [home, ...table.volumes];
    if (named.some((one) => !this.#knows(one))) await this.#lookNow(); // attached since the last look
    const reached = new Map(this.reached.map((volume) => [nameOf(volume), volume]));
    const isHomeHere = isOwn || (home !== undefined && reached.has(nameOf(home)));
    if (!isHomeHere && paths.some((path) => locate(path).volumeId === homeVolumeId)) {
      throw storageErrors.notReached({ reason: `${table.home} is no volume that is reached` });
    }
    const volumes = table.volumes.flatMap((asked) => {
      const found = reached.get(nameOf(asked));
      return found === undefined ? [] : [{ ...found, volumeId: asked.volumeId }];
    });
    return { ...table, volumes };
  }

  #knows(volume: VolumeSpec): boolean {
    const found = this.#found.get(volume.marker);
    return found !== undefined && nameOf(found.volume) === nameOf(volume);
  }

  isResting(kind: JobKind): boolean {
    return passedMs(this.#options.clock) < (this.#restUntil.get(kind) ?? Number.NEGATIVE_INFINITY);
  }

  async confirm(markers: readonly string[], faults: readonly { readonly code: string }[]): Promise<void> {
    if (faults.length === 0) return;
    const unread = faults.find(({ code }) => !verdicts.has(code));
    const away = unread?.code ?? (await this.#firstAway(markers));
    if (away === undefined) return;
    throw storageErrors.notReached({ reason: away });
  }

  async lackOf({ kind, volumes }: Job, error: unknown): Promise<string | undefined> {
    if (!(error instanceof HoldfastError)) return undefined;
    const nowMs = passedMs(this.#options.clock);
    if (parameterCodes.has(error.code)) {
      this.#restUntil.set(kind, nowMs + restMs);
      return error.message;
    }
    const away = notHere.has(error.code) ? error.message : await this.#firstAway(volumes);
    if (away === undefined) return undefined;
    // Which of them it was is not said: they are looked at anew before another such job is taken.
    for (const marker of volumes) this.#lostUntil.set(marker, nowMs + volumeLimits.probeMs);
    return away;
  }

  /** Why the first of some volumes is not reached now. */
  async #firstAway(markers: readonly string[]): Promise<string | undefined> {
    for (const marker of markers) {
      const found = this.#found.get(marker);
      if (found === undefined) continue;
      await this.#probe(found.volume);
      const error = this.#found.get(marker)?.error;
      if (error !== undefined) return error.message;
    }
    return undefined;
  }

  #lookNow(): Promise<void> {
    this.#looking ??= this.#lookAll().finally(() => {
      this.#looking = undefined;
    });
    return this.#looking;
  }

  async #lookAll(): Promise<void> {
    const nowMs = passedMs(this.#options.clock);
    const volumes = await this.#options.queue.volumes();
    this.#listedMs = nowMs;
    const isNews =
      volumes.length !== this.#found.size ||
      volumes.some((one) => JSON.stringify(this.#found.get(one.marker)?.volume) !== JSON.stringify(one));
    if (!isNews && nowMs - this.#probedMs < volumeLimits.probeMs) return;
    this.#probedMs = nowMs;
    await Promise.all(volumes.map((volume) => this.#probe(volume)));
    const markers = new Set(volumes.map(({ marker }) => marker));
    for (const marker of this.#found.keys()) if (!markers.has(marker)) this.#found.delete(marker);
    this.#hasLooked = true;
  }

  async #probe(volume: VolumeSpec): Promise<void> {
    const { logger } = this.#options;
    const error = await this.#errorOf(volume);
    const before = this.#found.get(volume.marker);
    this.#found.set(volume.marker, { volume, error });
    if (before !== undefined && before.error?.message === error?.message) return;
    const place = placeText(volume.place);
    if (error !== undefined)
      logger.warn("storage: a volume is not reached from here", { place, ...error.toJSON() });
    else logger.info("storage: a volume is reached", { place });
  }

  async #errorOf(volume: VolumeSpec): Promise<HoldfastError | undefined> {
    try {
      await (this.#options.reachVolume ?? reachVolume)(volume);
      return undefined;
    } catch (error) {
      if (error instanceof HoldfastError) return error;
      throw error;
    }
  }
}

/** A volume by what tells it from others: its marker and where it is. */
function nameOf({ marker, place }: VolumeSpec): string {
  return JSON.stringify([marker, placeText(place)]);
}
