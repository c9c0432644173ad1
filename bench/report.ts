/** Figures for people: a table on the terminal, and sections of docs/PERFORMANCE.md. */
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
  unit.startsWith("/") ? `${numberText(value)}${unit}` : `${numberText(value)} ${unit}`;

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

const text = (value: number | undefined, of: (value: number) => string): string =>
  value === undefined ? "" : of(value);

/** What stands in a row; a column that no figure of a table fills is left out. */
interface Column {
  readonly title: string;
  readonly of: (figure: Figure) => string;
  readonly right?: boolean;
}

const columns: readonly Column[] = [
  { title: "by", of: ({ by = "" }) => by },
  { title: "value", of: ({ value, unit }) => withUnit(value, unit), right: true },
  { title: "spread", of: ({ spread }) => text(spread, spreadText), right: true },
  {
    title: "by the clock",
    of: ({ byClock, unit }) => text(byClock, (value) => withUnit(value, unit)),
    right: true,
  },
  { title: "processor", of: ({ cpuS }) => text(cpuS, (value) => `${numberText(value)} s`), right: true },
  { title: "peak", of: ({ peakMB }) => text(peakMB, (value) => `${value.toFixed(0)} MB`), right: true },
  { title: "grows as", of: ({ growth }) => text(growth, (value) => `size^${value.toFixed(2)}`) },
  { title: "target", of: targetText },
  { title: "× reference", of: referenceText, right: true },
  { title: "against a peer", of: peerText },
  { title: "of the limit", of: boundText },
];

function spreadText(spread: number): string {
  return `± ${(100 * spread).toFixed(spread < 0.0995 ? 1 : 0)} %`;
}

function referenceText(figure: Figure): string {
  return figure.reference === undefined ? "" : `${numberText(ratio(figure, figure.reference))} ×`;
}

const usedColumns = (figures: readonly Figure[]): readonly Column[] =>
  columns.filter(({ of }) => figures.some((figure) => of(figure) !== ""));

/** The first of figures with one name says it; the others stand under it. */
function namesOf(figures: readonly Figure[]): readonly string[] {
  return figures.map(({ name }, i) => (i > 0 && figures[i - 1]?.name === name ? "" : name));
}

export interface TableStyle {
  readonly bold: (text: string) => string;
  readonly dim: (text: string) => string;
}

export const plainStyle: TableStyle = { bold: (same) => same, dim: (same) => same };
export const terminalStyle: TableStyle = {
  bold: (words) => `\u001b[1m${words}\u001b[22m`,
  dim: (words) => `\u001b[2m${words}\u001b[22m`,
};

/** Work that several do is a heading with a line for each of them; otherwise a figure is a line. */
export function textTable({ bench, about, figures }: Result, style: TableStyle = plainStyle): string {
  const used = usedColumns(figures);
  const names = namesOf(figures);
  const grouped = figures.some(({ by }) => by !== undefined);
  const rows = [
    [grouped ? "" : "figure", ...used.map(({ title }) => title)],
    ...figures.map((figure, i) => [grouped ? "" : (names[i] ?? ""), ...used.map(({ of }) => of(figure))]),
  ];
  const widths = rows[0]?.map((_, at) => Math.max(...rows.map((row) => (row[at] ?? "").length))) ?? [];
  const line = (row: readonly string[]): string =>
    row
      .map((cell, at) =>
        used[at - 1]?.right ? cell.padStart(widths[at] ?? 0) : cell.padEnd(widths[at] ?? 0),
      )
      .join("  ")
      .trimEnd();
  const [head = [], ...lines] = rows;
  const body = lines.flatMap((row, i) => {
    const heading = grouped && names[i] !== "" ? [`  ${style.bold(names[i] ?? "")}`] : [];
    return [...heading, `  ${line(row)}`];
  });
  const notes = figures.flatMap(({ name, note }) => (note === undefined ? [] : [`  ${name}: ${note}`]));
  return [
    `${style.bold(bench)}: ${about}`,
    "",
    style.dim(`  ${line(head)}`),
    ...body,
    ...notes.map(style.dim),
    "",
  ].join("\n");
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

const opening = `# Performance

Written by \`npm run bench -- --write\`, one section for each benchmark, each with the day and the machine of
its run. How to read and repeat them: [bench/README.md](../bench/README.md).
`;

export function section({ bench, about, figures }: Result, day: string, machine: string): string {
  const row = (texts: readonly string[]): string => `| ${texts.join(" | ")} |`;
  const used = usedColumns(figures);
  const names = namesOf(figures);
  const notes = figures.flatMap(({ name, note }) => (note === undefined ? [] : [`- ${name}: ${note}`]));
  return [
    `## ${bench}`,
    "",
    `${about[0]?.toUpperCase()}${about.slice(1)}.`,
    "",
    row(["figure", ...used.map(({ title }) => title)]),
    row(["---", ...used.map(({ right }) => (right ? "---:" : "---"))]),
    ...figures.map((figure, i) => row([names[i] ?? "", ...used.map(({ of }) => of(figure))])),
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
