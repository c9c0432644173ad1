/**
 * The tree kernel's `pedersenRow` on the compiled kernels. Its tables (5.4 MiB natively, 6.1 MiB in WebAssembly) are
 * made at the first row, of the reference's points, in some tens of milliseconds, and stay as long as the kernel.
 */
import { assert } from "@holdfast/base";
import type { TreeKernel } from "../src/merkle/index.ts";
import { chunkPoints, plainPedersenRow } from "../src/zigzag2019/index.ts";
import { answersPedersen } from "./known-answers.ts";
import { type Machine, type MachineMaker, nowhere, type Place, status } from "./machine.ts";

/** `src/pedersen-table.h`: what the tables consist of. */
const windows = 43;
const chunksPerWindow = 4;
const entries = windows * 2 ** 11 + 2 ** 5;
/** The C aligns the tables within their bytes. */
const alignmentBytes = 64;
const noPersonalization = 64;
const nodeBytes = 32;
/** Pairs that WebAssembly takes in at a time. */
const bufferPairs = 4096;

function makeTables(machine: Machine): Place {
  const tables = machine.alloc(alignmentBytes + entries * 2 * machine.elementBytes);
  machine.keep();
  const made = machine.call.pedersen_tables(tables, machine.lend(chunkPoints(windows * chunksPerWindow)));
  assert(made === status.ok, "the generators of the hash have no relation");
  machine.reset();
  return tables;
}

type RowFunction = NonNullable<TreeKernel["pedersenRow"]>;

export function createPedersenRow(make: MachineMaker): RowFunction {
  let machine: Machine | undefined;
  let tables = nowhere;
  let chosen: RowFunction | undefined;
  const start = (): RowFunction => {
    machine = make();
    tables = makeTables(machine);
    return answersPedersen(compiled) ? compiled : plainPedersenRow;
  };
  const compiled: RowFunction = (row, personalization) => {
    machine ??= make();
    const { call, inPlace, lend, alloc, read, reset } = machine;
    const parents = new Uint8Array(row.length / 2);
    const step = inPlace ? parents.length : bufferPairs * nodeBytes;
    for (let at = 0; at < parents.length; at += step) {
      const end = Math.min(parents.length, at + step);
      const pairs = (end - at) / nodeBytes;
      const from = lend(row.subarray(2 * at, 2 * end));
      const to = inPlace ? lend(parents) : alloc(end - at);
      const done = call.pedersen_row(tables, from, to, pairs, personalization ?? noPersonalization);
      // A sum that the kernel's formulas cannot make would be a relation between generators: nobody knows one.
      if (done !== status.ok) return plainPedersenRow(row, personalization);
      if (!inPlace) parents.set(read(to, end - at), at);
      reset();
    }
    return parents;
  };
  return (row, personalization) => {
    chosen ??= start();
    return chosen(row, personalization);
  };
}
