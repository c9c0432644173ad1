/**
 * A command as data: the words (path, arguments, options, examples) and, loaded only when it runs, the
 * action: result schema, `run`, which asks the node, and `render`, which makes lines for people. The
 * program, `--help`, `--json`, the reference in docs and the golden tests are all made from the table in
 * `commands/index.ts`.
 */
import type { ApiClient } from "@holdfast/api";
import type { z } from "zod";
import type { Terminal } from "./terminal.ts";

export interface ArgumentSpec {
  readonly name: string;
  readonly summary: string;
  readonly optional?: boolean;
  /** The last one may stand for many words. */
  readonly many?: boolean;
}

export interface OptionSpec {
  /** Commander's notation: `-o, --output <file>`, `--copies <count>`, `--offline`, `--no-wait`. */
  readonly flags: string;
  readonly summary: string;
  readonly initial?: string;
  readonly required?: boolean;
  /** May be given several times; the input holds the list. */
  readonly repeated?: boolean;
}

export interface CommandInput {
  readonly args: readonly (string | undefined)[];
  readonly options: { readonly [name: string]: string | boolean | readonly string[] | undefined };
}

export type Environment = { readonly [name: string]: string | undefined };

export interface CommandContext {
  /** The node that the user means; found at the first use, so that wrong input needs none. */
  node(): Promise<ApiClient>;
  readonly terminal: Terminal;
  readonly json: boolean;
  readonly signal: AbortSignal;
  readonly env: Environment;
  /** Of this program. */
  readonly version: string;
  readonly stdin: AsyncIterable<Uint8Array>;
}

/** How a command finds its node: as a client of one, as the owner of a repo, or not at all. */
export type Connection = "node" | "repo" | "none";

export interface CommandSpec {
  /** `["wallet", "ls"]`, `["piece", "inclusion", "prove"]`; porcelain has one word. */
  readonly path: readonly string[];
  readonly summary: string;
  /** What a newcomer wants to know beyond the summary. */
  readonly about?: string;
  readonly examples: readonly string[];
  readonly args?: readonly ArgumentSpec[];
  readonly options?: readonly OptionSpec[];
  /** Default: "node". */
  readonly connection?: Connection;
  /** What its noun does when it is given no command. */
  readonly isDefault?: boolean;
  /** With `--json` it prints one object a line, as they come. */
  readonly stream?: boolean;
  readonly action: () => Promise<CommandAction>;
}

export interface CommandAction<Result = unknown> {
  /** Schema of what `--json` prints; of each line of a stream. */
  readonly result: z.ZodType<Result>;
  run(context: CommandContext, input: CommandInput): Promise<Result> | AsyncIterable<Result>;
  /** Lines for people; "" prints nothing. Strings in the result are printable already. */
  render(result: Result, context: CommandContext): string | Promise<string>;
}

/** Keeps the result's type between `run`, `render` and the schema, then forgets it for the table. */
export function action<Result>(spec: CommandAction<Result>): CommandAction {
  return spec as unknown as CommandAction;
}
