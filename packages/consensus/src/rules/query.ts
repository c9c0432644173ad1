/**
 * Asking an actor without a message: the same code runs on the same state and everything it changed is
 * dropped. No sender has to exist (the original crashed on its preview of createChannel for want of one).
 */
import type { Address, AttoFil, Blockstore, CID, Epoch } from "@holdfast/base";
import { zeroAddress } from "@holdfast/base";
import type { ReadOnlyResult } from "../vm/apply.ts";
import { applyReadOnly } from "../vm/apply.ts";
import type { Env } from "../vm/env.ts";
import { StateTree } from "../vm/state-tree.ts";
import { createMachineAt } from "./protocol.ts";

export interface QueryInput {
  readonly store: Blockstore;
  readonly state: CID;
  readonly env: Env;
  /** Height that the actor sees; for a question about a head, the height after it. */
  readonly height: Epoch;
  readonly to: Address;
  readonly method: string;
  readonly params: Uint8Array;
  /** Absent: an unnamed account that holds exactly `value`. */
  readonly from?: Address;
  readonly value?: AttoFil;
  /** Default: the gas limit of a block. */
  readonly gasLimit?: number;
}

/**
 * Runs one call on a copy of the state. A refusal of the actor is an exit code, not an error;
 * `store/missing-block` if the state is not in the store.
 */
export function callReadOnly(input: QueryInput): ReadOnlyResult {
  const { store, state, env, height, ...call } = input;
  const machine = createMachineAt(StateTree.load(store, state), env, height);
  return applyReadOnly(machine, zeroAddress(env.params.networkByte), call);
}
