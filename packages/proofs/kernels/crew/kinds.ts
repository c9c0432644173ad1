/** The crew's own kinds of slices: helpers have them without an import, also where all of this is one bundled file. */
export { checkSlices, partSlices } from "./curve.ts";
export { cessRootBlocks, discardedIdleSets } from "./idle.ts";
export { decodeSlices } from "./layers.ts";
export { columnSlices, rowSlices } from "./tree.ts";
