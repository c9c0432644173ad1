/**
 * Runs one command line: find the command in the table, parse, run, print the result as JSON, ndjson or
 * text. Every failure ends as a typed error and an exit code. Nothing is loaded here that `--help` does not
 * need: the API and the error families come with the command that uses them.
 */
import type { ApiClient } from "@holdfast/api";
import { Command, CommanderError, Option } from "commander";
import type { CommandAction, CommandContext, CommandInput, CommandSpec, OptionSpec } from "./command.ts";
import {
  argumentWord,
  type CommandTable,
  commandHelp,
  connectionOptions,
  nounHelp,
  ownOptions,
  programHelp,
} from "./help.ts";
import { jsonText, printableResult } from "./layout.ts";
import type { SessionOptions } from "./session.ts";
import type { Terminal } from "./terminal.ts";

export interface ProgramHost {
  readonly terminal: Terminal;
  readonly env: CommandContext["env"];
  readonly signal: AbortSignal;
  readonly version: string;
  readonly stdin: AsyncIterable<Uint8Array>;
}

const maxHelpColumns = 100;

/** Runs one command line; resolves with the exit code and never throws. */
export async function runProgram(
  table: CommandTable,
  argv: readonly string[],
  host: ProgramHost,
): Promise<number> {
  const words = withoutHelpOfNothing(table, arranged(argv));
  try {
    await buildTree(table, host).parseAsync(words, { from: "user" });
    return 0;
  } catch (error) {
    if (error instanceof CommanderError && (error.exitCode === 0 || error.code === "commander.help"))
      return 0;
    const { reportFailure } = await import("./failure.ts");
    return reportFailure(error, { table, words, host });
  }
}

/** `--json` and its like may stand before the command, and `help put` is `put --help`. */
function arranged(argv: readonly string[]): string[] {
  const rest = [...argv];
  const early: string[] = [];
  while (rest[0] !== undefined && /^--(json|api|token|repo|node)(=|$)/.test(rest[0])) {
    const takesNext = rest[0] !== "--json" && !rest[0].includes("=");
    early.push(...rest.splice(0, takesNext ? 2 : 1));
  }
  if (rest.length === 0) return early.filter((word) => word !== "--json");
  if (rest[0] === "help") return [...rest.slice(1), "--help"];
  const firstOption = rest.findIndex((word) => word.startsWith("-"));
  rest.splice(firstOption < 0 ? rest.length : firstOption, 0, ...early);
  return rest;
}

/** The help of a command that does not exist is an error, not the help of what stands above it. */
function withoutHelpOfNothing({ commands }: CommandTable, words: readonly string[]): readonly string[] {
  const known: string[] = [];
  for (const word of words) {
    if (word.startsWith("-")) return words;
    const below = commands.filter(({ path }) => known.every((part, index) => path[index] === part));
    const takesWords = below.some(
      ({ path, isDefault }) => path.length === known.length + (isDefault === true ? 1 : 0),
    );
    if (takesWords) return words;
    if (!below.some(({ path }) => path[known.length] === word))
      return words.filter((each) => each !== "--help" && each !== "-h");
    known.push(word);
  }
  return words;
}

function buildTree(table: CommandTable, host: ProgramHost): Command {
  const columns = Math.min(host.terminal.columns, maxHelpColumns);
  const root = prepared(new Command("holdfast"), host, () => programHelp(table, host.version, columns));
  root.version(host.version, "-V, --version");
  const nouns = new Map<string, Command>();
  for (const spec of table.commands) {
    let parent = root;
    spec.path.slice(0, -1).forEach((word, depth) => {
      const noun = spec.path.slice(0, depth + 1).join(" ");
      const above = parent;
      parent = nouns.get(noun) ?? prepared(above.command(word), host, () => nounHelp(table, noun, columns));
      nouns.set(noun, parent);
    });
    addCommand(
      prepared(parent.command(spec.path.at(-1) ?? "", { isDefault: spec.isDefault === true }), host, () =>
        commandHelp(spec, columns),
      ),
      spec,
      host,
    );
  }
  return root;
}

function addCommand(made: Command, spec: CommandSpec, host: ProgramHost): void {
  for (const argument of spec.args ?? []) made.argument(argumentWord(argument));
  for (const option of [...ownOptions(spec), ...connectionOptions(spec)]) {
    if (!option.flags.endsWith("--help")) made.addOption(parsedOption(option));
  }
  made.action(async () => {
    const given = made.opts<CommandInput["options"]>();
    const args = (made.processedArgs as (string | string[] | undefined)[]).flat();
    await runCommand(spec, { args, options: given }, contextOf(given, host));
  });
}

function parsedOption({ flags, initial, required, repeated }: OptionSpec): Option {
  const option = new Option(flags);
  if (repeated === true) {
    option.argParser((value: string, before: readonly string[] = []) => [...before, value]);
  }
  if (initial !== undefined) option.default(initial);
  return option.makeOptionMandatory(required === true);
}

function prepared(command: Command, host: ProgramHost, help: () => string): Command {
  return command
    .exitOverride()
    .helpCommand(false)
    .showSuggestionAfterError(true)
    .configureHelp({ formatHelp: help })
    .configureOutput({
      writeOut: (text) => host.terminal.out(text),
      // Only the help of a noun that was given no command comes here.
      writeErr: (text) => host.terminal.out(text),
      outputError: () => undefined,
    });
}

function contextOf(given: CommandInput["options"], host: ProgramHost): CommandContext {
  const names = ["api", "token", "repo", "node"] as const;
  const entries = names.map((name) => [name, given[name]] as const).filter(([, text]) => text !== undefined);
  const options = Object.fromEntries(entries) as SessionOptions;
  let node: Promise<ApiClient> | undefined;
  return {
    node: () => {
      node ??= import("./session.ts").then(({ findNode }) => findNode(options, host.env));
      return node;
    },
    terminal: host.terminal,
    json: given.json === true,
    signal: host.signal,
    env: host.env,
    version: host.version,
    stdin: host.stdin,
  };
}

async function runCommand(spec: CommandSpec, input: CommandInput, context: CommandContext): Promise<void> {
  const action = await spec.action();
  const outcome = action.run(context, input);
  if (Symbol.asyncIterator in outcome) {
    for await (const result of outcome) await printResult(action, result, context, 0);
  } else await printResult(action, await outcome, context, 2);
  context.terminal.settle();
}

async function printResult(
  action: CommandAction,
  result: unknown,
  context: CommandContext,
  indent: number,
): Promise<void> {
  const text = context.json
    ? jsonText(result, indent)
    : await action.render(printableResult(result), context);
  if (text !== "") context.terminal.out(text);
}
