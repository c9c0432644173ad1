/** Idle space as the chain has it: its miners, its verifiers, and what is asked of whom. */
import type { Address, AttoFil, Blockstore, CID, Epoch, NetworkByte } from "@holdfast/base";
import { addEpochs, addressBytes, addressFromBytes, getObject } from "@holdfast/base";
import { withoutTerm } from "../actors/idle/access.ts";
import {
  type IdleActorState,
  type IdleMiner,
  type IdleVerifier,
  idleActorStateCodec,
  idleVerifiersCodec,
  loadIdleMiners,
} from "../actors/idle/state.ts";
import { builtinAddresses, codeNames } from "../types/builtins.ts";
import type { IdleParams } from "../types/idle.ts";
import { networkOf, readHead } from "./actors.ts";

export interface IdleMinerView extends IdleMiner {
  readonly miner: Address;
}

function readIdle(store: Blockstore, state: CID, network: NetworkByte): IdleActorState {
  const { idle } = builtinAddresses(network);
  return readHead(store, state, idle, codeNames.idle, idleActorStateCodec).head;
}

/** What stands about a miner, undefined if it has not registered its idle space. */
export function readIdleMiner(store: Blockstore, state: CID, miner: Address): IdleMinerView | undefined {
  const actor = readIdle(store, state, networkOf(store, state));
  const record = loadIdleMiners(store, actor).get(addressBytes(miner));
  return record === undefined ? undefined : { ...record, miner };
}

/** What a miner can pledge by a message that is executed at `height`. */
export const idleFreeAt = (record: IdleMiner, height: number): AttoFil => withoutTerm(record, height).free;

/** All miners with idle space, in the order of the HAMT. */
export function* listIdleMiners(store: Blockstore, state: CID): IterableIterator<IdleMinerView> {
  const actor = readIdle(store, state, networkOf(store, state));
  for (const [key, record] of loadIdleMiners(store, actor).entries()) {
    yield { ...record, miner: addressFromBytes(key) };
  }
}

/** All verifiers, also those whose office is over. */
export function readIdleVerifiers(store: Blockstore, state: CID): readonly IdleVerifier[] {
  const actor = readIdle(store, state, networkOf(store, state));
  return getObject(store, idleVerifiersCodec, actor.verifiers);
}

/** What the chain waits for from a miner, for a message that is executed at `height`. */
export type IdleTask =
  | { readonly kind: "none" }
  /** The total of the answers, by `by`. */
  | { readonly kind: "answer"; readonly by: Epoch }
  /** The openings are drawn from the randomness of `drawnAt`, which the next block has only after it. */
  | { readonly kind: "wait"; readonly drawnAt: Epoch; readonly by: Epoch }
  | { readonly kind: "settle"; readonly drawnAt: Epoch; readonly by: Epoch };

export function idleTaskOf({ challenge }: IdleMiner, params: IdleParams, height: Epoch): IdleTask {
  if (challenge === null) return { kind: "none" };
  if (challenge.answeredAt === null) {
    return height > challenge.answerBy ? { kind: "none" } : { kind: "answer", by: challenge.answerBy };
  }
  if (height > challenge.settleBy) return { kind: "none" };
  const drawnAt = addEpochs(challenge.answeredAt, params.drawDelayEpochs);
  return { kind: drawnAt < height ? "settle" : "wait", drawnAt, by: challenge.settleBy };
}
