/**
 * The storage market (go-filecoin 2019): creates miners, keeps the power table, calls the miners' deadlines, and
 * keeps the book of deals. Power is sealed bytes and weighted bytes of idle space, and changes only by what a miner
 * proves or fails to prove.
 */
import type { Address, AttoFil, CID, Codec, Epoch } from "@holdfast/base";
import { addressBytes, assert, c, encode } from "@holdfast/base";
import { codeNames } from "../../types/builtins.ts";
import type { ActorContext } from "../../vm/context.ts";
import { vmExitCodes } from "../../vm/exit-codes.ts";
import type { EnrolDeadline, IdlePowerChange, SectorPowerChange, SectorsLost } from "../calls.ts";
import {
  enrolDeadlineCall,
  gapEndCall,
  idlePowerCall,
  isPeerId,
  isWorkerKey,
  maxPeerIdBytes,
  minerConstructorCodec,
  sectorsLostCall,
  updatePowerCall,
  workerKeyBytes,
} from "../calls.ts";
import type { None } from "../kit.ts";
import { actorOf, getter, method, none, noneCodec, pay } from "../kit.ts";
import type { ConditionParams } from "../miner/pieces.ts";
import { conditionParamsCodec } from "../miner/pieces.ts";
import type { ExtendDeal, ReleaseDeal, SettleDeals } from "./amend.ts";
import {
  extendDeal,
  extendDealCodec,
  releaseDeal,
  releaseDealCodec,
  reportCancelledChannel,
  settleDeals,
  settleDealsCodec,
} from "./amend.ts";
import type { Deal, DealRef, EscrowAccount } from "./book.ts";
import { dealCodec, dealRefCodec, escrowAccountCodec } from "./book.ts";
import type { ActivateDeal, PublishDeals } from "./deals.ts";
import {
  activateDeal,
  activateDealCodec,
  getDeal,
  maxDealsPerMessage,
  publishDeals,
  publishDealsCodec,
  verifyDeal,
  verifyRelease,
} from "./deals.ts";
import type { OfMiner, WithdrawBalance } from "./escrow.ts";
import {
  addBalance,
  ofMinerCodec,
  readBook,
  withBook,
  withdrawBalance,
  withdrawBalanceCodec,
} from "./escrow.ts";
import { settled } from "./standstill.ts";
import type { MarketMiner, MarketState } from "./state.ts";
import { enqueue, loadMinerList, loadMiners, loadQueue, marketStateCodec } from "./state.ts";
import { tick } from "./tick.ts";

/** Most miners in one page of `listMiners`. */
export const maxMinersPerPage = 1_000;

export interface CreateMiner {
  /** The account that signs the miner's blocks and its everyday messages. */
  readonly worker: Address;
  /** BLS12-381 public key of the VRF, 48 bytes. */
  readonly workerKey: Uint8Array;
  readonly peerId: string;
}
const createMinerCodec: Codec<CreateMiner> = c.tuple("CreateMiner", {
  worker: c.address,
  workerKey: c.fixedBytes(workerKeyBytes),
  peerId: c.text(maxPeerIdBytes),
});

export interface ListMiners {
  /** Position of the first miner of the page, in the order of creation. */
  readonly from: number;
  /** 1 to 1000. */
  readonly limit: number;
}
export interface MinerPage {
  readonly miners: readonly Address[];
  /** Number of all miners. */
  readonly total: number;
}

/** A miner's entry; fails with `unknownMiner` if it is none of ours. */
function entryOf(ctx: ActorContext, state: MarketState, miner: Address): MarketMiner {
  const entry = loadMiners(ctx.store, state).get(addressBytes(miner));
  if (entry === undefined) return ctx.fail(vmExitCodes.unknownMiner, `${miner} is no miner`);
  return entry;
}
const entryOfCaller = (ctx: ActorContext, state: MarketState): MarketMiner =>
  entryOf(ctx, state, ctx.message.from);

function createMiner(ctx: ActorContext, { worker, workerKey, peerId }: CreateMiner): Address {
  if (ctx.message.value < ctx.params.minPledgePerSector) {
    ctx.fail(
      vmExitCodes.pledgeTooSmall,
      `a miner starts with at least ${ctx.params.minPledgePerSector} attoFIL`,
    );
  }
  if (!isWorkerKey(workerKey)) ctx.fail(vmExitCodes.invalidWorkerKey, "the worker key is no point of G1");
  if (!isPeerId(peerId)) ctx.fail(vmExitCodes.invalidPeerId, "a peer id is 1 to 128 printable characters");
  const state = ctx.readState(marketStateCodec);
  const address = ctx.addressForNewActor();
  const initial = { owner: ctx.message.from, worker, workerKey, peerId };
  ctx.createNewActor(address, codeNames.miner, encode(minerConstructorCodec, initial));
  pay(ctx, address, ctx.message.value);
  const miners = loadMiners(ctx.store, state);
  const list = loadMinerList(ctx.store, state);
  miners.set(addressBytes(address), { index: list.count, power: 0n, faulty: 0n, deadline: null });
  list.push(address);
  ctx.writeState(marketStateCodec, { ...state, miners: miners.flush(), list: list.flush() });
  return address;
}

function updatePower(ctx: ActorContext, { faulty, ...change }: SectorPowerChange): None {
  return changePower(ctx, { ...change, miner: ctx.message.from }, faulty);
}

/** Idle space counts beside the sectors: one number of a miner by which it wins blocks. */
function changePower(ctx: ActorContext, change: IdlePowerChange, faultyNow?: bigint): None {
  const { miner, added, removed } = change;
  const state = ctx.readState(marketStateCodec);
  const entry = entryOf(ctx, state, miner);
  const power = entry.power + added - removed;
  assert(power >= 0n, "a miner does not lose more power than it has");
  const faulty = faultyNow ?? entry.faulty;
  const miners = loadMiners(ctx.store, state);
  miners.set(addressBytes(miner), { ...entry, power, faulty });
  const totalPower = state.totalPower + added - removed;
  const totalFaulty = state.totalFaulty + faulty - entry.faulty;
  const after = { ...state, miners: miners.flush(), totalPower, totalFaulty };
  ctx.writeState(marketStateCodec, settled(after, ctx.height));
  return none;
}

function enrolDeadline(ctx: ActorContext, { deadline }: EnrolDeadline): None {
  const state = ctx.readState(marketStateCodec);
  const entry = entryOfCaller(ctx, state);
  assert(entry.deadline === null, "a miner enrols only when it is not in the queue");
  assert(deadline > ctx.height, "a deadline lies in the future");
  const miners = loadMiners(ctx.store, state);
  const queue = loadQueue(ctx.store, state);
  miners.set(addressBytes(ctx.message.from), { ...entry, deadline });
  enqueue(ctx.store, queue, deadline, ctx.message.from);
  ctx.writeState(marketStateCodec, { ...state, miners: miners.flush(), queue: queue.flush() });
  return none;
}

function listMiners(ctx: ActorContext, { from, limit }: ListMiners): MinerPage {
  const list = loadMinerList(ctx.store, ctx.readState(marketStateCodec));
  const miners: Address[] = [];
  for (let index = from; index < list.count && miners.length < limit; index++) {
    const address = list.get(index);
    if (address !== undefined) miners.push(address);
  }
  return { miners, total: list.count };
}

/** Notes which sectors ended early; the deals in them are settled later. `unknownMiner`. */
function sectorsLost(ctx: ActorContext, { sectorIds }: SectorsLost): None {
  entryOfCaller(ctx, ctx.readState(marketStateCodec));
  const miner = ctx.message.from;
  withBook(ctx, (book) => {
    for (const sectorId of sectorIds ?? [null]) book.noteLoss(miner, sectorId, ctx.height);
  });
  return none;
}

/** For the methods of deals: what each does and its exit codes stand at the function that `run` names. */
export const marketMethods = {
  /**
   * Creates a miner owned by the sender; the value is its first free balance. Returns its address.
   * Fails with `pledgeTooSmall`, `invalidWorkerKey`, `invalidPeerId`.
   */
  createMiner: method<CreateMiner, Address>({
    params: createMinerCodec,
    returns: c.address,
    access: "account",
    payable: true,
    run: createMiner,
  }),
  /** For recorded miners only (`unknownMiner`): changes the caller's power. */
  updatePower: method<SectorPowerChange, None>({ ...updatePowerCall, run: updatePower }),
  /** For the idle space actor only: changes the power of a recorded miner (`unknownMiner`). */
  updateIdlePower: method<IdlePowerChange, None>({
    ...idlePowerCall,
    access: { builtin: "idle" },
    run: (ctx, change) => changePower(ctx, change),
  }),
  /** For recorded miners only (`unknownMiner`): asks for a call of `onDeadline`. */
  enrolDeadline: method<EnrolDeadline, None>({ ...enrolDeadlineCall, run: enrolDeadline }),
  /** Where the chain went on after it last stood still for long; 0 if it never has. */
  getGapEnd: method<None, Epoch>({ ...gapEndCall, run: (ctx) => ctx.readState(marketStateCodec).gapEnd }),
  /** Power (bytes) of all miners together. */
  getTotalPower: getter(c.bigUint(), (ctx) => ctx.readState(marketStateCodec).totalPower),
  /** Power (bytes) of one miner; fails with `unknownMiner`. */
  getMinerPower: method<{ readonly miner: Address }, bigint>({
    params: c.tuple("GetMinerPower", { miner: c.address }),
    returns: c.bigUint(),
    run(ctx, { miner }) {
      const entry = loadMiners(ctx.store, ctx.readState(marketStateCodec)).get(addressBytes(miner));
      if (entry === undefined) return ctx.fail(vmExitCodes.unknownMiner, `${miner} is no miner`);
      return entry.power;
    },
  }),
  /** A page of the miners' addresses in the order of creation. */
  listMiners: method<ListMiners, MinerPage>({
    params: c.tuple("ListMiners", { from: c.uint(), limit: c.uint(maxMinersPerPage) }),
    returns: c.tuple("MinerPage", { miners: c.list(c.address, maxMinersPerPage), total: c.uint() }),
    run: listMiners,
  }),
  sectorsLost: method<SectorsLost, None>({ ...sectorsLostCall, run: sectorsLost }),
  addBalance: method<OfMiner, AttoFil>({
    params: ofMinerCodec,
    returns: c.attoFil,
    payable: true,
    run: addBalance,
  }),
  withdrawBalance: method<WithdrawBalance, AttoFil>({
    params: withdrawBalanceCodec,
    returns: c.attoFil,
    run: withdrawBalance,
  }),
  /** What the market holds for a party, and what of it is locked; zeros for one it does not know. */
  getBalance: method<{ readonly party: Address }, EscrowAccount>({
    params: c.tuple("GetBalance", { party: c.address }),
    returns: escrowAccountCodec,
    run: (ctx, { party }) => readBook(ctx).account(party),
  }),
  publishDeals: method<PublishDeals, readonly CID[]>({
    params: publishDealsCodec,
    returns: c.list(c.cid, maxDealsPerMessage),
    payable: true,
    run: publishDeals,
  }),
  activateDeal: method<ActivateDeal, None>({
    params: activateDealCodec,
    returns: noneCodec,
    run: activateDeal,
  }),
  extendDeal: method<ExtendDeal, None>({
    params: extendDealCodec,
    returns: noneCodec,
    payable: true,
    run: extendDeal,
  }),
  releaseDeal: method<ReleaseDeal, None>({ params: releaseDealCodec, returns: noneCodec, run: releaseDeal }),
  reportCancelledChannel: method<DealRef, None>({
    params: dealRefCodec,
    returns: noneCodec,
    run: reportCancelledChannel,
  }),
  settleDeals: method<SettleDeals, number>({
    params: settleDealsCodec,
    returns: c.uint(maxDealsPerMessage),
    run: settleDeals,
  }),
  getDeal: method<DealRef, Deal>({ params: dealRefCodec, returns: dealCodec, run: getDeal }),
  verifyDeal: method<ConditionParams, None>({
    params: conditionParamsCodec,
    returns: noneCodec,
    run: verifyDeal,
  }),
  verifyRelease: method<ConditionParams, None>({
    params: conditionParamsCodec,
    returns: noneCodec,
    run: verifyRelease,
  }),
  /** For the VM, once per tipset before its messages. `epoch` is the tipset's height. */
  cronTick: method<{ readonly epoch: Epoch }, None>({
    params: c.tuple("CronTick", { epoch: c.epoch }),
    returns: noneCodec,
    access: "system",
    run(ctx, { epoch }) {
      assert(epoch === ctx.height, "the tick is for the tipset's own height");
      tick(ctx);
      return none;
    },
  }),
} as const;

export const marketActor = actorOf(codeNames.market, marketMethods);
