/** Merkle trees: sha2-256-trunc254 over unsealed data, Poseidon over replicas and layers. */
export { merkleErrors } from "./errors.ts";
export { type Commitment, exactLog2, hashRowInto, nodeBytes, type TreeHasher } from "./hasher.ts";
export {
  type ColumnsTask,
  installTreeKernel,
  plainTreeKernel,
  type RowsPass,
  type RowsTask,
  type TreeKernel,
  treeKernel,
} from "./kernel.ts";
export { poseidonHasher } from "./poseidon-tree.ts";
export { columnsOf, startColumns, startRows } from "./rows.ts";
export { sha254Hasher } from "./sha254.ts";
export { compressBlock, expandBlock, sha256Initial, sha256RoundConstants } from "./sha256-block.ts";
export {
  type ByteRange,
  buildTree,
  type MerkleTree,
  openPath,
  parseTree,
  pathLength,
  pathRanges,
  rowsLength,
  serializeTree,
  treeFromParts,
  verifyPath,
} from "./tree.ts";
