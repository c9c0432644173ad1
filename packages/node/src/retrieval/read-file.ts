/**
 * The bytes of a file from an offset on, in order, with some blocks asked for ahead of the reader. Blocks come
 * from a function, so that the same reader serves a file that lies here and one that is still arriving. Only
 * subtrees with bytes after the offset are entered; every size that leads the way is checked on the way.
 */
import type { Cancel, CID } from "@holdfast/base";
import { limits } from "../limits.ts";
import { inAdvance } from "./ahead.ts";
import { retrievalErrors } from "./errors.ts";
import { type FileNode, isRawLeaf, readFileNode } from "./unixfs.ts";

/** The verified bytes of a block of the file, as soon as they are here. */
export type BlockReader = (cid: CID) => Promise<Uint8Array>;

export interface OpenFile {
  readonly sizeBytes: number;
  /** From the offset to the end; stopping early is fine. */
  readonly bytes: AsyncIterable<Uint8Array>;
}

/** Which bytes: from 0 or an offset on, to the end or so many. */
export interface ByteRange {
  readonly offsetBytes?: number | undefined;
  /** Fewer come if the file ends before. */
  readonly lengthBytes?: number | undefined;
}

/**
 * `retrieval/bad-offset`, `retrieval/not-a-file`, `/is-a-folder`, `/unsupported-cid`, `/dag-too-big`, and what
 * `read` fails with; the stream fails with the same.
 */
export async function openFileBytes(read: BlockReader, root: CID, range: ByteRange = {}): Promise<OpenFile> {
  const node = readFileNode(root, await read(root));
  const sizeBytes = node.fileBytes;
  const { offsetBytes = 0, lengthBytes = sizeBytes - offsetBytes } = range;
  if (!(Number.isSafeInteger(offsetBytes) && offsetBytes >= 0 && offsetBytes <= sizeBytes)) {
    throw retrievalErrors.badOffset({ offsetBytes, sizeBytes });
  }
  const endBytes = Math.min(sizeBytes, offsetBytes + lengthBytes);
  return { sizeBytes, bytes: bytesBetween(read, root, node, offsetBytes, endBytes) };
}

/** A part of the file in one block: `read` gives it. */
type Part = () => Promise<Uint8Array>;

async function* bytesBetween(
  read: BlockReader,
  root: CID,
  node: FileNode,
  offsetBytes: number,
  endBytes: number,
): AsyncGenerator<Uint8Array, void, undefined> {
  const parts = partsOf(read, root, node, offsetBytes, endBytes, 1);
  let left = endBytes - offsetBytes;
  if (left === 0) return;
  for await (const bytes of inAdvance(parts, limits.readAheadBlocks)) {
    const wanted = bytes.subarray(0, left);
    left -= wanted.length;
    if (wanted.length > 0) yield wanted;
    if (left === 0) return;
  }
}

/** The parts from `skipBytes` on that begin before `endBytes` (both counted from where `node` begins). */
async function* partsOf(
  read: BlockReader,
  root: CID,
  node: FileNode,
  skipBytes: number,
  endBytes: number,
  depth: number,
): AsyncGenerator<Part, void, undefined> {
  if (depth > limits.dagDepth) {
    throw retrievalErrors.dagTooBig({ root: root.toString(), what: "levels", limit: limits.dagDepth });
  }
  if (skipBytes < node.data.length) yield async () => node.data.subarray(skipBytes);
  let start = node.data.length;
  for (const { cid, fileBytes } of node.links) {
    if (start >= endBytes) return;
    const skip = Math.max(0, skipBytes - start);
    const end = endBytes - start;
    start += fileBytes;
    if (skip >= fileBytes) continue; // before the offset, or without bytes
    const load = async (): Promise<FileNode> => {
      const child = readFileNode(cid, await read(cid));
      if (child.fileBytes === fileBytes) return child;
      const reason = `the size that it claims for its part ${cid.toString()} is wrong`;
      throw retrievalErrors.notAFile({ cid: root.toString(), reason });
    };
    if (isRawLeaf(cid)) yield async () => (await load()).data.subarray(skip);
    else yield* partsOf(read, root, await load(), skip, end, depth + 1);
  }
}

/**
 * The same stream; `close` runs once, when they end, when the consumer stops, or when the signal aborts. (A
 * generator's `finally` would not run if the consumer leaves before it takes the first bytes.)
 */
export function closing<T>(
  bytes: AsyncIterable<T>,
  close: () => void,
  signal: Cancel | undefined,
): AsyncIterable<T> {
  let open = true;
  const finish = (): void => {
    if (!open) return;
    open = false;
    signal?.removeEventListener("abort", finish);
    close();
  };
  if (signal?.aborted === true) finish();
  else signal?.addEventListener("abort", finish, { once: true });
  return {
    [Symbol.asyncIterator]() {
      const inner = bytes[Symbol.asyncIterator]();
      return {
        async next() {
          try {
            signal?.throwIfAborted();
            const result = await inner.next();
            if (result.done === true) finish();
            return result;
          } catch (error) {
            finish();
            throw error;
          }
        },
        async return() {
          finish();
          await inner.return?.();
          return { done: true, value: undefined };
        },
      };
    },
  };
}
