/**
 * Where the blocks of files lie: a port with two twins, memory (here) and disk. Invariants: a block is checked
 * against its CID before it is kept and again when it is read; kept blocks never exceed the quota; what `put`
 * resolved for is there after a crash. Beside the blocks there is one small record per file.
 */
import { type CID, c, type Decoded, toHex, verifyCid } from "@holdfast/base";
import { limits } from "../limits.ts";
import { retrievalErrors } from "./errors.ts";

/** What is remembered of a file that was imported or fetched, wholly or in part. */
export const fileRecordCodec = c.tuple("FileRecord", {
  version: c.literal(1),
  root: c.cid,
  /** Every block is there and every size in the tree was found true. */
  complete: c.bool,
  /** A person of this node gave it; what was only fetched may make room for others. */
  imported: c.bool,
  /** 0 while the file is not complete. */
  fileBytes: c.uint(),
  carBytes: c.uint(),
  atMs: c.uint(),
});
export type FileRecord = Decoded<typeof fileRecordCodec>;

export interface PutOptions {
  /** The bytes were checked against the CID just now. */
  readonly isVerified?: boolean;
  /**
   * A power cut may take it away, or damage it, which is noticed when it is read: others have it too, or it will be
   * settled. The array is not to be changed until it is written.
   */
  readonly isCopy?: boolean;
}

export interface FileBlocks extends AsyncDisposable {
  readonly quotaBytes: number;
  usedBytes(): Promise<number>;
  /** The verified bytes. A block that the disk has damaged is removed, and undefined like a missing one. */
  get(cid: CID): Promise<Uint8Array | undefined>;
  /** The length of a kept block, without reading it. */
  sizeBytes(cid: CID): Promise<number | undefined>;
  has(cid: CID): Promise<boolean>;
  /**
   * Whether the block is new here. Durable when it resolves, unless it is a copy. `retrieval/corrupt-block`,
   * `retrieval/unsupported-cid`, `retrieval/too-large`, `retrieval/quota-full`, `disk/…`.
   */
  put(cid: CID, bytes: Uint8Array, how?: PutOptions): Promise<boolean>;
  /** Makes copies durable, cheaper than each by itself; a block that is gone is passed over. `disk/…` */
  settle(cids: readonly CID[]): Promise<void>;
  /**
   * Bytes that became free. `unless` is asked at the last moment, when no `put` of this block is under way:
   * if it holds, the block stays.
   */
  delete(cid: CID, unless?: () => boolean): Promise<number>;
  /** The CIDs (version 1) of all blocks, in no order. */
  list(): AsyncIterable<CID>;

  readRecord(root: CID): Promise<FileRecord | undefined>;
  writeRecord(record: FileRecord): Promise<void>;
  removeRecord(root: CID): Promise<void>;
  listRecords(): Promise<FileRecord[]>;
}

/** Names a block: both versions of a CID name the same one. */
export function blockName(cid: CID): string {
  return cid.toV1().toString();
}
/** Names a file: its CAR stream holds the CID as it was written. */
export function recordName(root: CID): string {
  return toHex(root.bytes);
}

/** `retrieval/too-large`, `retrieval/corrupt-block`. */
export function checkBlock(cid: CID, bytes: Uint8Array, { isVerified = false }: PutOptions = {}): void {
  if (bytes.length > limits.fileBlockBytes) {
    throw retrievalErrors.tooLarge({ what: "bytes in one block", limit: limits.fileBlockBytes });
  }
  if (!isVerified && !verifyCid(cid, bytes)) throw retrievalErrors.corruptBlock({ cid: cid.toString() });
}

/** The twin without a disk. */
export function memoryBlocks(options: { readonly quotaBytes?: number } = {}): FileBlocks {
  const quotaBytes = options.quotaBytes ?? Number.MAX_SAFE_INTEGER;
  const blocks = new Map<string, { readonly cid: CID; readonly bytes: Uint8Array }>();
  const records = new Map<string, FileRecord>();
  let usedBytes = 0;
  return {
    quotaBytes,
    usedBytes: async () => usedBytes,
    get: async (cid) => blocks.get(blockName(cid))?.bytes,
    sizeBytes: async (cid) => blocks.get(blockName(cid))?.bytes.length,
    has: async (cid) => blocks.has(blockName(cid)),
    async put(cid, bytes, how) {
      checkBlock(cid, bytes, how);
      const name = blockName(cid);
      if (blocks.has(name)) return false;
      const neededBytes = bytes.length;
      if (usedBytes + neededBytes > quotaBytes) {
        throw retrievalErrors.quotaFull({ usedBytes, neededBytes, quotaBytes });
      }
      blocks.set(name, { cid: cid.toV1(), bytes: owned(bytes) });
      usedBytes += neededBytes;
      return true;
    },
    async settle() {},
    async delete(cid, unless) {
      const name = blockName(cid);
      const freed = unless?.() === true ? undefined : blocks.get(name);
      if (freed === undefined) return 0;
      blocks.delete(name);
      usedBytes -= freed.bytes.length;
      return freed.bytes.length;
    },
    async *list() {
      for (const { cid } of [...blocks.values()]) yield cid;
    },
    readRecord: async (root) => records.get(recordName(root)),
    writeRecord: async (record) => void records.set(recordName(record.root), record),
    removeRecord: async (root) => void records.delete(recordName(root)),
    listRecords: async () => [...records.values()],
    async [Symbol.asyncDispose]() {},
  };
}

/** A copy: a block kept as a view would keep the whole network buffer around it, and change with it. */
function owned(bytes: Uint8Array): Uint8Array {
  return Uint8Array.from(bytes);
}
