/**
 * Gas: what a message costs by its network's prices, and the meter. Invariant: a message never uses more than its
 * limit.
 */
import { assert } from "@holdfast/base";
import type { GasSchedule } from "../types/gas.ts";

export type ProofKind = "seal" | "post" | "inclusion" | "signature" | "evidence";

/** What is in one proof beside its bytes; what is left out is nothing. */
export interface ProofWork {
  /** Of a proof of spacetime. */
  readonly sectors?: number;
  readonly snarks?: number;
  /** Of all SNARKs together. */
  readonly publicInputs?: number;
}

function pricesOf(gas: GasSchedule, kind: ProofKind): readonly [base: number, kib: number] {
  switch (kind) {
    case "seal":
      return [gas.sealBase, gas.sealKib];
    case "post":
      return [gas.postBase, gas.postKib];
    case "inclusion":
      return [gas.inclusionBase, gas.inclusionKib];
    case "signature":
      return [gas.signatureBase, gas.signatureKib];
    case "evidence":
      return [gas.evidenceBase, gas.evidenceKib];
  }
}

/** Gas for verifying one proof of `sizeBytes`, or one signature under `sizeBytes`. */
export function proofGas(
  gas: GasSchedule,
  kind: ProofKind,
  sizeBytes: number,
  { sectors = 0, snarks = 0, publicInputs = 0 }: ProofWork = {},
): number {
  const [base, kib] = pricesOf(gas, kind);
  const batch =
    snarks === 0 ? 0 : gas.snarkFirst + gas.snarkFurther * (snarks - 1) + gas.snarkPublicInput * publicInputs;
  return base + kib * Math.ceil(sizeBytes / 1024) + gas.postSector * sectors + batch;
}

/** What every message pays before anything runs. `messageBytes` is the size of the signed message. */
export function inclusionGas(gas: GasSchedule, messageBytes: number): number {
  return gas.message + gas.messageByte * messageBytes;
}

/**
 * What it takes at most to schedule or cancel an upgrade, also through a multisig: a network whose blocks do not pay
 * for that can never change its prices again.
 */
export function upgradeGas(gas: GasSchedule): number {
  const bytes = 8_192;
  const inside = gas.call + gas.nestedSend + 4 * gas.actorLookup + gas.transfer + gas.sector + gas.randomness;
  const made = gas.newActor + proofGas(gas, "signature", bytes);
  const state = stateGas(gas, { objects: 64, bytes: 131_072 });
  return inclusionGas(gas, bytes) + 3 * inside + (gas.paramByte + gas.returnByte) * bytes + made + state;
}

/** The dearest of the smallest proofs: without a seal or a proof of spacetime nobody keeps power. */
export function leastProofGas(gas: GasSchedule): number {
  const work = { sectors: 1, snarks: 1, publicInputs: 1 };
  const kinds: readonly ProofKind[] = ["seal", "post", "inclusion", "signature"];
  return Math.max(...kinds.map((kind) => proofGas(gas, kind, 1, work)));
}

/** For an estimate: so many objects of the state read and written again, and so many bytes of them together. */
export function stateGas(
  gas: GasSchedule,
  { objects, bytes }: { readonly objects: number; readonly bytes: number },
): number {
  const object = gas.stateReadObject + gas.stateWriteObject;
  return object * objects + (gas.stateReadByte + gas.stateWriteByte) * bytes;
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
