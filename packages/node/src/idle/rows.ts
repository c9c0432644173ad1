/** Rows of kept layers: what one says, and how it is read. */
import type { IdleLayerRoots } from "@holdfast/proofs";
import type { Row } from "../database.ts";

/** making: files may be half there. made: whole, and unknown to the chain. certified. lost: to be made again. */
export const layerStates = ["making", "made", "certified", "lost"] as const;
export type LayerState = (typeof layerStates)[number];

/** What lies beside a layer until it is certified: the layers below it; the files of the kept layer below too. */
export const scratches = ["none", "layers", "layers-and-below"] as const;
export type Scratch = (typeof scratches)[number];

export interface LayerRow {
  /** Number of its first file by the files of a layer. */
  readonly layer: number;
  readonly volumeId: number;
  readonly state: LayerState;
  /** Files before this one are deleted. */
  readonly firstKept: number;
  readonly scratch: Scratch;
  /** Its files are being copied to this volume; they count here until all are there. */
  readonly movingTo: number | null;
  /** Known from `made` on. */
  readonly made:
    | { readonly roots: IdleLayerRoots; readonly commitment: Uint8Array; readonly previous: Uint8Array }
    | undefined;
}

/** Nothing is to be done about it until it is asked for, released or moved. */
export const isAtRest = ({ state, scratch, firstKept, movingTo }: LayerRow): boolean =>
  state === "certified" && scratch === "none" && firstKept === 0 && movingTo === null;

/** What the steps of the loop look at. */
export interface Layers {
  /** Those that do not rest, in order. */
  readonly active: readonly LayerRow[];
  /** How many rest on each volume. */
  readonly resting: ReadonlyMap<number, number>;
  find(layer: number): LayerRow | undefined;
  /** In order, from one on; rows may change meanwhile. */
  from(layer: number): IterableIterator<LayerRow>;
  /** By number; undefined: there is none. */
  readonly lowest: number | undefined;
  readonly highest: number | undefined;
}

const nodeBytes = 32;
export const number = (row: Row, column: string): number => Number(row[column]);
export const bytes = (row: Row, column: string): Uint8Array => Uint8Array.from(row[column] as Uint8Array);
export const split = (all: Uint8Array): readonly Uint8Array[] =>
  Array.from({ length: all.length / nodeBytes }, (_none, i) => all.slice(i * nodeBytes, (i + 1) * nodeBytes));

export function layerOf(row: Row): LayerRow {
  const isMade = row.commitment !== null;
  return {
    layer: number(row, "layer"),
    volumeId: number(row, "volume_id"),
    state: layerStates.find((state) => state === row.state) ?? "making",
    firstKept: number(row, "first_kept"),
    scratch: scratches.find((scratch) => scratch === row.scratch) ?? "none",
    movingTo: row.moving_to === null ? null : number(row, "moving_to"),
    made: isMade
      ? {
          roots: { columnRoot: bytes(row, "column_root"), fileRoots: split(bytes(row, "file_roots")) },
          commitment: bytes(row, "commitment"),
          previous: bytes(row, "previous"),
        }
      : undefined,
  };
}
