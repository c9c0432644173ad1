/**
 * Sparse matrices row by row, as they grow and as they are kept. Coefficients repeat (most are ±1, a power of
 * two or one of Poseidon's constants), so a term is two small numbers: its column and the place of its
 * coefficient in a table of values.
 */
import { frModulus } from "../field/index.ts";
import type { Linear } from "./linear.ts";

/** A matrix over the field; row i has the terms `rowStarts[i]` … `rowStarts[i + 1] − 1`. */
export interface SparseMatrix {
  /** One more than there are rows. */
  readonly rowStarts: Uint32Array;
  /** Ascending within a row. */
  readonly columns: Uint32Array;
  /** Places in `values`. */
  readonly coefficients: Uint32Array;
  readonly values: readonly bigint[];
}

const smallLimit = 1n << 63n;

/** Field elements by the place at which they were first put in. */
export class ValueTable {
  readonly values: bigint[] = [];
  readonly #small = new Map<bigint, number>();
  /** By text: engines hash large integers by their low words, and ours are often multiples of 2^64. */
  readonly #large = new Map<string, number>();

  placeOf(value: bigint): number {
    return value < smallLimit
      ? this.#placeIn(this.#small, value, value)
      : this.#placeIn(this.#large, value.toString(16), value);
  }

  #placeIn<Key>(places: Map<Key, number>, key: Key, value: bigint): number {
    const known = places.get(key);
    if (known !== undefined) return known;
    const place = this.values.length;
    this.values.push(value);
    places.set(key, place);
    return place;
  }
}

class Words {
  #words = new Uint32Array(1024);
  length = 0;

  push(word: number): void {
    if (this.length === this.#words.length) {
      const larger = new Uint32Array(this.length * 2);
      larger.set(this.#words);
      this.#words = larger;
    }
    this.#words[this.length] = word;
    this.length += 1;
  }

  take(): Uint32Array {
    return this.#words.slice(0, this.length);
  }
}

/** A matrix that grows by rows. Terms of a row are put in ascending order of their columns. */
export class MatrixBuilder {
  readonly #table: ValueTable;
  readonly #starts = new Words();
  readonly #columns = new Words();
  readonly #coefficients = new Words();

  constructor(table: ValueTable) {
    this.#table = table;
    this.#starts.push(0);
  }

  term(column: number, place: number): void {
    this.#columns.push(column);
    this.#coefficients.push(place);
  }

  endRow(): void {
    this.#starts.push(this.#columns.length);
  }

  row(linear: Linear): void {
    for (let i = 0; i < linear.variables.length; i += 1) {
      this.term(linear.variables[i] as number, this.#table.placeOf(linear.coefficients[i] as bigint));
    }
    this.endRow();
  }

  finish(): SparseMatrix {
    return {
      rowStarts: this.#starts.take(),
      columns: this.#columns.take(),
      coefficients: this.#coefficients.take(),
      values: this.#table.values,
    };
  }
}

/** The value of row `row` at an assignment. */
export function rowTimes(matrix: SparseMatrix, row: number, assignment: readonly bigint[]): bigint {
  const { rowStarts, columns, coefficients, values } = matrix;
  const end = rowStarts[row + 1] as number;
  let total = 0n;
  for (let at = rowStarts[row] as number; at < end; at += 1) {
    const factor = values[coefficients[at] as number] as bigint;
    total += factor * (assignment[columns[at] as number] as bigint);
  }
  return total % frModulus;
}

/** matrix · assignment: one value in [0, r) per row. */
export function matrixTimes(matrix: SparseMatrix, assignment: readonly bigint[]): bigint[] {
  const rows = matrix.rowStarts.length - 1;
  return Array.from({ length: rows }, (_none, row) => rowTimes(matrix, row, assignment));
}
