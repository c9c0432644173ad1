/**
 * The compiled kernels in every back end that is on this machine, beside the TypeScript reference, peers, and what
 * the hardware allows, one thread. With `--peers` also beside programs in Rust and Go.
 */
import { tmpdir } from "node:os";
import { installNativeKernels } from "@holdfast/node";
import { type LoadedKernels, loadNativeKernels, loadWasmKernels } from "@holdfast/proofs/kernels";
import type { Bench, BenchOptions, Figure } from "../figure.ts";
import { measureFamilies, samplingOf, type Variant } from "../kernel.ts";
import { kernelFamilies } from "../kernels/index.ts";
import { limitFigures, measureDisk, measureLimits } from "../limits.ts";
import { foreignRates } from "../peers.ts";

function variantsOf(wasm: LoadedKernels, native: LoadedKernels): readonly Variant[] {
  const { features = [] } = native;
  if (native.backend !== "native") return [{ name: "wasm", kernels: wasm }];
  const bare = loadNativeKernels({ without: features });
  return [
    { name: `native (${features.join(", ")})`, kernels: native },
    ...(features.length === 0 ? [] : [{ name: "native, no extras", kernels: bare }]),
    { name: "wasm", kernels: wasm },
  ];
}

async function run(options: BenchOptions): Promise<readonly Figure[]> {
  await installNativeKernels(); // the reference hashes with what a node has
  const { quick, peers, say } = options;
  const [wasm, native] = [await loadWasmKernels(), loadNativeKernels()];
  if (native.backend !== "native") say(native.reason ?? "no native kernels");
  const best = native.backend === "native" ? native : wasm;
  const limits = await measureLimits(native, samplingOf(options));
  const foreign = peers ? await foreignRates("kernels", say) : new Map();
  const beside = { variants: variantsOf(wasm, native), limits, foreign };
  return measureFamilies(kernelFamilies, { best, quick }, beside, options);
}

export const kernelsBench: Bench = {
  name: "kernels",
  about: "compiled kernels, one thread, units of work in a second of processor time",
  run,
};

export const limitsBench: Bench = {
  name: "limits",
  about: "what this machine's processor, memory and disk can do at best",
  async run(options) {
    const sampling = samplingOf(options);
    const limits = await measureLimits(loadNativeKernels(), sampling);
    return limitFigures(new Map([...limits, ...(await measureDisk(tmpdir()))]));
  },
};
