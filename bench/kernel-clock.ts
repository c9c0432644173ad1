/**
 * Loaded before everything else into the processes of a benchmark, and into each of their threads: times every call of
 * a compiled kernel by the processor time of its thread, wherever it was loaded from, and writes the sum into a file of
 * that thread. So what a pipeline's kernels take is measured inside of it, with its processes beside each other, its
 * caches cold and its helpers at work.
 */
import { openSync, readdirSync, readFileSync, writeSync } from "node:fs";
import { join } from "node:path";
import { threadId } from "node:worker_threads";

/** Names the folder of the sums. */
const variable = "HOLDFAST_BENCH_KERNELS";
/** A sum is written when it has grown by so much: most calls cost no write, which would count as lying beside them. */
const writtenS = 0.05;

/** The types of WebAssembly come with a browser's. */
type MakeInstance = new (...args: readonly unknown[]) => { readonly exports: object };
type Call = (...args: readonly unknown[]) => unknown;

/** For the environment of a process that is to be measured. */
export function kernelClockEnv(folder: string): { readonly [name: string]: string } {
  const { NODE_OPTIONS = "" } = process.env;
  return { [variable]: folder, NODE_OPTIONS: `${NODE_OPTIONS} --import=${import.meta.url}`.trim() };
}

/** Seconds of the processor in kernels, of all threads that have ever written into the folder. */
export function kernelSeconds(folder: string): number {
  const sums = readdirSync(folder).map((name) => Number(readFileSync(join(folder, name), "utf8")));
  return sums.reduce((sum, one) => sum + one, 0);
}

/**
 * Processor time of this thread. Linux keeps it up to date by its ticks only, milliseconds apart, which is longer than
 * most calls are; asked for the whole process, it first brings the asking thread's up to date.
 */
function threadCpuS(): number {
  process.cpuUsage();
  const { user, system } = process.threadCpuUsage();
  return (user + system) / 1e6;
}

function install(folder: string): void {
  const file = openSync(join(folder, `${process.pid}-${threadId}`), "w");
  let [sumS, saidS] = [0, 0];
  const timed =
    (call: Call): Call =>
    (...args) => {
      const before = threadCpuS();
      try {
        return call(...args);
      } finally {
        sumS += threadCpuS() - before;
        if (sumS - saidS >= writtenS) {
          saidS = sumS;
          writeSync(file, sumS.toFixed(6).padStart(20), 0);
        }
      }
    };
  const allTimed = (calls: object) =>
    Object.fromEntries(
      Object.entries(calls).map(([name, one]) => [name, typeof one === "function" ? timed(one) : one]),
    );

  const { dlopen } = process;
  process.dlopen = (module: { exports: Record<string, unknown> }, ...rest) => {
    dlopen.call(process, module, ...rest);
    const { bind, hashInto } = module.exports;
    // Our own addon gives its functions for a processor; hashtree's hashes rows of pairs.
    if (typeof bind === "function") {
      module.exports = { ...module.exports, bind: (allowed: number) => allTimed(bind(allowed)) };
    } else if (typeof hashInto === "function") {
      module.exports = { ...module.exports, hashInto: timed(hashInto as Call) };
    }
  };
  const { WebAssembly: wasm } = globalThis as unknown as { WebAssembly: { Instance: MakeInstance } };
  const { Instance } = wasm;
  // A constructor that returns an object gives that.
  wasm.Instance = function instance(...args: readonly unknown[]) {
    const made = new Instance(...args);
    return "poseidon_row" in made.exports ? { exports: allTimed(made.exports) } : made;
  } as unknown as MakeInstance;
}

const folder = process.env[variable];
if (folder !== undefined) install(folder);
