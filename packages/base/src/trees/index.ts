/** The trees of the state: maps (`Hamt`) and lists (`Amt`) whose root names their content. */
export { Amt } from "./amt.ts";
export { treeErrors } from "./errors.ts";
export { Hamt } from "./hamt.ts";
