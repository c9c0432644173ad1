/**
 * The Pedersen kernel of every back end that is here against the reference and published roots: rows of any length
 * around the sizes of lanes and batches, any personalization, and what happens where its formulas have no answer.
 */
import { readFileSync } from "node:fs";
import { concatBytes, equalBytes, toHex } from "@holdfast/base";
import {
  chunkPoints,
  frsToBytes,
  installTreeKernel,
  pedersenEraHasher,
  pedersenPlainHasher,
  plainPedersenRow,
  type TreeKernel,
  zeroEraRoot,
} from "@holdfast/proofs";
import * as fc from "fast-check";
import { afterEach, describe, expect, it } from "vitest";
import { createNativeMachine, createWasmMachine, type Machine } from "../kernels/machine.ts";
import { findAddon } from "../kernels/native.ts";
import { createPedersenRow } from "../kernels/pedersen.ts";
import { wasmApi } from "../kernels/wasm-api.ts";
import { backends } from "./kernel-backends.ts";
import { element, holds, leavesOf, readVectors } from "./vectors.ts";

type RowFunction = NonNullable<TreeKernel["pedersenRow"]>;
interface ZeroRoot {
  readonly paddedBytes: number;
  readonly era: string;
  readonly unpersonalized: string;
}
const { zeroRoots } = readVectors<{ zeroRoots: ZeroRoot[] }>("proofs", "pedersen-2019");

const asReference = (row: RowFunction) =>
  fc.property(
    fc.array(element, { minLength: 1, maxLength: 20 }),
    fc.integer({ min: 1, max: 35 }),
    fc.option(fc.integer({ min: 0, max: 62 }), { nil: undefined }),
    (elements, pairs, personalization) => {
      const repeated = Array.from({ length: 2 * pairs }, (_none, i) => elements[i % elements.length] ?? 0n);
      const bytes = frsToBytes(repeated);
      return equalBytes(row(bytes, personalization), plainPedersenRow(bytes, personalization));
    },
  );

describe.each(backends)("$name kernels", ({ loaded: { tree } }) => {
  const row = tree.pedersenRow ?? plainPedersenRow;
  let restore = (): void => undefined;
  afterEach(() => restore());

  it("hash rows with Pedersen", () => {
    expect(tree.pedersenRow).toBeDefined();
    holds(asReference(row), { numRuns: 40 });
  });

  it("give the published roots of zeros", () => {
    restore = installTreeKernel({ pedersenRow: row });
    for (const { paddedBytes, era, unpersonalized } of zeroRoots) {
      const levels = Math.log2(paddedBytes / 32);
      expect(toHex(zeroEraRoot(levels, pedersenEraHasher))).toBe(era);
      expect(toHex(zeroEraRoot(levels, pedersenPlainHasher))).toBe(unpersonalized);
    }
  });

  it("hash a row of more than one batch, out of shared memory too", () => {
    const pairs = 8 * 1024 + 21;
    const bytes = new Uint8Array(new SharedArrayBuffer(64 * pairs));
    bytes.set(leavesOf(2 * pairs));
    const parents = row(bytes, 7);
    expect(parents.length).toBe(32 * pairs);
    for (const at of [0, 15, 16, 1023, 1024, 4095, 4096, 8191, 8192, 8207, 8208, pairs - 1]) {
      const pair = bytes.slice(64 * at, 64 * (at + 1));
      expect([at, parents.slice(32 * at, 32 * (at + 1))]).toEqual([at, plainPedersenRow(pair, 7)]);
    }
    expect(row(new Uint8Array(0), 7)).toEqual(new Uint8Array(0));
  });
});

const { addon } = findAddon();
const wasm = await wasmApi.compile(readFileSync(new URL("../kernels/kernels.wasm", import.meta.url)));
const machines: readonly (readonly [string, () => Machine])[] = [
  ["wasm", () => createWasmMachine(wasm)],
  ...(addon === undefined
    ? []
    : ([
        ["native", () => createNativeMachine(addon.bind(0xff))],
        ["native, of a processor without extras,", () => createNativeMachine(addon.bind(0))],
      ] as const)),
];

describe.each(machines)("the %s machine", (_name, make) => {
  const tableBytes = 64 + 2 ** 17 * 2 * 36;
  const chunkBytes = 4 * 64;
  const tablesOf = (machine: Machine, points: Uint8Array) => {
    const tables = machine.alloc(tableBytes);
    return { tables, made: machine.call.pedersen_tables(tables, machine.lend(points)) };
  };

  it("says where its formulas have no answer", () => {
    const points = chunkPoints(172);
    const machine = make();
    // Two chunks with the same points: their sums need a doubling.
    const twice = points.slice();
    twice.copyWithin(chunkBytes, 0, chunkBytes);
    expect(tablesOf(machine, twice).made).toBe(0);
    // Two windows with the same points: some sums need a doubling, others give nothing, most are well.
    const windows = points.slice();
    windows.copyWithin(4 * chunkBytes, 0, 4 * chunkBytes);
    const { tables, made } = tablesOf(machine, windows);
    expect(made).toBe(-1);
    const hash = (row: Uint8Array): number =>
      machine.call.pedersen_row(
        tables,
        machine.lend(row),
        machine.alloc(row.length / 2),
        row.length / 64,
        64,
      );
    const fine = concatBytes(...Array.from({ length: 20 }, () => leavesOf(2)));
    expect(hash(fine)).toBe(-1);
    for (const bits of [0n, (0x924n << 12n) | 0n]) {
      const row = fine.slice();
      row.set(frsToBytes([bits]), 64 * 17);
      expect(hash(row)).toBe(0);
    }
  });

  it("is not used when it computes something else, and rows it refuses go to the reference", () => {
    const bytes = leavesOf(6);
    const refusing = createPedersenRow(() => {
      const machine = make();
      const call = { ...machine.call, pedersen_row: () => 0 };
      return { ...machine, call };
    });
    expect(refusing(bytes, 3)).toEqual(plainPedersenRow(bytes, 3));
    let asked = 0;
    const wrong = createPedersenRow(() => {
      const machine = make();
      const call = {
        ...machine.call,
        pedersen_row: (...[tables, row, out, pairs]: Parameters<typeof machine.call.pedersen_row>) => {
          asked += 1;
          return machine.call.pedersen_row(tables, row, out, pairs, 5);
        },
      };
      return { ...machine, call };
    });
    expect(wrong(bytes, 3)).toEqual(plainPedersenRow(bytes, 3));
    expect(asked).toBe(3); // the known answer, and nothing after it
  });
});

it("a lost personalization and a lost bit are found", () => {
  const found = (row: RowFunction): boolean => fc.check(asReference(row), { numRuns: 40 }).failed;
  expect(found((row) => plainPedersenRow(row, undefined))).toBe(true);
  const lost: RowFunction = (row, personalization) =>
    plainPedersenRow(
      row.map((byte, i) => (i % 32 === 31 ? byte & 0x3f : byte)),
      personalization,
    );
  expect(found(lost)).toBe(true);
  expect(found(plainPedersenRow)).toBe(false);
});
