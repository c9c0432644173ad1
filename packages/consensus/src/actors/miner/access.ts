/** Who may do what with a miner, and reading its state. Authorisation comes before any expensive work. */
import type { AttoFil } from "@holdfast/base";
import { subAtto } from "@holdfast/base";
import type { ActorContext } from "../../vm/context.ts";
import { vmExitCodes } from "../../vm/exit-codes.ts";
import type { MinerState } from "./state.ts";
import { minerStateCodec } from "./state.ts";

export function readMiner(ctx: ActorContext): MinerState {
  return ctx.readState(minerStateCodec);
}
export function writeMiner(ctx: ActorContext, state: MinerState): void {
  ctx.writeState(minerStateCodec, state);
}

/** The state, for a call by the owner; `notOwner`. */
export function readAsOwner(ctx: ActorContext): MinerState {
  const state = readMiner(ctx);
  if (ctx.message.from !== state.owner) ctx.fail(vmExitCodes.notOwner, "only the owner may do this");
  return state;
}

/** The state, for a call by the worker or the owner; `notWorker`. */
export function readAsOperator(ctx: ActorContext): MinerState {
  const state = readMiner(ctx);
  const { from } = ctx.message;
  if (from !== state.worker && from !== state.owner) {
    ctx.fail(vmExitCodes.notWorker, "only the worker or the owner may do this");
  }
  return state;
}

/** What of the balance is not locked. */
export function freeBalance(ctx: ActorContext, state: MinerState): AttoFil {
  return subAtto(ctx.balance(), state.lockedPledge);
}
