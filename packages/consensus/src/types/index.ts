/** The data types of the chain and their codecs. */
export * from "./actor.ts";
export * from "./block.ts";
export * from "./builtins.ts";
export { type DagLink, linksOf } from "./dag-links.ts";
export * from "./deal.ts";
export * from "./gas.ts";
export * from "./idle.ts";
export * from "./message.ts";
export * from "./named-params.ts";
export { networkIdBytes, networkIdOfGenesis } from "./network-id.ts";
export * from "./params.ts";
export { maxFaultReportBytes, paramProblems, paramWarnings } from "./params-rules.ts";
export * from "./pin.ts";
export { type PinReportFacts, type PinReportFault, pinReportFault } from "./pin-judge.ts";
export {
  isPinKeyAnswerSigned,
  isPinListAnswerSigned,
  type PinKeyAnswer,
  type PinKeyFacts,
  type PinKeyMessage,
  type PinListAnswer,
  type PinListFacts,
  type PinListMessage,
  type PinQuestion,
  pinKeyMessageCodec,
  pinKeySigningBytes,
  pinListMessageCodec,
  pinListSigningBytes,
  pinNonceBytes,
} from "./pin-message.ts";
export * from "./pin-report.ts";
export * from "./pin-walk.ts";
export * from "./predicate.ts";
export * from "./receipt.ts";
export * from "./tipset.ts";
export * from "./upgrade.ts";
export * from "./voucher.ts";
