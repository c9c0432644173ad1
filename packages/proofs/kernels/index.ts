/**
 * The door `@holdfast/proofs/kernels`: the compiled kernels for hosts with a file system. The best back end that
 * is there, asked the known answers before it is believed: the native addon (in a folder that the environment names,
 * of a release, or built here by `npm run build:native`), the WebAssembly beside this file, the TypeScript reference.
 * One that is missing, broken or wrong is passed over with a reason. This folder is not pure.
 *
 *   const { backend, reason, tree, curve, layers, space, cess } = await loadKernels();
 *   installTreeKernel(tree);
 *   installCurveKernel(curve);
 *   installLayerKernel(layers);
 *   installSpaceKernel(space);
 *   installCessKernel(cess);
 */
import { readFile } from "node:fs/promises";
import { type CurveKernel, plainCurveKernel } from "../src/curve/index.ts";
import type { CessKernel, SpaceKernel } from "../src/idle/index.ts";
import type { LayerKernel } from "../src/layers/index.ts";
import type { TreeKernel } from "../src/merkle/index.ts";
import { doorsOn } from "./doors.ts";
import {
  askedBackend,
  folderVariable,
  isAskedFor,
  isLeftOut,
  type KernelBackend,
  kernelBackends,
  kernelsVariable,
  withoutVariable,
} from "./environment.ts";
import { wrongAnswer } from "./known-answers.ts";
import { type HardwareLimits, limitsOf } from "./limits.ts";
import { createNativeMachine, createWasmMachine, type MachineMaker } from "./machine.ts";
import { findAddonIn, foldersInTurn } from "./native.ts";
import { wasmApi } from "./wasm-api.ts";

export * from "./crew/index.ts";
export { answersOf, expectedAnswers } from "./known-answers.ts";
export type { HardwareLimits } from "./limits.ts";
export { binaryName, buildCommand, nativeFolders, noteName } from "./native.ts";

export { folderVariable, type KernelBackend, kernelBackends, kernelsVariable, withoutVariable };

export interface LoadedKernels {
  /** "reference": the functions below are the plain ones. */
  readonly backend: KernelBackend;
  /** Why a better back end is not in use. */
  readonly reason?: string;
  /** A better back end is there, or was asked for, and may not be used: somebody should hear of it. */
  readonly refused?: boolean;
  /** What the native kernels use of the processor. */
  readonly features?: readonly string[];
  /** For benchmarks: what the native kernels are held against. */
  readonly limits?: HardwareLimits;
  readonly tree: Partial<TreeKernel>;
  readonly curve: CurveKernel;
  readonly layers: Partial<LayerKernel>;
  readonly space: Partial<SpaceKernel>;
  readonly cess: Partial<CessKernel>;
}

const binary = new URL("./kernels.wasm", import.meta.url);

const messageOf = (cause: unknown): string => (cause instanceof Error ? cause.message : String(cause));

function reference(reason: string, refused = true): LoadedKernels {
  return {
    backend: "reference",
    reason,
    refused,
    tree: {},
    curve: plainCurveKernel,
    layers: {},
    space: {},
    cess: {},
  };
}

/** Kernels on these machines, if they give the known answers. */
function checked(backend: KernelBackend, make: MachineMaker): LoadedKernels {
  const doors = doorsOn(make);
  const { tree, ...others } = doors;
  const wrong = wrongAnswer({ poseidonRow: tree.poseidonRow, ...others });
  return wrong === undefined
    ? { backend, ...doors, limits: limitsOf(make().call) }
    : reference(`the ${backend} binary's ${wrong} does not give the known answer`);
}

/** Kernels from this WebAssembly, or the reference and why. Never throws. */
export async function kernelsFrom(bytes: Uint8Array): Promise<LoadedKernels> {
  try {
    const module = await wasmApi.compile(bytes);
    const loaded = checked("wasm", () => createWasmMachine(module));
    // OpenSSL hashes a label in two thirds of the time, each in a call of its own (measured).
    const { sdr: _slower, sdrPair: _none, ...layers } = loaded.layers;
    return { ...loaded, layers };
  } catch (cause) {
    return reference(`the wasm binary does not load: ${messageOf(cause)}`);
  }
}

/** The WebAssembly that comes with this package, or the reference and why. Never throws. */
export async function loadWasmKernels(): Promise<LoadedKernels> {
  try {
    return await kernelsFrom(await readFile(binary));
  } catch (cause) {
    return reference(`the wasm binary cannot be read: ${messageOf(cause)}`);
  }
}

export interface NativeOptions {
  /** Where to look; what the environment names and the folders of this package if left out. */
  readonly folders?: readonly string[];
  /** Features of the processor that are not used, as if it had them not; those of the environment besides. */
  readonly without?: readonly string[];
}

/** The native kernels in this folder, or the reference and why. */
function loadNativeFrom(folder: string, without: readonly string[]): LoadedKernels {
  const found = findAddonIn(folder);
  if (found.addon === undefined) return reference(found.reason, found.refused);
  const { addon } = found;
  const isUsed = (name: string): boolean => !without.includes(name) && !isLeftOut(name);
  const used = Object.entries(addon.features).filter(([name]) => isUsed(name));
  try {
    const calls = addon.bind(used.reduce((sum, [, bit]) => sum | bit, 0));
    const loaded = checked("native", () => createNativeMachine(calls));
    if (loaded.backend !== "native") return loaded;
    const features = used.map(([name]) => name);
    const { sdr, sdrPair, ...others } = loaded.layers;
    // Without SHA instructions of our own, OpenSSL is faster wherever it has them: on other processors than x64.
    const layers = { ...others, ...(sdr && process.arch === "x64" && { sdr, sdrPair }) };
    return { ...loaded, layers, features };
  } catch (cause) {
    return reference(`the native binary fails: ${messageOf(cause)}`);
  }
}

/**
 * The first native kernels that may be used, or the reference and why. Never throws; in `reason` stands why one that
 * comes before them is not used.
 */
export function loadNativeKernels({ folders, without = [] }: NativeOptions = {}): LoadedKernels {
  const refusals: string[] = [];
  let missing = "there is no folder to look in";
  for (const folder of folders ?? foldersInTurn()) {
    const loaded = loadNativeFrom(folder, without);
    if (loaded.backend === "native") {
      return refusals.length === 0 ? loaded : { ...loaded, refused: true, reason: refusals.join("; ") };
    }
    if (loaded.refused === true) refusals.push(loaded.reason ?? "");
    else missing = loaded.reason ?? missing;
  }
  return refusals.length === 0 ? reference(missing, false) : reference(refusals.join("; "));
}

/**
 * The best kernels up to `best` (by default what HOLDFAST_KERNELS names, else native). Never throws; in `reason`
 * stands why what was wanted is not in use.
 */
export async function loadKernels(best?: KernelBackend): Promise<LoadedKernels> {
  const asked = best === undefined ? askedBackend() : { best, wrong: false };
  const { complaint, wrong }: { complaint?: string; wrong: boolean } = asked;
  const reasons = complaint === undefined ? [] : [complaint];
  let refused = wrong;
  const candidates = kernelBackends.slice(kernelBackends.indexOf(asked.best));
  for (const backend of candidates) {
    if (backend === "reference") break;
    const loaded = backend === "native" ? loadNativeKernels() : await loadWasmKernels();
    if (loaded.reason !== undefined) reasons.push(loaded.reason);
    // That nobody has built the native kernels is news only to who asked for them.
    const missed = loaded.backend !== backend && isAskedFor(backend);
    refused ||= loaded.refused === true || missed;
    if (loaded.backend === backend) return noted(loaded, reasons, refused);
  }
  return noted(reference("", false), reasons, refused);
}

function noted(loaded: LoadedKernels, reasons: readonly string[], refused: boolean): LoadedKernels {
  const { reason: _none, ...rest } = loaded;
  return { ...rest, refused, ...(reasons.length > 0 ? { reason: reasons.join("; ") } : {}) };
}
