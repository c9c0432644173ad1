/**
 * Contracts of other chains that say what is to be pinned: their events, read from any node of that chain, and the list
 * that follows from them. The first node of this kind followed such a contract; ours can, beside its own chain.
 */
export { type AbiType, type AbiValue, decodeAbi } from "./abi.ts";
export {
  type EventForm,
  type LedgerChange,
  type LedgerContract,
  ledgerContractNames,
  ledgerContracts,
} from "./contracts.ts";
export { ledgerErrors } from "./errors.ts";
export {
  type LedgerFeed,
  type LedgerFeedNeeds,
  type LedgerFeedOptions,
  type LedgerFeedStatus,
  type LedgerPins,
  openLedgerFeed,
} from "./feed.ts";
export { blockAt, confirmedHead, type FollowRequest, followLedger, type LedgerPage } from "./follow.ts";
export { httpJsonRpc } from "./json-rpc.ts";
export type { JsonRpc } from "./needs.ts";
export { type LedgerEvent, LedgerWishes, type WantedCid, type Wish } from "./wishes.ts";
