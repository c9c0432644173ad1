/**
 * What a block of a file or folder says: bytes, links and the bytes below each, or names and where they lead. A
 * tree is made of raw blocks and of dag-pb blocks with a UnixFS message (IPFS specifications, UnixFS); a large
 * folder is a HAMT of shards. The sizes are claims of whoever made the tree; `DagWalk` holds them against what
 * lies below. Invariant: every name that comes from here is fit to be a name on a disk.
 */

import { type CID, HoldfastError, utf8Bytes, utf8Text } from "@holdfast/base";
import { decode as decodeNode, type PBLink, type PBNode } from "@ipld/dag-pb";
import { limits } from "../limits.ts";
import { retrievalErrors } from "./errors.ts";

const rawCode = 0x55;
const dagPbCode = 0x70;
/** Hash functions that are checked everywhere, with digests of 32 bytes. */
const hashCodes = [0x12, 0xb220]; // sha2-256, blake2b-256
const digestBytes = 32;
/** Kinds of the UnixFS message. */
const kindRaw = 0;
const kindFolder = 1;
const kindFile = 2;
const kindSymlink = 4;
const kindShard = 5;
/** Of names in shards: murmur3-x64-64, the only one that the specification allows. */
const shardHash = 0x22;
/** The specification's limits of a shard's slots. */
const leastFanout = 8;
const mostFanout = 1024;

export interface FileLink {
  readonly kind: "part";
  readonly cid: CID;
  /** File bytes below this link. */
  readonly fileBytes: number;
}
export interface EntryLink {
  readonly kind: "entry";
  readonly cid: CID;
  readonly name: string;
  /** In a shard: the place that the hash of the name has chosen. */
  readonly slot: number;
}
export interface ShardLink {
  readonly kind: "shard";
  readonly cid: CID;
  readonly slot: number;
}
export type TreeLink = FileLink | EntryLink | ShardLink;

export interface FileNode {
  readonly kind: "file";
  /** File bytes in this block; they come before those of the links. */
  readonly data: Uint8Array;
  readonly links: readonly FileLink[];
  /** File bytes in and below this block. */
  readonly fileBytes: number;
}
export interface FolderNode {
  readonly kind: "folder";
  readonly data: Uint8Array;
  readonly links: readonly (EntryLink | ShardLink)[];
  /** Slots of a shard; undefined if the whole folder is in this block. */
  readonly fanout: number | undefined;
  /** Its entries may lead to blocks that make no file. */
  readonly isOpen: boolean;
}
export interface SymlinkNode {
  readonly kind: "symlink";
  readonly data: Uint8Array;
  readonly links: readonly never[];
  /** Where it points: text of whoever made it, never followed here. */
  readonly target: string;
}
export type TreeNode = FileNode | FolderNode | SymlinkNode;

const noLinks: readonly never[] = [];
const noBytes = new Uint8Array(0);

type Refusal = (reason: string, cause?: unknown) => Error;

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

/** Whether {@link checkFileCid} takes it. */
export function isFileCid(cid: CID): boolean {
  try {
    checkFileCid(cid);
    return true;
  } catch (error) {
    if (error instanceof HoldfastError) return false;
    throw error;
  }
}

/** The content of a verified block of a file. `retrieval/not-a-file`, `/is-a-folder`, `/unsupported-cid`. */
export function readFileNode(cid: CID, bytes: Uint8Array): FileNode {
  const node = readTreeNode(cid, bytes);
  if (node.kind === "file") return node;
  if (node.kind === "folder") throw retrievalErrors.isAFolder({ cid: cid.toString() });
  throw retrievalErrors.notAFile({ cid: cid.toString(), reason: "it is a symbolic link" });
}

/**
 * The content of a verified block. `retrieval/not-a-file`, `retrieval/unsupported-cid`. Entries of a folder lead to
 * blocks of files alone, unless it is read as open: then whoever follows them looks at what they are.
 */
export function readTreeNode(cid: CID, bytes: Uint8Array, isOpen = false): TreeNode {
  if (isRawLeaf(cid)) return { kind: "file", data: bytes, links: noLinks, fileBytes: bytes.length };
  const refuse: Refusal = (reason, cause) => retrievalErrors.notAFile({ cid: cid.toString(), reason }, cause);
  let node: PBNode;
  try {
    node = decodeNode(bytes);
  } catch (cause) {
    throw refuse("its block is no valid dag-pb", cause);
  }
  if (node.Data === undefined) throw refuse("its block has no UnixFS message");
  const message = readMessage(node.Data, refuse);
  const isFolder = message.kind === kindFolder || message.kind === kindShard;
  if (!isOpen || !isFolder) for (const { Hash } of node.Links) checkFileCid(Hash);
  switch (message.kind) {
    case kindRaw:
    case kindFile:
      return fileNode(node, message, refuse);
    case kindFolder:
      return { ...folderOf(folderLinks(node.Links, refuse), isOpen), fanout: undefined };
    case kindShard:
      return { ...folderOf(shardLinks(node, message, refuse), isOpen), fanout: message.fanout };
    case kindSymlink:
      if (node.Links.length > 0) throw refuse("a symbolic link has no parts");
      return { kind: "symlink", data: noBytes, links: noLinks, target: textOf(message.data, refuse) };
    default:
      throw refuse("it is neither file nor folder");
  }
}

function fileNode(node: PBNode, message: Message, refuse: Refusal): FileNode {
  if (message.linkBytes.length !== node.Links.length) throw refuse("not every link has a size");
  const links = node.Links.map((link, index): FileLink => {
    return { kind: "part", cid: link.Hash, fileBytes: message.linkBytes[index] ?? 0 };
  });
  const fileBytes = links.reduce((sum, link) => sum + link.fileBytes, message.data.length);
  if (fileBytes > limits.fileBytes) throw refuse(`it claims more than ${limits.fileBytes} bytes`);
  if (message.fileBytes !== undefined && message.fileBytes !== fileBytes) {
    throw refuse("the sizes of its parts do not add up to its size");
  }
  return { kind: "file", data: message.data, links, fileBytes };
}

function folderOf(links: FolderNode["links"], isOpen: boolean): Omit<FolderNode, "fanout"> {
  return { kind: "folder", data: noBytes, links, isOpen };
}

function folderLinks(links: readonly PBLink[], refuse: Refusal): EntryLink[] {
  const seen = new Set<string>();
  return links.map(({ Hash, Name = "" }) => {
    if (seen.has(Name)) throw refuse(`it has two entries ${JSON.stringify(Name)}`);
    seen.add(Name);
    return { kind: "entry", cid: Hash, name: fitName(Name, refuse), slot: 0 };
  });
}

/** Shards: names begin with their slot in hexadecimal digits, and a link of nothing else is the next shard. */
function shardLinks(node: PBNode, message: Message, refuse: Refusal): (EntryLink | ShardLink)[] {
  const { fanout, hash } = message;
  const isPower = Number.isInteger(Math.log2(fanout));
  if (hash !== shardHash || !isPower || fanout < leastFanout || fanout > mostFanout) {
    throw refuse("its shard has another hash or width than the specification allows");
  }
  const digits = (fanout - 1).toString(16).length;
  let last = -1;
  const links = node.Links.map(({ Hash, Name = "" }): EntryLink | ShardLink => {
    const prefix = Name.slice(0, digits);
    const slot = new RegExp(`^[0-9A-F]{${digits}}$`).test(prefix) ? Number.parseInt(prefix, 16) : -1;
    if (slot <= last || slot >= fanout) throw refuse("the places in its shard are out of order");
    last = slot;
    if (Name.length === digits) return { kind: "shard", cid: Hash, slot };
    return { kind: "entry", cid: Hash, name: fitName(Name.slice(digits), refuse), slot };
  });
  if (!isBitfieldOf(message.data, fanout, links))
    throw refuse("the places in its shard do not match its links");
  return links;
}

/** The message holds a bit for each slot, the highest first, without leading zeros. */
function isBitfieldOf(
  bits: Uint8Array,
  fanout: number,
  links: readonly { readonly slot: number }[],
): boolean {
  if (bits.length > fanout / 8) return false;
  let ones = 0;
  for (const byte of bits) for (let rest = byte; rest > 0; rest &= rest - 1) ones++;
  const isSet = (slot: number): boolean =>
    (((bits[bits.length - 1 - Math.floor(slot / 8)] ?? 0) >> (slot % 8)) & 1) === 1;
  return ones === links.length && links.every(({ slot }) => isSet(slot));
}

/** Why a name cannot stand for an entry of a folder; undefined if it can. */
export function nameProblem(name: string): string | undefined {
  if (name === "" || name === "." || name === "..") return `${JSON.stringify(name)} names no entry`;
  if (name.includes("/") || name.includes("\0")) return "a name holds a slash or a zero";
  if (!name.isWellFormed() || name.includes("\ufffd")) return "a name is no Unicode text";
  if (utf8Bytes(name).length > limits.entryNameBytes)
    return `a name is longer than ${limits.entryNameBytes} bytes`;
  return undefined;
}

function fitName(name: string, refuse: Refusal): string {
  const problem = nameProblem(name);
  if (problem !== undefined) throw refuse(problem);
  return name;
}

function textOf(bytes: Uint8Array, refuse: Refusal): string {
  try {
    return utf8Text(bytes);
  } catch (cause) {
    throw refuse("its target is no Unicode text", cause);
  }
}

interface Message {
  kind: number;
  data: Uint8Array;
  fileBytes: number | undefined;
  readonly linkBytes: number[];
  hash: number;
  fanout: number;
}

/**
 * UnixFS `Data`: 1 kind, 2 bytes, 3 size of the file, 4 sizes of the parts, 5 and 6 hash and width of a shard; later
 * fields (mode, time of change) do not matter here.
 */
function readMessage(bytes: Uint8Array, refuse: Refusal): Message {
  const message: Message = {
    kind: -1,
    data: noBytes,
    fileBytes: undefined,
    linkBytes: [],
    hash: 0,
    fanout: 0,
  };
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
      else if (field === 5) message.hash = value;
      else if (field === 6) message.fanout = value;
    } else if (wireType === 2) {
      const value = take(varint());
      if (field === 2) message.data = value;
      else if (field <= 6) throw refuse("its UnixFS message is damaged");
    } else if (wireType === 5) {
      take(4); // a fixed-width number, as in the time of change
    } else {
      throw refuse("its UnixFS message is damaged");
    }
  }
  return message;
}
