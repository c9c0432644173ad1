/**
 * The prices of gas. They are parameters of a network, so a genesis names them and an upgrade changes them from a
 * height on. The unit is processor time of a verifier: a hundred nanoseconds of the reference machine, by which
 * `npm run bench -- gas` measures every price; docs/GAS.md has the figures. Bytes that stay in the state for ever
 * cost more than they take to write.
 */
import type { Codec } from "@holdfast/base";
import { c } from "@holdfast/base";

/** What one unit stands for (nanoseconds of one core of the reference machine). */
export const nsPerGas = 100;

export interface GasSchedule {
  /** Every message: its signature, its sender's record, the fee. */
  readonly message: number;
  /** Each byte of the signed message: it is gossiped, hashed and kept by everybody. */
  readonly messageByte: number;
  /** A transfer of a positive value, also within a call. */
  readonly transfer: number;
  /** A method call. */
  readonly call: number;
  /** Each byte of a call's parameters: decoding. */
  readonly paramByte: number;
  /** Each byte of a call's result: encoding, and for the outermost call the receipt. */
  readonly returnByte: number;
  /** A call from one actor to another, on top of `call` and `actorLookup`. */
  readonly nestedSend: number;
  /** Finding an actor among all. */
  readonly actorLookup: number;
  readonly stateReadObject: number;
  readonly stateReadByte: number;
  readonly stateWriteObject: number;
  readonly stateWriteByte: number;
  readonly newActor: number;
  /** Drawing randomness from the chain. */
  readonly randomness: number;
  /** Each sector of a list, which can name the same one again and again. */
  readonly sector: number;
  /** Verifying a proof: a base, and each started KiB of it; for the vanilla form that is all. */
  readonly sealBase: number;
  readonly sealKib: number;
  readonly postBase: number;
  readonly postKib: number;
  /** Each sector of a proof of spacetime: its challenges. */
  readonly postSector: number;
  readonly inclusionBase: number;
  readonly inclusionKib: number;
  readonly signatureBase: number;
  readonly signatureKib: number;
  /** Judging evidence of an enclave: the signatures of its chains and documents, and each KiB of them. */
  readonly evidenceBase: number;
  readonly evidenceKib: number;
  /** The first SNARK of a proof. */
  readonly snarkFirst: number;
  /** Each further one: they are verified as a batch. */
  readonly snarkFurther: number;
  /** Each public input of each of them. */
  readonly snarkPublicInput: number;
}

/** What a network has that names no others. */
export const usualGas: GasSchedule = {
  message: 3_000,
  messageByte: 1,
  transfer: 1_000,
  call: 100,
  paramByte: 2,
  returnByte: 2,
  nestedSend: 100,
  actorLookup: 600,
  stateReadObject: 200,
  stateReadByte: 1,
  stateWriteObject: 500,
  stateWriteByte: 1,
  newActor: 3_000,
  randomness: 500,
  sector: 30,
  sealBase: 50_000,
  sealKib: 6_000,
  postBase: 10_000,
  postKib: 6_000,
  postSector: 500,
  inclusionBase: 500,
  inclusionKib: 300,
  signatureBase: 1_000,
  signatureKib: 20,
  evidenceBase: 400_000,
  evidenceKib: 200,
  snarkFirst: 300_000,
  snarkFurther: 100_000,
  snarkPublicInput: 10_000,
};

export type GasPrice = keyof GasSchedule;
export const gasPrices = Object.keys(usualGas) as readonly GasPrice[];

/** Highest price of anything; times the longest bytes of anything it is still an exact number. */
const maxPrice = 2 ** 24;

function fieldsOf<T>(codec: Codec<T>): { readonly [Name in GasPrice]: Codec<T> } {
  return Object.fromEntries(gasPrices.map((name) => [name, codec])) as { [Name in GasPrice]: Codec<T> };
}

export const gasScheduleCodec: Codec<GasSchedule> = c.tuple("GasSchedule", fieldsOf(c.uint(maxPrice)));

/** Prices that change; null stays as it is. */
export type GasChanges = { readonly [Name in GasPrice]: number | null };
export const gasChangesCodec: Codec<GasChanges> = c.tuple(
  "GasChanges",
  fieldsOf<number | null>(c.nullable(c.uint(maxPrice))),
);

/** Some prices, and null for the others. */
export function gasChanges(given: Partial<GasSchedule>): GasChanges {
  const unchanged = Object.fromEntries(gasPrices.map((name) => [name, null])) as GasChanges;
  return { ...unchanged, ...given };
}

export function changedGas(gas: GasSchedule, changes: GasChanges): GasSchedule {
  const set = Object.entries(changes).filter(([, price]) => price !== null);
  return { ...gas, ...Object.fromEntries(set) };
}
