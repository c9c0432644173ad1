/**
 * Whole pieces of work over four sizes each: seconds by the clock and of the processor, peak of memory, how the
 * cost grows. The best back end does all sizes, the others the small ones.
 */
import { kernelBackends, loadKernels } from "@holdfast/proofs/kernels";
import { type Bench, type Compared, type Figure, isChosen } from "../figure.ts";
import { foreignRates } from "../peers.ts";
import { pipelineFigures } from "../pipeline.ts";
import { pipelines } from "../pipelines/index.ts";

export const pipelinesBench: Bench = {
  name: "pipelines",
  about: "whole pieces of work over four sizes, seconds by the clock with all threads",
  async run(options) {
    const { quick, peers, say } = options;
    const foreign = peers ? await foreignRates("pipelines", say) : new Map();
    const peerOf = (work: string): Compared | undefined => foreign.get(work)?.[0];
    const { backend: best } = await loadKernels();
    const backends = kernelBackends.slice(kernelBackends.indexOf(best));
    const figures: Figure[] = [];
    for (const pipeline of pipelines) {
      if (!isChosen(pipeline.name, options)) continue;
      figures.push(...(await pipelineFigures(pipeline, backends, quick, peerOf, say)));
    }
    return figures;
  },
};
