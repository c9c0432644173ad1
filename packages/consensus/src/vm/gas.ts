/**
 * Gas: the price list of a message as data, and the meter. Invariant: a message never uses more than its
 * limit. One unit stands for about half a microsecond of a verifier's time; bytes that stay in the state
 * for ever cost more than they take to write.
 */
import { assert } from "@holdfast/base";

export const gasSchedule = {
  /** Every message: signature check, sender and fee bookkeeping. */
  message: 1_000,
  /** Each byte of the signed message: it is gossiped and kept by everybody. */
  messageByte: 1,
  /** A transfer of a positive value, also within a call. */
  transfer: 100,
  /** A method call. */
  call: 100,
  /** Each byte of a call's parameters: decoding. */
  paramByte: 1,
  /** A call from one actor to another, on top of `call`. */
  nestedSend: 100,
  stateReadObject: 50,
  /** For each started 16 bytes. */
  stateRead16Bytes: 1,
  stateWriteObject: 200,
  stateWriteByte: 2,
  newActor: 1_000,
  /** Drawing randomness from the chain. */
  randomness: 200,
  /**
   * Verifying a proof: a base, and each started KiB of the proof. For the vanilla form that is all: its time
   * goes with its bytes.
   */
  proof: {
    seal: { base: 50_000, kib: 500 },
    post: { base: 20_000, kib: 500 },
    inclusion: { base: 2_000, kib: 200 },
    signature: { base: 1_000, kib: 20 },
  },
  /**
   * The groth16 form pays for its SNARKs besides. Measured on one core with the reference curve (noble):
   * four pairings with one final exponentiation 24 ms, each further Miller loop 3 ms, decoding a proof's three
   * points with their checks 5 ms, a scalar multiplication 2 ms alone and 0.6 ms in a sum of 64. Doubled, for
   * the slower machines that have to keep up.
   */
  snark: {
    /** The first SNARK of a proof. */
    first: 120_000,
    /** Each further one: they are verified as a batch. */
    further: 30_000,
    /** Each public input of each of them. */
    publicInput: 2_000,
  },
} as const;

export type ProofKind = keyof typeof gasSchedule.proof;

/** The SNARKs in one proof: how many, and their public inputs in all. */
export interface SnarkWork {
  readonly snarks: number;
  readonly publicInputs: number;
}

/** Gas for verifying one proof of `sizeBytes`, with the SNARKs in it. */
export function proofGas(
  kind: ProofKind,
  sizeBytes: number,
  { snarks, publicInputs }: SnarkWork = { snarks: 0, publicInputs: 0 },
): number {
  const row = gasSchedule.proof[kind];
  const { first, further, publicInput } = gasSchedule.snark;
  const batch = snarks === 0 ? 0 : first + further * (snarks - 1) + publicInput * publicInputs;
  return row.base + row.kib * Math.ceil(sizeBytes / 1024) + batch;
}

/** What every message pays before anything runs. `messageBytes` is the size of the signed message. */
export function inclusionGas(messageBytes: number): number {
  return gasSchedule.message + gasSchedule.messageByte * messageBytes;
}

/** Thrown through all nested calls of a message when its limit is used up; the VM alone catches it. */
export class OutOfGas extends Error {
  override readonly name = "OutOfGas";
}

export class GasMeter {
  readonly limit: number;
  #used = 0;
  #isExhausted = false;

  constructor(limit: number) {
    assert(Number.isSafeInteger(limit) && limit >= 0, "a gas limit is a whole number");
    this.limit = limit;
  }

  get used(): number {
    return this.#used;
  }

  /** Throws again what `charge` threw: a call that caught it is over all the same. */
  assertNotExhausted(): void {
    if (this.#isExhausted) throw new OutOfGas(`the gas limit of ${this.limit} is used up`);
  }

  /** Uses up the whole limit and throws `OutOfGas` if the units are not there. */
  charge(units: number): void {
    assert(Number.isSafeInteger(units) && units >= 0, "a gas charge is a whole number ≥ 0");
    if (units > this.limit - this.#used) {
      this.#used = this.limit;
      this.#isExhausted = true;
      throw new OutOfGas(`the gas limit of ${this.limit} is used up`);
    }
    this.#used += units;
  }
}

/** The limit of implicit messages, which nobody pays for. */
export const unlimitedGas = Number.MAX_SAFE_INTEGER;
