/**
 * Where the bytes of a seal by hand go: the replica into its file and its digest, and what is read again into memory
 * or, where that is too much, into a scratch file. The scratch file has lost its name before the first byte is in it,
 * so that however the program ends, the system takes the space back.
 */
import { createHash } from "node:crypto";
import { stat, statfs } from "node:fs/promises";
import path from "node:path";
import { threadId } from "node:worker_threads";
import { assert, type DiskFile } from "@holdfast/base";
import { MemoryStore, type SealStore } from "@holdfast/proofs";
import { openNodeDisk } from "@holdfast/storage";
import { offlineErrors } from "./errors.ts";

/** What names of scratch files begin with; `proof seal` knows those of killed programs by it. */
const scratchStart = "holdfast-seal";
/** Bytes of one write. */
const chunkBytes = 4 * 2 ** 20;
/** What is read again is kept in memory up to this size. */
const mostInMemoryBytes = 64 * 2 ** 20;

export interface SealPlan {
  /** Of `aux`, how much from its beginning on is read again; 0 if nothing is. */
  readonly keptBytes: number;
  /** Where in `aux` the replica lies. */
  readonly replicaStart: number;
  readonly sectorBytes: number;
  readonly replicaPath?: string | undefined;
  readonly scratchFolder: string;
}

interface FreeSpace {
  readonly device: number;
  readonly freeBytes: number;
}

async function spaceIn(folder: string): Promise<FreeSpace> {
  const [{ dev }, { bavail, bsize }] = await Promise.all([stat(folder), statfs(folder)]);
  return { device: dev, freeBytes: bavail * bsize };
}

/** Throws proof/no-space, before anything is computed. */
async function checkSpace(
  needs: readonly { readonly folder: string; readonly bytes: number }[],
): Promise<void> {
  const byDevice = new Map<number, number>();
  for (const { folder, bytes } of needs) {
    if (bytes === 0) continue;
    const { device, freeBytes } = await spaceIn(folder);
    const neededBytes = (byDevice.get(device) ?? 0) + bytes;
    if (neededBytes > freeBytes) throw offlineErrors.noSpace({ folder, neededBytes, freeBytes });
    byDevice.set(device, neededBytes);
  }
}

async function openNew(file: string): Promise<DiskFile> {
  return await openNodeDisk(path.dirname(file)).open(path.basename(file), "create");
}

async function openNameless(folder: string): Promise<DiskFile> {
  // Killed before it has lost its name it is empty; who seals in this folder next takes it away.
  const name = `${scratchStart}.${process.pid}.${threadId}.part`;
  const disk = openNodeDisk(folder);
  const file = await disk.open(name, "create");
  await disk.remove(name);
  return file;
}

export class HandStore implements SealStore, AsyncDisposable {
  readonly #plan: SealPlan;
  readonly #hash = createHash("sha256");
  readonly #kept: DiskFile | MemoryStore;
  readonly #replica: DiskFile | undefined;
  /** Where in `aux` the next byte of the digest lies. */
  #hashedTo: number;

  private constructor(plan: SealPlan, kept: DiskFile | MemoryStore, replica: DiskFile | undefined) {
    this.#plan = plan;
    this.#kept = kept;
    this.#replica = replica;
    this.#hashedTo = plan.replicaStart;
  }

  /** Throws proof/no-space, disk/…. */
  static async create(plan: SealPlan): Promise<HandStore> {
    const { keptBytes, replicaPath, scratchFolder, sectorBytes } = plan;
    const inMemory = keptBytes <= mostInMemoryBytes;
    const replicaFolder = replicaPath === undefined ? scratchFolder : path.dirname(path.resolve(replicaPath));
    await checkSpace([
      { folder: replicaFolder, bytes: replicaPath === undefined ? 0 : sectorBytes },
      { folder: scratchFolder, bytes: inMemory ? 0 : keptBytes },
    ]);
    const replica = replicaPath === undefined ? undefined : await openNew(replicaPath);
    try {
      const kept = inMemory ? new MemoryStore(keptBytes) : await openNameless(scratchFolder);
      return new HandStore(plan, kept, replica);
    } catch (error) {
      await replica?.[Symbol.asyncDispose]();
      throw error;
    }
  }

  async write(offset: number, bytes: Uint8Array): Promise<void> {
    const { keptBytes, replicaStart, sectorBytes } = this.#plan;
    for (let at = 0; at < bytes.length; at += chunkBytes) {
      const chunk = bytes.subarray(at, at + chunkBytes);
      const start = offset + at;
      if (start < keptBytes) await this.#keep(start, chunk.subarray(0, keptBytes - start));
      if (start < replicaStart || start >= replicaStart + sectorBytes) continue;
      assert(start === this.#hashedTo, "a seal writes its replica in one part");
      this.#hashedTo += chunk.length;
      this.#hash.update(chunk);
      await this.#replica?.writeAt(start - replicaStart, chunk);
    }
  }

  read(offset: number, length: number): Uint8Array | Promise<Uint8Array> {
    return this.#kept instanceof MemoryStore
      ? this.#kept.read(offset, length)
      : this.#kept.readAt(offset, length);
  }

  /** Makes the replica durable and gives its SHA-256, in hex. */
  async finish(): Promise<string> {
    await this.#replica?.sync();
    return this.#hash.digest("hex");
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#replica?.[Symbol.asyncDispose]();
    if (!(this.#kept instanceof MemoryStore)) await this.#kept[Symbol.asyncDispose]();
  }

  async #keep(offset: number, bytes: Uint8Array): Promise<void> {
    if (this.#kept instanceof MemoryStore) this.#kept.write(offset, bytes);
    else await this.#kept.writeAt(offset, bytes);
  }
}
