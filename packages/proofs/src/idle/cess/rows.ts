/**
 * What the passes over idle files of the compatibility profile take. Rows are labels of 64 bytes. A file is named by
 * its head: the 48 bytes with which the message of each of its labels begins, and its shape.
 */
import { bigEndian, concatBytes, littleEndian, readBigEndian, readLittleEndian } from "@holdfast/base";
import { type CessShape, fileNumber, logicalLayer } from "./shape.ts";

export const labelBytes = 64;

/** Hot positions of a group (graph.ts). */
export const hotInGroup = 256;

/** Where a file stands in a set. */
export interface CessPlace {
  readonly minerId: Uint8Array;
  readonly shape: CessShape;
  /** From 1. */
  readonly cluster: number;
  /** 0 … 2k − 1: intermediate layers, then the files that stay. */
  readonly realLayer: number;
}

/** miner id ‖ cluster ‖ number of the file, then n, d, logical layer and real layer as words, little-endian. */
export function headOf({ minerId, shape, cluster, realLayer }: CessPlace): Uint8Array {
  const words = [shape.nodes, shape.degree, logicalLayer(shape, realLayer), realLayer];
  return concatBytes(
    minerId,
    bigEndian(cluster, 8),
    bigEndian(fileNumber(shape, cluster, realLayer), 8),
    ...words.map((word) => littleEndian(word, 4)),
  );
}

export interface CessHead {
  readonly minerId: Uint8Array;
  readonly cluster: number;
  /** The first 48 bytes, as they are hashed. */
  readonly prefix: Uint8Array;
  readonly nodes: number;
  readonly degree: number;
  readonly logicalLayer: number;
  readonly realLayer: number;
}

export function readHead(head: Uint8Array): CessHead {
  const word = (at: number): number => Number(readLittleEndian(head.subarray(at, at + 4)));
  return {
    minerId: head.subarray(0, 32),
    cluster: Number(readBigEndian(head.subarray(32, 40))),
    prefix: head.subarray(0, 48),
    nodes: word(48),
    degree: word(52),
    logicalLayer: word(56),
    realLayer: word(60),
  };
}

/** A whole file, written into `into`; rows are those of all positions. */
export interface CessLayer {
  readonly head: Uint8Array;
  readonly into: Uint8Array;
  /** The layer before; the first has none. */
  readonly previous?: Uint8Array;
  /** Sums of earlier layers, for the files that stay. */
  readonly elders?: Uint8Array;
  /** The file that was made before; the first of a set has none. */
  readonly before?: Uint8Array;
}

export interface CessLayerPass {
  /** Positions `low` … `low + count − 1`; those below are there. */
  run(low: number, count: number): void;
  /** Writes what is still missing of the file. Call once, after the last run. */
  finish(): void;
}

/** The labels of a file at its hot positions: rows in their order. */
export interface CessHotRows {
  readonly head: Uint8Array;
  /** Where they go. */
  readonly table: Uint8Array;
  /** The table of the layer before, and its labels at the positions after the hot ones. */
  readonly previous?: Uint8Array;
  readonly next?: Uint8Array;
  readonly elders?: Uint8Array;
  readonly before?: Uint8Array;
  /** To which the labels are added. */
  readonly sums?: Uint8Array;
}

/** Adjacent columns of a file whose table is whole; rows are those of the columns from `low` on. */
export interface CessColumns {
  readonly head: Uint8Array;
  /** Where the labels go; may be the bytes of `straight`. */
  readonly into: Uint8Array;
  readonly table: Uint8Array;
  /** The table of the layer before, and its labels in these columns. */
  readonly previous?: Uint8Array;
  readonly straight?: Uint8Array;
  readonly elders?: Uint8Array;
  readonly before?: Uint8Array;
  /** To which the labels are added. */
  readonly sums?: Uint8Array;
  readonly low: number;
  readonly count: number;
  /** Not positions `low` …, but those after the hot positions of the table's rows `low` …. */
  readonly beside: boolean;
}
