/**
 * What some columns of a set need while they go through its layers, each file in its turn: the labels of the last
 * intermediate layer made, by cluster; the sums of the even and of the odd ones, which are the elders of the files
 * that stay; and the last two of these. An intermediate layer is written over the one before it.
 */
import { allocate } from "../../memory/index.ts";
import { labelBytes } from "./rows.ts";
import { type CessSet, eldersOf, isElder } from "./shape.ts";

interface ColumnsOfFile {
  readonly into: Uint8Array;
  readonly straight?: Uint8Array;
  readonly elders?: Uint8Array;
  readonly before?: Uint8Array;
  readonly sums?: Uint8Array;
}

export class ColumnState {
  readonly #set: CessSet;
  readonly #layer: readonly Uint8Array[];
  readonly #sums: readonly (readonly Uint8Array[])[];
  readonly #last: readonly Uint8Array[];

  constructor(set: CessSet, columns: number) {
    const rows = (count: number): Uint8Array[] =>
      Array.from({ length: count }, () => allocate(columns * labelBytes));
    this.#set = set;
    this.#layer = rows(set.clusters);
    this.#sums = [rows(set.clusters), rows(set.clusters)];
    this.#last = rows(2);
  }

  /** Before other columns. */
  clear(): void {
    for (const sums of this.#sums) for (const rows of sums) rows.fill(0);
  }

  /** The rows of a file; to be asked for in the order in which files are made, clusters counted from 0. */
  file(layer: number, cluster: number): ColumnsOfFile {
    const { shape, clusters } = this.#set;
    const own = this.#layer[cluster] as Uint8Array;
    const straight = layer === 0 ? {} : { straight: own };
    const number = layer * clusters + cluster;
    const parity = eldersOf(shape, layer);
    if (parity === undefined) {
      const before = this.#layer[cluster === 0 ? clusters - 1 : cluster - 1];
      const sums = isElder(shape, layer) ? this.#sums[layer % 2]?.[cluster] : undefined;
      return { into: own, ...straight, ...(number > 0 && before && { before }), ...(sums && { sums }) };
    }
    const first = number === shape.layers * clusters;
    const before = first ? this.#layer[clusters - 1] : this.#last[(number + 1) % 2];
    const elders = this.#sums[parity]?.[cluster];
    return {
      into: this.#last[number % 2] as Uint8Array,
      ...straight,
      ...(before && { before }),
      ...(elders && { elders }),
    };
  }
}
