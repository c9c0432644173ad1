/**
 * Consensus faults: what an honest miner never signs. Anyone can report one while it is younger than the chain's
 * finality; the miner loses every sector, every pledge and all power, and the reporter gets a small share.
 *
 *   double fork        two different blocks of one height and time
 *   time offset        two blocks on the same parents at different heights: the second should stand on the first
 *   parent grinding    a block whose parents leave out the miner's own block although they hold a sibling of it,
 *                      of the same height and the same parents (the witness)
 *
 * A fault is punished once: everything up to the height of the punishment is settled by it. Source: Filecoin
 * specs, SlashConsensusFault and Expected Consensus, consensus faults.
 */
import type { Codec } from "@holdfast/base";
import { addAtto, c, equalBytes, subAtto, zeroAtto } from "@holdfast/base";
import type { BlockHeader } from "../../types/block.ts";
import { blockCid, blockHeaderCodec, isBlockSigned, unsignedHeaderBytes } from "../../types/block.ts";
import type { ActorContext } from "../../vm/context.ts";
import { vmExitCodes } from "../../vm/exit-codes.ts";
import { idleSlashedCall, sectorsLostCall, updatePowerCall } from "../calls.ts";
import type { None } from "../kit.ts";
import { burn, callActor, none, pay } from "../kit.ts";
import { readMiner, writeMiner } from "./access.ts";
import { reporterShare } from "./penalties.ts";
import type { MinerState } from "./state.ts";
import { noSectors } from "./state.ts";

export interface ReportConsensusFault {
  readonly first: BlockHeader;
  readonly second: BlockHeader;
  /** For parent grinding: the sibling of the first block among the parents of the second. */
  readonly witness: BlockHeader | null;
}
export const reportConsensusFaultCodec: Codec<ReportConsensusFault> = c.tuple("ReportConsensusFault", {
  first: blockHeaderCodec,
  second: blockHeaderCodec,
  witness: c.nullable(blockHeaderCodec),
});

export type ConsensusFaultKind = "double-fork" | "time-offset" | "parent-grinding";

const sameParents = (a: BlockHeader, b: BlockHeader): boolean =>
  a.parents.length === b.parents.length && a.parents.every((cid, i) => b.parents[i]?.equals(cid) === true);

/**
 * Which fault these blocks of one miner are, whoever signed them; undefined if they are none. The second block of
 * parent grinding commits to the witness by naming it as a parent, so the witness needs no check of its own.
 */
export function consensusFaultOf(
  first: BlockHeader,
  second: BlockHeader,
  witness: BlockHeader | null,
): ConsensusFaultKind | undefined {
  if (first.miner !== second.miner) return undefined;
  if (first.height === second.height) {
    // One chain has one time for a height. Who mines with the same keys on a network that was made anew has signed
    // that height before, and no fault; the other faults name common parents.
    if (first.timestampMs !== second.timestampMs) return undefined;
    // Not the CIDs: they hold the signature, of which one block may have several.
    return equalBytes(unsignedHeaderBytes(first), unsignedHeaderBytes(second)) ? undefined : "double-fork";
  }
  if (sameParents(first, second)) return "time-offset";
  if (witness === null || witness.height !== first.height || !sameParents(witness, first)) return undefined;
  const [ours, sibling] = [blockCid(first), blockCid(witness)];
  const leavesOut = !second.parents.some((parent) => parent.equals(ours));
  const holdsSibling = second.parents.some((parent) => parent.equals(sibling));
  return leavesOut && holdsSibling ? "parent-grinding" : undefined;
}

function checkReport(ctx: ActorContext, state: MinerState, report: ReportConsensusFault): void {
  const { first, second, witness } = report;
  const refuse = (reason: string): never => ctx.fail(vmExitCodes.faultReportInvalid, reason);
  if (first.miner !== ctx.message.to) refuse("the blocks are not of this miner");
  if (consensusFaultOf(first, second, witness) === undefined) refuse("the blocks are no fault");
  const [earlier, later] = [Math.min(first.height, second.height), Math.max(first.height, second.height)];
  if (later > ctx.height) refuse("a block is from the future");
  if (earlier < ctx.height - ctx.params.finalityEpochs) refuse("the blocks are too old");
  if (state.slashedAt !== null && later <= state.slashedAt) refuse("it was punished already");
  for (const header of [first, second]) {
    ctx.chargeProof("signature", header.winningPost.length);
    if (!isSignedByMiner(ctx, state, header)) refuse("a block is not signed by the worker");
  }
}

/**
 * By the worker, or by the one before it while a fault of that one can still be reported: who forks the chain
 * around the change of its key has not thereby changed it away.
 */
function isSignedByMiner(ctx: ActorContext, state: MinerState, header: BlockHeader): boolean {
  if (isBlockSigned(header, state.worker, ctx.networkId)) return true;
  const { previousWorker } = state;
  if (previousWorker === null || ctx.height > previousWorker.answersUntil) return false;
  ctx.chargeProof("signature", header.winningPost.length);
  return isBlockSigned(header, previousWorker.worker, ctx.networkId);
}

/** Punishes a proven fault; anyone may report. `faultReportInvalid`. */
export function reportConsensusFault(ctx: ActorContext, report: ReportConsensusFault): None {
  const state = readMiner(ctx);
  checkReport(ctx, state, report);
  const lost = state.lockedPledge;
  const reward = reporterShare(lost);
  const { power, faulty } = state;
  if (power + faulty > 0n) {
    callActor(ctx, ctx.builtins.market, updatePowerCall, { added: 0n, removed: power, faulty: 0n });
  }
  callActor(ctx, ctx.builtins.market, sectorsLostCall, { sectorIds: null });
  callActor(ctx, ctx.builtins.idle, idleSlashedCall, none);
  writeMiner(ctx, {
    ...state,
    ...noSectors(ctx.store),
    power: 0n,
    faulty: 0n,
    lockedPledge: zeroAtto,
    burnt: addAtto(state.burnt, lost),
    slashedAt: ctx.height,
  });
  pay(ctx, ctx.message.from, reward);
  burn(ctx, subAtto(lost, reward));
  return none;
}
