/**
 * The door `@holdfast/proofs/kernels`: the compiled kernels for hosts with a file system. Loading reads the
 * binary beside this file, compiles it and asks it the known answers; a binary that is missing, broken or wrong
 * is refused with a reason, and the TypeScript reference does its work. This folder is not pure.
 *
 *   const { backend, reason, tree, curve } = await loadWasmKernels();
 *   installTreeKernel(tree);
 *   installCurveKernel(curve);
 */
import { readFile } from "node:fs/promises";
import { type CurveKernel, plainCurveKernel } from "../src/curve/index.ts";
import type { TreeKernel } from "../src/merkle/index.ts";
import { createCurveKernel } from "./curve.ts";
import { wrongAnswer } from "./known-answers.ts";
import { createPoseidonRow } from "./tree.ts";
import { wasmApi } from "./wasm-api.ts";

export { answersOf, expectedAnswers } from "./known-answers.ts";

export interface LoadedKernels {
  /** "reference": the functions below are the plain ones. */
  readonly backend: "wasm" | "reference";
  /** Why the compiled kernels are not in use. */
  readonly reason?: string;
  readonly tree: Partial<TreeKernel>;
  readonly curve: CurveKernel;
}

const binary = new URL("./kernels.wasm", import.meta.url);

/** Kernels from this binary, or the reference and why. Never throws. */
export async function kernelsFrom(bytes: Uint8Array): Promise<LoadedKernels> {
  try {
    const module = await wasmApi.compile(bytes);
    const poseidonRow = createPoseidonRow(module);
    const curve = createCurveKernel(module);
    const wrong = wrongAnswer({ poseidonRow, curve });
    return wrong === undefined
      ? { backend: "wasm", tree: { poseidonRow }, curve }
      : refused(`the binary's ${wrong} does not give the known answer`);
  } catch (cause) {
    return refused(`the binary does not load: ${cause instanceof Error ? cause.message : String(cause)}`);
  }
}

function refused(reason: string): LoadedKernels {
  return { backend: "reference", reason, tree: {}, curve: plainCurveKernel };
}

/** The compiled kernels that come with this package, or the reference and why. Never throws. */
export async function loadWasmKernels(): Promise<LoadedKernels> {
  try {
    return await kernelsFrom(await readFile(binary));
  } catch (cause) {
    return refused(`the binary cannot be read: ${cause instanceof Error ? cause.message : String(cause)}`);
  }
}
