/** All benchmarks, in the order in which they run and stand in docs/FIGURES.md. */
import type { Bench } from "../figure.ts";
import { chainBench } from "./chain.ts";
import { codecBench } from "./codec.ts";
import { getBench } from "./get.ts";
import { idleBench } from "./idle.ts";
import { installBench } from "./install.ts";
import { kernelsBench } from "./kernels.ts";
import { proofsBench } from "./proofs.ts";
import { putBench } from "./put.ts";
import { snarksBench } from "./snarks.ts";
import { startBench } from "./start.ts";
import { treesBench } from "./trees.ts";

export const benches: readonly Bench[] = [
  startBench,
  putBench,
  getBench,
  idleBench,
  chainBench,
  treesBench,
  codecBench,
  proofsBench,
  kernelsBench,
  snarksBench,
  installBench,
];
