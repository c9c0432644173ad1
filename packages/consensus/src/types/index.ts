/** The data types of the chain and their codecs. */
export * from "./actor.ts";
export * from "./block.ts";
export * from "./builtins.ts";
export * from "./deal.ts";
export * from "./gas.ts";
export * from "./message.ts";
export * from "./named-params.ts";
export { networkIdBytes, networkIdOfGenesis } from "./network-id.ts";
export * from "./params.ts";
export { maxFaultReportBytes, paramProblems, paramWarnings } from "./params-rules.ts";
export * from "./predicate.ts";
export * from "./receipt.ts";
export * from "./tipset.ts";
export * from "./upgrade.ts";
export * from "./voucher.ts";
