/**
 * A sector's bytes between the disk and the prover, part by part, so that no job holds a sector's files in memory:
 * staged pieces come in padded, `aux` goes out as it is made, and with it its last part a second time: the replica's
 * tree, whose leaves are the replica.
 * A record beside `aux` says how many layers it has whole. Invariant: the record is written after these layers are
 * durable, so a seal that goes on from it never stands on bytes that a power cut took. Two processes that seal the same
 * at once (one of them a zombie) write the same bytes in the same parts: what is sealed follows from the job alone.
 */
import {
  type Disk,
  type DiskFile,
  HoldfastError,
  type OpenHints,
  sha256,
  toHex,
  utf8Bytes,
} from "@holdfast/base";
import {
  auxLengthOf,
  layerTreeLength,
  resolveClass,
  type SealInput,
  type SealSource,
  type SealStore,
  type SectorProfile,
  userInput,
} from "@holdfast/proofs";
import { storageErrors } from "../errors.ts";
import type { ReplicateJob, StagedRange } from "./jobs.ts";
import { packed } from "./payload.ts";

/** Bytes of one write: a full disk and a cancelled job are noticed in between. */
const chunkBytes = 4 * 2 ** 20;
/** The system would take longer to keep them in its memory than it is told here to write them. */
const hints: OpenHints = { isUncached: true };

/** One of the files that a seal writes, and which bytes of `aux` it has. */
interface Output {
  readonly file: DiskFile;
  readonly start: number;
  readonly end: number;
}

/** What is written down of a seal that is under way. */
interface SealRecord {
  /** Of which seal: a digest of all that its bytes follow from. */
  readonly seal: string;
  readonly layers: number;
}

/** The files that a seal leaves. Dispose of it when the seal is done or has failed. */
export class SealFiles implements SealStore, AsyncDisposable {
  readonly #disk: Disk;
  readonly #resumePath: string | null;
  readonly #seal: string;
  readonly #aux: DiskFile;
  readonly #outputs: readonly Output[];
  readonly doneLayers: number;
  /** The newest layer that is to be written down, and the writing. */
  #newest = 0;
  #recording: Promise<void> | undefined;

  private constructor(
    disk: Disk,
    job: ReplicateJob,
    outputs: readonly [Output, ...Output[]],
    doneLayers: number,
  ) {
    this.#disk = disk;
    this.#resumePath = job.resumePath;
    this.#seal = digestOf(job);
    this.#aux = outputs[0].file;
    this.#outputs = outputs;
    this.doneLayers = doneLayers;
  }

  /** Goes on with the files of a seal that was cut off, if the job's paths lead to any, else makes new ones. */
  static async open(disk: Disk, job: ReplicateJob, profile: SectorProfile): Promise<SealFiles> {
    await using opened = new AsyncDisposableStack();
    const doneLayers = await recordedLayers(disk, job, profile);
    const end = auxLengthOf(profile);
    const start = end - layerTreeLength(profile);
    const create = async (path: string) => opened.use(await disk.open(path, "create", hints));
    const auxFile =
      doneLayers === 0 ? await create(job.auxPath) : await disk.open(job.auxPath, "write", hints);
    const aux = { file: opened.use(auxFile), start: 0, end };
    const tree = { file: await create(job.treePath), start, end };
    const replica = { file: await create(job.replicaPath), start, end: start + profile.sectorBytes };
    const files = new SealFiles(disk, job, [aux, tree, replica], doneLayers);
    opened.move();
    return files;
  }

  reached(layers: number): void {
    if (this.#resumePath === null) return;
    this.#newest = layers;
    this.#recording ??= this.#record(this.#resumePath);
  }

  /** Writes down the newest layer, once the disk has it; a record that cannot be written costs time, no seal. */
  async #record(path: string): Promise<void> {
    try {
      for (let written = 0; written < this.#newest; ) {
        written = this.#newest;
        await this.#aux.sync();
        const record: SealRecord = { seal: this.#seal, layers: written };
        await this.#disk.writeFile(path, utf8Bytes(JSON.stringify(record)));
      }
    } catch (error) {
      if (!(error instanceof HoldfastError)) throw error;
    } finally {
      this.#recording = undefined;
    }
  }

  async write(offset: number, bytes: Uint8Array): Promise<void> {
    for (const output of this.#outputs) await writePart(output, offset, bytes);
  }

  read(offset: number, length: number, room?: Uint8Array): Promise<Uint8Array> {
    return this.#aux.readAt(offset, length, room);
  }

  /** Makes all durable; the record has then served. */
  async sync(): Promise<void> {
    await this.#recording;
    for (const { file } of this.#outputs) await file.sync();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#recording;
    for (const { file } of this.#outputs) await file[Symbol.asyncDispose]();
  }
}

/** What the bytes of a seal follow from, and nothing that may change from run to run. */
function digestOf({ classes, sectorBytes, identity }: ReplicateJob): string {
  const { profile } = resolveClass(classes, sectorBytes);
  return toHex(sha256(utf8Bytes(packed({ profile: profile.id, sectorBytes, identity }))));
}

/** Layers of this very seal that `aux` has whole; 0 if there is no record of them, or no such file. */
async function recordedLayers(disk: Disk, job: ReplicateJob, profile: SectorProfile): Promise<number> {
  if (job.resumePath === null) return 0;
  const bytes = await disk.readFile(job.resumePath);
  if (bytes === undefined || (await disk.sizeBytes(job.auxPath)) === undefined) return 0;
  const record: unknown = parsed(new TextDecoder().decode(bytes));
  if (typeof record !== "object" || record === null || !("seal" in record) || !("layers" in record)) return 0;
  const { seal, layers } = record;
  const isOurs = seal === digestOf(job) && typeof layers === "number" && Number.isInteger(layers);
  return isOurs && layers > 0 && layers < profile.layers ? layers : 0;
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** Writes what of these bytes belongs into the file, cut where its own chunks begin: there begin blocks of the disk. */
async function writePart({ file, start, end }: Output, offset: number, bytes: Uint8Array): Promise<void> {
  const to = Math.min(end, offset + bytes.length) - start;
  for (let at = Math.max(start, offset) - start; at < to; ) {
    const next = Math.min(to, at - (at % chunkBytes) + chunkBytes);
    await file.writeAt(at, bytes.subarray(start + at - offset, start + next - offset));
    at = next;
  }
}

/** A stored file as the source of a proof. */
export function fileSource(file: DiskFile): SealSource {
  return { read: (offset, length) => file.readAt(offset, length) };
}

/**
 * The tree of a replica, of which a proof of spacetime reads a few nodes. It is open only while it is read: a proof may
 * be over more sectors than a process may have files.
 */
export class TreeFile implements SealSource {
  readonly #disk: Disk;
  readonly #path: string;
  /** What the last read has failed with. */
  failure: unknown;

  constructor(disk: Disk, path: string) {
    this.#disk = disk;
    this.#path = path;
  }

  async read(offset: number, length: number): Promise<Uint8Array> {
    try {
      await using file = await this.#disk.open(this.#path, "read");
      return await file.readAt(offset, length);
    } catch (error) {
      this.failure = error;
      throw error;
    }
  }
}

/** The data of a sector: the pieces at their places, zeros everywhere else. Throws storage/missing-file. */
export function stagedInput(file: DiskFile | undefined, job: ReplicateJob): SealInput {
  let room = new Uint8Array(0);
  return userInput(async (start, length) => {
    if (room.length < length) room = new Uint8Array(length);
    const user = room.subarray(0, length);
    const overlaps = job.ranges.flatMap((range) => overlapOf(range, start, start + length));
    const isCovered = overlaps.length === 1 && overlaps.every(({ from, to }) => to - from === length);
    if (file === undefined || !isCovered) user.fill(0);
    if (file === undefined) return user;
    for (const { from, to } of overlaps) {
      const place = user.subarray(from - start, to - start);
      const bytes = await file.readAt(from, place.length, place);
      if (bytes.length < place.length) {
        const { identity, stagedPath } = job;
        throw storageErrors.missingFile({ sectorId: identity.sectorId, path: stagedPath ?? "" });
      }
      if (bytes.buffer !== place.buffer) place.set(bytes);
    }
    return user;
  });
}

interface Overlap {
  readonly from: number;
  readonly to: number;
}

/** What a range has of these bytes; nothing or one. */
function overlapOf(
  { startUserBytes, userBytes }: StagedRange,
  start: number,
  end: number,
): readonly Overlap[] {
  const from = Math.max(startUserBytes, start);
  const to = Math.min(startUserBytes + userBytes, end);
  return from < to ? [{ from, to }] : [];
}
