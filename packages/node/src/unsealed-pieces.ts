/**
 * Pieces of which no plain copy is kept, once they were decoded for a reader: kept within a quota, those that were read
 * longest ago make room. Reading a block then costs a block and not a sector. Invariants: bytes come out of the
 * storage, which has checked them against the piece's commitment; the files together stay below the quota.
 */
import {
  blake2b256,
  type Disk,
  type DiskFile,
  HoldfastError,
  type Logger,
  toHex,
  utf8Bytes,
} from "@holdfast/base";
import type { Storage } from "@holdfast/storage";

export interface UnsealedOptions {
  readonly disk: Disk;
  /** A folder of the disk that nobody else writes to. */
  readonly folder: string;
  readonly quotaBytes: number;
}

type Read = Storage["readPiece"];

export interface UnsealedPieces {
  /** As `readPiece` of the storage. */
  readonly read: Read;
  usedBytes(): Promise<number>;
}

/** Bytes read at once. */
const chunkBytes = 1 << 20;

export function openUnsealed(
  { disk, folder, quotaBytes }: UnsealedOptions,
  storage: Pick<Storage, "readPiece" | "hasPlainCopy">,
  logger: Logger,
): UnsealedPieces {
  /** Sizes of the files, the one that was read longest ago first; those of an earlier run count as oldest. */
  let known: Promise<Map<string, number>> | undefined;
  /** Decoding runs once for a piece, however many read it. */
  const decoding = new Map<string, Promise<Uint8Array>>();
  const files = (): Promise<Map<string, number>> => {
    known ??= listed(disk, folder);
    known.catch(() => (known = undefined)); // the next reader looks again
    return known;
  };

  const keep = async (name: string, bytes: Uint8Array): Promise<void> => {
    const sizes = await files();
    if (bytes.length > quotaBytes || sizes.has(name)) return;
    sizes.set(name, bytes.length); // counted before it is written
    try {
      for (const [oldest] of sizes) {
        if (sum(sizes) <= quotaBytes) break;
        if (oldest === name) continue;
        sizes.delete(oldest);
        await disk.remove(`${folder}/${oldest}`);
      }
      await disk.writeFile(`${folder}/${name}`, bytes);
    } catch (error) {
      sizes.delete(name);
      logger.warn("a decoded piece is not kept", { detail: String(error) });
    }
  };
  const decode = (name: string, pieceKey: string): Promise<Uint8Array> => {
    const running = decoding.get(name) ?? collect(storage.readPiece(pieceKey));
    if (!decoding.has(name)) {
      decoding.set(name, running);
      const done = (): unknown => decoding.delete(name);
      running.then((bytes) => keep(name, bytes)).then(done, done);
    }
    return running;
  };
  return {
    async *read(pieceKey: string, range: Parameters<Read>[1] = {}) {
      if (await storage.hasPlainCopy(pieceKey)) {
        yield* storage.readPiece(pieceKey, range);
        return;
      }
      const name = toHex(blake2b256(utf8Bytes(pieceKey)));
      const sizes = await files();
      const [size, running] = [sizes.get(name), decoding.get(name)];
      if (size === undefined || running !== undefined) {
        const bytes = await decode(name, pieceKey);
        const { offset = 0, length = bytes.length - offset } = range;
        yield bytes.subarray(offset, offset + length);
        return;
      }
      sizes.delete(name);
      sizes.set(name, size); // now the newest
      const { offset = 0, length = size - offset } = range;
      const opened = await openKept(disk, `${folder}/${name}`);
      if (opened === undefined) {
        if (sizes.get(name) === size) sizes.delete(name);
        const bytes = await decode(name, pieceKey);
        yield bytes.subarray(offset, offset + length);
      } else yield* rangeOf(opened, offset, length);
    },
    usedBytes: async () => sum(await files()),
  };
}

async function* rangeOf(file: DiskFile, offset: number, length: number): AsyncGenerator<Uint8Array> {
  await using opened = file;
  for (let done = 0; done < length; ) {
    const part = await opened.readAt(offset + done, Math.min(chunkBytes, length - done));
    if (part.length === 0) break;
    done += part.length;
    yield part;
  }
}

/** Undefined where it had to make room for another between the look and the opening. */
async function openKept(disk: Disk, path: string): Promise<DiskFile | undefined> {
  try {
    return await disk.open(path, "read");
  } catch (error) {
    if (error instanceof HoldfastError && error.code === "disk/not-found") return undefined;
    throw error;
  }
}

async function listed(disk: Disk, folder: string): Promise<Map<string, number>> {
  const sizes = new Map<string, number>();
  for (const name of await disk.list(folder)) {
    const path = `${folder}/${name}`;
    const size = name.startsWith(".") ? undefined : await disk.sizeBytes(path);
    if (size === undefined)
      await disk.remove(path); // half-written
    else sizes.set(name, size);
  }
  return sizes;
}

async function collect(source: AsyncIterable<Uint8Array>): Promise<Uint8Array> {
  const parts: Uint8Array[] = [];
  for await (const part of source) parts.push(part);
  const [only] = parts;
  return parts.length === 1 && only !== undefined ? only : new Uint8Array(Buffer.concat(parts));
}

function sum(sizes: ReadonlyMap<string, number>): number {
  let bytes = 0;
  for (const size of sizes.values()) bytes += size;
  return bytes;
}
