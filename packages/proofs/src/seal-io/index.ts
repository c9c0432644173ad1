/** How a seal's bytes come and go: input, sink and source, and the nodes of stored trees. */
export {
  bytesInput,
  bytesSource,
  MemoryStore,
  readInto,
  type SealInput,
  type SealSink,
  type SealSource,
  type SealStore,
  type UserReader,
  userInput,
} from "./io.ts";
export {
  type NodeLookup,
  openStored,
  pathStored,
  readNodes,
  rootOffset,
  type StoredTree,
} from "./stored.ts";
export { Writes } from "./writes.ts";
