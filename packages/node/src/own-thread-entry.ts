/** The entry of a thread that does one computation: native kernels first, then the module's `work`. */
import { parentPort, workerData } from "node:worker_threads";
import { HoldfastError } from "@holdfast/base";
import { installNativeKernels } from "./kernels.ts";
import type { ThreadMessage, ThreadWork } from "./own-thread.ts";

const tell = (message: ThreadMessage): void => parentPort?.postMessage(message);

try {
  await installNativeKernels();
  const { module, input }: { module: string; input: unknown } = workerData;
  const { work }: { work: ThreadWork<unknown, unknown> } = await import(module);
  const result = await work(input, (report) => tell({ type: "progress", report }));
  tell({ type: "done", result });
} catch (error) {
  if (error instanceof HoldfastError)
    tell({ type: "failed", error: { ...error.toJSON(), exit: error.exit } });
  else {
    const { message, stack = "" } = error instanceof Error ? error : new Error(String(error));
    tell({ type: "broken", message, stack });
  }
}
