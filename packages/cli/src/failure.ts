/**
 * Failures as people and programs read them: what happened, the fix, the code, and the exit code of its
 * class. Loaded only when something fails.
 */
import { exitCodes, HoldfastError } from "@holdfast/base";
import { CommanderError } from "commander";
import { cliErrors } from "./errors.ts";
import type { CommandTable } from "./help.ts";
import { jsonText, printable } from "./layout.ts";
import type { ProgramHost } from "./program.ts";
import { pipeClosed } from "./terminal.ts";

export interface Failing {
  readonly table: CommandTable;
  readonly words: readonly string[];
  readonly host: ProgramHost;
}

/** Prints the error and gives its exit code; silent if whoever read the output has gone. */
export function reportFailure(error: unknown, failing: Failing): number {
  const { terminal, signal } = failing.host;
  const failure = typed(error, failing);
  terminal.settle();
  if (signal.aborted && signal.reason === pipeClosed) return exitCodes[failure.exit];
  const { code, message, fix } = failure;
  const end = failing.words.indexOf("--");
  if (failing.words.slice(0, end < 0 ? undefined : end).includes("--json")) {
    terminal.err(jsonText({ error: { code, message, fix } }, 0));
  } else {
    if (signal.aborted && terminal.isLive) terminal.err(""); // ends the line on which a terminal echoes ^C
    terminal.err(`${terminal.paintNote("red", "error")}  ${printable(message)}`);
    terminal.err(`${terminal.paintNote("dim", "fix")}    ${printable(fix)}`);
    terminal.err(`${terminal.paintNote("dim", "code")}   ${printable(code)}`);
    if (failure.exit === "internal" && error instanceof Error) terminal.err(error.stack ?? "");
  }
  return exitCodes[failure.exit];
}

/** What a node's half-sent answer looks like when it was this side that let go. */
const afterAbort = new Set(["api/stream-cut", "api/unreachable"]);

function typed(error: unknown, { table, words, host }: Failing): HoldfastError {
  if (host.signal.aborted) {
    const own = error instanceof HoldfastError && !afterAbort.has(error.code);
    return own ? error : cliErrors.interrupted({}, error);
  }
  if (error instanceof HoldfastError) return error;
  if (error instanceof CommanderError) return usage(error, table, words);
  const detail = error instanceof Error ? error.message : String(error);
  return isSystemFailure(error) ? cliErrors.system({ detail }, error) : cliErrors.internal({ detail }, error);
}

/** A call of the operating system that failed, such as making a folder where a file is. */
function isSystemFailure(error: unknown): boolean {
  return error instanceof Error && "syscall" in error && typeof error.syscall === "string";
}

/** Commander puts its guess on a line of its own: "(Did you mean put?)". */
function usage(error: CommanderError, table: CommandTable, words: readonly string[]): HoldfastError {
  const [problem = "", guess] = error.message.replace(/^error: /, "").split("\n");
  const meant = /\(Did you mean (.*)\?\)/.exec(guess ?? "")?.[1];
  const see = `see \`${[...knownWords(table, words), "--help"].join(" ")}\``;
  const help = meant === undefined ? see : `did you mean ${meant}? Otherwise ${see}`;
  return cliErrors.usage({ problem, help }, error);
}

/** The words of the line as far as they name a command. */
function knownWords(table: CommandTable, words: readonly string[]): string[] {
  const known: string[] = [];
  for (const word of words) {
    const next = [...known, word];
    if (!table.commands.some(({ path }) => next.every((part, index) => path[index] === part))) break;
    known.push(word);
  }
  return ["holdfast", ...known];
}
