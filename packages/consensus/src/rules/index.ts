/** The rules of the chain: messages, blocks, tipsets, elections, headers and fork choice. */
export * from "./body.ts";
export * from "./election.ts";
export * from "./header.ts";
export * from "./message-checks.ts";
export * from "./mining.ts";
export { unknownUpgrade } from "./protocol.ts";
export * from "./query.ts";
export * from "./randomness.ts";
export {
  applyBlock,
  applyTipset,
  type BlockInput,
  type BlockResult,
  type ConflictingMessage,
  type TipsetInput,
  type TipsetResult,
} from "./transition.ts";
