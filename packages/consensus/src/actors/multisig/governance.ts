/**
 * What a multisig does to itself: change its signers, its threshold, its lock. Only a transaction that its own
 * signers have approved reaches these, by naming the multisig as recipient; they are no methods that a message
 * could call. Each gives the new state or the exit code of its refusal.
 */
import type { Address, AttoFil, Codec, Epoch } from "@holdfast/base";
import { c } from "@holdfast/base";
import type { ActorContext } from "../../vm/context.ts";
import { vmExitCodes } from "../../vm/exit-codes.ts";
import type { MultisigState } from "./state.ts";
import { loadTransactions, maxSigners, orderedSigners } from "./state.ts";

export interface AddSigner {
  readonly signer: Address;
  /** Whether the threshold rises by one. */
  readonly increase: boolean;
}
export interface RemoveSigner {
  readonly signer: Address;
  /** Whether the threshold falls by one. */
  readonly decrease: boolean;
}
export interface SwapSigner {
  readonly from: Address;
  readonly to: Address;
}
export interface LockBalance {
  readonly amount: AttoFil;
  readonly start: Epoch;
  readonly durationEpochs: number;
}

type Change = MultisigState | number;

interface Governance<P> {
  readonly params: Codec<P>;
  readonly apply: (ctx: ActorContext, state: MultisigState, params: P) => Change;
}

const governance = <P>(entry: Governance<P>): Governance<P> => entry;

/** Takes the signer's approvals away; what is left without any is gone. */
function withoutApprovalsOf(ctx: ActorContext, state: MultisigState, signer: Address): MultisigState {
  const transactions = loadTransactions(ctx.store, state);
  const touched = [...transactions.entries()].filter(([, { approvals }]) => approvals.includes(signer));
  for (const [id, transaction] of touched) {
    const approvals = transaction.approvals.filter((one) => one !== signer);
    if (approvals.length === 0) transactions.delete(id);
    else transactions.set(id, { ...transaction, approvals });
  }
  return { ...state, transactions: transactions.flush() };
}

function checked(ctx: ActorContext, state: MultisigState): Change {
  const signers = orderedSigners(state.signers);
  if (signers === undefined || signers.length > maxSigners) return vmExitCodes.signersInvalid;
  // It could never sign: nobody calls himself.
  if (signers.includes(ctx.message.to)) return vmExitCodes.signersInvalid;
  if (state.threshold < 1 || state.threshold > signers.length) return vmExitCodes.thresholdInvalid;
  return { ...state, signers };
}

function removeSigner(ctx: ActorContext, state: MultisigState, { signer, decrease }: RemoveSigner): Change {
  if (!state.signers.includes(signer)) return vmExitCodes.notSigner;
  const signers = state.signers.filter((one) => one !== signer);
  const after = checked(ctx, { ...state, signers, threshold: state.threshold - (decrease ? 1 : 0) });
  return typeof after === "number" ? after : withoutApprovalsOf(ctx, after, signer);
}

function swapSigner(ctx: ActorContext, state: MultisigState, { from, to }: SwapSigner): Change {
  if (!state.signers.includes(from)) return vmExitCodes.notSigner;
  const signers = state.signers.map((one) => (one === from ? to : one));
  const after = checked(ctx, { ...state, signers });
  return typeof after === "number" || from === to ? after : withoutApprovalsOf(ctx, after, from);
}

/** By the name that a transaction to the multisig itself gives as its method. */
export const multisigGovernance = {
  addSigner: governance<AddSigner>({
    params: c.tuple("AddSigner", { signer: c.address, increase: c.bool }),
    apply: (ctx, state, { signer, increase }) =>
      checked(ctx, {
        ...state,
        signers: [...state.signers, signer],
        threshold: state.threshold + (increase ? 1 : 0),
      }),
  }),
  removeSigner: governance<RemoveSigner>({
    params: c.tuple("RemoveSigner", { signer: c.address, decrease: c.bool }),
    apply: removeSigner,
  }),
  /** The new signer takes the old one's place, not its approvals. */
  swapSigner: governance<SwapSigner>({
    params: c.tuple("SwapSigner", { from: c.address, to: c.address }),
    apply: swapSigner,
  }),
  setThreshold: governance<{ readonly threshold: number }>({
    params: c.tuple("SetThreshold", { threshold: c.uint(maxSigners) }),
    apply: (ctx, state, { threshold }) => checked(ctx, { ...state, threshold }),
  }),
  /** Once, and only if nothing is locked: a lock cannot be replaced by a shorter one. */
  lockBalance: governance<LockBalance>({
    params: c.tuple("LockBalance", { amount: c.attoFil, start: c.epoch, durationEpochs: c.uint() }),
    apply: (_, state, { amount, start, durationEpochs }) => {
      const isUsable = state.lock === null && amount > 0n && durationEpochs > 0;
      return isUsable ? { ...state, lock: { amount, start, durationEpochs } } : vmExitCodes.lockInvalid;
    },
  }),
} as const;

/** A prepared change of the multisig itself. */
export type GovernanceChange = (ctx: ActorContext, state: MultisigState) => Change;

function prepared<P>(ctx: ActorContext, { params: codec, apply }: Governance<P>, bytes: Uint8Array) {
  const params = ctx.decodeParams(codec, bytes);
  return (now: ActorContext, state: MultisigState): Change => apply(now, state, params);
}

/** Decodes a transaction to the multisig itself. Fails with `unknownMethod`, `invalidParams`, `notPayable`. */
export function governanceChange(
  ctx: ActorContext,
  {
    method,
    params,
    value,
  }: { readonly method: string; readonly params: Uint8Array; readonly value: AttoFil },
): GovernanceChange {
  if (value !== 0n) ctx.fail(vmExitCodes.notPayable, "a multisig does not pay itself");
  switch (method) {
    case "addSigner":
      return prepared(ctx, multisigGovernance.addSigner, params);
    case "removeSigner":
      return prepared(ctx, multisigGovernance.removeSigner, params);
    case "swapSigner":
      return prepared(ctx, multisigGovernance.swapSigner, params);
    case "setThreshold":
      return prepared(ctx, multisigGovernance.setThreshold, params);
    case "lockBalance":
      return prepared(ctx, multisigGovernance.lockBalance, params);
    default:
      return ctx.fail(vmExitCodes.unknownMethod, `a multisig does not do ${method} to itself`);
  }
}
