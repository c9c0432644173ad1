/**
 * The public door of `consensus`: the chain's types, actors and rules. Pure and synchronous; everything is a
 * function of a state root, messages and what the chain below says.
 */
export * from "./actors/index.ts";
export {
  blockErrors,
  genesisErrors,
  messageErrors,
  stateErrors,
  tipsetErrors,
  upgradeErrors,
} from "./errors.ts";
export * from "./genesis/index.ts";
export * from "./light/index.ts";
export * from "./rules/index.ts";
export * from "./types/index.ts";
export * from "./views/index.ts";
export { codeCid, decodeReturns, defineActor, defineMethod } from "./vm/actor-code.ts";
export type { ReadOnlyResult } from "./vm/apply.ts";
export { accountCode, CodeTable, emptyCode } from "./vm/codes.ts";
export type { Access, ActorCode, ActorContext, ActorMethod, AnyMethod, SendResult } from "./vm/context.ts";
export type { Env, RandomnessSource, VerifiedMessages } from "./vm/env.ts";
export { maxCallDepth, maxStateObjectBytes } from "./vm/execution.ts";
export { type ExitCodeName, exitCodeMeaning, exitCodeTable, vmExitCodes } from "./vm/exit-codes.ts";
export { inclusionGas, type ProofKind, type ProofWork, proofGas, stateGas } from "./vm/gas.ts";
export {
  builtinProtocols,
  knownVersion,
  type MigrationContext,
  type Protocols,
  type ProtocolVersion,
} from "./vm/protocols.ts";
