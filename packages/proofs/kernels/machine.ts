/**
 * One instance of the compiled kernels, whichever way they were compiled: its functions, and places for what they
 * read and write. In WebAssembly a place is an address in the instance's memory, an arena that is given back after
 * every call; in the native build it is a Uint8Array, checked by the addon. Memory of WebAssembly never shrinks,
 * so whoever needed much of it drops the instance.
 */
import { curveErrors } from "../src/curve/index.ts";
import { type WasmMemory, type WasmModule, wasmApi } from "./wasm-api.ts";

declare const place: unique symbol;
/** Where bytes are that a kernel works on; only the machine that made it knows its form. */
export type Place = { readonly [place]: true };

/** No place: an argument that is left out. */
export const nowhere = 0 as unknown as Place;

/** Functions that can fail return −1 if all went well (`src/kernel.h`). */
export interface KernelCalls {
  readonly fr_load_run: (to: Place, from: Place, count: number) => void;
  readonly poseidon_row: (
    numbers: Place,
    width: number,
    partialRounds: number,
    row: Place,
    out: Place,
    groups: number,
  ) => number;
  readonly fft: (
    values: Place,
    log: number,
    root: Place,
    shiftIn: Place,
    scale: Place,
    shiftOut: Place,
  ) => number;
  readonly quotient: (a: Place, b: Place, c: Place, log: number, constants: Place) => number;
  readonly zigzag_blake2s: (...run: ZigzagRun) => number;
  readonly zigzag_poseidon: (numbers: Place, partialRounds: number, ...run: ZigzagRun) => number;
  readonly sdr_labels: (
    into: Place,
    previous: Place,
    nodes: number,
    replicaId: Place,
    number: number,
    parents: Place,
    low: number,
    count: number,
  ) => number;
  readonly zigzag_era: (
    layer: Place,
    nodes: number,
    replicaId: Place,
    parents: Place,
    counts: Place,
    low: number,
    count: number,
    flags: number,
  ) => number;
  readonly era_base: (base: Place, seed: Place, logarithms: Place, low: number, count: number) => number;
  readonly era_parents: (
    parents: Place,
    base: Place,
    rounds: Place,
    halfBits: number,
    nodes: number,
    low: number,
    count: number,
    flags: number,
  ) => number;
  readonly pedersen_tables: (tables: Place, points: Place) => number;
  readonly pedersen_row: (
    tables: Place,
    row: Place,
    out: Place,
    pairs: number,
    personalization: number,
  ) => number;
  /** `intoTwo` and `previousTwo`: nowhere for one stream. */
  readonly idle_labels: (
    into: Place,
    previous: Place,
    intoTwo: Place,
    previousTwo: Place,
    nodes: number,
    jobs: Place,
    fileLog: number,
    passes: number,
    parents: Place,
    low: number,
    count: number,
  ) => number;
  readonly idle_absorb: (
    states: Place,
    left: Place,
    leftStride: number,
    right: Place,
    rightStride: number,
    count: number,
    trim: number,
  ) => void;
  readonly idle_parents: (into: Place, seed: Place, log: number, low: number, count: number) => void;
  readonly zigzag_parents: (
    parents: Place,
    counts: Place,
    seed: Place,
    tables: Place,
    halfBits: number,
    nodes: number,
    reversed: number,
    low: number,
    count: number,
  ) => void;
  readonly sdr_parents: (
    parents: Place,
    seed: Place,
    tables: Place,
    halfBits: number,
    nodes: number,
    legacy: number,
    low: number,
    count: number,
  ) => void;
  /** Labels of two replicas; only where together they take less time than one after the other. */
  readonly sdr_pair?: (
    first: Place,
    firstPrevious: Place,
    second: Place,
    secondPrevious: Place,
    nodes: number,
    replicaIds: Place,
    number: number,
    parents: Place,
    low: number,
    count: number,
  ) => number;
  readonly cess_direct: (
    into: Place,
    previous: Place,
    elders: Place,
    before: Place,
    head: Place,
    low: number,
    count: number,
  ) => number;
  readonly cess_hot: (
    table: Place,
    previous: Place,
    elders: Place,
    before: Place,
    next: Place,
    sums: Place,
    head: Place,
  ) => number;
  readonly cess_columns: (
    into: Place,
    table: Place,
    previous: Place,
    straight: Place,
    elders: Place,
    before: Place,
    sums: Place,
    head: Place,
    low: number,
    count: number,
    beside: number,
  ) => number;
  readonly g1_msm: SumFunction;
  readonly g2_msm: SumFunction;
  readonly g1_fixed_base: SumFunction;
  readonly g2_fixed_base: SumFunction;
  readonly g1_scale: SumFunction;
  readonly g2_scale: SumFunction;
  readonly g1_lagrange: LagrangeFunction;
  readonly g2_lagrange: LagrangeFunction;
  readonly g1_first_bad: (points: Place, count: number) => number;
  readonly g2_first_bad: (points: Place, count: number) => number;
}

type ZigzagRun = [
  layer: Place,
  /** What is read; the layer itself, but for a decoding that writes elsewhere. */
  source: Place,
  nodes: number,
  replicaId: Place,
  number: number,
  parents: Place,
  counts: Place,
  low: number,
  count: number,
  flags: number,
];
type SumFunction = (out: Place, points: Place, scalars: Place, count: number) => number;
type LagrangeFunction = (points: Place, log: number, rootInverse: Place, sizeInverse: Place) => number;

export const status = { ok: -1, noMemory: -2 } as const;

export interface Machine {
  readonly call: KernelCalls;
  /** Bytes of a field element as the kernels hold it. */
  readonly elementBytes: number;
  /** Whether a lent place is the bytes themselves, to be read and written. */
  readonly inPlace: boolean;
  /** A place of so many bytes, until the next reset. Throws curve/out-of-memory. */
  readonly alloc: (bytes: number) => Place;
  /** The place of a copy of these bytes. Throws curve/out-of-memory. */
  readonly put: (bytes: Uint8Array) => Place;
  /** A place with these bytes, which stay as they are unless the machine works in place. Throws curve/out-of-memory. */
  readonly lend: (bytes: Uint8Array) => Place;
  readonly write: (bytes: Uint8Array, at: Place) => void;
  /** The first bytes of a place; not to be used after the place is written again. */
  readonly read: (at: Place, length: number) => Uint8Array;
  /** What was allocated so far stays for good. */
  readonly keep: () => void;
  /** Gives back everything since the last keep. */
  readonly reset: () => void;
  /** Bytes that the instance holds. */
  readonly size: () => number;
}

interface WasmExports extends KernelCalls {
  readonly memory: WasmMemory;
  readonly kernel_alloc: (bytes: number) => number;
  readonly kernel_keep: () => void;
  readonly kernel_reset: () => void;
}

/** A machine of WebAssembly. */
export function createWasmMachine(module: WasmModule): Machine {
  const call = new wasmApi.Instance(module).exports as WasmExports;
  let view = new Uint8Array(call.memory.buffer);
  const memory = (): Uint8Array => {
    if (view.buffer !== call.memory.buffer) view = new Uint8Array(call.memory.buffer); // it grew
    return view;
  };
  const address = (at: Place): number => at as unknown as number;
  const alloc = (bytes: number): Place => {
    const at = call.kernel_alloc(bytes);
    if (at === 0) throw curveErrors.outOfMemory({ bytes });
    return at as unknown as Place;
  };
  const write = (bytes: Uint8Array, at: Place): void => memory().set(bytes, address(at));
  const put = (bytes: Uint8Array): Place => {
    const at = alloc(bytes.length);
    write(bytes, at);
    return at;
  };
  return {
    call,
    elementBytes: 36, // 9 limbs of 32 bits
    inPlace: false,
    alloc,
    write,
    put,
    lend: put,
    read: (at, length) => memory().slice(address(at), address(at) + length),
    keep: call.kernel_keep,
    reset: call.kernel_reset,
    size: () => memory().length,
  };
}

/** A machine of the addon: its arrays are the garbage collector's, what it needs besides lives for one call. */
export function createNativeMachine(call: KernelCalls): Machine {
  const array = (at: Place): Uint8Array => at as unknown as Uint8Array;
  const nothing = (): void => undefined;
  return {
    call,
    elementBytes: 32, // 4 words of 64 bits
    inPlace: true,
    alloc: (bytes) => new Uint8Array(bytes) as unknown as Place,
    write: (bytes, at) => array(at).set(bytes),
    put: (bytes) => new Uint8Array(bytes) as unknown as Place, // not slice(): on a Buffer of Node that is a view
    lend: (bytes) => bytes as unknown as Place,
    read: (at, length) => array(at).subarray(0, length),
    keep: nothing,
    reset: nothing,
    size: () => 0,
  };
}

/** Makes machines of one back end. */
export type MachineMaker = () => Machine;

/** Instances above this are dropped after the call that made them grow. */
const keptBytes = 16 * 1024 * 1024;

/** Runs each piece of work on an instance with an empty arena, and forgets instances that grew large. */
export function createWorkshop(make: MachineMaker): <T>(work: (machine: Machine) => T) => T {
  let machine: Machine | undefined;
  return (work) => {
    machine ??= make();
    try {
      return work(machine);
    } finally {
      machine.reset();
      if (machine.size() > keptBytes) machine = undefined;
    }
  };
}
