/**
 * Whether proofs that came from a peer have the form of proofs: lists of the right lengths, 32-byte canonical
 * elements, whole numbers. Everything after this check may compute without looking again.
 * The era decoded into types but never compared a value with the modulus, and stopped with a panic there.
 */
import { isFr } from "../field/index.ts";
import type { EraMerkleProof } from "./tree.ts";

export function isElement(value: unknown): boolean {
  return value instanceof Uint8Array && isFr(value);
}

/** A list of `count` entries (any number if it is left out), each of which passes. */
export function isListOf(list: unknown, passes: (one: unknown) => boolean, count?: number): boolean {
  if (!Array.isArray(list) || (count !== undefined && list.length !== count)) return false;
  for (let i = 0; i < list.length; i += 1) if (!passes(list[i])) return false;
  return true;
}

/** The named field of whatever this is. */
export function fieldOf(value: unknown, name: string): unknown {
  if (typeof value !== "object" || value === null) return undefined;
  return Reflect.get(value, name);
}

export function isWhole(value: unknown): boolean {
  return typeof value === "number" && Number.isSafeInteger(value) && value >= 0;
}

/** Paths longer than any tree's are no proofs. */
const maxLevels = 62;

/** Whether this is a Merkle proof of the era, of any height. */
export function isEraProof(value: unknown): value is EraMerkleProof {
  const path = fieldOf(value, "path");
  const isStep = (step: unknown): boolean =>
    isElement(fieldOf(step, "sibling")) && typeof fieldOf(step, "isRight") === "boolean";
  if (!isListOf(path, isStep) || (path as readonly unknown[]).length > maxLevels) return false;
  return isElement(fieldOf(value, "root")) && isElement(fieldOf(value, "leaf"));
}
