/**
 * Labels of idle files of the compatibility profile on the compiled kernels. Natively it works in the bytes that it
 * is given; in WebAssembly they are copied for every call, but for a whole layer, which stays in the instance's
 * memory until it is finished.
 */
import { assert } from "@holdfast/base";
import type { CessColumns, CessHotRows, CessKernel, CessLayer, CessLayerPass } from "../src/idle/index.ts";
import { createWorkshop, type Machine, type MachineMaker, nowhere, type Place, status } from "./machine.ts";

/** Layers in the memory of WebAssembly, which ends at 2 GiB. */
const maxWasmBytes = 1536 * 1024 * 1024;

const lent = (machine: Machine, bytes: Uint8Array | undefined): Place =>
  bytes === undefined ? nowhere : machine.lend(bytes);

/** Bytes that a call changes: lent, and brought back when it has ended. */
function changed(machine: Machine, bytes: Uint8Array | undefined) {
  const at = lent(machine, bytes);
  const back = (): void => {
    if (bytes !== undefined && !machine.inPlace) bytes.set(machine.read(at, bytes.length));
  };
  return { at, back };
}

function check(result: number): void {
  assert(result === status.ok, "the compiled kernels make labels of whatever they are given");
}

function layerPass(machine: Machine, layer: CessLayer): CessLayerPass {
  const into = changed(machine, layer.into);
  const [previous, elders, before, head] = [layer.previous, layer.elders, layer.before, layer.head].map(
    (bytes) => lent(machine, bytes),
  ) as [Place, Place, Place, Place];
  return {
    run: (low, count) => check(machine.call.cess_direct(into.at, previous, elders, before, head, low, count)),
    finish: into.back,
  };
}

function hot(machine: Machine, rows: CessHotRows): void {
  const table = changed(machine, rows.table);
  const sums = changed(machine, rows.sums);
  const [previous, elders, before, next] = [rows.previous, rows.elders, rows.before, rows.next].map((bytes) =>
    lent(machine, bytes),
  ) as [Place, Place, Place, Place];
  const head = machine.lend(rows.head);
  check(machine.call.cess_hot(table.at, previous, elders, before, next, sums.at, head));
  table.back();
  sums.back();
}

function columns(machine: Machine, given: CessColumns): void {
  const into = changed(machine, given.into);
  const sums = changed(machine, given.sums);
  const straight = given.straight === given.into ? into.at : lent(machine, given.straight);
  const table = machine.lend(given.table);
  const [previous, elders, before] = [given.previous, given.elders, given.before].map((bytes) =>
    lent(machine, bytes),
  ) as [Place, Place, Place];
  const rows = [into.at, table, previous, straight, elders, before, sums.at] as const;
  const { low, count, beside } = given;
  check(machine.call.cess_columns(...rows, machine.lend(given.head), low, count, beside ? 1 : 0));
  into.back();
  sums.back();
}

/** A layer that does not fit into the memory of WebAssembly gets no pass. */
export function createCessKernel(make: MachineMaker): CessKernel {
  const inWorkshop = createWorkshop(make);
  return {
    cessLayer: (layer) => {
      const machine = make();
      const bytes = [layer.into, layer.previous, layer.elders, layer.before].reduce(
        (sum, rows) => sum + (rows?.length ?? 0),
        0,
      );
      return machine.inPlace || bytes <= maxWasmBytes ? layerPass(machine, layer) : undefined;
    },
    cessHot: (rows) => inWorkshop((machine) => hot(machine, rows)),
    cessColumns: (given) => inWorkshop((machine) => columns(machine, given)),
  };
}
