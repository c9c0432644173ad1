/**
 * Makes the command tree from the table and runs one command: parse, run, print the result as JSON,
 * ndjson or text, and turn every failure into `{"error": {code, message, fix}}` and an exit code.
 */
import { exitCodes, HoldfastError } from "@holdfast/base";
import { Command, CommanderError, Option } from "commander";
import type { CommandContext, CommandInput, CommandSpec } from "./command.ts";
import { cliErrors } from "./errors.ts";
import { findNode, type SessionOptions } from "./session.ts";
import type { Terminal } from "./terminal.ts";

export interface ProgramHost {
  readonly terminal: Terminal;
  readonly env: { readonly [name: string]: string | undefined };
  readonly signal: AbortSignal;
  readonly version: string;
}

const nouns: { readonly [noun: string]: string } = {
  address: "Look into addresses",
  ask: "What miners charge",
  actor: "The actors of the chain",
  chain: "The chain",
  deal: "Deals: one copy of a file at one miner",
  message: "Messages to actors",
  mine: "This node's miner",
  net: "The network of peers",
  sector: "Sectors: sealed, proven space",
  wallet: "Keys and money",
};

const exitTable = [
  "Exit codes: 0 ok · 2 usage · 3 not found · 4 funds · 5 proof invalid · 6 network ·",
  "            7 timeout · 8 refused · 75 retry later · 1 a bug of ours",
].join("\n");

/** Runs one command line; resolves with the exit code and never throws for an operating error. */
export async function runProgram(
  commands: readonly CommandSpec[],
  argv: readonly string[],
  host: ProgramHost,
): Promise<number> {
  const wantsJson = argv.includes("--json");
  try {
    await buildTree(commands, host).parseAsync([...argv], { from: "user" });
    return 0;
  } catch (error) {
    return reportFailure(error, wantsJson, host);
  }
}

function buildTree(commands: readonly CommandSpec[], host: ProgramHost): Command {
  const root = prepared(new Command("holdfast"), host)
    .description("A decentralised storage network: nodes earn by proving what they hold.")
    .version(host.version, "-V, --version", "print the version")
    .addHelpText("after", `\n${exitTable}\n\nFirst steps: \`holdfast up\` in one terminal, \`holdfast put FILE\` in another.`);
  const groups = new Map<string, Command>();
  for (const spec of commands) {
    const [first, second] = spec.path;
    if (first === undefined) continue;
    if (second === undefined) {
      addCommand(root, first, spec, host);
      continue;
    }
    const group = groups.get(first) ?? prepared(root.command(first), host).description(nouns[first] ?? first);
    groups.set(first, group);
    addCommand(group, second, spec, host);
  }
  return root;
}

function addCommand(parent: Command, word: string, spec: CommandSpec, host: ProgramHost): void {
  const made = prepared(parent.command(word), host).summary(spec.summary);
  made.description(spec.about === undefined ? spec.summary : `${spec.summary}.\n\n${spec.about}`);
  for (const argument of spec.args ?? []) {
    const dots = argument.variadic === true ? "..." : "";
    const name = argument.optional === true ? `[${argument.name}${dots}]` : `<${argument.name}${dots}>`;
    made.argument(name, argument.summary);
  }
  for (const option of spec.options ?? []) {
    made.addOption(
      option.initial === undefined
        ? new Option(option.flags, option.summary)
        : new Option(option.flags, option.summary).default(option.initial),
    );
  }
  made
    .option("--json", "print JSON (one object, or one a line for streams); errors are JSON on stderr")
    .option("--api <url>", "API of the node, such as http://127.0.0.1:3453 (HOLDFAST_API)")
    .option("--token <token>", "token of that API (HOLDFAST_TOKEN)")
    .option("--repo <dir>", "repo of the node (HOLDFAST_REPO)")
    .option("--node <name>", "a node of the network that `holdfast up` runs (default: client)")
    .addHelpText("after", `\nExamples:\n${spec.examples.map((line) => `  $ ${line}`).join("\n")}`);
  made.action(async () => {
    const given = made.opts<Record<string, string | boolean | undefined>>();
    const args = made.processedArgs.flat() as (string | undefined)[];
    await runCommand(spec, { args, options: given }, contextOf(given, host));
  });
}

function prepared(command: Command, host: ProgramHost): Command {
  return command
    .exitOverride()
    .showSuggestionAfterError(true)
    .configureHelp({ helpWidth: Math.min(host.terminal.columns, 100) })
    .configureOutput({
      writeOut: (text) => host.terminal.out(text),
      writeErr: () => undefined,
      outputError: () => undefined,
    });
}

function contextOf(
  given: { readonly [name: string]: string | boolean | undefined },
  host: ProgramHost,
): CommandContext {
  const text = (name: string): string | undefined => {
    const value = given[name];
    return typeof value === "string" ? value : undefined;
  };
  const names = ["api", "token", "repo", "node"] as const;
  const entries = names.map((name) => [name, text(name)] as const).filter(([, value]) => value !== undefined);
  const session = Object.fromEntries(entries) as SessionOptions;
  let node: ReturnType<typeof findNode> | undefined;
  return {
    node: () => {
      node ??= findNode(session, host.env);
      return node;
    },
    terminal: host.terminal,
    json: given.json === true,
    signal: host.signal,
    env: host.env,
  };
}

async function runCommand(spec: CommandSpec, input: CommandInput, context: CommandContext): Promise<void> {
  const outcome = spec.run(context, input);
  if (!(Symbol.asyncIterator in outcome)) {
    const result = await outcome;
    printResult(spec, result, context, true);
    return;
  }
  for await (const result of outcome) printResult(spec, result, context, false);
}

function printResult(spec: CommandSpec, result: unknown, context: CommandContext, pretty: boolean): void {
  if (context.json) {
    context.terminal.out(JSON.stringify(result, null, pretty ? 2 : 0));
    return;
  }
  const text = spec.render(result, context);
  if (text !== "") context.terminal.out(text);
}

function reportFailure(error: unknown, wantsJson: boolean, host: ProgramHost): number {
  if (error instanceof CommanderError && error.exitCode === 0) return 0;
  if (error instanceof CommanderError && error.code === "commander.help") return exitCodes.usage;
  const failure = asHoldfastError(error, host);
  if (failure === undefined) throw error;
  host.terminal.settle();
  if (wantsJson) {
    const { code, message, fix } = failure.toJSON();
    host.terminal.err(JSON.stringify({ error: { code, message, fix, data: failure.data } }));
  } else {
    host.terminal.err(`${host.terminal.paint("red", "error")} ${failure.message}`);
    host.terminal.err(`${host.terminal.paint("dim", "fix")}   ${failure.fix}`);
    host.terminal.err(`${host.terminal.paint("dim", "code")}  ${failure.code}`);
  }
  return exitCodes[failure.exit];
}

function asHoldfastError(error: unknown, host: ProgramHost): HoldfastError | undefined {
  if (error instanceof HoldfastError) return error;
  if (error instanceof CommanderError) {
    return cliErrors.usage({ problem: error.message.replace(/^error: /, "") }, error);
  }
  if (host.signal.aborted) return cliErrors.interrupted({}, error);
  return undefined;
}
