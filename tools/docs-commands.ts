/**
 * Writes docs/COMMANDS.md from the command table, so that the reference cannot disagree with the program. A
 * test holds the file against the table; `node tools/docs-commands.ts` brings it up to date.
 */
import { writeFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { exitCodes } from "@holdfast/base";
import {
  type CommandSpec,
  type CommandTable,
  commandTable,
  connectionOptions,
  type OptionSpec,
  ownOptions,
  usageOf,
} from "holdfast";

export const commandsFile = fileURLToPath(new URL("../docs/COMMANDS.md", import.meta.url));

const exitMeanings: { readonly [Class in keyof typeof exitCodes]: string } = {
  internal: "a bug of Holdfast: the error is printed with its stack, please report it",
  usage: "wrong usage or malformed input; nothing was asked of any node",
  "not-found": "what was named does not exist",
  funds: "not enough money, or dearer than allowed",
  "proof-invalid": "a proof does not verify, bytes differ, or sums do not add up",
  network: "a node or a peer cannot be reached, or is not understood",
  timeout: "not done in time",
  refused: "somebody said no: a miner, the chain, the file system",
  "retry-later": "interrupted, cut off, or busy; what was done is kept, run the same command again",
};

/** The whole document. */
export function commandsDocument(table: CommandTable): string {
  return [
    "# Commands",
    "",
    "Every command of `holdfast`, as its `--help` says it. Generated from the program by",
    "`node tools/docs-commands.ts`.",
    "",
    ...conventions,
    ...contents(table),
    ...table.commands.flatMap(commandSection),
  ].join("\n");
}

const conventions = [
  "## What all commands share",
  "",
  "- **Units** are typed as people say them: `10GiB`, `5MB`, `30d`, `1h30m`, `0.5FIL`, `3attoFIL`.",
  "- **Output** is the result alone, on standard output. Errors go to standard error as three lines: what",
  "  happened, the fix, a stable code. Progress is drawn on a terminal and nowhere else.",
  "- **`--json`** prints the result as JSON, always of the same schema (they lie in `packages/cli/test/golden`).",
  '  Streams print one object a line. Errors are `{"error": {"code", "message", "fix"}}` on standard error.',
  "- **Addresses** are accepted in both spellings, `fc…`/`tf…` and `f1…`/`t1…`.",
  "- **Ids** that a table shortens (`bafy2b…kld6n3fa`) can be given to `deal show` and `why` as they are.",
  "- **Colour** follows `NO_COLOR` and `TERM`.",
  "- **Ctrl-C** ends `up`, `daemon` and `chain watch` with 0, and everything else with 75, from the moment that its file is read.",
  "",
  "Which node a command talks to: `--api` with `--token`; `--repo`; `--node`; else `HOLDFAST_API` with",
  "`HOLDFAST_TOKEN`; `HOLDFAST_REPO`; the client of the network that `holdfast up` runs; the node of",
  "`~/.holdfast`.",
  "",
  "### Exit codes",
  "",
  "| code | meaning |",
  "|---|---|",
  "| 0 | ok |",
  ...Object.entries(exitCodes).map(
    ([name, code]) => `| ${code} | ${exitMeanings[name as keyof typeof exitCodes]} |`,
  ),
  "",
];

const lowerFirst = (text: string): string => text.charAt(0).toLowerCase() + text.slice(1);
const nameOf = ({ path }: CommandSpec): string => path.join(" ");
const linkTo = (spec: CommandSpec): string => `[${nameOf(spec)}](#holdfast-${spec.path.join("-")})`;

function contents(table: CommandTable): string[] {
  const rows = table.groups.flatMap(({ title, words }) => {
    const specs = words.flatMap((word) => table.commands.filter(({ path }) => path[0] === word));
    return ["", `### ${title}`, "", ...specs.map((spec) => `- ${linkTo(spec)}: ${lowerFirst(spec.summary)}`)];
  });
  return ["## Overview", ...rows, ""];
}

function commandSection(spec: CommandSpec): string[] {
  return [
    `## holdfast ${nameOf(spec)}`,
    "",
    `${spec.summary}.`,
    "",
    "```sh",
    usageOf(spec),
    "```",
    "",
    ...(spec.about === undefined ? [] : [spec.about.replaceAll("\n", "\n\n"), ""]),
    ...rows(
      "argument",
      (spec.args ?? []).map(({ name, summary }) => [name, summary]),
    ),
    ...rows("option", ownOptions(spec).map(optionRow)),
    connectionLine(spec),
    "",
    "```sh",
    ...spec.examples,
    "```",
    "",
  ];
}

function rows(title: string, list: readonly (readonly [string, string])[]): string[] {
  if (list.length === 0) return [];
  const cell = (text: string): string => text.replaceAll("|", "\\|");
  return [
    `| ${title} | |`,
    "|---|---|",
    ...list.map(([name, meaning]) => `| \`${cell(name)}\` | ${cell(meaning)} |`),
    "",
  ];
}

function optionRow({ flags, summary, initial, required }: OptionSpec): readonly [string, string] {
  const notes = [
    ...(initial === undefined ? [] : [`default: \`${initial}\``]),
    ...(required === true ? ["required"] : []),
  ];
  return [flags, notes.length === 0 ? summary : `${summary} (${notes.join(", ")})`];
}

function connectionLine(spec: CommandSpec): string {
  const flags = connectionOptions(spec).map((option) => `\`${option.flags}\``);
  if (flags.length === 0) return "Needs no running node.";
  return spec.connection === "repo"
    ? `Which folder: ${flags.join(", ")}.`
    : `Which node: ${flags.join(", ")}.`;
}

if (import.meta.main) {
  await writeFile(commandsFile, commandsDocument(commandTable));
  console.log(`wrote ${commandsFile}`);
}
