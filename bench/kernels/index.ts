/** All families of kernels, in the order of the table. */
import type { KernelFamily } from "../kernel.ts";
import { curveFamily } from "./curve.ts";
import { hashingFamily } from "./hashing.ts";
import { layersFamily } from "./layers.ts";
import { spaceFamily } from "./space.ts";

export const kernelFamilies: readonly KernelFamily[] = [
  hashingFamily,
  layersFamily,
  spaceFamily,
  curveFamily,
];
