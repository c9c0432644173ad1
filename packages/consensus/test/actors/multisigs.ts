/** Multisigs of the tests: made by an account that is no signer, looked at through the chain's views. */
import type { Address, AttoFil } from "@holdfast/base";
import { attoFil, filToAtto } from "@holdfast/base";
import { type OpenTransaction, type Proposal, readMultisig } from "@holdfast/consensus";
import { type Account, alice, bob, carol, owner, type World } from "./world.ts";

export const noParams = new Uint8Array(0);
export const trio = [alice.address, bob.address, carol.address];

interface Given {
  readonly signers?: readonly Address[];
  readonly threshold?: number;
  readonly unlockEpochs?: number;
  readonly value?: AttoFil;
}

export function create(world: World, given: Given = {}, from: Account = owner) {
  const { signers = trio, threshold = 2, unlockEpochs = 0, value = filToAtto(10n) } = given;
  const params = { signers, threshold, unlockEpochs };
  return world.send(from, world.builtins.init, "init.createMultisig", params, { value });
}

export function created(world: World, given: Given = {}): Address {
  const { returns, text } = create(world, given);
  if (returns === undefined) throw new RangeError(`no multisig: ${text}`);
  return returns;
}

export const view = (world: World, multisig: Address) =>
  readMultisig(world.store, world.state, multisig, world.height + 1);

export function open(world: World, multisig: Address, transactionId: number): OpenTransaction {
  const found = view(world, multisig).transactions.find((one) => one.transactionId === transactionId);
  if (found === undefined) throw new RangeError(`transaction ${transactionId} is open`);
  return found;
}

export const pays = (to: Address, value: bigint): Proposal => ({
  to,
  value: attoFil(value),
  method: "",
  params: noParams,
});
