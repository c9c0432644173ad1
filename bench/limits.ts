/**
 * What the hardware allows, measured in the same run as what is held against it: the processor's instructions for
 * hashing and multiplying by loops of the addon that do nothing else (it exports them as `limits`), memory by the
 * platform's own loops over more than a cache holds, the disk without the system's cache. A limit that cannot be
 * measured here is absent, and so is every share of it.
 */
import { closeSync, constants, fsyncSync, mkdtempSync, openSync, readSync, rmSync, writeSync } from "node:fs";
import { join } from "node:path";
import type { LoadedKernels } from "@holdfast/proofs/kernels";
import type { Compared, Figure } from "./figure.ts";
import { elapsedMs, type Measured, measureInTurns, median, type Sampling, spreadOf } from "./measure.ts";

/** Units in a second of processor time, disk by the clock; bytes where memory and disk are meant. */
export type Limits = ReadonlyMap<string, Measured>;

export const memoryRead = "memory, reading";
export const memoryCopy = "memory, copying";
export const diskWrite = "disk, writing past the cache";
export const diskRead = "disk, reading past the cache";

const bufferBytes = 64 * 2 ** 20;
/** Units that one call of a limit of the addon does. */
const unitsOfCall = 100_000;

/** So many units of work as a share of what the named limit does; undefined if it was not measured. */
export function limitOf(limits: Limits, name: string, unitsOfWork: number): Compared | undefined {
  const found = limits.get(name);
  return found === undefined ? undefined : { name, value: found.rate / unitsOfWork };
}

async function memoryLimits(sampling: Sampling): Promise<ReadonlyMap<string, Measured>> {
  const from = Buffer.alloc(bufferBytes, 1);
  const to = Buffer.alloc(bufferBytes, 2);
  const { read, copy } = await measureInTurns(
    { read: () => from.indexOf(0), copy: () => to.set(from) },
    sampling,
  );
  return new Map([
    [memoryRead, scaled(read, bufferBytes)],
    [memoryCopy, scaled(copy, bufferBytes)],
  ]);
}

const scaled = ({ rate, clockRate, spread }: Measured, by: number): Measured => ({
  rate: rate * by,
  clockRate: clockRate * by,
  spread,
});

async function processorLimits(
  { limits = {} }: LoadedKernels,
  sampling: Sampling,
): Promise<ReadonlyMap<string, Measured>> {
  const works = Object.entries(limits).map(([name, run]) => [name, () => run(unitsOfCall)] as const);
  const measured = Object.entries<Measured>(await measureInTurns(Object.fromEntries(works), sampling));
  return new Map(measured.map(([name, found]) => [name, scaled(found, unitsOfCall)]));
}

const pieceBytes = 4 * 2 ** 20;
const pieces = 48;
const diskRuns = 5;

/** Memory that starts at a page, as O_DIRECT wants it. */
function alignedBuffer(bytes: number): Uint8Array {
  const { WebAssembly: api } = globalThis as unknown as {
    WebAssembly: { Memory: new (size: { initial: number }) => { readonly buffer: ArrayBuffer } };
  };
  return new Uint8Array(new api.Memory({ initial: bytes / 65_536 }).buffer, 0, bytes);
}

function passOver(path: string, flags: number, act: (file: number, piece: number) => void): () => void {
  return () => {
    const file = openSync(path, flags | constants.O_DIRECT, 0o600);
    try {
      for (let piece = 0; piece < pieces; piece += 1) act(file, piece);
      if (flags !== constants.O_RDONLY) fsyncSync(file);
    } finally {
      closeSync(file);
    }
  };
}

/** By the clock: a disk takes no processor time. Empty where the file system knows no O_DIRECT. */
async function diskLimits(folder: string): Promise<ReadonlyMap<string, Measured>> {
  const own = mkdtempSync(join(folder, "bench-disk-"));
  const path = join(own, "file");
  const buffer = alignedBuffer(pieceBytes).fill(7);
  const write = passOver(path, constants.O_WRONLY | constants.O_CREAT, (file, piece) =>
    writeSync(file, buffer, 0, pieceBytes, piece * pieceBytes),
  );
  const read = passOver(path, constants.O_RDONLY, (file, piece) =>
    readSync(file, buffer, 0, pieceBytes, piece * pieceBytes),
  );
  const rates = { write: [] as number[], read: [] as number[] };
  try {
    for (let run = 0; run < diskRuns; run += 1) {
      rates.write.push((1000 * pieces * pieceBytes) / (await elapsedMs(write)));
      rates.read.push((1000 * pieces * pieceBytes) / (await elapsedMs(read)));
    }
  } catch {
    return new Map();
  } finally {
    rmSync(own, { recursive: true });
  }
  const measured = (all: readonly number[]): Measured => ({
    rate: median(all),
    clockRate: median(all),
    spread: spreadOf(all),
  });
  return new Map([
    [diskWrite, measured(rates.write)],
    [diskRead, measured(rates.read)],
  ]);
}

/** Of the processor and its memory; the addon's limits only where it is loaded. */
export async function measureLimits(native: LoadedKernels, sampling: Sampling): Promise<Limits> {
  return new Map([...(await processorLimits(native, sampling)), ...(await memoryLimits(sampling))]);
}

export async function measureDisk(folder: string): Promise<Limits> {
  return diskLimits(folder);
}

const inBytes = new Set([memoryRead, memoryCopy, diskWrite, diskRead]);

export function limitFigures(limits: Limits): readonly Figure[] {
  return [...limits].map(([name, { rate, clockRate, spread }]) =>
    inBytes.has(name)
      ? { name, value: rate / 1e6, byClock: clockRate / 1e6, unit: "MB/s", spread }
      : { name, value: rate, byClock: clockRate, unit: "/s", spread },
  );
}
