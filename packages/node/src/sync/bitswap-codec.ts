/**
 * Messages of `/ipfs/bitswap/1.2.0`, which the field speaks for single blocks (specs.ipfs.tech, bitswap-protocol;
 * protobuf), as far as they are used: wants, blocks, and who has not what. Strict about lengths and bounded in
 * number; fields of other versions are skipped, as protobuf asks.
 */
import { type CID, cidFromBytes, concatBytes, encodeVarint } from "@holdfast/base";
import { limits } from "../limits.ts";
import { syncErrors } from "./errors.ts";

export const bitswapProtocol = "/ipfs/bitswap/1.2.0";

export interface Want {
  readonly cid: CID;
  readonly cancel: boolean;
  /** Whether only the news is wanted that a peer has it. */
  readonly have: boolean;
  readonly sendDontHave: boolean;
}
export interface SwapMessage {
  readonly wants: readonly Want[];
  /** Contents of blocks; what they are called follows from them. */
  readonly blocks: readonly Uint8Array[];
  readonly presences: readonly { readonly cid: CID; readonly has: boolean }[];
}

/** CIDv1, dag-cbor, blake2b-256 of 32 bytes: all that a chain is made of. */
const chainPrefix = Uint8Array.of(0x01, 0x71, 0xa0, 0xe4, 0x02, 0x20);

const varintType = 0;
const bytesType = 2;

const tag = (field: number, type: number): Uint8Array => encodeVarint(field * 8 + type);
const bytesField = (field: number, bytes: Uint8Array): Uint8Array =>
  concatBytes(tag(field, bytesType), encodeVarint(bytes.length), bytes);
const numberField = (field: number, value: number): Uint8Array =>
  value === 0 ? new Uint8Array(0) : concatBytes(tag(field, varintType), encodeVarint(value));

export function encodeSwap({ wants, blocks, presences }: SwapMessage): Uint8Array {
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
  return concatBytes(
    ...(entries.length === 0 ? [] : [bytesField(1, concatBytes(...entries))]),
    ...blocks.map((data) => bytesField(3, concatBytes(bytesField(1, chainPrefix), bytesField(2, data)))),
    ...presences.map(({ cid, has }) =>
      bytesField(4, concatBytes(bytesField(1, cid.bytes), numberField(2, has ? 0 : 1))),
    ),
  );
}

/** Errors: `sync/bad-answer`, `cid/malformed`. */
export function decodeSwap(bytes: Uint8Array, peer: string): SwapMessage {
  const wants: Want[] = [];
  const blocks: Uint8Array[] = [];
  const presences: { cid: CID; has: boolean }[] = [];
  const count = (): void => {
    if (wants.length + blocks.length + presences.length >= limits.swapEntries)
      throw syncErrors.badAnswer({ peer, detail: "a bitswap message has too many entries" });
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
        if (inner !== 1 || typeof entry === "number") continue;
        count();
        wants.push(wantOf(entry));
      }
    } else if (field === 3) {
      count();
      const data = new Map(fieldsOf(value, peer)).get(2);
      if (data instanceof Uint8Array) blocks.push(data);
    } else if (field === 4) {
      count();
      const fields = new Map(fieldsOf(value, peer));
      presences.push({ cid: cidOf(fields, peer), has: fields.get(2) !== 1 });
    }
  }
  return { wants, blocks, presences };
}

function cidOf(fields: ReadonlyMap<number, number | Uint8Array>, peer: string): CID {
  const bytes = fields.get(1);
  if (bytes instanceof Uint8Array) return cidFromBytes(bytes);
  throw syncErrors.badAnswer({ peer, detail: "a bitswap entry names no block" });
}

/** Fields of a protobuf message, in order: numbers, and bytes as views. */
function* fieldsOf(bytes: Uint8Array, peer: string): Generator<[number, number | Uint8Array]> {
  const broken = (): Error => syncErrors.badAnswer({ peer, detail: "a bitswap message does not decode" });
  let at = 0;
  const varint = (): number => {
    let value = 0;
    for (let scale = 1, length = 0; length < 7; scale *= 128, length += 1) {
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
