/**
 * The layer kernel on the compiled kernels. In WebAssembly a layer lives in the instance's memory from its first
 * run to `finish`, so that a run copies parents only; natively it is worked on where it is. A pass that was given
 * up leaves its memory to the garbage collector with its instance.
 */
import { assert, concatBytes } from "@holdfast/base";
import type {
  EraGraphKernel,
  EraLayer,
  LayerKernel,
  LayerPass,
  NodeRun,
  SdrLayer,
  ZigzagLayer,
} from "../src/layers/index.ts";
import { nodeBytes } from "../src/merkle/index.ts";
import { poseidonSchedule } from "../src/poseidon/index.ts";
import { createWorkshop, type Machine, type MachineMaker, type Place, status } from "./machine.ts";
import { createParentsKernel } from "./parents.ts";
import { loadPoseidon } from "./tree.ts";

/** Nodes of one call: some milliseconds, and half a millisecond to copy their parents. */
const hashSlice = 2 ** 13;
/** Poseidon takes thirty times as long. */
const poseidonSlice = 2 ** 9;
const poseidonArity = 16;
/** Layers in the memory of WebAssembly, which ends at 2 GiB. */
const maxWasmBytes = 1536 * 1024 * 1024;
const flag = { descending: 1, decode: 2 };

const bytesOf = (words: Uint32Array): Uint8Array =>
  new Uint8Array(words.buffer, words.byteOffset, words.byteLength);

/** The machine and a place for the parents of a run, one run after another. */
interface Desk {
  readonly machine: Machine;
  readonly parents: (words: Uint32Array) => Place;
}

function deskOf(machine: Machine, slice: number, degree: number): Desk {
  if (machine.inPlace) return { machine, parents: (words) => machine.lend(bytesOf(words)) };
  const at = machine.alloc(4 * slice * degree);
  return {
    machine,
    parents: (words) => {
      assert(words.length <= slice * degree, "a run is no longer than a slice of its pass");
      machine.write(bytesOf(words), at);
      return at;
    },
  };
}

/** Bytes that the kernel changes: themselves if it can reach them, or a copy that `finish` brings back. */
function workplace(machine: Machine, bytes: Uint8Array): { at: Place; finish: () => void } {
  if (machine.inPlace) return { at: machine.lend(bytes), finish: () => undefined };
  const at = machine.put(bytes);
  return { at, finish: () => bytes.set(machine.read(at, bytes.length)) };
}

/** A place for the counts of a run. */
function countsDesk(machine: Machine, slice: number): (counts: Uint8Array) => Place {
  if (machine.inPlace) return machine.lend;
  const at = machine.alloc(slice);
  return (counts) => {
    assert(counts.length <= slice, "a run is no longer than a slice of its pass");
    machine.write(counts, at);
    return at;
  };
}

function check(result: number): void {
  assert(result === status.ok, "parents are nodes of the graph, with canonical values");
}

function zigzagPass(machine: Machine, layer: ZigzagLayer): LayerPass {
  const byPoseidon = layer.keyDerivation === "poseidon";
  const sliceNodes = byPoseidon ? poseidonSlice : hashSlice;
  const numbers = byPoseidon ? loadPoseidon(machine, poseidonArity) : machine.alloc(0);
  const rounds = byPoseidon ? poseidonSchedule(poseidonArity).partial.length : 0;
  const desk = deskOf(machine, sliceNodes, 13);
  const countsOf = countsDesk(machine, sliceNodes);
  const place = workplace(machine, layer.bytes);
  const source = layer.source === undefined ? place.at : machine.lend(layer.source);
  const replicaId = machine.put(layer.replicaId);
  const nodes = layer.bytes.length / nodeBytes;
  const mode = layer.mode === "decode" ? flag.decode : 0;
  return {
    sliceNodes,
    run: ({ low, count, descending, parents, counts }: NodeRun) => {
      const flags = mode | (descending ? flag.descending : 0);
      const run = [
        place.at,
        source,
        nodes,
        replicaId,
        layer.number,
        desk.parents(parents),
        countsOf(counts),
      ] as const;
      const { call } = machine;
      check(
        byPoseidon
          ? call.zigzag_poseidon(numbers, rounds, ...run, low, count, flags)
          : call.zigzag_blake2s(...run, low, count, flags),
      );
    },
    finish: place.finish,
  };
}

/** Two layers at once need the processor's SHA instructions, so they are where the native kernels are. */
function sdrPairPass(
  machine: Machine,
  [first, second]: readonly [SdrLayer, SdrLayer],
): LayerPass | undefined {
  const { inPlace, call, lend } = machine;
  if (!inPlace || call.sdr_pair === undefined) return undefined;
  const { number, into } = first;
  const nodes = into.length / nodeBytes;
  const ids = machine.put(concatBytes(first.replicaId, second.replicaId));
  const places = [first.into, first.previous, second.into, second.previous] as const;
  const [firstAt, firstBefore, secondAt, secondBefore] = places.map(lend) as [Place, Place, Place, Place];
  const pair = call.sdr_pair;
  return {
    sliceNodes: hashSlice,
    run: ({ low, count, parents }) => {
      const words = lend(bytesOf(parents));
      check(pair(firstAt, firstBefore, secondAt, secondBefore, nodes, ids, number, words, low, count));
    },
    finish: () => undefined,
  };
}

function eraPass(machine: Machine, layer: EraLayer): LayerPass {
  const desk = deskOf(machine, hashSlice, 13);
  const countsOf = countsDesk(machine, hashSlice);
  const place = workplace(machine, layer.bytes);
  const replicaId = machine.put(layer.replicaId);
  const nodes = layer.bytes.length / nodeBytes;
  const mode = layer.mode === "decode" ? flag.decode : 0;
  return {
    sliceNodes: hashSlice,
    run: ({ low, count, descending, parents, counts }: NodeRun) => {
      const run = [desk.parents(parents), countsOf(counts), low, count] as const;
      const flags = mode | (descending ? flag.descending : 0);
      check(machine.call.zigzag_era(place.at, nodes, replicaId, ...run, flags));
    },
    finish: place.finish,
  };
}

function eraGraphWith(make: MachineMaker): EraGraphKernel {
  const work = createWorkshop(make);
  /** Calls with a place for the words that are written. */
  const writing = (into: Uint32Array, act: (machine: Machine, to: Place) => number): void =>
    work((machine) => {
      const bytes = bytesOf(into);
      const to = machine.inPlace ? machine.lend(bytes) : machine.alloc(bytes.length);
      check(act(machine, to));
      if (!machine.inPlace) bytes.set(machine.read(to, bytes.length));
    });
  return {
    base: ({ seed, logarithms }, low, into) =>
      writing(into, ({ call, lend }, to) =>
        call.era_base(to, lend(bytesOf(seed)), lend(bytesOf(logarithms)), low, into.length / 5),
      ),
    parents: ({ nodes, base, rounds, halfBits }, reversed, low, into) =>
      writing(into, ({ call, lend }, to) => {
        const given = [lend(bytesOf(base)), lend(bytesOf(rounds)), halfBits, nodes] as const;
        return call.era_parents(to, ...given, low, into.length / 13, reversed ? 1 : 0);
      }),
  };
}

/** Layers that do not fit into the memory of WebAssembly are left to the reference. */
export function createLayerKernel(make: MachineMaker): LayerKernel {
  const machineFor = (bytes: number): Machine | undefined => {
    const machine = make();
    return machine.inPlace || bytes <= maxWasmBytes ? machine : undefined;
  };
  return {
    worksInPlace: make().inPlace,
    zigzag: (layer) => {
      const machine = machineFor(layer.bytes.length + (layer.source?.length ?? 0));
      return machine && zigzagPass(machine, layer);
    },
    ...createParentsKernel(make),
    sdrPair: (layers) => sdrPairPass(make(), layers),
    zigzag2019: (layer) => {
      const machine = machineFor(layer.bytes.length);
      return machine && eraPass(machine, layer);
    },
    eraGraph: eraGraphWith(make),
    sdr: ({ replicaId, number, previous, into }) => {
      const machine = machineFor(previous.length + into.length);
      if (machine === undefined) return undefined;
      const desk = deskOf(machine, hashSlice, 14);
      const place = workplace(machine, into);
      const before = machine.lend(previous);
      const id = machine.put(replicaId);
      const nodes = into.length / nodeBytes;
      return {
        sliceNodes: hashSlice,
        run: ({ low, count, parents }) =>
          check(
            machine.call.sdr_labels(place.at, before, nodes, id, number, desk.parents(parents), low, count),
          ),
        finish: place.finish,
      };
    },
  };
}
