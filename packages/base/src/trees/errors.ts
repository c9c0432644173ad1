/** What can be wrong with a stored tree. */
import { defineErrors } from "../errors.ts";

export const treeErrors = defineErrors("tree", {
  malformed: {
    exit: "usage",
    message: (data: { cid: string; reason: string }) => `tree node ${data.cid} is malformed: ${data.reason}`,
    fix: "The block was made by another program or is damaged. Fetch the tree again from another peer.",
  },
  tooDeep: {
    exit: "refused",
    message: (data: { levels: number }) => `the keys collide in all ${data.levels} levels of the tree`,
    fix: "Use other keys; this does not happen by chance.",
  },
  indexOutOfRange: {
    exit: "usage",
    message: (data: { index: number }) => `${data.index} is not an index of a list`,
    fix: "Give a whole number from 0 to 2^53 - 2.",
  },
});
