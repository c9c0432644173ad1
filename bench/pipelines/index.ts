/** All pipelines, in the order of the table. */
import type { Pipeline } from "../pipeline.ts";
import { groth16Pipelines } from "./groth16.ts";
import { idlePipelines } from "./idle.ts";
import { sealPipelines } from "./seal.ts";
import { treePipelines } from "./trees.ts";

export const pipelines: readonly Pipeline[] = [
  ...sealPipelines,
  ...treePipelines,
  ...groth16Pipelines,
  ...idlePipelines,
];
