/**
 * One instance of the compiled kernels: its exported functions, and its memory as an arena that is given back
 * after every call. Memory of WebAssembly never shrinks, so whoever needed much of it drops the instance.
 */
import { curveErrors } from "../src/curve/index.ts";
import { type WasmMemory, type WasmModule, wasmApi } from "./wasm-api.ts";

/** Addresses and counts are numbers; functions that can fail return −1 if all went well (`src/kernel.h`). */
export interface KernelExports {
  readonly memory: WasmMemory;
  readonly kernel_alloc: (bytes: number) => number;
  readonly kernel_keep: () => void;
  readonly kernel_reset: () => void;
  readonly fr_load_run: (to: number, from: number, count: number) => void;
  readonly poseidon_row: (
    numbers: number,
    width: number,
    partialRounds: number,
    row: number,
    out: number,
    groups: number,
  ) => number;
  readonly fft: (
    values: number,
    log: number,
    root: number,
    shiftIn: number,
    scale: number,
    shiftOut: number,
  ) => number;
  readonly quotient: (a: number, b: number, c: number, log: number, constants: number) => number;
  readonly g1_msm: SumFunction;
  readonly g2_msm: SumFunction;
  readonly g1_fixed_base: SumFunction;
  readonly g2_fixed_base: SumFunction;
  readonly g1_scale: SumFunction;
  readonly g2_scale: SumFunction;
  readonly g1_lagrange: LagrangeFunction;
  readonly g2_lagrange: LagrangeFunction;
  readonly g1_first_bad: (points: number, count: number) => number;
  readonly g2_first_bad: (points: number, count: number) => number;
}

type SumFunction = (out: number, points: number, scalars: number, count: number) => number;
type LagrangeFunction = (points: number, log: number, rootInverse: number, sizeInverse: number) => number;

export const status = { ok: -1, noMemory: -2 } as const;

export interface Machine {
  readonly call: KernelExports;
  /** Address of so many bytes, until the next reset. Throws curve/out-of-memory. */
  readonly alloc: (bytes: number) => number;
  /** Address of a copy of these bytes. Throws curve/out-of-memory. */
  readonly put: (bytes: Uint8Array) => number;
  readonly write: (bytes: Uint8Array, at: number) => void;
  /** A copy of bytes of the memory. */
  readonly read: (at: number, length: number) => Uint8Array;
  /** Bytes that the instance holds. */
  readonly size: () => number;
}

export function createMachine(module: WasmModule): Machine {
  const call = new wasmApi.Instance(module).exports as KernelExports;
  let view = new Uint8Array(call.memory.buffer);
  const memory = (): Uint8Array => {
    if (view.buffer !== call.memory.buffer) view = new Uint8Array(call.memory.buffer); // it grew
    return view;
  };
  const alloc = (bytes: number): number => {
    const at = call.kernel_alloc(bytes);
    if (at === 0) throw curveErrors.outOfMemory({ bytes });
    return at;
  };
  const write = (bytes: Uint8Array, at: number): void => memory().set(bytes, at);
  return {
    call,
    alloc,
    write,
    put: (bytes) => {
      const at = alloc(bytes.length);
      write(bytes, at);
      return at;
    },
    read: (at, length) => memory().slice(at, at + length),
    size: () => memory().length,
  };
}

/** Instances above this are dropped after the call that made them grow. */
const keptBytes = 16 * 1024 * 1024;

/** Runs each piece of work on an instance with an empty arena, and forgets instances that grew large. */
export function createWorkshop(module: WasmModule): <T>(work: (machine: Machine) => T) => T {
  let machine: Machine | undefined;
  return (work) => {
    machine ??= createMachine(module);
    try {
      return work(machine);
    } finally {
      machine.call.kernel_reset();
      if (machine.size() > keptBytes) machine = undefined;
    }
  };
}
