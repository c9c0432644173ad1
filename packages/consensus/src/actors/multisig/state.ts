/**
 * State of a multisig actor: who may sign, how many must, what waits for signatures, and what of the balance is
 * still locked. Invariants: signers are distinct and in ascending order; 1 ≤ threshold ≤ number of signers; an
 * open transaction has fewer approvals than the threshold at the time it was last touched or has failed for want of
 * money or depth, all of them of present signers, the proposer's first. Source: Filecoin specs, multisig actor.
 */
import type { Address, AttoFil, Blockstore, CID, Codec, Epoch } from "@holdfast/base";
import {
  Amt,
  addressBytes,
  attoFil,
  blake2b256,
  c,
  compareBytes,
  concatBytes,
  encode,
  utf8Bytes,
  zeroAtto,
} from "@holdfast/base";

/** As Filecoin has it. */
export const maxSigners = 256;
/**
 * Open transactions of one multisig: each costs its proposer gas, but everybody keeps them. Beyond it a signer still
 * has one, so that none of them can keep the others from acting.
 */
export const maxOpenTransactions = 64;
/** Longest parameters of a transaction (bytes): all open ones can be rewritten within one message's gas. */
export const maxTransactionParamBytes = 32_768;
/** Longest name of a method (bytes). */
export const maxMethodNameBytes = 64;

/** What signers agree on. */
export interface Proposal {
  readonly to: Address;
  readonly value: AttoFil;
  /** "" sends money only. */
  readonly method: string;
  readonly params: Uint8Array;
}
const proposalFields = {
  to: c.address,
  value: c.attoFil,
  method: c.text(maxMethodNameBytes),
  params: c.bytes(maxTransactionParamBytes),
};
export const proposalCodec: Codec<Proposal> = c.tuple("Proposal", proposalFields);

export interface Transaction extends Proposal {
  /** The proposer first. */
  readonly approvals: readonly Address[];
}
export const transactionCodec: Codec<Transaction> = c.tuple("Transaction", {
  ...proposalFields,
  approvals: c.list(c.address, maxSigners),
});

/** Money that becomes free evenly over time. */
export interface Lock {
  readonly amount: AttoFil;
  readonly start: Epoch;
  readonly durationEpochs: number;
}
const lockCodec: Codec<Lock> = c.tuple("Lock", {
  amount: c.attoFil,
  start: c.epoch,
  durationEpochs: c.uint(),
});

export interface MultisigState {
  readonly signers: readonly Address[];
  readonly threshold: number;
  readonly nextTransactionId: number;
  /** AMT: id → Transaction. */
  readonly transactions: CID;
  readonly lock: Lock | null;
}
export const multisigStateCodec: Codec<MultisigState> = c.tuple("MultisigState", {
  signers: c.list(c.address, maxSigners),
  threshold: c.uint(maxSigners),
  nextTransactionId: c.uint(),
  transactions: c.cid,
  lock: c.nullable(lockCodec),
});

export function loadTransactions(
  store: Blockstore,
  state: Pick<MultisigState, "transactions">,
): Amt<Transaction> {
  return Amt.load(store, transactionCodec, state.transactions);
}

/** Signers in the order of the state; undefined if one is there twice. */
export function orderedSigners(signers: readonly Address[]): readonly Address[] | undefined {
  const ordered = [...signers].sort((a, b) => compareBytes(addressBytes(a), addressBytes(b)));
  return new Set(ordered).size === ordered.length ? ordered : undefined;
}

/** What is locked at a height: linear, rounded up. */
export function lockedAt(lock: Lock | null, height: number): AttoFil {
  if (lock === null) return zeroAtto;
  const left = lock.start + lock.durationEpochs - height;
  if (left <= 0) return zeroAtto;
  if (height <= lock.start) return lock.amount;
  const duration = BigInt(lock.durationEpochs);
  return attoFil((lock.amount * BigInt(left) + duration - 1n) / duration);
}

const hashDomain = utf8Bytes("holdfast multisig transaction\n");

/**
 * What an approval names beside the number, so that a signer approves what it saw: after a reorganisation
 * another transaction can have the same number.
 */
export function transactionHash(multisig: Address, transactionId: number, proposal: Proposal): Uint8Array {
  const { to, value, method, params } = proposal;
  return blake2b256(
    concatBytes(
      hashDomain,
      addressBytes(multisig),
      encode(c.uint(), transactionId),
      encode(proposalCodec, { to, value, method, params }),
    ),
  );
}
