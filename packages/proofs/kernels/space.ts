/**
 * The kernel of hardened idle space on the compiled kernels. Natively it works in the bytes that it is given; in
 * WebAssembly layers lie in the instance's memory from their first run to `finish`, and the rest is copied in
 * slices. Layers that do not fit into that memory are left to the reference.
 */
import { assert, bigEndian, concatBytes } from "@holdfast/base";
import type { Absorption, IdleLabels, SpaceKernel } from "../src/idle/index.ts";
import type { LayerPass } from "../src/layers/index.ts";
import { exactLog2, nodeBytes } from "../src/merkle/index.ts";
import { createWorkshop, type Machine, type MachineMaker, nowhere, type Place, status } from "./machine.ts";

const sliceNodes = 2 ** 13;
const tableParents = 12;
/** Chains of one call that copies. */
const sliceChains = 2 ** 12;
/** Layers in the memory of WebAssembly, which ends at 2 GiB. */
const maxWasmBytes = 1536 * 1024 * 1024;

const bytesOf = (words: Uint32Array): Uint8Array =>
  new Uint8Array(words.buffer, words.byteOffset, words.byteLength);

function labelsPass(machine: Machine, { fileNodes, passes, streams }: IdleLabels): LayerPass {
  const nodes = streams[0].into.length / nodeBytes;
  const fileLog = exactLog2(fileNodes);
  assert(fileLog !== undefined, "a file has a power of two of labels");
  const places = streams.map(({ into, previous }) => ({
    into: machine.lend(into),
    previous: machine.lend(previous),
  }));
  const [one, two] = places as [
    { into: Place; previous: Place },
    { into: Place; previous: Place } | undefined,
  ];
  const jobs = machine.put(
    concatBytes(...streams.flatMap(({ header, firstFile }) => [header, bigEndian(firstFile, 8)])),
  );
  const room = machine.inPlace ? undefined : machine.alloc(4 * tableParents * sliceNodes);
  const parentsAt = (parents: Uint32Array): Place => {
    if (room === undefined) return machine.lend(bytesOf(parents));
    machine.write(bytesOf(parents), room);
    return room;
  };
  return {
    sliceNodes,
    run: ({ low, count, parents }) => {
      assert(
        count <= sliceNodes && parents.length === tableParents * count,
        "a run is no longer than a slice",
      );
      const [intoTwo, previousTwo] = two === undefined ? [nowhere, nowhere] : [two.into, two.previous];
      const result = machine.call.idle_labels(
        one.into,
        one.previous,
        intoTwo,
        previousTwo,
        nodes,
        jobs,
        fileLog,
        passes,
        parentsAt(parents),
        low,
        count,
      );
      assert(result === status.ok, "parents are nodes of the layer");
    },
    finish: () => {
      if (machine.inPlace) return;
      streams.forEach(({ into }, i) => {
        into.set(machine.read(places[i]?.into ?? one.into, into.length));
      });
    },
  };
}

function absorb(machine: Machine, given: Absorption): void {
  const { states, left, leftStride, right, rightStride, trim } = given;
  const count = states.length / nodeBytes;
  const at = machine.lend(states);
  const halves = [machine.lend(left), leftStride, machine.lend(right), rightStride] as const;
  machine.call.idle_absorb(at, ...halves, count, trim ? 1 : 0);
  if (!machine.inPlace) states.set(machine.read(at, states.length));
}

/** The halves of chains `from` … `from + count − 1`. */
const halvesOf = (row: Uint8Array, stride: number, from: number, count: number): Uint8Array =>
  row.subarray(stride * from, stride * (from + count - 1) + nodeBytes);

function absorbInSlices(work: (run: (machine: Machine) => void) => void, given: Absorption): void {
  const { states, left, leftStride, right, rightStride } = given;
  const chains = states.length / nodeBytes;
  for (let from = 0; from < chains; from += sliceChains) {
    const count = Math.min(sliceChains, chains - from);
    const slice = {
      ...given,
      states: states.subarray(from * nodeBytes, (from + count) * nodeBytes),
      left: halvesOf(left, leftStride, from, count),
      right: halvesOf(right, rightStride, from, count),
    };
    work((machine) => absorb(machine, slice));
  }
}

export function createSpaceKernel(make: MachineMaker): SpaceKernel {
  const workshop = createWorkshop(make);
  return {
    idleParents: (seed, nodes, low, into) =>
      workshop((machine) => {
        const log = exactLog2(nodes);
        const count = into.length / tableParents;
        assert(log !== undefined && low + count <= nodes, "the run is in the layer");
        const at = machine.lend(bytesOf(into));
        machine.call.idle_parents(at, machine.lend(seed), log, low, count);
        if (!machine.inPlace) bytesOf(into).set(machine.read(at, into.byteLength));
      }),
    idleLabels: (layer) => {
      const machine = make();
      const bytes = layer.streams.reduce((sum, { into, previous }) => sum + into.length + previous.length, 0);
      return machine.inPlace || bytes <= maxWasmBytes ? labelsPass(machine, layer) : undefined;
    },
    absorb: (given) => absorbInSlices(workshop, given),
  };
}
