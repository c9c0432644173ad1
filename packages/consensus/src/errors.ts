/** Operating errors of the consensus package: what a peer's block, a tipset or a message got wrong. */
import { defineErrors } from "@holdfast/base";

export const tipsetErrors = defineErrors("tipset", {
  empty: { exit: "refused", message: () => "A tipset needs at least one block.", fix: "Give the blocks." },
  tooManyBlocks: {
    exit: "refused",
    message: (d: { blocks: number; limit: number }) => `A tipset of ${d.blocks} blocks exceeds ${d.limit}.`,
    fix: "Keep the blocks with the smallest tickets.",
  },
  duplicateBlock: {
    exit: "refused",
    message: (d: { block: string }) => `The block ${d.block} appears twice in the tipset.`,
    fix: "Name each block once.",
  },
  twoBlocksOfOneMiner: {
    exit: "refused",
    message: (d: { miner: string; height: number }) =>
      `The miner ${d.miner} has two blocks at height ${d.height}.`,
    fix: "Keep one of the two; publishing both is a consensus fault that can be reported.",
  },
  differentHeights: {
    exit: "refused",
    message: (d: { a: number; b: number }) => `Blocks of the heights ${d.a} and ${d.b} form no tipset.`,
    fix: "Group blocks by height.",
  },
  differentParents: {
    exit: "refused",
    message: (d: { block: string }) => `The block ${d.block} has other parents than the rest of the tipset.`,
    fix: "Group blocks by parents.",
  },
  differentParentWeights: {
    exit: "refused",
    message: (d: { block: string }) => `The block ${d.block} claims another parent weight than the rest.`,
    fix: "Validate the headers first; one of the claims is wrong.",
  },
});
