/**
 * The built-in actors: their code for the VM, the typed table of their methods for everybody who encodes
 * a call or decodes its result, and the state types for readers.
 */
import type { ActorCode } from "../vm/context.ts";
import { accountActor, accountMethods } from "./account.ts";
import { brokerActor, brokerMethods } from "./broker/index.ts";
import { idleActor, idleMethods } from "./idle/index.ts";
import { initActor, initMethods } from "./init.ts";
import { marketActor, marketMethods } from "./market/index.ts";
import { minerActor, minerMethods } from "./miner/index.ts";
import { multisigActor, multisigMethods } from "./multisig/index.ts";
import { pinsActor, pinsMethods } from "./pins/index.ts";
import { rewardActor, rewardMethods } from "./reward.ts";

/** Every code that an actor of the network can have. */
export const builtinActors: readonly ActorCode[] = [
  accountActor,
  initActor,
  marketActor,
  minerActor,
  brokerActor,
  rewardActor,
  multisigActor,
  idleActor,
  pinsActor,
];

/**
 * Every method of every actor with the codecs of its parameters and its result:
 * `encode(methods.miner.commitSector.params, { sectorId, proof })`.
 */
export const methods = {
  account: accountMethods,
  init: initMethods,
  market: marketMethods,
  miner: minerMethods,
  broker: brokerMethods,
  reward: rewardMethods,
  multisig: multisigMethods,
  idle: idleMethods,
  pins: pinsMethods,
} as const;

export type { AdmissionProof, ProgramRef } from "./attested.ts";
export type { CreateChannel, ExtendChannel, OpenChannel, OwnChannel } from "./broker/channels.ts";
export {
  type DraftVoucher,
  type ListChannels,
  type ListedChannel,
  maxChannelsPerPage,
} from "./broker/index.ts";
export type { Redeem } from "./broker/redeem.ts";
export {
  type BrokerState,
  brokerStateCodec,
  type Channel,
  channelCodec,
  createBrokerState,
  findChannel,
  loadChannels,
  loadPayers,
} from "./broker/state.ts";
export {
  isPeerId,
  isWorkerKey,
  type MinerConstructor,
  maxPeerIdBytes,
  type PieceLocation,
  type SectorPowerChange,
  workerKeyBytes,
} from "./calls.ts";
export { pledgeOfFiles as idlePledgeOfFiles, powerOfFiles as idlePowerOfFiles } from "./idle/access.ts";
export {
  type AnswerIdle,
  auditOf as idleAuditOf,
  maxIdleFaults,
  missedChallengeFee,
  type SettleIdle,
} from "./idle/audit.ts";
export {
  type AnnounceIdle,
  type CertifyIdle,
  expiredAnnouncementFee,
  idleChallengeOf,
  idleRandomnessTags,
  type OfIdleMiner,
  openingProfile as idleOpeningProfile,
} from "./idle/certify.ts";
export type { ReleaseIdle, WithdrawIdle } from "./idle/deposits.ts";
export { type AccuseVerifier, isIdleLie } from "./idle/evidence.ts";
export {
  type AdmitVerifier,
  type AttestVerifier,
  idleSeats,
  isInOffice,
  type OfVerifier,
  type SeatedVerifier,
} from "./idle/registry.ts";
export {
  createIdleState,
  type GenesisVerifier,
  type IdleActorState,
  type IdleAnnouncement,
  type IdleChallenge,
  type IdleMiner,
  type IdleVerifier,
  idleActorStateCodec,
  idleMinerCodec,
  loadIdleMiners,
  maxVerifiers,
} from "./idle/state.ts";
export { type CreateMultisig, createInitState, type InitState, initStateCodec } from "./init.ts";
export { type None, none, noneCodec } from "./kit.ts";
export type { ExtendDeal, ReleaseDeal, SettleDeals } from "./market/amend.ts";
export {
  type Deal,
  DealBook,
  type DealBookState,
  type DealRef,
  type DealStatus,
  dealBookStateCodec,
  dealCodec,
  dealStatuses,
  type EscrowAccount,
  holdsCollateral,
  queuedDealCodec,
  watchesSectors,
} from "./market/book.ts";
export {
  type ActivateDeal,
  type DealCondition,
  dealConditionCodec,
  dealPredicate,
  maxDealsPerMessage,
  type PublishDeals,
  type ReleaseCondition,
  releaseConditionCodec,
  releasePredicate,
  type SignedDealTerms,
} from "./market/deals.ts";
export type { OfMiner, WithdrawBalance } from "./market/escrow.ts";
export { type CreateMiner, type ListMiners, type MinerPage, maxMinersPerPage } from "./market/index.ts";
export {
  type DealDuty,
  type DealEnd,
  type DealLoss,
  type DealMoment,
  dealDuties,
  dueEnd,
  holdsUntil,
  lossOf,
} from "./market/machine.ts";
export {
  createMarketState,
  type GenesisMarketMiner,
  loadMinerList,
  loadMiners,
  loadQueue,
  type MarketMiner,
  type MarketState,
  marketStateCodec,
} from "./market/state.ts";
export type { AddAsk } from "./miner/asks.ts";
export { maxPartitionsPerPost } from "./miner/deadlines.ts";
export type { SectorIds } from "./miner/faults.ts";
export { networkIdOf, sectorIdentityOf } from "./miner/identity.ts";
export type { ProvingDeadline } from "./miner/index.ts";
export type { ChangeOwner, ChangeWorker } from "./miner/keys.ts";
export {
  expiredPreCommitFee,
  maxFaultyPeriods,
  missedProofFee,
  ongoingFaultFee,
  reporterShare,
  skippedSectorFee,
  terminationFee,
} from "./miner/penalties.ts";
export {
  type ConditionParams,
  type ConditionPiece,
  conditionParamsCodec,
  maxConditionPieces,
  type PieceCondition,
  type PieceRedemption,
  pieceConditionCodec,
  pieceInclusionPredicate,
  pieceInclusionRedemption,
  pieceRedemptionCodec,
} from "./miner/pieces.ts";
export { type SubmitPost, windowPostEntropy } from "./miner/post.ts";
export type { CommitSector, PreCommitSector } from "./miner/seal.ts";
export { type ConsensusFaultKind, consensusFaultOf, type ReportConsensusFault } from "./miner/slashing.ts";
export { type SnarkWork, sealSnarks, windowPostSnarks } from "./miner/snarks.ts";
export {
  type Ask,
  askCodec,
  type Deadline,
  loadAsks,
  loadPreCommits,
  loadSectors,
  type MinerState,
  maxAsks,
  maxSectorId,
  maxSectorsPerMiner,
  minerStateCodec,
  type PreCommit,
  preCommitCodec,
  type SealedFields,
  type Sector,
  sectorCodec,
} from "./miner/state.ts";
export type { ExtendSectors } from "./miner/terms.ts";
export {
  type DeadlineWindow,
  deadlineEpochs,
  isDue,
  isFrozen,
  isProven,
  nextJudgementAfter,
  nextWindowOf,
  provingOffset,
  randomnessTags,
  sealEntropy,
  sectorsToProve,
  windowAt,
} from "./miner/windows.ts";
export {
  type AddSigner,
  type LockBalance,
  multisigGovernance,
  type RemoveSigner,
  type SwapSigner,
} from "./multisig/governance.ts";
export type { MultisigAnswer, Signed, TransactionOutcome, TransactionRef } from "./multisig/index.ts";
export {
  type Lock,
  loadTransactions,
  lockedAt,
  type MultisigState,
  maxOpenTransactions,
  maxSigners,
  multisigStateCodec,
  type Proposal,
  type Transaction,
  transactionHash,
} from "./multisig/state.ts";
export type { AnswerAsk, OnePart } from "./pins/asks.ts";
export {
  type AnswerChallenge,
  type ClaimedSample,
  type Disproof,
  type Equivocation,
  maxOpenChallenges,
} from "./pins/disputes.ts";
export type { AdmitNode, NodeTerms, RenewNode } from "./pins/nodes.ts";
export {
  type AddPin,
  type ExtendPin,
  maxPinSlots,
  maxPinsPerMessage,
  type SettlePins,
} from "./pins/orders.ts";
export {
  createPinsState,
  indexBefore,
  type PinsState,
  pinsStateCodec,
  setAt,
} from "./pins/state.ts";
export { type AwardBlock, createRewardState, type RewardState, rewardStateCodec } from "./reward.ts";
