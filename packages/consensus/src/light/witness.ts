/**
 * Proofs of anything in a state: the objects that a question reads. Whoever has the state's root asks the same
 * question of these objects alone, and gets the same answer or none, because every object is known by its hash.
 * So every reader of `views`, and a call of an actor, is also a proof format, and nothing has to be written twice.
 *
 *   const { answer, witness } = proveRead(store, (proven) => readMinerState(proven, state, miner));
 *   checkRead(witness, (proven) => readMinerState(proven, state, miner)) // the same answer, without the store
 */
import type { Blockstore, CID } from "@holdfast/base";
import { assert, cidOfCbor, HoldfastError } from "@holdfast/base";
import { lightErrors } from "./errors.ts";

/** Objects of a state in the order in which they were read first. */
export type StateWitness = readonly Uint8Array[];

/** Largest proof that is taken (bytes): a miner with all its sectors fits in. */
export const maxWitnessBytes = 16 * 1024 * 1024;

/** A question about a state: reads through the store that it is given and writes nothing. */
export type StateQuestion<Answer> = (store: Blockstore) => Answer;

/** Asks a full store and notes what the answer depends on. The question's errors, `light/witness-too-large`. */
export function proveRead<Answer>(
  store: Blockstore,
  ask: StateQuestion<Answer>,
): { readonly answer: Answer; readonly witness: StateWitness } {
  const recorded = recordRead(store);
  const answer = ask(recorded.store);
  return { answer, witness: recorded.witness() };
}

/** A store that notes what is read through it, up to what a proof may hold. */
export function recordRead(store: Blockstore): { readonly store: Blockstore; witness(): StateWitness } {
  const read = new Map<string, Uint8Array>();
  let bytes = 0;
  const get = (cid: CID): Uint8Array | undefined => {
    const name = cid.toString();
    const object = read.get(name) ?? store.get(cid);
    if (object === undefined || read.has(name)) return object;
    bytes += object.length;
    if (bytes > maxWitnessBytes) throw lightErrors.witnessTooLarge({ bytes, limit: maxWitnessBytes });
    read.set(name, object);
    return object;
  };
  return {
    store: {
      get,
      has: (cid) => get(cid) !== undefined,
      put: () => assert(false, "a question writes nothing"),
    },
    witness: () => [...read.values()],
  };
}

/**
 * A store of nothing but the given objects, each under its own hash. That an object is not among them says nothing
 * about the state: who asks whether it is there gets no answer. `light/witness-too-large`, `light/witness-incomplete`.
 */
export function witnessStore(witness: StateWitness): Blockstore {
  const bytes = witness.reduce((sum, object) => sum + object.length, 0);
  if (bytes > maxWitnessBytes) throw lightErrors.witnessTooLarge({ bytes, limit: maxWitnessBytes });
  const objects = new Map(witness.map((object) => [cidOfCbor(object).toString(), object]));
  return {
    get: (cid: CID) => objects.get(cid.toString()),
    has: (cid) => objects.has(cid.toString()) || incomplete(cid),
    put: () => assert(false, "a question writes nothing"),
  };
}

function incomplete(cid: CID): never {
  throw lightErrors.witnessIncomplete({ cid: cid.toString() });
}

/**
 * The answer that these objects prove. `light/witness-too-large`, `light/witness-incomplete`, and what the question
 * itself finds (`state/actor-not-found`): absence is proven as presence is.
 */
export function checkRead<Answer>(witness: StateWitness, ask: StateQuestion<Answer>): Answer {
  try {
    return ask(witnessStore(witness));
  } catch (error) {
    if (!(error instanceof HoldfastError) || error.code !== "store/missing-block") throw error;
    throw lightErrors.witnessIncomplete({ cid: String(error.data.cid) }, error);
  }
}
