/**
 * The reward actor holds the reserve from genesis and pays each block's reward out of it: the network's
 * `blockReward` while the reserve lasts, then what is left, then nothing. No money is ever made.
 */
import type { Address, AttoFil, Blockstore, CID, Codec } from "@holdfast/base";
import { addAtto, c, minAtto, putObject, zeroAtto } from "@holdfast/base";
import { codeNames } from "../types/builtins.ts";
import { actorOf, getter, method, pay } from "./kit.ts";

export interface RewardState {
  /** Everything that was paid so far. */
  readonly paid: AttoFil;
}
export const rewardStateCodec: Codec<RewardState> = c.tuple("RewardState", { paid: c.attoFil });

export interface AwardBlock {
  /** The owner of the miner of the block. */
  readonly owner: Address;
}
const awardBlockCodec: Codec<AwardBlock> = c.tuple("AwardBlock", { owner: c.address });

export const rewardMethods = {
  /** For the VM, once per block, before its messages. Returns what was paid. */
  awardBlock: method<AwardBlock, AttoFil>({
    params: awardBlockCodec,
    returns: c.attoFil,
    access: "system",
    run(ctx, { owner }) {
      const state = ctx.readState(rewardStateCodec);
      const amount = minAtto(ctx.params.blockReward, ctx.balance());
      if (amount === 0n) return zeroAtto;
      ctx.writeState(rewardStateCodec, { paid: addAtto(state.paid, amount) });
      pay(ctx, owner, amount);
      return amount;
    },
  }),
  getPaid: getter(c.attoFil, (ctx) => ctx.readState(rewardStateCodec).paid),
} as const;

export const rewardActor = actorOf(codeNames.reward, rewardMethods);

/** The state at genesis. */
export function createRewardState(store: Blockstore): CID {
  return putObject(store, rewardStateCodec, { paid: zeroAtto });
}
