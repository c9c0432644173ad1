/**
 * The accumulator of three levels that a miner of the compatibility profile keeps: files go into sub-accumulators of
 * 256, these into middle ones, these into the root. Files are appended at the rear and taken from the front.
 * A value is never changed: an update gives a new one beside the old, and its proof is about exactly that old one.
 * So going back is to keep what was there, and nothing is lost when a whole sub-accumulator ends.
 * A middle one is full when it has 256 sub-accumulators; those that end at its front leave room at its rear. Its
 * shape therefore hangs on what happened, by one number: how many there are in the first (`firstMid`). It is saved.
 * Source: CESSProject/cess_pois v0.6.3, acc/multi_level_acc.
 */
import { assert } from "@holdfast/base";
import { numberKernel } from "../../numbers/index.ts";
import { cessValueBytes } from "./accumulator.ts";
import {
  type CessBasis,
  type CessChain,
  type CessMember,
  type CessState,
  type CessUpdate,
  elementBytes,
  goesIntoLast,
} from "./chains.ts";
import { cessErrors } from "./errors.ts";

const powered = ({ key }: CessBasis, value: bigint, primes: readonly bigint[]): bigint =>
  primes.reduce((raised, prime) => numberKernel.modPow(raised, prime, key.modulus), value);

/** G to the primes of all but one: its witness. */
const besides = (basis: CessBasis, nodes: readonly { readonly prime: bigint }[], index: number): bigint =>
  powered(
    basis,
    basis.key.base,
    nodes.filter((_node, i) => i !== index).map(({ prime }) => prime),
  );

const primeOf = ({ primes }: CessBasis, value: bigint): bigint => primes.of(cessValueBytes(value));

/** A sub-accumulator: files `first` … of at most 256 whose numbers, less one, have the same quotient by 256. */
export class CessSub {
  readonly first: number;
  readonly elements: readonly Uint8Array[];
  readonly value: bigint;
  readonly prime: bigint;
  readonly #basis: CessBasis;
  readonly #witnesses = new Map<number, bigint>();

  constructor(basis: CessBasis, first: number, elements: readonly Uint8Array[], value?: bigint) {
    this.#basis = basis;
    this.first = first;
    this.elements = elements;
    const primes = value === undefined ? this.#primes() : [];
    this.value = value ?? powered(basis, basis.key.base, primes);
    this.prime = primeOf(basis, this.value);
  }

  #primes(): readonly bigint[] {
    return this.elements.map((element) => this.#basis.primes.of(element));
  }

  /** With these files behind. */
  with(elements: readonly Uint8Array[]): CessSub {
    const primes = elements.map((element) => this.#basis.primes.of(element));
    const value = powered(this.#basis, this.value, primes);
    return new CessSub(this.#basis, this.first, [...this.elements, ...elements], value);
  }

  /** Without the first `count`; undefined if that were all. */
  without(count: number): CessSub | undefined {
    if (count === this.elements.length) return undefined;
    return new CessSub(this.#basis, this.first + count, this.elements.slice(count));
  }

  /** Witnesses of elements `low` … `high − 1`, made once. */
  witnesses(low: number, high: number): readonly bigint[] {
    assert(0 <= low && low < high && high <= this.elements.length, "they are elements");
    const wanted = Array.from({ length: high - low }, (_none, i) => low + i);
    if (wanted.some((index) => !this.#witnesses.has(index))) {
      this.#descend(this.#basis.key.base, this.#primes(), 0, { low, high });
    }
    return wanted.map((index) => this.#witnesses.get(index) as bigint);
  }

  /** By halves: each is raised to the primes of the other one. */
  #descend(
    value: bigint,
    primes: readonly bigint[],
    at: number,
    wanted: { readonly low: number; readonly high: number },
  ): void {
    if (at >= wanted.high || at + primes.length <= wanted.low) return;
    if (primes.length === 1) {
      this.#witnesses.set(at, value);
      return;
    }
    const middle = primes.length >> 1;
    const [left, right] = [primes.slice(0, middle), primes.slice(middle)];
    if (at < wanted.high && at + middle > wanted.low) {
      this.#descend(powered(this.#basis, value, right), left, at, wanted);
    }
    if (at + middle < wanted.high) {
      this.#descend(powered(this.#basis, value, left), right, at + middle, wanted);
    }
  }
}

export interface CessMid {
  /** At least one. */
  readonly subs: readonly CessSub[];
  readonly value: bigint;
  readonly prime: bigint;
}

/** The whole accumulator at one moment. */
export interface CessLevels extends CessState {
  readonly basis: CessBasis;
  readonly mids: readonly CessMid[];
}

export interface CessChanged {
  readonly levels: CessLevels;
  readonly update: CessUpdate;
}

export function emptyCessLevels(basis: CessBasis, file = 0): CessLevels {
  return { basis, front: file, rear: file, mids: [], root: basis.key.base };
}

const midOf = (basis: CessBasis, subs: readonly CessSub[], value: bigint): CessMid => ({
  subs,
  value,
  prime: primeOf(basis, value),
});

/** From one sub-accumulator up. */
function chainOf({ basis, mids, root }: CessLevels, midAt: number, subAt: number): CessChain {
  const mid = mids[midAt];
  const sub = mid?.subs[subAt];
  assert(mid !== undefined && sub !== undefined, "the sub-accumulator is there");
  const subWitness = besides(basis, mid.subs, subAt);
  return { sub: sub.value, subWitness, mid: mid.value, midWitness: besides(basis, mids, midAt), root };
}

/** What an addition stands on: the last sub-accumulator, or a new one, in a new middle one if there is no room. */
function placeAtRear(levels: CessLevels): { readonly before: CessChain; readonly kept: CessSub | undefined } {
  const { basis, mids, root } = levels;
  const last = mids.at(-1);
  const G = basis.key.base;
  if (last !== undefined && goesIntoLast(basis, levels)) {
    const at = last.subs.length - 1;
    return { before: chainOf(levels, mids.length - 1, at), kept: last.subs[at] };
  }
  if (last === undefined || last.subs.length >= basis.fanOut)
    return { before: { sub: G, subWitness: G, mid: G, midWitness: root, root }, kept: undefined };
  const midWitness = besides(basis, mids, mids.length - 1);
  return { before: { sub: G, subWitness: last.value, mid: last.value, midWitness, root }, kept: undefined };
}

/** With files rear + 1 … added. Throws cess/bad-count: they must go into one sub-accumulator. */
export function insertCessElements(levels: CessLevels, elements: readonly Uint8Array[]): CessChanged {
  const { basis, mids, rear } = levels;
  const room = basis.fanOut - (rear % basis.fanOut);
  if (elements.length === 0 || elements.length > room)
    throw cessErrors.badCount({ count: elements.length, most: room });
  assert(
    elements.every((element) => element.length === elementBytes),
    "elements are digests of 64 bytes",
  );
  const { before, kept } = placeAtRear(levels);
  const sub = kept?.with(elements) ?? new CessSub(basis, rear + 1, elements);
  const opens = kept === undefined && before.mid === basis.key.base;
  const old = opens ? [] : (mids.at(-1)?.subs ?? []);
  const subs = [...(kept === undefined ? old : old.slice(0, -1)), sub];
  const mid = midOf(basis, subs, powered(basis, before.subWitness, [sub.prime]));
  const root = powered(basis, before.midWitness, [mid.prime]);
  return {
    levels: {
      basis,
      front: levels.front,
      rear: rear + elements.length,
      mids: [...(opens ? mids : mids.slice(0, -1)), mid],
      root,
    },
    update: { before, after: { sub: sub.value, mid: mid.value, root } },
  };
}

/** Without files front + 1 … front + count. Throws cess/bad-count: they must be of one sub-accumulator. */
export function deleteCessElements(levels: CessLevels, count: number): CessChanged {
  const { basis, mids, front, rear } = levels;
  const [mid, ...otherMids] = mids;
  const [sub, ...otherSubs] = mid?.subs ?? [];
  const most = sub?.elements.length ?? 0;
  if (mid === undefined || sub === undefined || !Number.isInteger(count) || count < 1 || count > most)
    throw cessErrors.badCount({ count, most });
  const before = chainOf(levels, 0, 0);
  const left = sub.without(count);
  const subs = left === undefined ? otherSubs : [left, ...otherSubs];
  const value = left === undefined ? before.subWitness : powered(basis, before.subWitness, [left.prime]);
  const shrunk = subs.length === 0 ? undefined : midOf(basis, subs, value);
  const root = shrunk === undefined ? before.midWitness : powered(basis, before.midWitness, [shrunk.prime]);
  return {
    levels: {
      basis,
      front: front + count,
      rear,
      mids: shrunk === undefined ? otherMids : [shrunk, ...otherMids],
      root,
    },
    update: { before, after: { sub: left?.value ?? basis.key.base, mid: value, root } },
  };
}

/** Where a sub-accumulator stands. */
function* subsOf({ mids }: CessLevels): Generator<{ midAt: number; subAt: number; sub: CessSub }> {
  for (const [midAt, { subs }] of mids.entries())
    for (const [subAt, sub] of subs.entries()) yield { midAt, subAt, sub };
}

/** Files `left` … `right − 1` with their witnesses. Throws cess/no-such-files. */
export function cessMembers(levels: CessLevels, left: number, right: number): readonly CessMember[] {
  const { front, rear } = levels;
  if (
    !Number.isInteger(left) ||
    !Number.isInteger(right) ||
    left <= front ||
    right > rear + 1 ||
    left >= right
  )
    throw cessErrors.noSuchFiles({ left, right, front, rear });
  const members: CessMember[] = [];
  for (const { midAt, subAt, sub } of subsOf(levels)) {
    const low = Math.max(0, left - sub.first);
    const high = Math.min(sub.elements.length, right - sub.first);
    if (low >= high) continue;
    const chain = chainOf(levels, midAt, subAt);
    sub.witnesses(low, high).forEach((witness, i) => {
      members.push({ element: sub.elements[low + i] as Uint8Array, witness, chain });
    });
  }
  return members;
}

/** A sub-accumulator as it was saved: the number of its first file, and all elements from there on. */
export interface CessSavedSub {
  readonly first: number;
  readonly elements: readonly Uint8Array[];
}

export interface CessSaved {
  readonly front: number;
  readonly rear: number;
  /** In their order; what lies beside front + 1 … rear is left out. */
  readonly subs: readonly CessSavedSub[];
  /** Sub-accumulators of the first middle one; 256 if there are as many and nothing else is known. */
  readonly firstMid?: number;
  /** What the chain holds, if it is known. */
  readonly root?: bigint;
}

/** What is to be saved. */
export function savedCessLevels(levels: CessLevels): CessSaved {
  const { front, rear, root, mids } = levels;
  const subs = [...subsOf(levels)].map(({ sub: { first, elements } }) => ({ first, elements }));
  return { front, rear, root, subs, ...(mids[0] && { firstMid: mids[0].subs.length }) };
}

/** The part of a saved sub-accumulator that is between front and rear. */
function trimmed({ front, rear }: CessSaved, { first, elements }: CessSavedSub): CessSavedSub {
  const low = Math.max(0, front + 1 - first);
  const high = Math.max(low, Math.min(elements.length, rear + 1 - first));
  return { first: first + low, elements: elements.slice(low, high) };
}

/** Middle ones over these: `firstMid` in the first, then as many as go in. */
function packed(basis: CessBasis, subs: readonly CessSub[], firstMid: number): readonly CessMid[] {
  if (subs.length === 0) return [];
  const own = subs.slice(0, firstMid);
  const primes = own.map(({ prime }) => prime);
  const rest = packed(basis, subs.slice(firstMid), basis.fanOut);
  return [midOf(basis, own, powered(basis, basis.key.base, primes)), ...rest];
}

/** The accumulator from what was saved. Throws cess/bad-recovery if files are missing, or if it has another root. */
export function recoverCessLevels(basis: CessBasis, saved: CessSaved): CessLevels {
  const { front, rear, firstMid = basis.fanOut } = saved;
  const parts = saved.subs.map((sub) => trimmed(saved, sub)).filter(({ elements }) => elements.length > 0);
  let next = front + 1;
  const subs: CessSub[] = [];
  for (const { first, elements } of parts) {
    const end = first + elements.length - 1;
    const whole = end === rear || end % basis.fanOut === 0;
    if (
      first !== next ||
      !whole ||
      Math.floor((first - 1) / basis.fanOut) !== Math.floor((end - 1) / basis.fanOut)
    )
      throw cessErrors.badRecovery({ problem: `file ${next} does not follow what was saved` });
    subs.push(new CessSub(basis, first, elements));
    next = end + 1;
  }
  if (next !== rear + 1) throw cessErrors.badRecovery({ problem: `files from ${next} on were not saved` });
  const mids = packed(basis, subs, firstMid);
  const root = powered(
    basis,
    basis.key.base,
    mids.map(({ prime }) => prime),
  );
  if (saved.root !== undefined && saved.root !== root)
    throw cessErrors.badRecovery({ problem: "what was saved has another value than the one that is known" });
  return { basis, front, rear, mids, root };
}
