/**
 * Signed documents of Intel's service, field by field: bounded, exact forms, nothing twice. Fields that nobody here
 * reads may be there; Intel adds some from time to time. Errors `attest/malformed`.
 */
import { fromHex } from "@holdfast/base";
import { isObject, parseJson } from "../../parameters/json.ts";
import { malformed, refused } from "../errors.ts";
import { attestLimits } from "../limits.ts";

type Fields = Readonly<Record<string, unknown>>;

export function readDocument(text: Uint8Array): Fields {
  const value = parseJson(text, attestLimits.collateralFileBytes, ({ reason }) => malformed(reason));
  return objectOf(value);
}

export function objectOf(value: unknown): Fields {
  if (!isObject(value)) throw malformed("a field is no object");
  return value;
}

export function listOf(value: unknown, most: number): readonly unknown[] {
  if (!Array.isArray(value) || value.length > most) throw malformed(`a field is no list of at most ${most}`);
  return value;
}

export function textOf(fields: Fields, name: string): string {
  const value = Object.hasOwn(fields, name) ? fields[name] : undefined;
  if (typeof value !== "string") throw malformed(`the field ${name} is no text`);
  return value;
}

/** A whole number from 0 to `most`. */
export function numberOf(fields: Fields, name: string, most: number): number {
  const value = Object.hasOwn(fields, name) ? fields[name] : undefined;
  const fits = typeof value === "number" && Number.isInteger(value) && value >= 0 && value <= most;
  if (!fits) throw malformed(`the field ${name} is no number from 0 to ${most}`);
  return value as number;
}

/** Bytes of exactly this length, from hex. */
export function hexOf(fields: Fields, name: string, length: number): Uint8Array {
  const bytes = fromHex(textOf(fields, name));
  if (bytes.length !== length) throw malformed(`the field ${name} has not ${length} bytes`);
  return bytes;
}

const timeForm = /^\d{4}-(0[1-9]|1[0-2])-(0[1-9]|[12]\d|3[01])T([01]\d|2[0-3]):[0-5]\d:[0-5]\dZ$/;

/** Seconds since 1970. */
export function secondsOf(fields: Fields, name: string): number {
  const text = textOf(fields, name);
  const ms = timeForm.test(text) ? Date.parse(text) : Number.NaN;
  if (Number.isNaN(ms)) throw malformed(`the field ${name} is no time in UTC`);
  return ms / 1000;
}

export const levelStatuses = [
  "UpToDate",
  "SWHardeningNeeded",
  "ConfigurationNeeded",
  "ConfigurationAndSWHardeningNeeded",
  "OutOfDate",
  "OutOfDateConfigurationNeeded",
  "Revoked",
] as const;
export type LevelStatus = (typeof levelStatuses)[number];

export interface Level {
  readonly status: LevelStatus;
  readonly dateSeconds: number;
  readonly advisories: readonly string[];
}

const advisoryForm = /^[A-Z0-9-]{1,40}$/;

/** What every level has: error `attest/refused` with `tcb-status-unknown` for a status that is none. */
export function levelOf(fields: Fields): Level {
  const text = textOf(fields, "tcbStatus");
  const status = levelStatuses.find((known) => known === text);
  if (status === undefined) throw refused("tcb-status-unknown");
  const listed = fields.advisoryIDs === undefined ? [] : listOf(fields.advisoryIDs, attestLimits.advisories);
  const advisories = listed.filter((id): id is string => typeof id === "string" && advisoryForm.test(id));
  if (advisories.length !== listed.length) throw malformed("an advisory is no name of one");
  return { status, dateSeconds: secondsOf(fields, "tcbDate"), advisories };
}
