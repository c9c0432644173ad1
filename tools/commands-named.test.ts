/**
 * Every command that a fix, a help text or a document names exists, with the options that are named: an error
 * that sends its reader to a command that is not there is worse than none.
 */
import { globSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { type CommandSpec, commandTable, connectionOptions, ownOptions } from "holdfast";
import { describe, expect, it } from "vitest";

const root = fileURLToPath(new URL("..", import.meta.url));

interface Mention {
  readonly path: string;
  readonly line: number;
  readonly words: readonly string[];
}

/** `holdfast …` between backticks; a label that is hashed is no command. */
const quoted = /(?<!utf8Bytes\()\\?`holdfast ([^`\\$|]*)/g;
/** A string that is a command; elsewhere such strings are tags of hashes. */
const inStrings = /"holdfast ([^"$|]*)/g;
const hasSuchStrings = (path: string, line: string): boolean =>
  path.startsWith("packages/cli/") || /\bfix: /.test(line);
const shellLine = /(?:^|\$ |npx |&& |\| )holdfast ([^#|&>]*)/;

function mentionsIn(path: string, text: string): Mention[] {
  const found: Mention[] = [];
  let inShell = false;
  for (const [index, line] of text.split("\n").entries()) {
    if (/^```/.test(line)) inShell = /^```(sh|bash|console)\b/.test(line);
    const spans = hasSuchStrings(path, line) ? [quoted, inStrings] : [quoted];
    const texts = spans.flatMap((span) => [...line.matchAll(span)].map((match) => match[1] ?? ""));
    const command = inShell ? shellLine.exec(line)?.[1] : undefined;
    if (command !== undefined) texts.push(command);
    // "holdfast deals, holdfast ls": what follows a comma is a mention of its own.
    for (const part of texts.flatMap((it) => it.split(/, (?:holdfast )?/))) {
      const words = part.trim().split(/\s+/);
      if (/^[a-z][a-z-]*$/.test(words[0] ?? "")) found.push({ path, line: index + 1, words });
    }
  }
  return found;
}

/** What is wrong with a mention, or undefined. */
function problemOf({ words }: Pick<Mention, "words">): string | undefined {
  const [first = "", second] = words;
  if (first === "help") return undefined;
  const starting = commandTable.commands.filter(({ path }) => path[0] === first);
  if (starting.length === 0) return `no command ${first}`;
  let specs: readonly CommandSpec[] = starting;
  if (starting.every(({ path }) => path.length > 1) && second !== undefined && /^[a-z]+$/.test(second)) {
    specs = starting.filter(({ path }) => path[1] === second);
    if (specs.length === 0) return `no command ${first} ${second}`;
  }
  const known = specs.flatMap((spec) => [...ownOptions(spec), ...connectionOptions(spec)]);
  const flags = words
    .map((word) => /^--?[a-z][a-z0-9-]*/.exec(word)?.[0])
    .filter((flag) => flag !== undefined);
  const unknown = flags.find((flag) => !known.some((option) => option.flags.split(/[ ,]+/).includes(flag)));
  return unknown === undefined ? undefined : `${first} has no option ${unknown}`;
}

describe("commands that are named", () => {
  it("exist, in every source and document", () => {
    const files = globSync(["packages/*/src/**/*.{ts,tsx}", "docs/*.md", "*.md"], { cwd: root });
    const mentions = files.flatMap((path) => mentionsIn(path, readFileSync(`${root}/${path}`, "utf8")));
    expect(mentions.length).toBeGreaterThan(50);
    const problems = mentions.flatMap((mention) => {
      const problem = problemOf(mention);
      return problem === undefined ? [] : [`${mention.path}:${mention.line} ${problem}`];
    });
    expect(problems).toEqual([]);
  });

  it("are found where they are wrong", () => {
    const planted = [
      "fix: `holdfast piec ls`",
      "fix: \\`holdfast put FILE --list\\`",
      'fix: "holdfast walet ls"',
      "see `holdfast deals`, or `holdfast deal list`",
      "```sh",
      "$ holdfast get CID --output-file x",
      "```",
    ].join("\n");
    expect(
      mentionsIn("x", planted)
        .map(problemOf)
        .filter((problem) => problem !== undefined),
    ).toEqual([
      "no command piec",
      "put has no option --list",
      "no command walet",
      "no command deal list",
      "get has no option --output-file",
    ]);
    const right = "`holdfast mine status --node miner-1`, `holdfast get CID -o FILE`, `holdfast wallet`";
    expect(mentionsIn("x", right).map(problemOf)).toEqual([undefined, undefined, undefined]);
  });
});
