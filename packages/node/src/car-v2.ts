/**
 * CAR files of both versions. Version 2 wraps a stream of version 1: a fixed pragma, a header that says where the
 * stream begins and ends, and perhaps an index behind it (IPLD specification "Content Addressable aRchives", v2). What
 * is read is bounded like version 1: the index of others is never read, since nothing in it is true before the
 * blocks are checked. What is written has the index that go-car makes, so that others can look blocks up.
 */
import { assert, type CID, concatBytes } from "@holdfast/base";
import { ByteQueue, blocksOf, type CarBlock, carErrors, readHeader } from "./car.ts";

/** A varint and `{version: 2}`. */
const pragma = Uint8Array.of(0x0a, 0xa1, 0x67, 0x76, 0x65, 0x72, 0x73, 0x69, 0x6f, 0x6e, 0x02);
const headerBytes = 40;
const dataBegins = pragma.length + headerBytes;
/** Between header and stream, and between stream and index: at most this much. */
const paddingBytesMax = 1_048_576;
/** Characteristics: an index of every block is there, identities among them. */
const fullyIndexed = 0x80;

export interface AnyCar {
  readonly version: 1 | 2;
  readonly roots: readonly CID[];
  /** Every block was checked against its CID. Errors: those of `readCar`. */
  readonly blocks: AsyncIterable<CarBlock>;
}

/**
 * A CAR of version 1 or 2 with at most so many roots, one at least.
 * Errors: `car/truncated`, `car/too-long`, `car/malformed`, `car/corrupt`.
 */
export async function readAnyCar(source: AsyncIterable<Uint8Array>, rootsMax: number): Promise<AnyCar> {
  const bytes = new ByteQueue(source);
  const first = await readHeader(bytes, rootsMax);
  if (first.version === 1) return { version: 1, roots: first.roots, blocks: blocksOf(bytes) };
  const header = await bytes.take(headerBytes);
  const view = new DataView(header.buffer, header.byteOffset, header.length);
  const at = numberAt(view, 16, "place of its data");
  const length = numberAt(view, 24, "length of its data");
  const indexAt = numberAt(view, 32, "place of its index");
  if (at < dataBegins || at - dataBegins > paddingBytesMax)
    throw carErrors.malformed({ detail: "its data begin elsewhere than its header allows" });
  if (indexAt !== 0 && indexAt < at + length)
    throw carErrors.malformed({ detail: "its index begins inside its data" });
  await bytes.skip(at - dataBegins);
  bytes.endAfter(length);
  const { version, roots } = await readHeader(bytes, rootsMax);
  if (version !== 1) throw carErrors.malformed({ detail: "a version 2 lies inside a version 2" });
  return { version: 2, roots, blocks: blocksOf(bytes) };
}

function numberAt(view: DataView, at: number, what: string): number {
  const value = view.getBigUint64(at, true);
  if (value > BigInt(Number.MAX_SAFE_INTEGER))
    throw carErrors.malformed({ detail: `the ${what} is too far away` });
  return Number(value);
}

/** The blocks of a version 1 stream by their places in it: what an index is made of. */
export interface CarSections {
  readonly carBytes: number;
  readonly blockCount: number;
  section(index: number): { readonly cid: CID; readonly carOffset: number };
}

/** Around a version 1 stream of known length: what stands before it, and what behind. */
export function carV2Head(carBytes: number): Uint8Array {
  const header = new Uint8Array(headerBytes);
  const view = new DataView(header.buffer);
  header[0] = fullyIndexed;
  view.setBigUint64(16, BigInt(dataBegins), true);
  view.setBigUint64(24, BigInt(carBytes), true);
  view.setBigUint64(32, BigInt(dataBegins + carBytes), true);
  return concatBytes(pragma, header);
}

/** Codec of the index: by hash function, then by length of the digest, sorted. */
const multihashIndexSorted = Uint8Array.of(0x81, 0x08); // varint of 0x0401

/** The index of all sections. Some 40 bytes for each in memory, twice while it is sorted. */
export function carV2Index(sections: CarSections): Uint8Array {
  const groups = new Map<number, Map<number, { readonly digest: Uint8Array; readonly at: number }[]>>();
  for (let index = 0; index < sections.blockCount; index++) {
    const { cid, carOffset } = sections.section(index);
    const { code, digest } = cid.multihash;
    const widths = groups.get(code) ?? new Map();
    const entries = widths.get(digest.length) ?? [];
    entries.push({ digest, at: carOffset });
    groups.set(code, widths.set(digest.length, entries));
  }
  const byNumber = <T>([a]: readonly [number, T], [b]: readonly [number, T]): number => a - b;
  const parts: Uint8Array[] = [multihashIndexSorted, littleEndian(groups.size, 4)];
  for (const [code, widths] of [...groups].sort(byNumber)) {
    parts.push(littleEndian(code, 8), littleEndian(widths.size, 4));
    for (const [digestBytes, entries] of [...widths].sort(byNumber)) {
      const width = digestBytes + 8;
      parts.push(littleEndian(width, 4), littleEndian(width * entries.length, 8));
      entries.sort((a, b) => Buffer.compare(a.digest, b.digest) || a.at - b.at);
      for (const { digest, at } of entries) parts.push(digest, littleEndian(at, 8));
    }
  }
  return concatBytes(...parts);
}

function littleEndian(value: number, length: 4 | 8): Uint8Array {
  assert(Number.isSafeInteger(value) && value >= 0, "a number of an index");
  const bytes = new Uint8Array(length);
  const view = new DataView(bytes.buffer);
  if (length === 4) view.setUint32(0, value, true);
  else view.setBigUint64(0, BigInt(value), true);
  return bytes;
}
