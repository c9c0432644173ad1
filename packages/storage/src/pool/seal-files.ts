/**
 * A sector's bytes between the disk and the prover, part by part, so that no job holds a sector's files in memory:
 * staged pieces come in padded, `aux` goes out as it is made, and with it its last part a second time: the replica's
 * tree, whose leaves are the replica.
 */
import type { Disk, DiskFile } from "@holdfast/base";
import {
  auxLengthOf,
  layerTreeLength,
  type SealInput,
  type SealSource,
  type SealStore,
  type SectorProfile,
  userInput,
} from "@holdfast/proofs";
import { storageErrors } from "../errors.ts";
import type { ReplicateJob, StagedRange } from "./jobs.ts";

/** Bytes of one write: a full disk and a cancelled job are noticed in between. */
const chunkBytes = 4 * 2 ** 20;

/** One of the files that a seal writes, and which bytes of `aux` it has. */
interface Output {
  readonly file: DiskFile;
  readonly start: number;
  readonly end: number;
}

/** The files that a seal leaves. Dispose of it when the seal is done or has failed. */
export class SealFiles implements SealStore, AsyncDisposable {
  readonly #aux: DiskFile;
  readonly #outputs: readonly Output[];

  private constructor(outputs: readonly [Output, ...Output[]]) {
    this.#aux = outputs[0].file;
    this.#outputs = outputs;
  }

  static async create(disk: Disk, job: ReplicateJob, profile: SectorProfile): Promise<SealFiles> {
    await using opened = new AsyncDisposableStack();
    const end = auxLengthOf(profile);
    const start = end - layerTreeLength(profile);
    const create = async (path: string) => opened.use(await disk.open(path, "create"));
    const aux = { file: await create(job.auxPath), start: 0, end };
    const tree = { file: await create(job.treePath), start, end };
    const replica = { file: await create(job.replicaPath), start, end: start + profile.sectorBytes };
    const files = new SealFiles([aux, tree, replica]);
    opened.move();
    return files;
  }

  async write(offset: number, bytes: Uint8Array): Promise<void> {
    for (let at = 0; at < bytes.length; at += chunkBytes) {
      const chunk = bytes.subarray(at, at + chunkBytes);
      for (const output of this.#outputs) await writePart(output, offset + at, chunk);
    }
  }

  read(offset: number, length: number): Promise<Uint8Array> {
    return this.#aux.readAt(offset, length);
  }

  async sync(): Promise<void> {
    for (const { file } of this.#outputs) await file.sync();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const { file } of this.#outputs) await file[Symbol.asyncDispose]();
  }
}

/** Writes what of these bytes belongs into the file. */
async function writePart({ file, start, end }: Output, offset: number, bytes: Uint8Array): Promise<void> {
  const from = Math.max(start, offset);
  const to = Math.min(end, offset + bytes.length);
  if (from < to) await file.writeAt(from - start, bytes.subarray(from - offset, to - offset));
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
  return userInput(async (startUserBytes, userBytes) => {
    const user = new Uint8Array(userBytes);
    if (file === undefined) return user;
    for (const range of job.ranges) await readOverlap(file, job, range, startUserBytes, user);
    return user;
  });
}

/** Copies what a range has of the bytes from `startUserBytes` on into `user`. */
async function readOverlap(
  file: DiskFile,
  { identity, stagedPath }: ReplicateJob,
  range: StagedRange,
  startUserBytes: number,
  user: Uint8Array,
): Promise<void> {
  const from = Math.max(range.startUserBytes, startUserBytes);
  const to = Math.min(range.startUserBytes + range.userBytes, startUserBytes + user.length);
  if (from >= to) return;
  const bytes = await file.readAt(from, to - from);
  if (bytes.length < to - from) {
    throw storageErrors.missingFile({ sectorId: identity.sectorId, path: stagedPath ?? "" });
  }
  user.set(bytes, from - startUserBytes);
}
