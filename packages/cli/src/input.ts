/**
 * Reading a command's arguments and options. What is missing or malformed is a usage error in words, found
 * before any node is asked.
 */
import { amountErrors, parseAddress, parseBytes, parseCid, parseDurationMs, parseFil } from "@holdfast/base";
import type { CommandInput } from "./command.ts";
import { cliErrors } from "./errors.ts";

/** The command tree has checked that required arguments are there; an empty one names nothing. */
export function argument(input: CommandInput, index: number, name: string): string {
  const value = input.args[index]?.trim() ?? "";
  if (value === "") throw cliErrors.badValue({ problem: `${name} is empty` });
  return value;
}

export function addressArgument(input: CommandInput, index: number, name: string): string {
  return checked(argument(input, index, name), parseAddress);
}

/** The last argument, which stands for many words. */
export function manyAddresses(input: CommandInput, first: number, name: string): readonly string[] {
  return input.args.slice(first).map((_, index) => addressArgument(input, first + index, name));
}

export function cidArgument(input: CommandInput, index: number, name: string): string {
  return checked(argument(input, index, name), parseCid);
}

/** A CID, and names below it if it is a folder: `CID/PATH`. */
export interface Place {
  readonly cid: string;
  readonly path: readonly string[];
}

export function placeArgument(input: CommandInput): Place {
  const text = argument(input, 0, "the CID").replace(/^(ipfs:\/\/|\/ipfs\/)/, "");
  const [cid = "", ...path] = text.split("/").filter((part) => part !== "");
  return { cid: checked(cid, parseCid), path };
}

/** Bytes from the first to the last, both counted; without a last to the end. */
export interface ByteSpan {
  readonly first: number;
  readonly last: number | undefined;
}

export function optionSpan(input: CommandInput, name: string): ByteSpan | undefined {
  const text = optionText(input, name);
  if (text === undefined) return undefined;
  const parts = /^(\d{1,15})-(\d{1,15})?$/.exec(text);
  const first = Number(parts?.[1]);
  const last = parts?.[2] === undefined ? undefined : Number(parts[2]);
  if (parts !== null && (last === undefined || last >= first)) return { first, last };
  throw cliErrors.badValue({ problem: `${text} is no range of bytes such as 0-1023 or 4096-` });
}

export function amountArgument(input: CommandInput, index: number, name: string): string {
  return checked(argument(input, index, name), parseFil);
}

export function optionText(input: CommandInput, name: string): string | undefined {
  const value = input.options[name];
  return typeof value === "string" ? value : undefined;
}

/** One of a few words, or undefined if the option is not there. */
export function optionChoice<Word extends string>(
  input: CommandInput,
  name: string,
  words: readonly Word[],
): Word | undefined {
  const text = optionText(input, name);
  const word = words.find((known) => known === text);
  if (text === undefined || word !== undefined) return word;
  throw cliErrors.badValue({ problem: `--${dashed(name)} is ${words.join(" or ")}, not ${text}` });
}

export function optionFlag(input: CommandInput, name: string): boolean {
  return input.options[name] === true;
}

export function optionAddress(input: CommandInput, name: string): string | undefined {
  const text = optionText(input, name);
  return text === undefined ? undefined : checked(text, parseAddress);
}

export function optionAmount(input: CommandInput, name: string): string | undefined {
  const text = optionText(input, name);
  return text === undefined ? undefined : checked(text, parseFil);
}

export function optionBytes(input: CommandInput, name: string): number | undefined {
  const text = optionText(input, name);
  return text === undefined ? undefined : parseBytes(text);
}

/** A size that cannot be meant otherwise: "10" is as likely 10 GiB as 10 bytes. */
export function sizeWithUnit(text: string, name: string): number {
  const bytes = parseBytes(text);
  if (bytes === 0 || /[a-z]/i.test(text)) return bytes;
  throw cliErrors.badValue({ problem: `${name} ${text} has no unit: say ${text}GiB, or ${text}B for bytes` });
}

/** At least one millisecond: nothing here lasts no time. */
export function optionDurationMs(input: CommandInput, name: string): number | undefined {
  const text = optionText(input, name);
  if (text === undefined) return undefined;
  const ms = parseDurationMs(text);
  if (ms < 1)
    throw amountErrors.malformed({ text, expected: 'a duration above zero, like "30d" or "1h30m"' });
  return ms;
}

export interface Range {
  readonly least: number;
  readonly most: number;
}

export function wholeNumber(text: string, name: string, { least, most }: Range): number {
  const value = Number(text);
  if (!/^\d+$/.test(text) || value < least || value > most) {
    const range = most === Number.MAX_SAFE_INTEGER ? `from ${least} up` : `from ${least} to ${most}`;
    throw cliErrors.badValue({ problem: `${name} is a whole number ${range}, not ${text}` });
  }
  return value;
}

export function optionNumber(input: CommandInput, name: string, range: Range): number | undefined {
  const text = optionText(input, name);
  return text === undefined ? undefined : wholeNumber(text, `--${dashed(name)}`, range);
}

/** Of a list that comes in pages. */
export function pageOf(input: CommandInput): { after?: string; limit?: number } {
  const [after, limit] = [
    optionText(input, "after"),
    optionNumber(input, "limit", { least: 1, most: 1_000 }),
  ];
  return { ...(after === undefined ? {} : { after }), ...(limit === undefined ? {} : { limit }) };
}

export function optionHex(input: CommandInput, name: string): string | undefined {
  const text = optionText(input, name);
  if (text === undefined) return undefined;
  const hex = text.replace(/^0x/, "").toLowerCase();
  if (/^([0-9a-f]{2})*$/.test(hex)) return hex;
  throw cliErrors.badValue({ problem: `--${dashed(name)} is bytes in hex, two digits each` });
}

/** Bytes in hex of one of these lengths, or undefined if the option is not there. */
export function optionHexOf(
  input: CommandInput,
  name: string,
  lengths: readonly number[],
): string | undefined {
  const hex = optionHex(input, name);
  if (hex === undefined || lengths.includes(hex.length / 2)) return hex;
  const wanted = lengths.join(" or ");
  throw cliErrors.badValue({ problem: `--${dashed(name)} is ${wanted} bytes in hex, not ${hex.length / 2}` });
}

/** A whole number that a program in another language writes into 64 bits. */
export function optionU64(input: CommandInput, name: string, most: number | undefined): string {
  const text = optionText(input, name) ?? "";
  const largest = most === undefined ? 2n ** 64n - 1n : BigInt(most);
  if (/^\d{1,20}$/.test(text) && BigInt(text) <= largest) return BigInt(text).toString();
  throw cliErrors.badValue({
    problem: `--${dashed(name)} is a whole number from 0 to ${largest}, not ${text}`,
  });
}

/** One of a few words. */
export function oneOf<Word extends string>(text: string, words: readonly Word[], name: string): Word {
  const found = words.find((word) => word === text);
  if (found !== undefined) return found;
  throw cliErrors.badValue({
    problem: `${name} is ${words.join(", ").replace(/, ([^,]*)$/, " or $1")}, not ${text}`,
  });
}

/** Of an option that may be given several times. */
export function optionList(input: CommandInput, name: string): readonly string[] {
  const value = input.options[name];
  return Array.isArray(value) ? value : [];
}

/** Any size, count or height. */
export const anyNumber: Range = { least: 0, most: Number.MAX_SAFE_INTEGER };

/** `gasLimit` as it is typed: `gas-limit`. */
function dashed(name: string): string {
  return name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);
}

export function checked(text: string, parse: (text: string) => unknown): string {
  parse(text);
  return text;
}
