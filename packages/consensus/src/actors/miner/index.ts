/**
 * The miner actor (go-filecoin 2019, Filecoin specs): sectors, their proofs, and the pledge that answers
 * for them. Every status that anyone shows about a miner is derived from this state.
 */
import type { Address, AttoFil, Codec, Epoch, SectorId } from "@holdfast/base";
import { c, subAtto } from "@holdfast/base";
import { codeNames } from "../../types/builtins.ts";
import type { ActorContext } from "../../vm/context.ts";
import { vmExitCodes } from "../../vm/exit-codes.ts";
import type { MinerConstructor, OnDeadline, OnDeadlineResult } from "../calls.ts";
import {
  getPartiesCall,
  getSectorsHealthCall,
  isPeerId,
  maxPeerIdBytes,
  minerConstructorCodec,
  onDeadlineCall,
  proveDealPiecesCall,
  workerKeyBytes,
} from "../calls.ts";
import type { None } from "../kit.ts";
import { actorOf, getter, method, none, noneCodec, pay } from "../kit.ts";
import { freeBalance, readAsOperator, readAsOwner, readMiner, writeMiner } from "./access.ts";
import type { AddAsk } from "./asks.ts";
import { addAsk, addAskCodec, getAsk, getAsks } from "./asks.ts";
import type { SectorIds } from "./faults.ts";
import { declareFaults, declareRecovery, sectorIdsCodec } from "./faults.ts";
import { onDeadline } from "./judgement.ts";
import type { ChangeOwner, ChangeWorker } from "./keys.ts";
import {
  acceptOwner,
  changeOwner,
  changeOwnerCodec,
  changeWorker,
  changeWorkerCodec,
  confirmWorker,
} from "./keys.ts";
import type { ConditionParams } from "./pieces.ts";
import { conditionParamsCodec, getSectorsHealth, proveDealPieces, verifyPieceInclusion } from "./pieces.ts";
import type { SubmitPost } from "./post.ts";
import { submitPost, submitPostCodec } from "./post.ts";
import type { CommitSector, PreCommitSector } from "./seal.ts";
import { commitSector, commitSectorCodec, preCommitSector, preCommitSectorCodec } from "./seal.ts";
import type { ReportConsensusFault } from "./slashing.ts";
import { reportConsensusFault, reportConsensusFaultCodec } from "./slashing.ts";
import type { Ask, Sector } from "./state.ts";
import {
  askCodec,
  loadSectors,
  maxAsks,
  minerStateCodec,
  newMinerState,
  sectorCodec,
  sectorNumberCodec,
} from "./state.ts";
import type { ExtendSectors } from "./terms.ts";
import { extendSectors, extendSectorsCodec, terminateSectors } from "./terms.ts";
import { nextJudgementAfter, windowAt } from "./windows.ts";

export interface ProvingDeadline {
  /** The deadline whose turn it is at this height, with its window; null before the miner's first one. */
  readonly current: {
    /** 0 … deadlinesPerPeriod − 1. */
    readonly index: number;
    /** The epoch of the challenge. */
    readonly windowStart: Epoch;
    /** Proofs are accepted at heights up to here, inclusive. */
    readonly windowEnd: Epoch;
  } | null;
  /** The next epoch at which one of the miner's deadlines is judged. */
  readonly nextJudgement: Epoch;
}
const provingDeadlineCodec: Codec<ProvingDeadline> = c.tuple("ProvingDeadline", {
  current: c.nullable(
    c.tuple("CurrentDeadline", { index: c.uint(), windowStart: c.epoch, windowEnd: c.epoch }),
  ),
  nextJudgement: c.epoch,
});

/** The deadline of a miner at a height. */
function provingDeadlineAt(ctx: ActorContext): ProvingDeadline {
  const miner = ctx.message.to;
  const window = windowAt(ctx.params, miner, ctx.height);
  return {
    current: window && { index: window.index, windowStart: window.start, windowEnd: window.lastEpoch },
    nextJudgement: nextJudgementAfter(ctx.params, miner, ctx.height),
  };
}

function updatePeerId(ctx: ActorContext, { peerId }: { readonly peerId: string }): None {
  const state = readAsOperator(ctx);
  if (!isPeerId(peerId)) ctx.fail(vmExitCodes.invalidPeerId, "a peer id is 1 to 128 printable characters");
  writeMiner(ctx, { ...state, peerId });
  return none;
}

/** Pays free balance to the owner; what is locked stays. Returns what is free afterwards. */
function withdraw(ctx: ActorContext, { amount }: { readonly amount: AttoFil }): AttoFil {
  const state = readAsOwner(ctx);
  const free = freeBalance(ctx, state);
  if (amount < 0n || amount > free) {
    ctx.fail(vmExitCodes.withdrawTooLarge, `${free} attoFIL are free`);
  }
  pay(ctx, state.owner, amount);
  return subAtto(free, amount);
}

function getSector(ctx: ActorContext, { sectorId }: { readonly sectorId: SectorId }): Sector {
  const sector = loadSectors(ctx.store, readMiner(ctx)).get(sectorId);
  if (sector === undefined) return ctx.fail(vmExitCodes.sectorNotFound, `there is no sector ${sectorId}`);
  return sector;
}

/** For every method: what it does and its exit codes stand at the function that `run` names. */
export const minerMethods = {
  addAsk: method<AddAsk, number>({ params: addAskCodec, returns: c.uint(), run: addAsk }),
  getAsks: getter<readonly Ask[]>(c.list(askCodec, maxAsks), getAsks),
  getAsk: method<{ readonly askId: number }, Ask>({
    params: c.tuple("GetAsk", { askId: c.uint() }),
    returns: askCodec,
    run: getAsk,
  }),
  getOwner: getter<Address>(c.address, (ctx) => readMiner(ctx).owner),
  getWorker: getter<Address>(c.address, (ctx) => readMiner(ctx).worker),
  getWorkerKey: getter(c.fixedBytes(workerKeyBytes), (ctx) => readMiner(ctx).workerKey),
  getPeerId: getter(c.text(maxPeerIdBytes), (ctx) => readMiner(ctx).peerId),
  updatePeerId: method<{ readonly peerId: string }, None>({
    params: c.tuple("UpdatePeerId", { peerId: c.text(maxPeerIdBytes) }),
    returns: noneCodec,
    run: updatePeerId,
  }),
  changeWorker: method<ChangeWorker, None>({
    params: changeWorkerCodec,
    returns: noneCodec,
    run: changeWorker,
  }),
  confirmWorker: method<None, None>({ params: noneCodec, returns: noneCodec, run: confirmWorker }),
  changeOwner: method<ChangeOwner, None>({
    params: changeOwnerCodec,
    returns: noneCodec,
    run: changeOwner,
  }),
  acceptOwner: method<None, None>({ params: noneCodec, returns: noneCodec, run: acceptOwner }),
  preCommitSector: method<PreCommitSector, None>({
    params: preCommitSectorCodec,
    returns: noneCodec,
    payable: true,
    run: preCommitSector,
  }),
  commitSector: method<CommitSector, None>({
    params: commitSectorCodec,
    returns: noneCodec,
    run: commitSector,
  }),
  submitPost: method<SubmitPost, None>({ params: submitPostCodec, returns: noneCodec, run: submitPost }),
  declareFaults: method<SectorIds, None>({
    params: sectorIdsCodec,
    returns: noneCodec,
    run: declareFaults,
  }),
  declareRecovery: method<SectorIds, None>({
    params: sectorIdsCodec,
    returns: noneCodec,
    run: declareRecovery,
  }),
  extendSectors: method<ExtendSectors, None>({
    params: extendSectorsCodec,
    returns: noneCodec,
    run: extendSectors,
  }),
  terminateSectors: method<SectorIds, None>({
    params: sectorIdsCodec,
    returns: noneCodec,
    run: terminateSectors,
  }),
  withdraw: method<{ readonly amount: AttoFil }, AttoFil>({
    params: c.tuple("Withdraw", { amount: c.attoFil }),
    returns: c.attoFil,
    run: withdraw,
  }),
  /** Bytes of the sectors that are not faulty. */
  getPower: getter(c.bigUint(), (ctx) => readMiner(ctx).power),
  /** attoFIL that is neither pledged nor spent. */
  getFreeBalance: getter<AttoFil>(c.attoFil, (ctx) => freeBalance(ctx, readMiner(ctx))),
  getSector: method<{ readonly sectorId: SectorId }, Sector>({
    params: c.tuple("GetSector", { sectorId: sectorNumberCodec }),
    returns: sectorCodec,
    run: getSector,
  }),
  getProvingDeadline: getter(provingDeadlineCodec, provingDeadlineAt),
  verifyPieceInclusion: method<ConditionParams, None>({
    params: conditionParamsCodec,
    returns: noneCodec,
    run: verifyPieceInclusion,
  }),
  getParties: method({
    ...getPartiesCall,
    run(ctx: ActorContext) {
      const { owner, worker } = readMiner(ctx);
      return { owner, worker };
    },
  }),
  proveDealPieces: method({ ...proveDealPiecesCall, run: proveDealPieces }),
  getSectorsHealth: method({ ...getSectorsHealthCall, run: getSectorsHealth }),
  reportConsensusFault: method<ReportConsensusFault, None>({
    params: reportConsensusFaultCodec,
    returns: noneCodec,
    run: reportConsensusFault,
  }),
  onDeadline: method<OnDeadline, OnDeadlineResult>({
    ...onDeadlineCall,
    access: { builtin: "market" },
    run: onDeadline,
  }),
} as const;

const constructorMethod = method<MinerConstructor, None>({
  params: minerConstructorCodec,
  returns: noneCodec,
  access: { builtin: "market" },
  run(ctx, given) {
    ctx.writeState(minerStateCodec, newMinerState(ctx.store, given));
    return none;
  },
});

export const minerActor = actorOf(codeNames.miner, minerMethods, constructorMethod);
