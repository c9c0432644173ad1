/** All benchmarks, in the order in which they run and stand in docs/PERFORMANCE.md. */
import type { Bench } from "../figure.ts";
import { attestationBench } from "./attestation.ts";
import { chainBench } from "./chain.ts";
import { codecBench } from "./codec.ts";
import { dispatchBench } from "./dispatch.ts";
import { gasBench } from "./gas.ts";
import { getBench } from "./get.ts";
import { groth16Bench } from "./groth16.ts";
import { idleBench } from "./idle.ts";
import { idleLabelsBench } from "./idle-labels.ts";
import { idleProofsBench } from "./idle-proofs.ts";
import { installBench } from "./install.ts";
import { ipfsBench } from "./ipfs.ts";
import { kernelsBench, limitsBench } from "./kernels.ts";
import { overheadBench } from "./overhead.ts";
import { pinsBench } from "./pins.ts";
import { pipelinesBench } from "./pipelines.ts";
import { proofsBench } from "./proofs.ts";
import { propagationBench } from "./propagation.ts";
import { putBench } from "./put.ts";
import { recordsBench } from "./records.ts";
import { sealingBench } from "./sealing.ts";
import { simulatorBench } from "./simulator.ts";
import { snarksBench } from "./snarks.ts";
import { soakBench } from "./soak.ts";
import { spaceBench } from "./space.ts";
import { startBench } from "./start.ts";
import { stateBench } from "./state.ts";
import { syncBench } from "./sync.ts";
import { treesBench } from "./trees.ts";
import { uploadBench } from "./upload.ts";
import { workersBench } from "./workers.ts";

export const benches: readonly Bench[] = [
  limitsBench,
  kernelsBench,
  pipelinesBench,
  workersBench,
  overheadBench,
  sealingBench,
  proofsBench,
  snarksBench,
  groth16Bench,
  spaceBench,
  idleLabelsBench,
  idleProofsBench,
  attestationBench,
  treesBench,
  codecBench,
  chainBench,
  stateBench,
  syncBench,
  propagationBench,
  simulatorBench,
  soakBench,
  gasBench,
  startBench,
  putBench,
  uploadBench,
  getBench,
  recordsBench,
  dispatchBench,
  ipfsBench,
  pinsBench,
  idleBench,
  installBench,
];
