/**
 * Imported first by every worker thread: proofs are made and checked with native hashing, and SNARKs with the
 * parameters of this machine.
 */
import { installParameterFolder } from "./class-keys.ts";
import { installNativeKernels } from "./kernels.ts";

installParameterFolder();
await installNativeKernels();
