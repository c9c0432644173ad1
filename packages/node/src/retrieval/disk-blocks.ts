/**
 * File blocks on a disk: one file per block, in folders by the next-to-last two characters of the CID (as in
 * Kubo's flatfs: the last one is not evenly spread). The file system is the index, so nothing can disagree
 * with it. The number of used bytes is kept in a small file while the store is closed; after a crash it is
 * counted anew before the first write.
 */
import {
  type CID,
  type Disk,
  decode,
  encode,
  equalBytes,
  parseCid,
  utf8Bytes,
  utf8Text,
} from "@holdfast/base";
import {
  blockName,
  checkBlock,
  type FileBlocks,
  type FileRecord,
  fileRecordCodec,
  type PutOptions,
  recordName,
} from "./blocks.ts";
import { retrievalErrors } from "./errors.ts";

export interface DiskBlocksOptions {
  readonly disk: Disk;
  /** A folder of the disk that nobody else writes to. */
  readonly folder: string;
  readonly quotaBytes: number;
}

/** Errors here and later: `disk/…`. */
export async function openDiskBlocks(options: DiskBlocksOptions): Promise<FileBlocks> {
  const { disk, folder } = options;
  const usageFile = `${folder}/used`;
  const before = await disk.readFile(usageFile);
  const known = before === undefined ? undefined : countIn(before);
  await disk.writeFile(usageFile, utf8Bytes("open"));
  return new DiskFileBlocks(options, usageFile, known);
}

/** The number in a usage file, if the store was closed in order. */
function countIn(bytes: Uint8Array): number | undefined {
  const text = bytes.length <= 16 ? utf8Text(bytes) : "";
  return /^\d{1,15}$/.test(text) ? Number(text) : undefined;
}

class DiskFileBlocks implements FileBlocks {
  readonly quotaBytes: number;
  readonly #disk: Disk;
  readonly #folder: string;
  readonly #usageFile: string;
  /** The queue of each block that is being written or removed. */
  readonly #queues = new Map<string, Promise<unknown>>();
  /** Bytes of the blocks, those that are being written among them. */
  #usedBytes: number;
  #closed = false;
  readonly #counted: Promise<void>;

  constructor(options: DiskBlocksOptions, usageFile: string, knownBytes: number | undefined) {
    this.#disk = options.disk;
    this.#folder = options.folder;
    this.quotaBytes = options.quotaBytes;
    this.#usageFile = usageFile;
    this.#usedBytes = knownBytes ?? 0;
    this.#counted = knownBytes === undefined ? this.#count() : Promise.resolve();
    this.#counted.catch(() => undefined); // whoever writes first learns of it
  }

  async usedBytes(): Promise<number> {
    await this.#counted;
    return this.#usedBytes;
  }

  async get(cid: CID): Promise<Uint8Array | undefined> {
    const bytes = await this.#disk.readFile(this.#path(blockName(cid)));
    if (bytes === undefined) return undefined;
    try {
      checkBlock(cid, bytes);
      return bytes;
    } catch {
      await this.delete(cid);
      return undefined;
    }
  }
  sizeBytes(cid: CID): Promise<number | undefined> {
    return this.#disk.sizeBytes(this.#path(blockName(cid)));
  }
  async has(cid: CID): Promise<boolean> {
    return (await this.sizeBytes(cid)) !== undefined;
  }

  async put(cid: CID, bytes: Uint8Array, how: PutOptions = {}): Promise<boolean> {
    checkBlock(cid, bytes, how);
    await this.#counted;
    const name = blockName(cid);
    return this.#inTurn(name, async () => {
      const path = this.#path(name);
      // Most blocks that come are new: a look for the name is cheaper than reading nothing.
      const there =
        (await this.#disk.sizeBytes(path)) === undefined ? undefined : await this.#disk.readFile(path);
      if (there !== undefined && equalBytes(there, bytes)) return false;
      const neededBytes = bytes.length - (there?.length ?? 0); // otherwise the disk has damaged it
      if (this.#usedBytes + neededBytes > this.quotaBytes) {
        const usedBytes = this.#usedBytes;
        throw retrievalErrors.quotaFull({ usedBytes, neededBytes, quotaBytes: this.quotaBytes });
      }
      this.#usedBytes += neededBytes;
      try {
        if (how.isCopy === true && this.#disk.writeCopy !== undefined)
          await this.#disk.writeCopy(path, bytes);
        else await this.#disk.writeFile(path, bytes);
      } catch (error) {
        this.#usedBytes -= neededBytes;
        throw error;
      }
      return true;
    });
  }
  async settle(cids: readonly CID[]): Promise<void> {
    await this.#disk.settle?.(cids.map((cid) => this.#path(blockName(cid))));
  }
  async delete(cid: CID, unless?: () => boolean): Promise<number> {
    await this.#counted;
    const name = blockName(cid);
    return this.#inTurn(name, async () => {
      const path = this.#path(name);
      const freedBytes = await this.#disk.sizeBytes(path);
      if (freedBytes === undefined || unless?.() === true) return 0;
      await this.#disk.remove(path);
      this.#usedBytes -= freedBytes;
      return freedBytes;
    });
  }

  async *list(): AsyncIterable<CID> {
    for await (const { name } of this.#files()) if (!name.startsWith(".")) yield parseCid(name);
  }

  async readRecord(root: CID): Promise<FileRecord | undefined> {
    const bytes = await this.#disk.readFile(this.#recordPath(recordName(root)));
    return bytes === undefined ? undefined : decode(fileRecordCodec, bytes);
  }
  async writeRecord(record: FileRecord): Promise<void> {
    await this.#disk.writeFile(this.#recordPath(recordName(record.root)), encode(fileRecordCodec, record));
  }
  async removeRecord(root: CID): Promise<void> {
    await this.#disk.remove(this.#recordPath(recordName(root)));
  }
  async listRecords(): Promise<FileRecord[]> {
    const records: FileRecord[] = [];
    for (const name of await this.#disk.list(`${this.#folder}/records`)) {
      if (name.startsWith(".")) continue; // half-written
      const bytes = await this.#disk.readFile(this.#recordPath(name));
      if (bytes !== undefined) records.push(decode(fileRecordCodec, bytes));
    }
    return records;
  }

  /** Fails with `disk/…` if the count of the used bytes could not be kept; nothing else is lost. */
  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    await Promise.allSettled([...this.#queues.values()]);
    await this.#counted;
    await this.#disk.writeFile(this.#usageFile, utf8Bytes(String(this.#usedBytes)));
  }

  /** Runs before the first write, so that every half-written file is one of a process that is gone. */
  async #count(): Promise<void> {
    for await (const { path, name } of this.#files()) {
      if (name.startsWith(".")) await this.#disk.remove(path);
      else this.#usedBytes += (await this.#disk.sizeBytes(path)) ?? 0;
    }
  }
  async *#files(): AsyncIterable<{ readonly path: string; readonly name: string }> {
    const blocks = `${this.#folder}/blocks`;
    for (const shard of await this.#disk.list(blocks)) {
      const folder = `${blocks}/${shard}`;
      for (const name of await this.#disk.list(folder)) yield { path: `${folder}/${name}`, name };
    }
  }

  /** One after the other for each block; different blocks side by side. */
  #inTurn<T>(name: string, work: () => Promise<T>): Promise<T> {
    const turn = (this.#queues.get(name) ?? Promise.resolve()).then(work, work);
    const settled = turn.then(
      () => undefined,
      () => undefined,
    );
    this.#queues.set(name, settled);
    void settled.then(() => {
      if (this.#queues.get(name) === settled) this.#queues.delete(name);
    });
    return turn;
  }

  #path(name: string): string {
    return `${this.#folder}/blocks/${name.slice(-3, -1)}/${name}`;
  }
  #recordPath(name: string): string {
    return `${this.#folder}/records/${name}`;
  }
}
