/**
 * Consensus faults: two different blocks of one height, both signed by this miner's worker. Anyone can
 * report them while they are younger than the chain's finality; the miner loses every sector, every
 * pledge and all power, and the reporter gets a small share. A fault is punished once: everything up to
 * the height of the punishment is settled by it. Source: Filecoin specs, SlashConsensusFault.
 */
import type { Codec } from "@holdfast/base";
import { addAtto, c, subAtto, zeroAtto } from "@holdfast/base";
import type { BlockHeader } from "../../types/block.ts";
import { blockCid, blockHeaderCodec, isBlockSigned } from "../../types/block.ts";
import type { ActorContext } from "../../vm/context.ts";
import { vmExitCodes } from "../../vm/exit-codes.ts";
import { updatePowerCall } from "../calls.ts";
import type { None } from "../kit.ts";
import { burn, callActor, none, pay } from "../kit.ts";
import { readMiner, writeMiner } from "./access.ts";
import { reporterShare } from "./penalties.ts";
import type { MinerState } from "./state.ts";
import { noSectors } from "./state.ts";

export interface ReportConsensusFault {
  readonly first: BlockHeader;
  readonly second: BlockHeader;
}
export const reportConsensusFaultCodec: Codec<ReportConsensusFault> = c.tuple("ReportConsensusFault", {
  first: blockHeaderCodec,
  second: blockHeaderCodec,
});

function checkReport(ctx: ActorContext, state: MinerState, { first, second }: ReportConsensusFault): void {
  const refuse = (reason: string): never => ctx.fail(vmExitCodes.faultReportInvalid, reason);
  const miner = ctx.message.to;
  if (first.miner !== miner || second.miner !== miner) refuse("the blocks are not of this miner");
  if (first.height !== second.height) refuse("the blocks are of different heights");
  if (first.height > ctx.height) refuse("the blocks are from the future");
  if (first.height < ctx.height - ctx.params.finalityEpochs) refuse("the blocks are too old");
  if (state.slashedAt !== null && first.height <= state.slashedAt) refuse("it was punished already");
  if (blockCid(first).equals(blockCid(second))) refuse("the blocks are the same");
  for (const header of [first, second]) {
    ctx.chargeProof("signature", header.winningPost.length);
    if (!isBlockSigned(header, state.worker)) refuse("a block is not signed by the worker");
  }
}

/** Punishes a proven fault; anyone may report. `faultReportInvalid`. */
export function reportConsensusFault(ctx: ActorContext, report: ReportConsensusFault): None {
  const state = readMiner(ctx);
  checkReport(ctx, state, report);
  const lost = state.lockedPledge;
  const reward = reporterShare(lost);
  if (state.power > 0n) {
    callActor(ctx, ctx.builtins.market, updatePowerCall, { added: 0n, removed: state.power });
  }
  writeMiner(ctx, {
    ...state,
    ...noSectors(ctx.store),
    power: 0n,
    lockedPledge: zeroAtto,
    burnt: addAtto(state.burnt, lost),
    slashedAt: ctx.height,
  });
  pay(ctx, ctx.message.from, reward);
  burn(ctx, subAtto(lost, reward));
  return none;
}
