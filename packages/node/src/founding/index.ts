/** Founding a network, alone or together, and the file that makes it: the door for the command line and `init`. */
export { addFounder, type Draft, type Founder, finishDraft, makeDraft, readDraft } from "./draft.ts";
export { foundingErrors } from "./errors.ts";
export { amountText, type FounderOptions, founderOf, foundSectors, readFounder } from "./founder.ts";
export type { FoundingNeeds } from "./needs.ts";
export { type NetworkFile, readNetworkFile, writeNetworkFile } from "./network-file.ts";
export {
  checkNetworkFile,
  draftNetwork,
  type NewNetwork,
  type ShownFile,
  showNetworkFile,
} from "./new-network.ts";
