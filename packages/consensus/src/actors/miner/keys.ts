/**
 * Who holds a miner. The worker's keys are changed by the owner in two steps: announced, and confirmed after the
 * chain's finality, so that everybody who validates on any fork that can still win knows the key. For as long
 * again the old key answers for faults. The owner is changed by the old one naming the new one and the new one
 * accepting, so that no typing error gives a miner away. Source: Filecoin specs, ChangeWorkerAddress and
 * ChangeOwnerAddress.
 */
import type { Address, Codec } from "@holdfast/base";
import { addEpochs, c } from "@holdfast/base";
import type { ActorContext } from "../../vm/context.ts";
import { vmExitCodes } from "../../vm/exit-codes.ts";
import { isWorkerKey, workerKeyBytes } from "../calls.ts";
import type { None } from "../kit.ts";
import { none } from "../kit.ts";
import { readAsOwner, readMiner, writeMiner } from "./access.ts";

export interface ChangeWorker {
  readonly worker: Address;
  /** BLS12-381 public key of the VRF, 48 bytes. */
  readonly workerKey: Uint8Array;
}
export const changeWorkerCodec: Codec<ChangeWorker> = c.tuple("ChangeWorker", {
  worker: c.address,
  workerKey: c.fixedBytes(workerKeyBytes),
});

/** Announces a worker, in the place of one that is announced already. `notOwner`, `invalidWorkerKey`. */
export function changeWorker(ctx: ActorContext, { worker, workerKey }: ChangeWorker): None {
  const state = readAsOwner(ctx);
  if (!isWorkerKey(workerKey)) ctx.fail(vmExitCodes.invalidWorkerKey, "the worker key is no point of G1");
  const effectiveAt = addEpochs(ctx.height, ctx.params.finalityEpochs);
  writeMiner(ctx, { ...state, pendingWorker: { worker, workerKey, effectiveAt } });
  return none;
}

/** Makes the announced worker the worker; anyone may. `noPendingWorker`, `workerChangeTooEarly`. */
export function confirmWorker(ctx: ActorContext): None {
  const state = readMiner(ctx);
  const { pendingWorker, previousWorker } = state;
  if (pendingWorker === null) return ctx.fail(vmExitCodes.noPendingWorker, "no worker is announced");
  const { effectiveAt, ...next } = pendingWorker;
  if (ctx.height < effectiveAt) {
    ctx.fail(vmExitCodes.workerChangeTooEarly, `the announced worker counts from epoch ${effectiveAt} on`);
  }
  if (previousWorker !== null && ctx.height <= previousWorker.answersUntil) {
    const until = previousWorker.answersUntil;
    ctx.fail(vmExitCodes.workerChangeTooEarly, `the worker before still answers until epoch ${until}`);
  }
  const answersUntil = addEpochs(ctx.height, ctx.params.finalityEpochs);
  writeMiner(ctx, {
    ...state,
    ...next,
    pendingWorker: null,
    previousWorker: { worker: state.worker, answersUntil },
  });
  return none;
}

export interface ChangeOwner {
  readonly owner: Address;
}
export const changeOwnerCodec: Codec<ChangeOwner> = c.tuple("ChangeOwner", { owner: c.address });

/** Names the next owner; the owner itself takes the offer back. `notOwner`. */
export function changeOwner(ctx: ActorContext, { owner }: ChangeOwner): None {
  const state = readAsOwner(ctx);
  writeMiner(ctx, { ...state, pendingOwner: owner === state.owner ? null : owner });
  return none;
}

/** The named one takes the miner over. `notOwner` for everybody else. */
export function acceptOwner(ctx: ActorContext): None {
  const state = readMiner(ctx);
  if (state.pendingOwner === null || state.pendingOwner !== ctx.message.from) {
    ctx.fail(vmExitCodes.notOwner, `${ctx.message.from} is not named as the next owner`);
  }
  writeMiner(ctx, { ...state, owner: ctx.message.from, pendingOwner: null });
  return none;
}
