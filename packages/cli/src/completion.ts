/**
 * Completion scripts for shells, made from the command table: words first, a command's options after a dash,
 * files everywhere else. They call nothing, so that the Tab key never waits.
 */
import type { CommandSpec } from "./command.ts";
import { type CommandTable, connectionOptions, ownOptions } from "./help.ts";

export const shells = ["bash", "zsh", "fish"] as const;
export type Shell = (typeof shells)[number];

export function completionScript(table: CommandTable, shell: Shell): string {
  if (shell === "fish") return fishScript(table);
  if (shell === "bash") return bashScript(table);
  return `#compdef holdfast\nautoload -U +X bashcompinit && bashcompinit\n${bashScript(table)}`;
}

const firstWords = ({ commands }: CommandTable): string[] => [
  ...new Set(commands.map(({ path }) => path[0] ?? "")),
];

/** `-o, --output <file>` as its words. */
function optionWords(spec: CommandSpec): string[] {
  return [...ownOptions(spec), ...connectionOptions(spec)].flatMap(({ flags }) =>
    flags.split(/[ ,]+/).filter((word) => word.startsWith("-")),
  );
}

/** Words that stand at `depth` in the commands, each once. */
const wordsAt = (commands: readonly CommandSpec[], depth: number): string[] => [
  ...new Set(commands.flatMap(({ path }) => path[depth] ?? [])),
];

/** The branches of a `case` over the words at `depth`. */
function bashCases(commands: readonly CommandSpec[], depth: number): string[] {
  const indent = " ".repeat(4 + 4 * depth);
  return wordsAt(commands, depth).flatMap((word) => {
    const below = commands.filter(({ path }) => path[depth] === word);
    const [single] = below;
    if (single?.path.length === depth + 1) {
      return [`${indent}${word}) options="${optionWords(single).join(" ")}" ;;`];
    }
    const next = wordsAt(below, depth + 1).join(" ");
    return [
      `${indent}${word})`,
      `${indent}  if [ "$COMP_CWORD" -eq ${depth + 2} ]; then words="${next}"; fi`,
      `${indent}  case "\${COMP_WORDS[${depth + 2}]}" in`,
      ...bashCases(below, depth + 1),
      `${indent}  esac ;;`,
    ];
  });
}

function bashScript(table: CommandTable): string {
  return `${[
    "_holdfast() {",
    `  local current="\${COMP_WORDS[COMP_CWORD]}" words="" options=""`,
    `  case "\${COMP_WORDS[1]}" in`,
    ...bashCases(table.commands, 0),
    "  esac",
    `  if [ "$COMP_CWORD" -eq 1 ]; then words="${firstWords(table).join(" ")} help --help --version"; fi`,
    '  case "$current" in -*) words="$words $options" ;; esac',
    '  COMPREPLY=($(compgen -W "$words" -- "$current"))',
    "}",
    "complete -o default -F _holdfast holdfast",
  ].join("\n")}\n`;
}

function fishScript(table: CommandTable): string {
  const quoted = (text: string): string => `'${text.replace(/[\\']/g, "\\$&")}'`;
  const seen = (word: string): string => `__fish_seen_subcommand_from ${word}`;
  const lines = firstWords(table).map((word) => {
    const command = table.commands.find(({ path }) => path.length === 1 && path[0] === word);
    const summary = command?.summary ?? table.nouns.find(({ noun }) => noun === word)?.summary ?? word;
    return `complete -c holdfast -n __fish_use_subcommand -f -a ${word} -d ${quoted(summary)}`;
  });
  for (const spec of table.commands) {
    spec.path.slice(1).forEach((word, above) => {
      const before = spec.path.slice(0, above + 1);
      const siblings = table.commands.filter(({ path }) =>
        before.every((part, index) => path[index] === part),
      );
      const isFirst = siblings.find(({ path }) => path[above + 1] === word) === spec;
      if (!isFirst) return;
      const others = wordsAt(siblings, above + 1).join(" ");
      const when = quoted(`${before.map(seen).join("; and ")}; and not ${seen(others)}`);
      const noun = spec.path.slice(0, above + 2).join(" ");
      const isNoun = spec.path.length > above + 2;
      const summary = isNoun ? table.nouns.find((entry) => entry.noun === noun)?.summary : spec.summary;
      lines.push(`complete -c holdfast -n ${when} -f -a ${word} -d ${quoted(summary ?? noun)}`);
    });
    const when = quoted(spec.path.map(seen).join("; and "));
    for (const { flags, summary } of [...ownOptions(spec), ...connectionOptions(spec)]) {
      const [, short] = /(?:^|\s)-(\w)\b/.exec(flags) ?? [];
      const [, long = ""] = /--([\w-]+)/.exec(flags) ?? [];
      const value = flags.includes("<") ? " -r" : "";
      const names = `${short === undefined ? "" : ` -s ${short}`} -l ${long}${value}`;
      lines.push(`complete -c holdfast -n ${when}${names} -d ${quoted(summary)}`);
    }
  }
  return `${lines.join("\n")}\n`;
}
