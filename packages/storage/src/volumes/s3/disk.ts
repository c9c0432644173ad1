/**
 * A bucket as a disk. Objects are files, slashes in their keys make folders; a folder is there while something is in
 * it. What is read in small bits is fetched in blocks, a few of which are kept; every read names the version that was
 * opened, so that an object which is replaced meanwhile gives an error and never a mix.
 */
import { threadId } from "node:worker_threads";
import { type Clock, type Disk, type DiskFile, diskErrors, diskPathSegments } from "@holdfast/base";
import { volumeLimits } from "../limits.ts";
import type { BucketClient, ObjectHead } from "./client.ts";
import { SpoolFile } from "./spool.ts";

export interface BucketDiskOptions {
  readonly client: BucketClient;
  /** Where files that are being written are gathered; nobody else's files are below the folder. */
  readonly scratch: { readonly disk: Disk; readonly folder: string };
  readonly clock: Clock;
}

let spoolCount = 0;

export function openBucketDisk(options: BucketDiskOptions): Disk {
  return new BucketDisk(options);
}

class BucketDisk implements Disk {
  readonly #client: BucketClient;
  readonly #scratch: BucketDiskOptions["scratch"];
  readonly #clock: Clock;
  readonly #heads = new Map<string, { readonly head: ObjectHead; readonly atMs: number }>();
  readonly #blocks = new Blocks();

  constructor({ client, scratch, clock }: BucketDiskOptions) {
    this.#client = client;
    this.#scratch = scratch;
    this.#clock = clock;
  }

  async readFile(path: string): Promise<Uint8Array | undefined> {
    diskPathSegments(path);
    const head = await this.#client.head(path);
    if (head === undefined) {
      if (await this.#isFolder(path)) throw diskErrors.notAFile({ path });
      return undefined;
    }
    if (head.sizeBytes > volumeLimits.maxWholeBytes) {
      throw diskErrors.io({ path, operation: `reading (${head.sizeBytes} bytes at once)` });
    }
    return await this.#client.get(path, { offset: 0, length: head.sizeBytes }, head.etag);
  }

  async writeFile(path: string, bytes: Uint8Array): Promise<void> {
    diskPathSegments(path);
    const copy = bytes.slice();
    await this.#ensurePlace(path);
    this.#heads.delete(path);
    await this.#client.put(path, copy);
    this.#heads.delete(path);
  }

  async open(path: string, mode: "read" | "write" | "create"): Promise<DiskFile> {
    diskPathSegments(path);
    if (mode === "create") {
      await this.#ensurePlace(path);
      return await this.#spool(path);
    }
    const head = await this.#headOf(path);
    if (head === undefined) {
      throw (await this.#isFolder(path)) ? diskErrors.notAFile({ path }) : diskErrors.notFound({ path });
    }
    const read = (offset: number, length: number) => this.#read(path, head, offset, length);
    if (mode === "read") return new ReadFile(path, head.sizeBytes, read);
    return await this.#spool(path, async (file) => {
      for (let at = 0; at < head.sizeBytes; at += volumeLimits.partBytes) {
        await file.writeAt(at, await read(at, Math.min(volumeLimits.partBytes, head.sizeBytes - at)));
      }
    });
  }

  async list(folder: string): Promise<string[]> {
    const segments = diskPathSegments(folder, { folder: true });
    const prefix = segments.length === 0 ? "" : `${folder}/`;
    const names = new Set<string>();
    let after: string | undefined;
    do {
      const page = await this.#client.list(prefix, after, false);
      for (const { key } of page.objects) names.add(key.slice(prefix.length));
      for (const key of page.folders) names.add(key.slice(prefix.length, -1));
      after = page.next;
    } while (after !== undefined);
    if (names.size === 0 && segments.length > 0 && (await this.#client.head(folder)) !== undefined) {
      throw diskErrors.notAFolder({ path: folder });
    }
    return [...names].sort();
  }

  async *names(folder: string): AsyncGenerator<string, void, undefined> {
    const segments = diskPathSegments(folder, { folder: true });
    const prefix = segments.length === 0 ? "" : `${folder}/`;
    let after: string | undefined;
    do {
      const page = await this.#client.list(prefix, after, false);
      for (const { key } of page.objects) yield key.slice(prefix.length);
      for (const key of page.folders) yield key.slice(prefix.length, -1);
      after = page.next;
    } while (after !== undefined);
  }

  async remove(path: string): Promise<void> {
    diskPathSegments(path);
    this.#heads.clear();
    await this.#client.remove(path);
    for (const { key } of await this.#below(path)) await this.#client.remove(key);
  }

  async rename(from: string, to: string): Promise<void> {
    diskPathSegments(from);
    diskPathSegments(to);
    if (from === to) {
      if ((await this.sizeBytes(from)) !== undefined || (await this.#isFolder(from))) return;
      throw diskErrors.notFound({ path: from });
    }
    if (to.startsWith(`${from}/`)) throw diskErrors.badPath({ path: to, reason: `lies below "${from}"` });
    const head = await this.#client.head(from);
    const below = head === undefined ? await this.#below(from) : [];
    if (head === undefined && below.length === 0) throw diskErrors.notFound({ path: from });
    if (head === undefined && (await this.#client.head(to)) !== undefined) {
      throw diskErrors.notAFolder({ path: to });
    }
    await this.#ensurePlace(to);
    this.#heads.clear();
    if (head !== undefined) return await this.#move(from, to, head.sizeBytes);
    for (const { key, sizeBytes } of below)
      await this.#move(key, `${to}${key.slice(from.length)}`, sizeBytes);
  }

  async sizeBytes(path: string): Promise<number | undefined> {
    diskPathSegments(path);
    this.#heads.delete(path);
    return (await this.#headOf(path))?.sizeBytes;
  }
  /** A bucket has no end of its own; what may be used of it is the volume's limit. */
  async freeBytes(): Promise<number> {
    return Number.MAX_SAFE_INTEGER;
  }
  nativePath(path: string): undefined {
    diskPathSegments(path, { folder: true });
    return undefined;
  }

  async #move(from: string, to: string, sizeBytes: number): Promise<void> {
    if (!(await this.#client.copy(from, to, sizeBytes))) throw diskErrors.notFound({ path: from });
    await this.#client.remove(from);
  }

  async #headOf(path: string): Promise<ObjectHead | undefined> {
    const nowMs = this.#clock.nowMs();
    const known = this.#heads.get(path);
    if (known !== undefined && nowMs - known.atMs < volumeLimits.headMs) return known.head;
    const head = await this.#client.head(path);
    this.#heads.delete(path);
    if (head === undefined) return undefined;
    if (this.#heads.size >= volumeLimits.maxHeads) this.#heads.clear();
    this.#heads.set(path, { head, atMs: nowMs });
    return head;
  }

  /** Small reads by way of blocks, large ones as they are asked for. */
  async #read(
    path: string,
    head: ObjectHead,
    offset: number,
    length: number,
  ): Promise<Uint8Array<ArrayBuffer>> {
    const end = Math.min(head.sizeBytes, offset + length);
    if (offset >= end) return new Uint8Array(0);
    const { blockBytes } = volumeLimits;
    const first = Math.floor(offset / blockBytes) * blockBytes;
    if (end - offset >= blockBytes || end > first + blockBytes) {
      return new Uint8Array(await this.#fetch(path, head, offset, end - offset));
    }
    const name = `${path}\n${head.etag}\n${first}`;
    let block = this.#blocks.get(name);
    if (block === undefined) {
      block = await this.#fetch(path, head, first, Math.min(blockBytes, head.sizeBytes - first));
      this.#blocks.set(name, block);
    }
    return block.slice(offset - first, end - first) as Uint8Array<ArrayBuffer>;
  }

  async #fetch(path: string, head: ObjectHead, offset: number, length: number): Promise<Uint8Array> {
    const bytes = await this.#client.get(path, { offset, length }, head.etag);
    if (bytes?.length === length) return bytes;
    this.#heads.delete(path);
    if (bytes === undefined) throw diskErrors.notFound({ path });
    throw diskErrors.io({ path, operation: `reading (${bytes.length} of ${length} bytes came)` });
  }

  async #spool(path: string, fill?: (file: DiskFile) => Promise<void>): Promise<DiskFile> {
    const { disk, folder } = this.#scratch;
    const scratch = { disk, path: `${folder}/${process.pid}-${threadId}-${spoolCount++}` };
    const send = async (file: DiskFile, sizeBytes: number): Promise<void> => {
      this.#heads.delete(path);
      await this.#client.send(
        path,
        sizeBytes,
        async (at, length) => new Uint8Array(await file.readAt(at, length)),
      );
      this.#heads.delete(path);
    };
    return await SpoolFile.open(path, scratch, send, fill);
  }

  async #isFolder(path: string): Promise<boolean> {
    const { objects, folders } = await this.#client.list(`${path}/`, undefined, false);
    return objects.length > 0 || folders.length > 0;
  }

  /** A file cannot be where a folder is, nor below a file. */
  async #ensurePlace(path: string): Promise<void> {
    if (await this.#isFolder(path)) throw diskErrors.notAFile({ path });
    const segments = diskPathSegments(path);
    for (let depth = 1; depth < segments.length; depth++) {
      const above = segments.slice(0, depth).join("/");
      if ((await this.#client.head(above)) !== undefined) throw diskErrors.notAFolder({ path });
    }
  }

  async #below(path: string): Promise<{ readonly key: string; readonly sizeBytes: number }[]> {
    const found: { readonly key: string; readonly sizeBytes: number }[] = [];
    let after: string | undefined;
    do {
      const page = await this.#client.list(`${path}/`, after, true);
      found.push(...page.objects);
      after = page.next;
    } while (after !== undefined);
    return found;
  }
}

class ReadFile implements DiskFile {
  readonly #path: string;
  readonly #size: number;
  readonly #read: (offset: number, length: number) => Promise<Uint8Array>;
  #isOpen = true;

  constructor(path: string, size: number, read: (offset: number, length: number) => Promise<Uint8Array>) {
    this.#path = path;
    this.#size = size;
    this.#read = read;
  }
  async readAt(offsetBytes: number, lengthBytes: number): Promise<Uint8Array> {
    this.#ensureOpen();
    return await this.#read(offsetBytes, lengthBytes);
  }
  async writeAt(): Promise<void> {
    this.#ensureOpen();
    throw diskErrors.readOnly({ path: this.#path });
  }
  async truncate(): Promise<void> {
    this.#ensureOpen();
    throw diskErrors.readOnly({ path: this.#path });
  }
  async sizeBytes(): Promise<number> {
    this.#ensureOpen();
    return this.#size;
  }
  async sync(): Promise<void> {
    this.#ensureOpen();
  }
  async [Symbol.asyncDispose](): Promise<void> {
    this.#isOpen = false;
  }
  #ensureOpen(): void {
    if (!this.#isOpen) throw diskErrors.closed({ path: this.#path });
  }
}

/** The blocks that were used last. */
class Blocks {
  readonly #blocks = new Map<string, Uint8Array>();

  get(name: string): Uint8Array | undefined {
    const block = this.#blocks.get(name);
    if (block === undefined) return undefined;
    this.#blocks.delete(name);
    this.#blocks.set(name, block);
    return block;
  }
  set(name: string, block: Uint8Array): void {
    this.#blocks.set(name, block);
    if (this.#blocks.size <= volumeLimits.maxBlocks) return;
    const [oldest] = this.#blocks.keys();
    if (oldest !== undefined) this.#blocks.delete(oldest);
  }
}
