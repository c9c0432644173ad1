/** Reading a command's arguments and options: missing or malformed ones are usage errors in words. */
import { parseDurationMs } from "@holdfast/base";
import type { CommandInput } from "./command.ts";
import { cliErrors } from "./errors.ts";

export function argument(input: CommandInput, index: number, name: string): string {
  const value = input.args[index];
  if (value === undefined) throw cliErrors.usage({ problem: `${name} is missing` });
  return value;
}

export function optionText(input: CommandInput, name: string): string | undefined {
  const value = input.options[name];
  return typeof value === "string" ? value : undefined;
}

export function optionFlag(input: CommandInput, name: string): boolean {
  return input.options[name] === true;
}

export function wholeNumber(text: string, name: string, least: number, most: number): number {
  const value = Number(text);
  if (!/^\d+$/.test(text) || value < least || value > most) {
    throw cliErrors.usage({ problem: `${name} is a whole number from ${least} to ${most}, not ${text}` });
  }
  return value;
}

export function optionNumber(
  input: CommandInput,
  name: string,
  range: { readonly least: number; readonly most: number },
): number | undefined {
  const text = optionText(input, name);
  return text === undefined ? undefined : wholeNumber(text, `--${name}`, range.least, range.most);
}

export function optionDurationMs(input: CommandInput, name: string): number | undefined {
  const text = optionText(input, name);
  return text === undefined ? undefined : parseDurationMs(text);
}
