/** Imported first by every worker thread, so that proofs are made and checked with native hashing. */
import { installNativeKernels } from "./kernels.ts";

await installNativeKernels();
