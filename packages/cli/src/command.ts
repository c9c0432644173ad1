/**
 * A command as data: its words, arguments, options, result schema, and two functions: `run` asks the
 * node and gives the result, `render` makes lines for people from it. The program, `--help`, `--json`
 * and the golden tests are all derived from the table in `commands/index.ts`.
 */
import type { ApiClient } from "@holdfast/api";
import type { z } from "zod";
import type { Terminal } from "./terminal.ts";

export interface ArgumentSpec {
  readonly name: string;
  readonly summary: string;
  readonly optional?: boolean;
  readonly variadic?: boolean;
}

export interface OptionSpec {
  /** Commander's notation: `-o, --output <file>`, `--copies <count>`, `--offline`. */
  readonly flags: string;
  readonly summary: string;
  readonly initial?: string;
}

export interface CommandInput {
  readonly args: readonly (string | undefined)[];
  readonly options: { readonly [name: string]: string | boolean | readonly string[] | undefined };
}

export interface CommandContext {
  /** The node that the user means; found at the first use, so that local commands need none. */
  node(): Promise<ApiClient>;
  readonly terminal: Terminal;
  readonly json: boolean;
  readonly signal: AbortSignal;
  readonly env: { readonly [name: string]: string | undefined };
}

export interface CommandSpec<Result = unknown> {
  /** `["wallet", "ls"]`; porcelain has one word. */
  readonly path: readonly string[];
  readonly summary: string;
  /** What a newcomer wants to know beyond the summary. */
  readonly about?: string;
  readonly examples: readonly string[];
  readonly args?: readonly ArgumentSpec[];
  readonly options?: readonly OptionSpec[];
  /** Schema of `--json`; of each line when `stream`. */
  readonly result: z.ZodType<Result>;
  readonly stream?: boolean;
  run(context: CommandContext, input: CommandInput): Promise<Result> | AsyncIterable<Result>;
  /** Lines for people. A stream's command draws by itself and may give "" here. */
  render(result: Result, context: CommandContext): string;
}

/** Keeps the result's type between `run`, `render` and the schema, then forgets it for the table. */
export function command<Result>(spec: CommandSpec<Result>): CommandSpec {
  return spec as unknown as CommandSpec;
}
