/**
 * Branded units: an epoch is not a byte count and attoFIL is not a number. Constructors assert the
 * range (a violation is a bug of ours); text that a person typed goes through `./human.ts` instead.
 */
import { assert } from "./errors.ts";

declare const brand: unique symbol;
export type Brand<Base, Name extends string> = Base & { readonly [brand]: Name };

/** 10^-18 FIL. May be negative only as an intermediate difference. */
export type AttoFil = Brand<bigint, "AttoFil">;
/** A round of the chain; genesis is 0. */
export type Epoch = Brand<number, "Epoch">;
/** A number of bytes. */
export type ByteCount = Brand<number, "ByteCount">;
export type SectorId = Brand<number, "SectorId">;
export type ChannelId = Brand<number, "ChannelId">;
export type GasUnits = Brand<number, "GasUnits">;
/** Position of a message in its sender's sequence. */
export type Nonce = Brand<number, "Nonce">;

/** attoFIL in one FIL. */
export const attoPerFil = 1_000_000_000_000_000_000n;

const countOf =
  <Name extends string>(name: Name) =>
  (value: number): Brand<number, Name> => {
    assert(Number.isSafeInteger(value) && value >= 0, `${name} ${value} is a whole number ≥ 0`);
    return value as Brand<number, Name>;
  };

export const epoch = countOf("Epoch");
export const byteCount = countOf("ByteCount");
export const sectorId = countOf("SectorId");
export const channelId = countOf("ChannelId");
export const gasUnits = countOf("GasUnits");
export const nonce = countOf("Nonce");

export function attoFil(value: bigint | number): AttoFil {
  return BigInt(value) as AttoFil;
}
export function filToAtto(wholeFil: bigint | number): AttoFil {
  return (BigInt(wholeFil) * attoPerFil) as AttoFil;
}
export const zeroAtto: AttoFil = 0n as AttoFil;

export function addAtto(...amounts: readonly AttoFil[]): AttoFil {
  return amounts.reduce<bigint>((sum, amount) => sum + amount, 0n) as AttoFil;
}
export function subAtto(from: AttoFil, amount: AttoFil): AttoFil {
  return (from - amount) as AttoFil;
}
export function mulAtto(amount: AttoFil, factor: bigint | number): AttoFil {
  return (amount * BigInt(factor)) as AttoFil;
}
/** amount · numerator / denominator, rounded up. */
export function ceilDivAtto(amount: AttoFil, numerator: bigint, denominator: bigint): AttoFil {
  assert(denominator > 0n, "the denominator is positive");
  return ((amount * numerator + denominator - 1n) / denominator) as AttoFil;
}
export function minAtto(a: AttoFil, b: AttoFil): AttoFil {
  return a < b ? a : b;
}
export function maxAtto(a: AttoFil, b: AttoFil): AttoFil {
  return a > b ? a : b;
}

export function addEpochs(at: Epoch, count: number): Epoch {
  return epoch(at + count);
}
/** Epochs from `from` to `to`; negative if `to` is earlier. */
export function epochsBetween(from: Epoch, to: Epoch): number {
  return to - from;
}
