/** Multisigs as the chain has them. */
import type { Address, AttoFil, Blockstore, CID } from "@holdfast/base";
import { subAtto, zeroAtto } from "@holdfast/base";
import type { Lock, Transaction } from "../actors/multisig/state.ts";
import { loadTransactions, lockedAt, multisigStateCodec, transactionHash } from "../actors/multisig/state.ts";
import { codeNames } from "../types/builtins.ts";
import { readHead } from "./actors.ts";

export interface OpenTransaction extends Transaction {
  readonly transactionId: number;
  /** What an approval has to name. */
  readonly hash: Uint8Array;
}

export interface MultisigView {
  readonly address: Address;
  readonly signers: readonly Address[];
  readonly threshold: number;
  readonly balance: AttoFil;
  readonly lock: Lock | null;
  /** What a transaction at the given height may spend. */
  readonly freeBalance: AttoFil;
  /** Ascending by id. */
  readonly transactions: readonly OpenTransaction[];
}

/** A multisig for a message that is executed at `height`. `state/actor-not-found`, `state/wrong-kind-of-actor`. */
export function readMultisig(store: Blockstore, state: CID, address: Address, height: number): MultisigView {
  const { record, head } = readHead(store, state, address, codeNames.multisig, multisigStateCodec);
  const { signers, threshold, lock } = head;
  const { balance } = record;
  const locked = lockedAt(lock, height);
  return {
    address,
    signers,
    threshold,
    balance,
    lock,
    freeBalance: balance > locked ? subAtto(balance, locked) : zeroAtto,
    transactions: [...loadTransactions(store, head).entries()].map(([transactionId, transaction]) => ({
      ...transaction,
      transactionId,
      hash: transactionHash(address, transactionId, transaction),
    })),
  };
}
