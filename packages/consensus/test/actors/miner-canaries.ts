/** What a property of the miner must notice: code tables with one planted mistake each. */
import { attoFil, encode, epoch } from "@holdfast/base";
import type { ActorContext, CodeTable, MinerState } from "@holdfast/consensus";
import { isFrozen, loadSectors, methods, minerStateCodec, none, windowAt } from "@holdfast/consensus";
import { brokenMiner } from "./canaries.ts";
import { testParams } from "./world.ts";

/** Three deadlines of eight epochs, with windows of six. */
export const machineParams = {
  ...testParams,
  provingPeriodEpochs: 24,
  deadlinesPerPeriod: 3,
  proofWindowEpochs: 6,
};
const params = machineParams;

const nothing = new Uint8Array(0);
const stateOf = (ctx: ActorContext): MinerState => ctx.readState(minerStateCodec);
const unlock = (ctx: ActorContext, amount: bigint): void => {
  const state = stateOf(ctx);
  ctx.writeState(minerStateCodec, { ...state, lockedPledge: attoFil(state.lockedPledge - amount) });
};
const lifeEnds = (ctx: ActorContext): bigint => {
  const ended = [...loadSectors(ctx.store, stateOf(ctx)).entries()].filter(
    ([, s]) => s.expiration <= ctx.height,
  );
  return ended.reduce((total, [, sector]) => total + sector.pledge, 0n);
};

/** Tells the market, and the state unless that is done, of power that came from nowhere. */
const changePower = (ctx: ActorContext, by: bigint, inState = true): void => {
  const { faulty } = stateOf(ctx);
  const change = by > 0n ? { added: by, removed: 0n, faulty } : { added: 0n, removed: -by, faulty };
  const { market } = ctx.builtins;
  ctx.send(market, "updatePower", attoFil(0n), encode(methods.market.updatePower.params, change));
  const state = stateOf(ctx);
  if (inState) ctx.writeState(minerStateCodec, { ...state, power: state.power + by });
};

export const minerCanaries: { readonly [mistake: string]: CodeTable } = {
  "the pledge of an ended sector is released twice": brokenMiner("onDeadline", (ctx, _, run) => {
    const released = lifeEnds(ctx);
    const result = run();
    if (released > 0n && stateOf(ctx).lockedPledge >= released) unlock(ctx, released);
    return result;
  }),
  "a recovery adds the power twice": brokenMiner("submitPost", (ctx, _, run) => {
    const before = stateOf(ctx).power;
    const result = run();
    const { power, faulty } = stateOf(ctx);
    const params = { added: power - before, removed: 0n, faulty };
    ctx.send(
      ctx.builtins.market,
      "updatePower",
      attoFil(0n),
      encode(methods.market.updatePower.params, params),
    );
    return result;
  }),
  "a missed proof keeps its power": brokenMiner("onDeadline", (_, __, run) => ({
    ...run(),
    powerRemoved: 0n,
  })),
  "a withdrawal reaches the pledge": brokenMiner("withdraw", (ctx, { amount }, run) => {
    if (amount <= ctx.balance() - stateOf(ctx).lockedPledge) return run();
    ctx.send(stateOf(ctx).owner, "", amount, nothing);
    return attoFil(0n);
  }),
  "fees are burnt but stay locked": brokenMiner("onDeadline", (ctx, _, run) => {
    const before = stateOf(ctx).burnt;
    const result = run();
    unlock(ctx, before - stateOf(ctx).burnt);
    return result;
  }),
  "a skipped sector keeps its power": brokenMiner("submitPost", (ctx, given, run) => {
    const before = stateOf(ctx);
    const result = run();
    const lost = before.power - stateOf(ctx).power;
    if (given.skipped.length > 0 && lost > 0n) changePower(ctx, lost);
    return result;
  }),
  "a skipped sector pays nothing": brokenMiner("submitPost", (ctx, given, run) => {
    const before = loadSectors(ctx.store, stateOf(ctx));
    const result = run();
    const state = stateOf(ctx);
    const sectors = loadSectors(ctx.store, state);
    for (const id of given.skipped) {
      const [then, now] = [before.get(id), sectors.get(id)];
      if (then !== undefined && now !== undefined) sectors.set(id, { ...now, pledge: then.pledge });
    }
    ctx.writeState(minerStateCodec, { ...state, sectors: sectors.flush() });
    return result;
  }),
  "one partition's proof counts for its whole deadline": brokenMiner("submitPost", (ctx, _, run) => {
    const result = run();
    const state = stateOf(ctx);
    const sectors = loadSectors(ctx.store, state);
    const index = windowAt(params, ctx.message.to, ctx.height)?.index;
    for (const [id, sector] of [...sectors.entries()]) {
      const isLucky = sector.deadlineIndex === index && sector.faultySince === null;
      if (isLucky) sectors.set(id, { ...sector, lastProven: ctx.height });
    }
    ctx.writeState(minerStateCodec, { ...state, sectors: sectors.flush() });
    return result;
  }),
  "the deadline after the right one is judged": brokenMiner("onDeadline", (ctx, given) => {
    const length = params.provingPeriodEpochs / params.deadlinesPerPeriod;
    const deadline = epoch(given.deadline + length);
    const result = methods.miner.onDeadline.run(ctx, { ...given, deadline });
    if (result.next === null || given.chainStalled) return result;
    const next = epoch(result.next - length);
    ctx.writeState(minerStateCodec, { ...stateOf(ctx), deadline: next });
    return { ...result, next };
  }),
  "a fault is declared although the deadline is open": brokenMiner(
    "declareFaults",
    (ctx, { sectorIds }, run) => {
      const state = stateOf(ctx);
      const sectors = loadSectors(ctx.store, state);
      const [id] = sectorIds;
      const sector = id === undefined ? undefined : sectors.get(id);
      if (sector === undefined || sectorIds.length > 1 || sector.faultySince !== null) return run();
      if (!isFrozen(params, ctx.message.to, sector.deadlineIndex, ctx.height)) return run();
      sectors.set(sector.sectorId, { ...sector, faultySince: ctx.height });
      const power = state.power - BigInt(sector.sectorBytes);
      ctx.writeState(minerStateCodec, { ...state, sectors: sectors.flush(), power });
      changePower(ctx, -BigInt(sector.sectorBytes), false);
      return none;
    },
  ),
  "a terminated sector keeps its fee": brokenMiner("terminateSectors", (ctx, _, run) => {
    const before = stateOf(ctx).burnt;
    const result = run();
    const state = stateOf(ctx);
    ctx.writeState(minerStateCodec, { ...state, burnt: before });
    return result;
  }),
  "a longer life needs no fresh pledge": brokenMiner("extendSectors", (ctx, { sectorIds }, run) => {
    const before = loadSectors(ctx.store, stateOf(ctx));
    const locked = stateOf(ctx).lockedPledge;
    const result = run();
    const state = stateOf(ctx);
    const sectors = loadSectors(ctx.store, state);
    for (const id of sectorIds) {
      const [then, now] = [before.get(id), sectors.get(id)];
      if (then !== undefined && now !== undefined) sectors.set(id, { ...now, pledge: then.pledge });
    }
    ctx.writeState(minerStateCodec, { ...state, sectors: sectors.flush(), lockedPledge: locked });
    return result;
  }),
  "a stand-still is held against the miner": brokenMiner("onDeadline", (ctx, given, run) =>
    given.chainStalled ? methods.miner.onDeadline.run(ctx, { ...given, chainStalled: false }) : run(),
  ),
};
