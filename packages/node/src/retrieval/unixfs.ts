/**
 * What a block of a file says: its bytes, or links and the bytes below each. A file is made of raw blocks and
 * of dag-pb blocks with a UnixFS message of the kind "file" or "raw" (IPFS specifications, UnixFS). The sizes
 * are claims of whoever made the tree; `DagWalk` holds them against what lies below.
 */

import type { CID } from "@holdfast/base";
import { decode as decodeNode, type PBNode } from "@ipld/dag-pb";
import { limits } from "../limits.ts";
import { retrievalErrors } from "./errors.ts";

const rawCode = 0x55;
const dagPbCode = 0x70;
/** Hash functions that are checked everywhere, with digests of 32 bytes. */
const hashCodes = [0x12, 0xb220]; // sha2-256, blake2b-256
const digestBytes = 32;
/** Kinds of the UnixFS message that are files. */
const kindRaw = 0;
const kindFile = 2;

export interface FileLink {
  readonly cid: CID;
  /** File bytes below this link. */
  readonly fileBytes: number;
}

export interface FileNode {
  /** File bytes in this block; they come before those of the links. */
  readonly data: Uint8Array;
  readonly links: readonly FileLink[];
  /** File bytes in and below this block. */
  readonly fileBytes: number;
}

const noLinks: readonly FileLink[] = [];
const noBytes = new Uint8Array(0);

/** Whether the block is file bytes and nothing else, so that its length is the number of its file bytes. */
export function isRawLeaf(cid: CID): boolean {
  return cid.code === rawCode;
}

/** `retrieval/unsupported-cid` for blocks that can be no part of a file here. */
export function checkFileCid(cid: CID): void {
  const refuse = (reason: string) => retrievalErrors.unsupportedCid({ cid: cid.toString(), reason });
  if (cid.code !== rawCode && cid.code !== dagPbCode) throw refuse("only raw and dag-pb blocks make a file");
  if (!hashCodes.includes(cid.multihash.code) || cid.multihash.digest.length !== digestBytes) {
    throw refuse("its hash is neither SHA-256 nor BLAKE2b-256");
  }
}

/** The content of a verified block. `retrieval/not-a-file`, `retrieval/unsupported-cid`. */
export function readFileNode(cid: CID, bytes: Uint8Array): FileNode {
  if (isRawLeaf(cid)) return { data: bytes, links: noLinks, fileBytes: bytes.length };
  const refuse = (reason: string, cause?: unknown) =>
    retrievalErrors.notAFile({ cid: cid.toString(), reason }, cause);
  let node: PBNode;
  try {
    node = decodeNode(bytes);
  } catch (cause) {
    throw refuse("its block is no valid dag-pb", cause);
  }
  if (node.Data === undefined) throw refuse("its block has no UnixFS message");
  const message = readMessage(node.Data, refuse);
  if (message.kind !== kindFile && message.kind !== kindRaw) throw refuse("it is a folder or another object");
  if (message.linkBytes.length !== node.Links.length) throw refuse("not every link has a size");
  const links = node.Links.map((link, index) => {
    checkFileCid(link.Hash);
    return { cid: link.Hash, fileBytes: message.linkBytes[index] ?? 0 };
  });
  const fileBytes = links.reduce((sum, link) => sum + link.fileBytes, message.data.length);
  if (fileBytes > limits.fileBytes) throw refuse(`it claims more than ${limits.fileBytes} bytes`);
  if (message.fileBytes !== undefined && message.fileBytes !== fileBytes) {
    throw refuse("the sizes of its parts do not add up to its size");
  }
  return { data: message.data, links, fileBytes };
}

interface Message {
  kind: number;
  data: Uint8Array;
  fileBytes: number | undefined;
  readonly linkBytes: number[];
}

/** UnixFS `Data`: 1 kind, 2 bytes, 3 size of the file, 4 sizes of the parts; later fields do not matter here. */
function readMessage(bytes: Uint8Array, refuse: (reason: string) => Error): Message {
  const message: Message = { kind: -1, data: noBytes, fileBytes: undefined, linkBytes: [] };
  let at = 0;
  const varint = (): number => {
    let value = 0;
    for (let scale = 1; ; scale *= 128) {
      const byte = bytes[at++];
      if (byte === undefined || scale > 2 ** 49) throw refuse("its UnixFS message is damaged");
      value += (byte & 0x7f) * scale;
      if (byte < 0x80) break;
    }
    if (!Number.isSafeInteger(value)) throw refuse("a number in its UnixFS message is too large");
    return value;
  };
  const take = (length: number): Uint8Array => {
    at += length;
    if (at > bytes.length) throw refuse("its UnixFS message is damaged");
    return bytes.subarray(at - length, at);
  };
  while (at < bytes.length) {
    const key = varint();
    const field = Math.floor(key / 8);
    const wireType = key % 8;
    if (wireType === 0) {
      const value = varint();
      if (field === 1) message.kind = value;
      else if (field === 3) message.fileBytes = value;
      else if (field === 4) message.linkBytes.push(value);
    } else if (wireType === 2) {
      const value = take(varint());
      if (field === 2) message.data = value;
      else if (field <= 4) throw refuse("its UnixFS message is damaged");
    } else if (wireType === 5) {
      take(4); // a fixed-width number, as in the time of change
    } else {
      throw refuse("its UnixFS message is damaged");
    }
  }
  return message;
}
