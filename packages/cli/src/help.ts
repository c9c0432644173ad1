/**
 * Help texts, made from the command table: of the program, of a noun, of a command. A command's own options
 * come first; where to find the node, which is the same everywhere, comes last.
 */
import type { ArgumentSpec, CommandSpec, OptionSpec } from "./command.ts";
import { wrapped } from "./layout.ts";

export interface NounSpec {
  /** `wallet`, or `piece inclusion` below `piece`. */
  readonly noun: string;
  readonly summary: string;
}

/** What belongs together on the first page; a word is a command or a noun. */
export interface CommandGroup {
  readonly title: string;
  readonly words: readonly string[];
}

export interface CommandTable {
  readonly commands: readonly CommandSpec[];
  readonly nouns: readonly NounSpec[];
  readonly groups: readonly CommandGroup[];
}

/** On every command. */
export const outputOptions: readonly OptionSpec[] = [
  { flags: "--json", summary: "print the result as JSON, and errors as JSON on standard error" },
  { flags: "-h, --help", summary: "print this help" },
];
const streamJson: OptionSpec = {
  flags: "--json",
  summary: "print one JSON object a line, as they come, and errors as JSON on standard error",
};

const repoOption: OptionSpec = {
  flags: "--repo <dir>",
  summary: "the node's folder (HOLDFAST_REPO; default: ~/.holdfast)",
};
/** How a client names its node. */
export const nodeOptions: readonly OptionSpec[] = [
  {
    flags: "--node <name>",
    summary: "a node of the network that `holdfast up` runs, such as miner-1 (default: client)",
  },
  { flags: "--repo <dir>", summary: "the node that runs on this folder (HOLDFAST_REPO)" },
  { flags: "--api <url>", summary: "the node's API, such as http://127.0.0.1:3453 (HOLDFAST_API)" },
  { flags: "--token <token>", summary: "the token of that API (HOLDFAST_TOKEN)" },
];

/** The options of a command besides its own, in the order of the help text. */
export function connectionOptions(spec: CommandSpec): readonly OptionSpec[] {
  if (spec.connection === "none") return [];
  return spec.connection === "repo" ? [repoOption] : nodeOptions;
}

const exitCodeLines = [
  ["0", "ok"],
  ["1", "a bug of holdfast"],
  ["2", "wrong usage or malformed input"],
  ["3", "not found"],
  ["4", "not enough money, or too dear"],
  ["5", "a proof or a byte is wrong"],
  ["6", "no connection"],
  ["7", "not in time"],
  ["8", "refused"],
  ["75", "try again later; what was done is kept"],
] as const;

const leastMeaningColumns = 32;

/** Words and what they mean in a column of its own, or below each word where the terminal is narrow. */
function list(rows: readonly (readonly [string, string])[], columns: number): string {
  const widest = Math.max(0, ...rows.map(([word]) => word.length));
  if (columns - widest - 4 < leastMeaningColumns) {
    return rows.map(([word, meaning]) => `  ${word}\n${wrapped(meaning, columns, "      ")}`).join("\n");
  }
  const indent = " ".repeat(widest + 4);
  return rows
    .map(
      ([word, meaning]) => `  ${word.padEnd(widest)}${wrapped(meaning, columns, indent).slice(widest + 2)}`,
    )
    .join("\n");
}

function section(
  title: string,
  rows: readonly (readonly [string, string])[],
  columns: number,
): readonly string[] {
  return rows.length === 0 ? [] : ["", `${title}:`, list(rows, columns)];
}

/** `-o, --output <file>` stands as it is; long options without a short one line up with those that have. */
function optionRow({ flags, summary, initial, required }: OptionSpec): readonly [string, string] {
  const shown = flags.startsWith("--") ? `    ${flags}` : flags;
  const notes = [
    ...(initial === undefined ? [] : [`default: ${initial}`]),
    ...(required ? ["required"] : []),
  ];
  return [shown, notes.length === 0 ? summary : `${summary} (${notes.join(", ")})`];
}

/** `<file>`, `[file]`, `<pieces...>`. */
export function argumentWord({ name, optional, many }: ArgumentSpec): string {
  const word = many === true ? `${name}...` : name;
  return optional === true ? `[${word}]` : `<${word}>`;
}

export function usageOf(spec: CommandSpec): string {
  const args = (spec.args ?? []).map(argumentWord);
  const required = (spec.options ?? [])
    .filter((option) => option.required === true)
    .map(({ flags }) => flags);
  return ["holdfast", ...spec.path, ...args, ...required, "[options]"].join(" ");
}

/** A command's own options and those of its output. */
export function ownOptions(spec: CommandSpec): readonly OptionSpec[] {
  const output = outputOptions.map((option) =>
    spec.stream === true && option.flags === streamJson.flags ? streamJson : option,
  );
  return [...(spec.options ?? []), ...output];
}

export function commandHelp(spec: CommandSpec, columns: number): string {
  const title = spec.connection === "repo" ? "Which folder" : "Which node";
  return `${[
    wrapped(`${spec.summary}.`, columns),
    "",
    `Usage: ${usageOf(spec)}`,
    ...(spec.about === undefined ? [] : ["", wrapped(spec.about, columns)]),
    ...section(
      "Arguments",
      (spec.args ?? []).map(({ name, summary }) => [name, summary]),
      columns,
    ),
    ...section("Options", ownOptions(spec).map(optionRow), columns),
    ...section(title, connectionOptions(spec).map(optionRow), columns),
    "",
    spec.examples.length === 1 ? "Example:" : "Examples:",
    ...spec.examples.map((line) => `  $ ${line}`),
  ].join("\n")}\n`;
}

export function nounHelp(table: CommandTable, noun: string, columns: number): string {
  const spec = table.nouns.find((entry) => entry.noun === noun);
  const words = noun.split(" ");
  const below = table.commands.filter(
    ({ path }) => path.length > words.length && words.every((word, index) => path[index] === word),
  );
  const rows = below.map(({ path, summary }) => [path.slice(words.length).join(" "), summary] as const);
  return `${[
    wrapped(`${spec?.summary ?? noun}.`, columns),
    "",
    `Usage: holdfast ${noun} <command> [options]`,
    ...section("Commands", rows, columns),
    "",
    `More about one: holdfast ${noun} ${rows[0]?.[0] ?? "…"} --help`,
  ].join("\n")}\n`;
}

function wordRow(table: CommandTable, word: string): readonly [string, string] {
  const command = table.commands.find(({ path }) => path.length === 1 && path[0] === word);
  if (command !== undefined) return [word, command.summary];
  const noun = table.nouns.find((entry) => entry.noun === word);
  const below = table.commands
    .filter(({ path }) => path[0] === word)
    .map(({ path }) => path.slice(1).join(" "));
  return [word, `${noun?.summary ?? word}: ${below.join(", ")}`];
}

export function programHelp(table: CommandTable, version: string, columns: number): string {
  const steps = [
    ["holdfast up", "a whole network on this machine; leave it running"],
    ["holdfast put FILE", "in another terminal: store a file, proven and read back"],
    ["holdfast get CID -o FILE", "fetch it again"],
  ] as const;
  return `${[
    wrapped(
      `holdfast ${version}: a decentralised storage network. Nodes earn by proving what they hold.`,
      columns,
    ),
    "",
    "Usage: holdfast <command> [options]",
    ...section("First steps", steps, columns),
    ...table.groups.flatMap(({ title, words }) =>
      section(
        title,
        words.map((word) => wordRow(table, word)),
        columns,
      ),
    ),
    ...section(
      "Options",
      [
        ["-V, --version", "print the version"],
        ["-h, --help", "print this help; after a command, its own"],
        ["    --json", "on every command: print the result as JSON"],
      ],
      columns,
    ),
    ...section("Exit codes", exitCodeLines, columns),
  ].join("\n")}\n`;
}
