/** A thread with a crew in the middle of an endless task, to be ended from outside. */
import { workerData } from "node:worker_threads";
import { plainCurveKernel, plainTreeKernel } from "@holdfast/proofs";
import { createCrew } from "@holdfast/proofs/kernels";
import { countForEver } from "./crew-kinds.ts";

const kernels = { tree: plainTreeKernel, curve: plainCurveKernel, layers: {} };
const crew = createCrew({ backend: "reference", kernels, threads: 2 });
crew.run(countForEver, { counts: workerData }, 2);
