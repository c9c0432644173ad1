/**
 * Messages of `/ipfs/bitswap/1.2.0`, which the field speaks for single blocks (specs.ipfs.tech, bitswap-protocol;
 * protobuf): wants, blocks, and who has not what. Strict about lengths and bounded in number; fields of other
 * versions are skipped, as protobuf asks. A block travels with the prefix of its CID (version, codec, hash, length
 * of the digest), and what it is called follows from both.
 */
import { blake2b256, type CID, cidFromBytes, concatBytes, encodeVarint, sha256 } from "@holdfast/base";
import { limits } from "../limits.ts";
import { swapErrors } from "./errors.ts";

export const swapProtocol = "/ipfs/bitswap/1.2.0";

export interface Want {
  readonly cid: CID;
  readonly cancel: boolean;
  /** Whether only the news is wanted that a peer has it. */
  readonly have: boolean;
  readonly sendDontHave: boolean;
}
export interface SwapBlock {
  /** Of the block's CID, without the digest. */
  readonly prefix: Uint8Array;
  readonly bytes: Uint8Array;
}
export interface SwapMessage {
  readonly wants: readonly Want[];
  /** The wants are all that the peer has. */
  readonly isFull: boolean;
  readonly blocks: readonly SwapBlock[];
  readonly presences: readonly { readonly cid: CID; readonly has: boolean }[];
}

export const emptyMessage: SwapMessage = { wants: [], isFull: false, blocks: [], presences: [] };

const varintType = 0;
const bytesType = 2;
const sha256Code = 0x12;
const blake2b256Code = 0xb220;
const digestBytes = 32;
/** A CID of version 0 says nothing of itself; this is what it stands for (dag-pb, SHA-256). */
const versionZeroPrefix = Uint8Array.of(0x00, 0x70, sha256Code, digestBytes);

const tag = (field: number, type: number): Uint8Array => encodeVarint(field * 8 + type);
const bytesField = (field: number, bytes: Uint8Array): Uint8Array =>
  concatBytes(tag(field, bytesType), encodeVarint(bytes.length), bytes);
const numberField = (field: number, value: number): Uint8Array =>
  value === 0 ? new Uint8Array(0) : concatBytes(tag(field, varintType), encodeVarint(value));

/** A block as it answers a want of this CID. */
export function swapBlock(cid: CID, bytes: Uint8Array): SwapBlock {
  const prefix =
    cid.version === 0
      ? versionZeroPrefix
      : cid.bytes.subarray(0, cid.bytes.length - cid.multihash.digest.length);
  return { prefix, bytes };
}

/**
 * What a block is called, in the form of `blockKey`; undefined for hashes that are not computed here. Blocks whose
 * digest is cut short or is the block itself are among them: nobody asks for these.
 */
export function keyOfBlock({ prefix, bytes }: SwapBlock): string | undefined {
  const numbers: number[] = [];
  for (let at = 0; at < prefix.length; ) {
    let value = 0;
    for (let scale = 1; ; scale *= 128) {
      const byte = prefix[at];
      at += 1;
      if (byte === undefined || scale > 2 ** 28) return undefined;
      value += (byte & 0x7f) * scale;
      if (byte < 0x80) break;
    }
    numbers.push(value);
  }
  const [version, codec, hash, length] = numbers;
  if (numbers.length !== 4 || version === undefined || version > 1 || length !== digestBytes)
    return undefined;
  const digest =
    hash === sha256Code ? sha256(bytes) : hash === blake2b256Code ? blake2b256(bytes) : undefined;
  if (digest === undefined || codec === undefined || hash === undefined) return undefined;
  const parts = [encodeVarint(1), encodeVarint(codec), encodeVarint(hash), encodeVarint(length)];
  return keyOfBytes(concatBytes(...parts, digest));
}

/** Both versions of a CID name the same block. */
export function blockKey(cid: CID): string {
  return keyOfBytes(cid.toV1().bytes);
}
function keyOfBytes(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString("latin1");
}

export function encodeSwap(message: SwapMessage): Uint8Array {
  return concatBytes(...swapParts(message));
}
/** The encoded message in parts: blocks are as long as all the rest, and are not copied. */
export function swapParts({ wants, isFull, blocks, presences }: SwapMessage): readonly Uint8Array[] {
  const entries = wants.map(({ cid, cancel, have, sendDontHave }) =>
    bytesField(
      1,
      concatBytes(
        bytesField(1, cid.bytes),
        numberField(2, 1),
        numberField(3, cancel ? 1 : 0),
        numberField(4, have ? 1 : 0),
        numberField(5, sendDontHave ? 1 : 0),
      ),
    ),
  );
  if (isFull) entries.push(numberField(2, 1));
  return [
    ...(entries.length === 0 ? [] : [bytesField(1, concatBytes(...entries))]),
    ...blocks.flatMap(({ prefix, bytes }) => {
      const head = concatBytes(bytesField(1, prefix), tag(2, bytesType), encodeVarint(bytes.length));
      return [tag(3, bytesType), encodeVarint(head.length + bytes.length), head, bytes];
    }),
    ...presences.map(({ cid, has }) =>
      bytesField(4, concatBytes(bytesField(1, cid.bytes), numberField(2, has ? 0 : 1))),
    ),
  ];
}

/** Errors: `swap/malformed`, `cid/malformed`. */
export function decodeSwap(bytes: Uint8Array, peer: string): SwapMessage {
  const wants: Want[] = [];
  const blocks: SwapBlock[] = [];
  const presences: { cid: CID; has: boolean }[] = [];
  let isFull = false;
  const count = (): void => {
    if (wants.length + blocks.length + presences.length >= limits.swapEntriesTaken)
      throw swapErrors.malformed({ peer, detail: "a message has too many entries" });
  };
  const wantOf = (entry: Uint8Array): Want => {
    const fields = new Map(fieldsOf(entry, peer));
    const flag = (field: number): boolean => fields.get(field) === 1;
    return { cid: cidOf(fields, peer), cancel: flag(3), have: flag(4), sendDontHave: flag(5) };
  };
  for (const [field, value] of fieldsOf(bytes, peer)) {
    if (typeof value === "number") continue;
    if (field === 1) {
      for (const [inner, entry] of fieldsOf(value, peer)) {
        if (inner === 2) isFull = entry === 1;
        if (inner !== 1 || typeof entry === "number") continue;
        count();
        wants.push(wantOf(entry));
      }
    } else if (field === 3) {
      count();
      const fields = new Map(fieldsOf(value, peer));
      const [prefix, content] = [fields.get(1), fields.get(2) ?? new Uint8Array(0)];
      if (prefix instanceof Uint8Array && content instanceof Uint8Array)
        blocks.push({ prefix, bytes: content });
    } else if (field === 4) {
      count();
      const fields = new Map(fieldsOf(value, peer));
      presences.push({ cid: cidOf(fields, peer), has: fields.get(2) !== 1 });
    }
  }
  return { wants, isFull, blocks, presences };
}

function cidOf(fields: ReadonlyMap<number, number | Uint8Array>, peer: string): CID {
  const bytes = fields.get(1);
  if (bytes instanceof Uint8Array) return cidFromBytes(bytes.slice());
  throw swapErrors.malformed({ peer, detail: "an entry names no block" });
}

/** Fields of a protobuf message, in order: numbers, and bytes as views. */
function* fieldsOf(bytes: Uint8Array, peer: string): Generator<[number, number | Uint8Array]> {
  const broken = (): Error => swapErrors.malformed({ peer, detail: "a message does not decode" });
  let at = 0;
  const varint = (): number => {
    let value = 0;
    for (let scale = 1, length = 0; length < 10; scale *= 128, length += 1) {
      const byte = bytes[at];
      if (byte === undefined) throw broken();
      at += 1;
      value += (byte & 0x7f) * scale;
      if (byte < 0x80) return value;
    }
    throw broken();
  };
  while (at < bytes.length) {
    const head = varint();
    const [field, type] = [Math.floor(head / 8), head % 8];
    if (type === varintType) {
      yield [field, varint()];
      continue;
    }
    const length = type === bytesType ? varint() : type === 1 ? 8 : type === 5 ? 4 : undefined;
    if (length === undefined || at + length > bytes.length) throw broken();
    const part = bytes.subarray(at, at + length);
    at += length;
    if (type === bytesType) yield [field, part];
  }
}
