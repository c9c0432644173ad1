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

function bashScript(table: CommandTable): string {
  const cases = firstWords(table).flatMap((word) => {
    const below = table.commands.filter(({ path }) => path[0] === word);
    const [single] = below;
    if (single?.path.length === 1) return [`    ${word}) options="${optionWords(single).join(" ")}" ;;`];
    return [
      `    ${word})`,
      `      if [ "$COMP_CWORD" -eq 2 ]; then words="${below.map(({ path }) => path[1]).join(" ")}"; fi`,
      '      case "$second" in',
      ...below.map((spec) => `        ${spec.path[1]}) options="${optionWords(spec).join(" ")}" ;;`),
      "      esac ;;",
    ];
  });
  return `${[
    "_holdfast() {",
    `  local current="\${COMP_WORDS[COMP_CWORD]}" second="\${COMP_WORDS[2]}" words="" options=""`,
    `  case "\${COMP_WORDS[1]}" in`,
    ...cases,
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
    const [first = "", second] = spec.path;
    if (second !== undefined) {
      const others = table.commands.filter(({ path }) => path[0] === first).map(({ path }) => path[1]);
      const when = quoted(`${seen(first)}; and not ${seen(others.join(" "))}`);
      lines.push(`complete -c holdfast -n ${when} -f -a ${second} -d ${quoted(spec.summary)}`);
    }
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
