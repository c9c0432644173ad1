/** The functions of the compiled kernels, all on machines of one back end. Nothing is checked here. */
import type { CurveKernel } from "../src/curve/index.ts";
import type { CessKernel, SpaceKernel } from "../src/idle/index.ts";
import type { LayerKernel } from "../src/layers/index.ts";
import type { TreeKernel } from "../src/merkle/index.ts";
import { createCessKernel } from "./cess.ts";
import { createCurveKernel } from "./curve.ts";
import { createLayerKernel } from "./layers.ts";
import type { MachineMaker } from "./machine.ts";
import { createPedersenRow } from "./pedersen.ts";
import { createSpaceKernel } from "./space.ts";
import { createPoseidonRow } from "./tree.ts";

export interface KernelDoors {
  readonly tree: Required<Pick<TreeKernel, "poseidonRow" | "pedersenRow">>;
  readonly curve: CurveKernel;
  readonly layers: LayerKernel;
  readonly space: SpaceKernel;
  readonly cess: CessKernel;
}

export function doorsOn(make: MachineMaker): KernelDoors {
  const tree = { poseidonRow: createPoseidonRow(make), pedersenRow: createPedersenRow(make) };
  return {
    tree,
    curve: createCurveKernel(make),
    layers: createLayerKernel(make),
    space: createSpaceKernel(make),
    cess: createCessKernel(make),
  };
}
