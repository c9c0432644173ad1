/** Columns of SQLite rows as the program's types; a column of another type is a broken invariant of ours. */
import { type Address, type AttoFil, assert, attoFil, parseAddress } from "@holdfast/base";
import type { Row } from "../database.ts";
import type { ErrorText } from "./types.ts";

/** Characters of the end of an id that are indexed: as few are enough to name a deal. */
export const tailLength = 8;

export function textOf(row: Row, column: string): string {
  const value = row[column];
  assert(typeof value === "string", `the column ${column} holds text`);
  return value;
}
export function textOrNull(row: Row, column: string): string | null {
  return row[column] === null ? null : textOf(row, column);
}
export function numberOf(row: Row, column: string): number {
  const value = row[column];
  assert(typeof value === "number", `the column ${column} holds a number`);
  return value;
}
export function numberOrNull(row: Row, column: string): number | null {
  return row[column] === null ? null : numberOf(row, column);
}
export function bytesOrNull(row: Row, column: string): Uint8Array | null {
  const value = row[column];
  if (value === null) return null;
  assert(value instanceof Uint8Array, `the column ${column} holds bytes`);
  return value;
}
export function bytesOf(row: Row, column: string): Uint8Array {
  const value = bytesOrNull(row, column);
  assert(value !== null, `the column ${column} is not null`);
  return value;
}
/** Amounts are decimal texts: SQLite's integers end at 2^63. */
export function amountOf(row: Row, column: string): AttoFil {
  return attoFil(BigInt(textOf(row, column)));
}
export function addressOf(row: Row, column: string): Address {
  return parseAddress(textOf(row, column));
}
export function errorOrNull(row: Row, column: string): ErrorText | null {
  const text = textOrNull(row, column);
  return text === null ? null : (JSON.parse(text) as ErrorText);
}
