/**
 * What proves something about the accumulator of three levels (levels.ts), and the strict judges of it. An element
 * stands in a sub-accumulator, that in a middle one, that in the root; each step is witness^prime(lower) = upper.
 * Strict: exactly three levels, by their type; every number reduced and none twice written; a node that is said to be
 * new is G and nothing else, so that nothing hides in it; whether a sub-accumulator is new, or ends, follows from the
 * numbers of files and is not the prover's to say; every membership is checked, none by chance.
 * Bytes and numbers of a peer never make a judge throw.
 * Source: CESSProject/cess_pois v0.6.3, acc/multi_level_acc; what its verifier takes besides is refused here.
 */
import { bigEndian, concatBytes } from "@holdfast/base";
import { sha512 } from "@noble/hashes/sha2.js";
import { numberKernel } from "../../numbers/index.ts";
import { type CessKey, cessValueBytes, checkCessKey } from "./accumulator.ts";
import { CessPrimes } from "./primes.ts";

/** Nodes under one node, and files of a sub-accumulator. */
export const cessFanOut = 256;
export const elementBytes = 64;

/** What all computations with one accumulator share. */
export interface CessBasis {
  readonly key: CessKey;
  readonly primes: CessPrimes;
  readonly fanOut: number;
}

/** Throws cess/bad-key. A fan-out other than the network's is for tests. */
export function cessBasis(key: CessKey, primes = new CessPrimes(), fanOut: number = cessFanOut): CessBasis {
  checkCessKey(key);
  return { key, primes, fanOut };
}

/** From a sub-accumulator up to the root. */
export interface CessChain {
  readonly sub: bigint;
  readonly subWitness: bigint;
  readonly mid: bigint;
  readonly midWitness: bigint;
  readonly root: bigint;
}

/** The new values along a chain, after an update. */
export interface CessTop {
  readonly sub: bigint;
  readonly mid: bigint;
  readonly root: bigint;
}

export interface CessUpdate {
  readonly before: CessChain;
  readonly after: CessTop;
}

export interface CessMember {
  readonly element: Uint8Array;
  readonly witness: bigint;
  readonly chain: CessChain;
}

/** What is known of a miner: files front + 1 … rear are in the accumulator. */
export interface CessState {
  readonly root: bigint;
  readonly front: number;
  readonly rear: number;
}

/** What stands for a file: miner id ‖ number of the file ‖ root of its tree, hashed. */
export const cessElement = (minerId: Uint8Array, file: number, root: Uint8Array): Uint8Array =>
  sha512(concatBytes(minerId, bigEndian(file, 8), root));

/** value^(the primes of all elements). */
export function raisedBy({ key, primes }: CessBasis, value: bigint, elements: readonly Uint8Array[]): bigint {
  let raised = value;
  for (const element of elements) raised = numberKernel.modPow(raised, primes.of(element), key.modulus);
  return raised;
}

/** value^(the prime of a node below). */
export const raisedByValue = (basis: CessBasis, value: bigint, below: bigint): bigint =>
  raisedBy(basis, value, [cessValueBytes(below)]);

const areReduced = ({ key }: CessBasis, numbers: readonly bigint[]): boolean =>
  numbers.every((number) => number > 0n && number < key.modulus);

/** Whether both upper steps hold and lead to this root. */
function leadsUp(basis: CessBasis, chain: CessChain, root: bigint): boolean {
  const { sub, subWitness, mid, midWitness } = chain;
  return (
    chain.root === root &&
    areReduced(basis, [sub, subWitness, mid, midWitness, root]) &&
    raisedByValue(basis, subWitness, sub) === mid &&
    raisedByValue(basis, midWitness, mid) === root
  );
}

const sameChain = (a: CessChain, b: CessChain): boolean =>
  a.sub === b.sub &&
  a.subWitness === b.subWitness &&
  a.mid === b.mid &&
  a.midWitness === b.midWitness &&
  a.root === b.root;

/** Whether all of these are elements under the root. Neighbours that share a chain pay for it once. */
export function verifyCessMembers(basis: CessBasis, root: bigint, members: readonly CessMember[]): boolean {
  let verified: CessChain | undefined;
  for (const { element, witness, chain } of members) {
    if (element.length !== elementBytes || !areReduced(basis, [witness])) return false;
    if (verified === undefined || !sameChain(verified, chain)) {
      if (!leadsUp(basis, chain, root)) return false;
      verified = chain;
    }
    if (raisedBy(basis, witness, [element]) !== chain.sub) return false;
  }
  return true;
}

/** Whether the next file goes into a sub-accumulator that is there. */
export const goesIntoLast = ({ fanOut }: Pick<CessBasis, "fanOut">, { front, rear }: CessState): boolean =>
  rear % fanOut !== 0 && front < rear;

const isCount = (count: number): boolean => Number.isSafeInteger(count) && count > 0;

function isState(basis: CessBasis, { root, front, rear }: CessState): boolean {
  return (
    [front, rear].every((file) => Number.isSafeInteger(file) && file >= 0) &&
    front <= rear &&
    areReduced(basis, [root]) &&
    (front < rear || root === basis.key.base)
  );
}

/** Whether a new node is said to be one in the only way there is: G, beneath what was there before. */
function isNewNode(basis: CessBasis, { sub, subWitness, mid, midWitness, root }: CessChain): boolean {
  const G = basis.key.base;
  if (sub !== G || subWitness !== mid) return false;
  if (mid === G && midWitness === root) return true; // a new middle one
  return raisedByValue(basis, midWitness, mid) === root;
}

/** The state after files rear + 1 … were added, or undefined if the update does not show that. */
export function verifyCessInsert(
  basis: CessBasis,
  state: CessState,
  elements: readonly Uint8Array[],
  { before, after }: CessUpdate,
): CessState | undefined {
  const { fanOut } = basis;
  const count = elements.length;
  if (!isState(basis, state) || !isCount(count) || (state.rear % fanOut) + count > fanOut) return undefined;
  if (elements.some((element) => element.length !== elementBytes) || before.root !== state.root)
    return undefined;
  const { sub, subWitness, mid, midWitness } = before;
  if (!areReduced(basis, [sub, subWitness, mid, midWitness, after.sub, after.mid, after.root]))
    return undefined;
  const linked = goesIntoLast(basis, state) ? leadsUp(basis, before, state.root) : isNewNode(basis, before);
  if (!linked || raisedBy(basis, sub, elements) !== after.sub) return undefined;
  if (raisedByValue(basis, subWitness, after.sub) !== after.mid) return undefined;
  if (raisedByValue(basis, midWitness, after.mid) !== after.root) return undefined;
  return { ...state, root: after.root, rear: state.rear + count };
}

/** The state after files front + 1 … were taken away, or undefined if the update does not show that. */
export function verifyCessDelete(
  basis: CessBasis,
  state: CessState,
  elements: readonly Uint8Array[],
  { before, after }: CessUpdate,
): CessState | undefined {
  const { fanOut, key } = basis;
  const front = state.front + elements.length;
  if (!isState(basis, state) || !isCount(elements.length) || front > state.rear) return undefined;
  if ((state.front % fanOut) + elements.length > fanOut) return undefined;
  if (elements.some((element) => element.length !== elementBytes)) return undefined;
  if (!areReduced(basis, [after.sub, after.mid, after.root]) || !leadsUp(basis, before, state.root)) {
    return undefined;
  }
  const G = key.base;
  const subEnds = front % fanOut === 0 || front === state.rear;
  if ((after.sub === G) !== subEnds || raisedBy(basis, after.sub, elements) !== before.sub) return undefined;
  const mid = subEnds ? before.subWitness : raisedByValue(basis, before.subWitness, after.sub);
  const root = mid === G ? before.midWitness : raisedByValue(basis, before.midWitness, mid);
  if (after.mid !== mid || after.root !== root || (root === G) !== (front === state.rear)) return undefined;
  return { root, front, rear: state.rear };
}
