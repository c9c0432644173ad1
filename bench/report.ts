/** Figures for people: a table on the terminal, and sections of docs/FIGURES.md. */
import { availableParallelism, cpus, loadavg, platform, release, totalmem } from "node:os";
import type { Bench, Compared, Figure } from "./figure.ts";
import { isRate, meetsTarget, ratio } from "./figure.ts";

export interface Result {
  readonly bench: string;
  readonly about: string;
  readonly figures: readonly Figure[];
}

export function resultOf({ name, about }: Bench, figures: readonly Figure[]): Result {
  return { bench: name, about, figures };
}

/** Three digits that count. */
export function numberText(value: number): string {
  if (!Number.isFinite(value)) return "–";
  const size = Math.abs(value);
  if (size >= 1e6) return `${(value / 1e6).toFixed(size >= 1e8 ? 0 : size >= 1e7 ? 1 : 2)} M`;
  if (size >= 1e4) return `${(value / 1e3).toFixed(size >= 1e5 ? 0 : 1)} k`;
  return size >= 100
    ? value.toFixed(0)
    : size >= 10
      ? value.toFixed(1)
      : value.toPrecision(size === 0 ? 1 : 3);
}

const withUnit = (value: number, unit: Figure["unit"]): string =>
  unit === "/s" ? `${numberText(value)}/s` : `${numberText(value)} ${unit}`;

function targetText(figure: Figure): string {
  if (figure.target === undefined) return "";
  const sign = isRate(figure.unit) ? "≥" : "≤";
  return `${sign} ${withUnit(figure.target, figure.unit)} ${meetsTarget(figure) === true ? "yes" : "NO"}`;
}

function peerText(figure: Figure): string {
  if (figure.peer === undefined) return "";
  const times = ratio(figure, figure.peer.value);
  return `${numberText(times)} × ${figure.peer.name} (${withUnit(figure.peer.value, figure.unit)})`;
}

function boundText(figure: Figure): string {
  const { bound } = figure;
  if (bound === undefined) return "";
  return `${numberText(100 * ratio(figure, bound.value))} % of ${boundOf(bound, figure.unit)}`;
}

const boundOf = ({ name, value }: Compared, unit: Figure["unit"]): string =>
  `${name} (${withUnit(value, unit)})`;

const columns = ["figure", "value", "target", "against a peer", "of the limit"] as const;

const cells = (figure: Figure): readonly string[] => [
  figure.name,
  withUnit(figure.value, figure.unit),
  targetText(figure),
  peerText(figure),
  boundText(figure),
];

export function textTable({ bench, about, figures }: Result): string {
  const rows = [columns, ...figures.map(cells)];
  const used = columns.map((_, column) => rows.slice(1).some((row) => row[column] !== ""));
  const widths = columns.map((_, column) => Math.max(...rows.map((row) => (row[column] ?? "").length)));
  const line = (row: readonly string[]): string =>
    row
      .map((cell, column) =>
        column === 1 ? cell.padStart(widths[column] ?? 0) : cell.padEnd(widths[column] ?? 0),
      )
      .filter((_, column) => used[column])
      .join("  ")
      .trimEnd();
  const notes = figures.flatMap(({ name, note }) => (note === undefined ? [] : [`  ${name}: ${note}`]));
  return [`${bench}: ${about}`, "", ...rows.map((row) => `  ${line(row)}`), ...notes, ""].join("\n");
}

/** What was measured on: a figure without it says nothing. */
export function machineNote(): string {
  const processors = cpus();
  const memory = Math.round(totalmem() / 2 ** 30);
  const load = loadavg()[0] ?? 0;
  return [
    `${processors[0]?.model.trim() ?? "unknown processor"}, ${availableParallelism()} threads, ${memory} GiB`,
    `${platform()} ${release()}, Node ${process.versions.node}`,
    `load ${load.toFixed(1)} at the end`,
  ].join("; ");
}

const opening = `# Figures

Written by \`npm run bench -- --write\`, one section for each benchmark, each with the day and the machine of
its run. How to read and repeat them: [bench/README.md](../bench/README.md).
`;

export function section({ bench, about, figures }: Result, day: string, machine: string): string {
  const row = (texts: readonly string[]): string => `| ${texts.join(" | ")} |`;
  const notes = figures.flatMap(({ name, note }) => (note === undefined ? [] : [`- ${name}: ${note}`]));
  return [
    `## ${bench}`,
    "",
    `${about[0]?.toUpperCase()}${about.slice(1)}.`,
    "",
    row(columns),
    row(columns.map((_, column) => (column === 1 ? "---:" : "---"))),
    ...figures.map((figure) => row(cells(figure))),
    "",
    ...(notes.length === 0 ? [] : [...notes, ""]),
    `Measured on ${day}: ${machine}.`,
    "",
  ].join("\n");
}

/** The document with the sections of these results in the place of the old ones; others stay. */
export function updateDocument(
  document: string,
  sections: ReadonlyMap<string, string>,
  order: readonly string[],
): string {
  const known = new Map<string, string>();
  for (const part of document.split(/^(?=## )/m)) {
    const name = /^## (\S+)/.exec(part)?.[1];
    if (name !== undefined) known.set(name, `${part.trimEnd()}\n`);
  }
  for (const [name, text] of sections) known.set(name, text);
  const parts = order.flatMap((name) => known.get(name) ?? []);
  return [opening, ...parts].join("\n");
}
