/** Trees and columns slice by slice: the same rows as at once, and a kernel that takes them over. */
import { toHex } from "@holdfast/base";
import {
  allocate,
  buildTree,
  type ColumnsTask,
  columnsOf,
  installAllocator,
  installTreeKernel,
  plainTreeKernel,
  poseidonHasher,
  type RowsPass,
  type RowsTask,
  rowsLength,
  sha254Hasher,
  startColumns,
  startRows,
} from "@holdfast/proofs";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { leavesOf } from "./vectors.ts";

/** In place of Poseidon, which is slow to compute in rows of this length: each parent tells its children apart. */
function foldedRow(row: Uint8Array, arity: number): Uint8Array {
  const words = new Uint32Array(row.slice().buffer);
  const parents = new Uint32Array(words.length / arity);
  for (let i = 0; i < words.length; i += 1) {
    const at = Math.floor(i / (8 * arity)) * 8 + (i % 8);
    parents[at] = (Math.imul(parents[at] as number, 31) + (words[i] as number) + arity) & 0x3fff_ffff;
  }
  return new Uint8Array(parents.buffer);
}

/** Every share that a pass tells of. */
function sharesOf(pass: RowsPass): readonly number[] {
  const shares = [pass.doneRatio];
  while (pass.advance()) shares.push(pass.doneRatio);
  shares.push(pass.doneRatio);
  pass.finish();
  return shares;
}

let restore: () => void;
beforeEach(() => {
  restore = installTreeKernel({ poseidonRow: foldedRow });
});
afterEach(() => restore());

describe("the rows of a tree", () => {
  it("are the same slice by slice, for trees below, of and above one slice", () => {
    for (const hasher of [sha254Hasher, poseidonHasher]) {
      for (const count of [1, 2, 64, 4096, 8192, 2 ** 15, 2 ** 16]) {
        const leaves = leavesOf(count);
        const rows = new Uint8Array(rowsLength(hasher, count));
        const shares = sharesOf(startRows(hasher, leaves, rows));
        expect(shares.at(-1)).toBe(1);
        expect(shares).toEqual(shares.toSorted((a, b) => a - b));
        expect(Buffer.compare(rows, buildTree(hasher, leaves).rows)).toBe(0);
      }
    }
  });

  it("are done by finish alone, once", () => {
    const leaves = leavesOf(2 ** 14);
    const rows = new Uint8Array(rowsLength(sha254Hasher, 2 ** 14));
    const pass = startRows(sha254Hasher, leaves, rows);
    pass.advance();
    pass.finish();
    const root = toHex(rows.slice(-32));
    expect(root).toBe(toHex(buildTree(sha254Hasher, leaves).root));
    rows.fill(0);
    pass.finish();
    expect(rows.every((byte) => byte === 0)).toBe(true);
  });

  it("have room of the right length, over leaves of a count that has a tree", () => {
    expect(() => startRows(sha254Hasher, leavesOf(4), new Uint8Array(95))).toThrow(
      expect.objectContaining({ code: "merkle/bad-length" }),
    );
    expect(() => startRows(poseidonHasher, leavesOf(3), new Uint8Array(32))).toThrow(
      expect.objectContaining({ code: "merkle/bad-leaf-count" }),
    );
  });

  it("are left to a kernel that takes them", () => {
    const asked: (RowsTask | ColumnsTask)[] = [];
    const nothing = (): undefined => undefined;
    const pass: RowsPass = { doneRatio: 1, advance: () => false, finish: nothing, stop: nothing };
    const back = installTreeKernel({
      startRows: (task) => {
        asked.push(task);
        return asked.length === 1 ? pass : undefined;
      },
      startColumns: (task) => {
        asked.push(task);
        return pass;
      },
    });
    try {
      const leaves = leavesOf(8);
      const rows = new Uint8Array(32);
      expect(startRows(poseidonHasher, leaves, rows)).toBe(pass);
      startRows(poseidonHasher, leaves, rows).finish();
      expect(toHex(rows)).toBe(toHex(foldedRow(leaves, 8)));
      expect(startColumns([leaves, leaves], leaves.slice())).toBe(pass);
      expect(asked[0]).toEqual({ hasher: "poseidon", leaves, rows, shape: [8] });
    } finally {
      back();
    }
  });
});

describe("columns", () => {
  it("are one node of every layer, the first layer first", () => {
    const layers = [leavesOf(3000), leavesOf(6000).slice(96_000)];
    const columns = columnsOf(layers, 7, 9);
    expect(toHex(columns.subarray(0, 32))).toBe(toHex(layers[0]?.subarray(224, 256) ?? columns));
    expect(toHex(columns.subarray(96))).toBe(toHex(layers[1]?.subarray(256, 288) ?? columns));
    const into = new Uint8Array(96_000);
    expect(sharesOf(startColumns(layers, into)).at(-1)).toBe(1);
    expect(Buffer.compare(into, foldedRow(columnsOf(layers, 0, 3000), 2))).toBe(0);
  });

  it("are real Poseidon where nothing else is installed", () => {
    restore();
    const layers = [leavesOf(4), leavesOf(4)];
    const into = new Uint8Array(128);
    startColumns(layers, into).finish();
    expect(toHex(into)).toBe(toHex(plainTreeKernel.poseidonRow(columnsOf(layers, 0, 4), 2)));
  });
});

describe("memory", () => {
  it("comes from the host's allocator while one is installed", () => {
    const given: number[] = [];
    const back = installAllocator((bytes) => {
      given.push(bytes);
      return new Uint8Array(new SharedArrayBuffer(bytes));
    });
    expect(allocate(64).buffer).toBeInstanceOf(SharedArrayBuffer);
    back();
    expect(allocate(64).buffer).toBeInstanceOf(ArrayBuffer);
    expect(given).toEqual([64]);
  });
});
