/**
 * Fixed-base tables of the Pedersen hash. The hash reads its message in chunks of three bits (a, b, c); chunk
 * j of segment i contributes (1 + a + 2b)·(−1)^c·16^j times generator i, and 63 chunks make a segment. A
 * table holds the sums of three neighbouring chunks for all 512 values of their nine bits, so a hash costs
 * one addition for nine bits and no doubling. 63 is 21 · 3, so no table spans two segments.
 * Tables are derived at first use (about a millisecond each) and kept; entries are in the form that a mixed
 * addition wants: y − x, y + x, 2d·x·y.
 * Source: Zcash protocol specification §5.4.1.7 (Pedersen hash); the windows are ours.
 */
import { frModulus, frReduce, frsToBytes } from "../field/index.ts";
import {
  addPoints,
  doublePoint,
  type ExtendedPoint,
  extend,
  negatePoint,
  pedersenGenerator,
  toAffine,
  toWeierstrass,
  twiceD,
} from "./jubjub.ts";

export const chunkBits = 3;
export const chunksPerWindow = 3;
const chunksPerSegment = 63;
export const entryWords = 3;

/** Bits c of the three chunks: flipping them all negates the sum. */
const signBits = 0b100100100;

/** One entry per value of the window's bits, least significant bit first: y − x, y + x, 2d·x·y, flat. */
export type WindowTable = readonly bigint[];

/** 16^j · generator for the chunks of one segment, as far as they were asked for. */
const chunkBases: ExtendedPoint[][] = [];
const tables: WindowTable[] = [];
const tailTables = new Map<number, WindowTable>();

function chunkBase(chunk: number): ExtendedPoint {
  const segment = Math.floor(chunk / chunksPerSegment);
  while (chunkBases.length <= segment) chunkBases.push([extend(pedersenGenerator(chunkBases.length))]);
  const bases = chunkBases[segment] as ExtendedPoint[];
  while (bases.length <= chunk % chunksPerSegment) {
    let point = bases[bases.length - 1] as ExtendedPoint;
    for (let doubling = 0; doubling < 4; doubling += 1) point = doublePoint(point);
    bases.push(point);
  }
  return bases[chunk % chunksPerSegment] as ExtendedPoint;
}

/** The eight contributions of one chunk, by the number a + 2b + 4c. */
function contributions(chunk: number): ExtendedPoint[] {
  const once = chunkBase(chunk);
  const twice = doublePoint(once);
  const positive = [once, twice, addPoints(twice, once), doublePoint(twice)];
  return [...positive, ...positive.map(negatePoint)];
}

/** Sums over `chunks` chunks from number `first` on; only those whose last chunk is positive, if so asked. */
function windowSums(first: number, chunks: number, lastPositiveOnly: boolean): ExtendedPoint[] {
  let sums = contributions(first);
  for (let i = 1; i < chunks; i += 1) {
    const all = contributions(first + i);
    const next = lastPositiveOnly && i === chunks - 1 ? all.slice(0, all.length / 2) : all;
    sums = next.flatMap((high) => sums.map((low) => addPoints(low, high)));
  }
  return sums;
}

function entriesOf(sums: readonly ExtendedPoint[]): bigint[] {
  return toAffine(sums).flatMap(({ x, y }) => [
    frReduce(y - x),
    frReduce(y + x),
    (x * y * twiceD) % frModulus,
  ]);
}

/**
 * Once, twice, three times and four times the base of each of the first chunks, in Weierstrass form, 64 bytes a
 * point: what compiled kernels make their own tables of.
 */
export function chunkPoints(chunks: number): Uint8Array {
  const points = Array.from({ length: chunks }, (_none, chunk) => contributions(chunk).slice(0, 4));
  return frsToBytes(toWeierstrass(toAffine(points.flat())).flatMap(({ x, y }) => [x, y]));
}

/** The table of a whole window of three chunks. Windows count through all segments. */
export function windowTable(window: number): WindowTable {
  const known = tables[window];
  if (known !== undefined) return known;
  const half = entriesOf(windowSums(window * chunksPerWindow, chunksPerWindow, true));
  const count = half.length / entryWords;
  const table = [...half];
  for (let value = count; value < 2 * count; value += 1) {
    const mirror = (value ^ signBits) * entryWords;
    table.push(half[mirror + 1] as bigint, half[mirror] as bigint, frReduce(-(half[mirror + 2] as bigint)));
  }
  tables[window] = table;
  return table;
}

/** The table of the one or two chunks that end a message in the middle of a window. */
export function tailTable(window: number, chunks: number): WindowTable {
  const key = window * chunksPerWindow + chunks;
  const known = tailTables.get(key);
  if (known !== undefined) return known;
  const table = entriesOf(windowSums(window * chunksPerWindow, chunks, false));
  tailTables.set(key, table);
  return table;
}
