/**
 * The tree kernel's `poseidonRow` on the compiled kernels. The numbers of an instance come from the reference's
 * schedule at its first use; rows go through a buffer of fixed size, so memory stays small, or are read where they lie.
 */
import { assertFrs, frsToBytes } from "../src/field/index.ts";
import { plainTreeKernel, type TreeKernel } from "../src/merkle/index.ts";
import { poseidonSchedule } from "../src/poseidon/index.ts";
import { type Machine, type MachineMaker, nowhere, type Place, status } from "./machine.ts";

const elementBytes = 32;
/** Elements that one call takes in: a quarter of a MiB. */
const bufferElements = 8192;

/** An instance of Poseidon in the machine's memory. */
interface Loaded {
  readonly at: Place;
  readonly width: number;
  readonly partialRounds: number;
}

/** The numbers in the order of `src/poseidon.h`. */
function numbersOf(arity: number): readonly bigint[] {
  const { domainTag, before, partial, after } = poseidonSchedule(arity);
  return [
    domainTag,
    ...before.flatMap(({ constants }) => constants),
    ...after.flatMap(({ constants }) => constants),
    ...(before[0]?.matrix.flat() ?? []),
    ...(before.at(-1)?.matrix.flat() ?? []),
    ...partial.flatMap(({ constant, row, column }) => [constant, ...row, ...column]),
  ];
}

/** The numbers of an instance of Poseidon in the machine's memory, for good. */
export function loadPoseidon(machine: Machine, arity: number): Place {
  const numbers = numbersOf(arity);
  const at = machine.alloc(numbers.length * machine.elementBytes);
  machine.keep();
  machine.call.fr_load_run(at, machine.lend(frsToBytes(numbers)), numbers.length);
  machine.reset();
  return at;
}

function load(machine: Machine, arity: number): Loaded {
  const at = loadPoseidon(machine, arity);
  const { width, partial } = poseidonSchedule(arity);
  return { at, width, partialRounds: partial.length };
}

/** Rows of a length or arity that Poseidon has not are left to the reference, which names the error. */
export function createPoseidonRow(make: MachineMaker): TreeKernel["poseidonRow"] {
  const loaded = new Map<number, Loaded>();
  let machine: Machine | undefined;
  let input = nowhere;
  let output = nowhere;
  const start = (): Machine => {
    const started = make();
    if (started.inPlace) return started;
    input = started.alloc(bufferElements * elementBytes);
    output = started.alloc((bufferElements / 2) * elementBytes);
    started.keep();
    return started;
  };
  return (row, arity, room) => {
    const groupBytes = arity * elementBytes;
    if (row.length === 0 || row.length % groupBytes !== 0) return plainTreeKernel.poseidonRow(row, arity);
    machine ??= start();
    const { inPlace, call, lend, write, read } = machine;
    let instance = loaded.get(arity);
    if (instance === undefined) {
      instance = load(machine, arity);
      loaded.set(arity, instance);
    }
    const { at, width, partialRounds } = instance;
    const groups = row.length / groupBytes;
    const step = Math.floor(bufferElements / arity);
    const parents = room ?? new Uint8Array(groups * elementBytes);
    for (let done = 0; done < groups; done += step) {
      const count = Math.min(step, groups - done);
      const some = row.subarray(done * groupBytes, (done + count) * groupBytes);
      const place = parents.subarray(done * elementBytes, (done + count) * elementBytes);
      if (!inPlace) write(some, input);
      const [from, to] = inPlace ? [lend(some), lend(place)] : [input, output];
      const found = call.poseidon_row(at, width, partialRounds, from, to, count);
      if (found !== status.ok) assertFrs(row); // throws, with the index in the whole row
      if (!inPlace) place.set(read(output, place.length));
    }
    return parents;
  };
}
