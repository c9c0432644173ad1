/**
 * The multisig actor: money and authority that several signers hold together. One proposes, others approve, and
 * the approval that reaches the threshold executes. That ends the transaction, unless it failed for want of money or
 * depth: then it stays open with its approvals, and any signer may try again. Invariants: a signer counts once for a
 * transaction; nothing that is locked leaves; only approved transactions change the multisig itself. Source:
 * Filecoin specs, multisig actor.
 */
import type { Address, AttoFil, Codec } from "@holdfast/base";
import { Amt, addAtto, c, equalBytes, subAtto, zeroAtto } from "@holdfast/base";
import { codeNames } from "../../types/builtins.ts";
import { maxReturnBytes } from "../../types/receipt.ts";
import type { ActorContext } from "../../vm/context.ts";
import { vmExitCodes } from "../../vm/exit-codes.ts";
import type { None } from "../kit.ts";
import { actorOf, getter, method, none, noneCodec } from "../kit.ts";
import { governanceChange } from "./governance.ts";
import type { Lock, MultisigState, Proposal, Transaction } from "./state.ts";
import {
  loadTransactions,
  lockedAt,
  maxOpenTransactions,
  maxSigners,
  multisigStateCodec,
  orderedSigners,
  proposalCodec,
  transactionCodec,
  transactionHash,
} from "./state.ts";

export interface MultisigConstructor {
  readonly signers: readonly Address[];
  readonly threshold: number;
  /** What of the first deposit is locked. */
  readonly lock: Lock | null;
}
export const multisigConstructorCodec: Codec<MultisigConstructor> = c.tuple("MultisigConstructor", {
  signers: c.list(c.address, maxSigners),
  threshold: c.uint(maxSigners),
  lock: c.nullable(c.tuple("Lock", { amount: c.attoFil, start: c.epoch, durationEpochs: c.uint() })),
});

/** What came of an executed transaction. */
export interface TransactionOutcome {
  /** Of the call that the multisig made; 0 is success. */
  readonly exitCode: number;
  readonly returns: Uint8Array;
}
export interface Signed {
  readonly transactionId: number;
  /** Null while approvals are missing. */
  readonly outcome: TransactionOutcome | null;
}
/** The result of the call travels within our own. */
const maxOutcomeReturnBytes = maxReturnBytes - 64;
const signedCodec: Codec<Signed> = c.tuple("Signed", {
  transactionId: c.uint(),
  outcome: c.nullable(
    c.tuple("TransactionOutcome", { exitCode: c.uint(), returns: c.bytes(maxOutcomeReturnBytes) }),
  ),
});

export interface TransactionRef {
  readonly transactionId: number;
  /** `transactionHash` of what the caller means. */
  readonly hash: Uint8Array;
}
const transactionRefCodec: Codec<TransactionRef> = c.tuple("TransactionRef", {
  transactionId: c.uint(),
  hash: c.fixedBytes(32),
});

export interface MultisigAnswer {
  readonly signers: readonly Address[];
  readonly threshold: number;
  /** attoFIL that cannot leave at this height. */
  readonly locked: AttoFil;
  readonly openTransactions: number;
}

const read = (ctx: ActorContext): MultisigState => ctx.readState(multisigStateCodec);

function readAsSigner(ctx: ActorContext): MultisigState {
  const state = read(ctx);
  if (!state.signers.includes(ctx.message.from)) {
    ctx.fail(vmExitCodes.notSigner, `${ctx.message.from} is no signer`);
  }
  return state;
}

/** The open transaction that the caller names; `transactionNotFound`, `transactionMismatch`. */
function findTransaction(ctx: ActorContext, state: MultisigState, { transactionId, hash }: TransactionRef) {
  const transactions = loadTransactions(ctx.store, state);
  const transaction = transactions.get(transactionId);
  if (transaction === undefined) {
    return ctx.fail(vmExitCodes.transactionNotFound, `no transaction ${transactionId} is open`);
  }
  if (!equalBytes(hash, transactionHash(ctx.message.to, transactionId, transaction))) {
    ctx.fail(vmExitCodes.transactionMismatch, `transaction ${transactionId} is not the one that is meant`);
  }
  return { transactions, transaction };
}

/** What failed for a lack of the moment, and took no effect: the same may succeed later. */
const retryable: ReadonlySet<number> = new Set([
  vmExitCodes.insufficientBalance,
  vmExitCodes.fundsLocked,
  vmExitCodes.withdrawTooLarge,
  vmExitCodes.insufficientPledge,
  vmExitCodes.callDepth,
]);

/** The state is written before the call: a running actor is never entered again. */
function execute(ctx: ActorContext, state: MultisigState, proposal: Proposal): TransactionOutcome {
  const nothing = new Uint8Array(0);
  if (proposal.to === ctx.message.to) {
    const after = governanceChange(ctx, proposal)(ctx, state);
    ctx.writeState(multisigStateCodec, typeof after === "number" ? state : after);
    return { exitCode: typeof after === "number" ? after : vmExitCodes.ok, returns: nothing };
  }
  ctx.writeState(multisigStateCodec, state);
  const locked = lockedAt(state.lock, ctx.height);
  if (proposal.value > 0n && ctx.balance() < addAtto(locked, proposal.value)) {
    return { exitCode: vmExitCodes.fundsLocked, returns: nothing };
  }
  const { exitCode, returns } = ctx.send(proposal.to, proposal.method, proposal.value, proposal.params);
  return { exitCode, returns: returns.length > maxOutcomeReturnBytes ? nothing : returns };
}

/** Records the approvals, or executes if they are enough. */
function settle(
  ctx: ActorContext,
  state: MultisigState,
  transactions: Amt<Transaction>,
  transactionId: number,
  transaction: Transaction,
): Signed {
  if (transaction.approvals.length < state.threshold) {
    transactions.set(transactionId, transaction);
    ctx.writeState(multisigStateCodec, { ...state, transactions: transactions.flush() });
    return { transactionId, outcome: null };
  }
  transactions.delete(transactionId);
  const outcome = execute(ctx, { ...state, transactions: transactions.flush() }, transaction);
  if (retryable.has(outcome.exitCode)) {
    // Nobody could change the state meanwhile: a running actor is never entered again.
    transactions.set(transactionId, transaction);
    ctx.writeState(multisigStateCodec, { ...state, transactions: transactions.flush() });
  }
  return { transactionId, outcome };
}

function hasProposed(transactions: Amt<Transaction>, signer: Address): boolean {
  for (const [, { approvals }] of transactions.entries()) if (approvals[0] === signer) return true;
  return false;
}

function propose(ctx: ActorContext, proposal: Proposal): Signed {
  const state = readAsSigner(ctx);
  if (proposal.value < 0n) ctx.fail(vmExitCodes.negativeValue, "a transfer cannot be negative");
  // What could never be executed is refused at once, and not when the last signer approves it.
  if (proposal.to === ctx.message.to) governanceChange(ctx, proposal);
  const transactions = loadTransactions(ctx.store, state);
  if (transactions.count >= maxOpenTransactions && hasProposed(transactions, ctx.message.from)) {
    ctx.fail(vmExitCodes.tooManyTransactions, `at most ${maxOpenTransactions} transactions are open`);
  }
  const transactionId = state.nextTransactionId;
  const after = { ...state, nextTransactionId: transactionId + 1 };
  return settle(ctx, after, transactions, transactionId, { ...proposal, approvals: [ctx.message.from] });
}

function approve(ctx: ActorContext, ref: TransactionRef): Signed {
  const state = readAsSigner(ctx);
  const { transactions, transaction } = findTransaction(ctx, state, ref);
  const { from } = ctx.message;
  const isKnown = transaction.approvals.includes(from);
  // After a lower threshold, or a failure for want of money, the approvals are enough: any of them may settle it.
  if (isKnown && transaction.approvals.length < state.threshold) {
    ctx.fail(vmExitCodes.alreadyApproved, `${from} has approved transaction ${ref.transactionId}`);
  }
  const approvals = isKnown ? transaction.approvals : [...transaction.approvals, from];
  return settle(ctx, state, transactions, ref.transactionId, { ...transaction, approvals });
}

function cancel(ctx: ActorContext, ref: TransactionRef): None {
  const state = readAsSigner(ctx);
  const { transactions, transaction } = findTransaction(ctx, state, ref);
  if (transaction.approvals[0] !== ctx.message.from) {
    ctx.fail(vmExitCodes.notProposer, `transaction ${ref.transactionId} is another signer's`);
  }
  transactions.delete(ref.transactionId);
  ctx.writeState(multisigStateCodec, { ...state, transactions: transactions.flush() });
  return none;
}

function describe(ctx: ActorContext): MultisigAnswer {
  const state = read(ctx);
  const { signers, threshold } = state;
  const openTransactions = loadTransactions(ctx.store, state).count;
  return { signers, threshold, locked: lockedAt(state.lock, ctx.height), openTransactions };
}

export const multisigMethods = {
  /**
   * Proposes and approves at once; with a threshold of 1 that executes. A transaction to the multisig itself
   * names one of `multisigGovernance`. `notSigner`, `negativeValue`, `tooManyTransactions`, and for the
   * multisig itself `unknownMethod`, `invalidParams`, `notPayable`.
   */
  propose: method<Proposal, Signed>({ params: proposalCodec, returns: signedCodec, run: propose }),
  /** `notSigner`, `transactionNotFound`, `transactionMismatch`, `alreadyApproved`. */
  approve: method<TransactionRef, Signed>({
    params: transactionRefCodec,
    returns: signedCodec,
    run: approve,
  }),
  /** For the proposer. `notSigner`, `transactionNotFound`, `transactionMismatch`, `notProposer`. */
  cancel: method<TransactionRef, None>({ params: transactionRefCodec, returns: noneCodec, run: cancel }),
  getMultisig: getter<MultisigAnswer>(
    c.tuple("MultisigAnswer", {
      signers: c.list(c.address, maxSigners),
      threshold: c.uint(),
      locked: c.attoFil,
      openTransactions: c.uint(),
    }),
    describe,
  ),
  /** `transactionNotFound`. */
  getTransaction: method<{ readonly transactionId: number }, Transaction>({
    params: c.tuple("GetTransaction", { transactionId: c.uint() }),
    returns: transactionCodec,
    run(ctx, { transactionId }) {
      const transaction = loadTransactions(ctx.store, read(ctx)).get(transactionId);
      return (
        transaction ?? ctx.fail(vmExitCodes.transactionNotFound, `no transaction ${transactionId} is open`)
      );
    },
  }),
  /** attoFIL that may leave at this height. */
  getFreeBalance: getter<AttoFil>(c.attoFil, (ctx) => {
    const locked = lockedAt(read(ctx).lock, ctx.height);
    const balance = ctx.balance();
    return balance > locked ? subAtto(balance, locked) : zeroAtto;
  }),
} as const;

const constructorMethod = method<MultisigConstructor, None>({
  params: multisigConstructorCodec,
  returns: noneCodec,
  access: { builtin: "init" },
  run(ctx, { signers: given, threshold, lock }) {
    const signers = orderedSigners(given);
    if (signers === undefined || signers.length === 0 || signers.includes(ctx.message.to)) {
      return ctx.fail(vmExitCodes.signersInvalid, "a multisig has distinct signers and at least one");
    }
    if (threshold < 1 || threshold > signers.length) {
      ctx.fail(vmExitCodes.thresholdInvalid, `${threshold} of ${signers.length} signers cannot approve`);
    }
    const transactions = Amt.empty(ctx.store, transactionCodec).flush();
    ctx.writeState(multisigStateCodec, { signers, threshold, nextTransactionId: 0, transactions, lock });
    return none;
  },
});

export const multisigActor = actorOf(codeNames.multisig, multisigMethods, constructorMethod);
