/** Imported first by the helpers of a crew: they hash trees as every thread of a node does. */
import { installTreeHashing } from "./tree-hashing.ts";

await installTreeHashing();
