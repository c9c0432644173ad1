/** JSON files of people: bounded, strict, and wrong ones are told by line or by field. */
import { readFile, stat } from "node:fs/promises";
import type { z } from "zod";
import { limits } from "../limits.ts";
import { foundingErrors } from "./errors.ts";
import { PlainProblem } from "./parameters.ts";

/** `network/bad-file`. */
export async function readPlainFile<T>(file: string, schema: z.ZodType<T>): Promise<T> {
  const { size } = await stat(file).catch((cause: unknown) => {
    throw foundingErrors.badFile({ file, problem: `it cannot be read (${String(cause)})` }, cause);
  });
  if (size > limits.networkFileBytes) {
    throw foundingErrors.badFile({ file, problem: `it has more than ${limits.networkFileBytes} bytes` });
  }
  return parsePlain(file, await readFile(file, "utf8"), schema);
}

/** What is written can be read again. `network/bad-file`. */
export function checkFileSize(file: string, text: string): void {
  if (text.length <= limits.networkFileBytes) return;
  const problem = `it would have ${text.length} bytes, and ${limits.networkFileBytes} are allowed: prove fewer sectors`;
  throw foundingErrors.badFile({ file, problem });
}

export function parsePlain<T>(file: string, text: string, schema: z.ZodType<T>): T {
  let raw: unknown;
  try {
    raw = JSON.parse(text);
  } catch (cause) {
    throw foundingErrors.badFile({ file, problem: syntaxProblem(text, cause) }, cause);
  }
  const found = schema.safeParse(raw);
  if (found.success) return found.data;
  const problem = found.error.issues
    .map(({ path, message }) => `${path.join(".") || "the file"}: ${message}`)
    .join("; ");
  throw foundingErrors.badFile({ file, problem });
}

/** Turns what a reader found wrong into the error of its file. */
export function inFile<Result>(file: string, read: () => Result): Result {
  try {
    return read();
  } catch (error) {
    if (error instanceof PlainProblem) throw foundingErrors.badFile({ file, problem: error.message }, error);
    throw error;
  }
}

/** The engine's words; where they only quote the place, with its line before them. */
function syntaxProblem(text: string, cause: unknown): string {
  const words = cause instanceof Error ? cause.message : String(cause);
  const quoted = /"([\s\S]{4,})"(?:\.\.\.)? is not valid JSON$/.exec(words)?.[1];
  const at = quoted === undefined ? -1 : text.indexOf(quoted);
  if (at < 0) return words;
  const middle = at + Math.floor((quoted?.length ?? 0) / 2);
  return `line ${text.slice(0, middle).split("\n").length}: ${words}`;
}
