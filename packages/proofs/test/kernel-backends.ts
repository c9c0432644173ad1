/**
 * The back ends of the compiled kernels that are here: WebAssembly always, the native addon where it was built,
 * with everything that the processor has and without.
 */
import { type CurveKernel, plainTreeKernel, type TreeKernel } from "@holdfast/proofs";
import {
  folderVariable,
  type KernelBackend,
  type LoadedKernels,
  loadNativeKernels,
  loadWasmKernels,
} from "@holdfast/proofs/kernels";
import { groupsOf } from "./curve-fixtures.ts";

export interface TestedBackend {
  readonly name: string;
  readonly backend: KernelBackend;
  readonly loaded: LoadedKernels;
}

const wasm: TestedBackend = { name: "wasm", backend: "wasm", loaded: await loadWasmKernels() };
/** Of a build that is named, such as one that watches its accesses, every variant is tested and nothing else. */
const { [folderVariable]: named = "" } = process.env;
const folders = named === "" ? {} : { folders: [named] };
const load = (without: readonly string[]): LoadedKernels => loadNativeKernels({ ...folders, without });
const all = load([]);

function nativeVariants(): readonly TestedBackend[] {
  const { features = [] } = all;
  const variant = (name: string, loaded: LoadedKernels): TestedBackend => ({
    name,
    backend: "native",
    loaded,
  });
  const bare = "native, of a processor without extras,";
  return [
    variant("native", all),
    ...(features.includes("ifma") ? [variant("native, without ifma,", load(["ifma"]))] : []),
    ...(features.includes("avx512") ? [variant("native, without avx512,", load(["avx512", "ifma"]))] : []),
    ...(features.length > 0 ? [variant(bare, load(features))] : []),
  ];
}

/** A native addon that is there and refused is tested too, so that it fails where it can be seen. */
const native = all.backend === "native" || all.refused === true ? nativeVariants() : [];
const [first] = native;
export const backends: readonly [TestedBackend, ...TestedBackend[]] =
  named === "" || first === undefined ? [wasm, ...native] : [first, ...native.slice(1)];

/** The functions of a back end. */
export function kernelsOf({ tree, curve }: LoadedKernels): {
  readonly curve: CurveKernel;
  readonly poseidonRow: TreeKernel["poseidonRow"];
  readonly g1: ReturnType<typeof groupsOf>["g1"];
  readonly g2: ReturnType<typeof groupsOf>["g2"];
} {
  return { curve, poseidonRow: tree.poseidonRow ?? plainTreeKernel.poseidonRow, ...groupsOf(curve) };
}
