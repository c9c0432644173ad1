/** A thread that verifies signatures: a list of claims comes, a list of verdicts goes. */
import { parentPort } from "node:worker_threads";
import { type Claim, holds } from "./claims.ts";
import { installNativeKernels } from "./kernels.ts";

await installNativeKernels();
parentPort?.on("message", (claims: readonly Claim[]) => {
  parentPort?.postMessage(claims.map(holds));
});
parentPort?.postMessage("ready");
