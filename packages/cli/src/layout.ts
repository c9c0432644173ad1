/**
 * Text as it lies on a terminal: widths in columns, cutting, tables, bars, and the visible spelling of
 * characters that would move the cursor or turn the text around. Names of files and words of errors come
 * from strangers, so nothing of theirs reaches a terminal before `printable` has seen it.
 */

export type Style = "bold" | "dim" | "green" | "yellow" | "red" | "cyan";
/** A piece of a line, with its style if it has one. */
export type Span = string | readonly [Style, string];
export type Line = string | readonly Span[];

/** C0, DEL, C1, line and paragraph separators, and the marks of bidirectional text (UAX #9). */
const unprintable = /[\p{Cc}\u2028\u2029\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]/gu;
const allPrintable = /^[ -~]*$/;

/** Control characters as `\u001b`, so that they are seen and do nothing. */
export function printable(text: string): string {
  if (allPrintable.test(text)) return text;
  return text.replace(unprintable, (mark) => {
    if (mark === "\n") return "\\n";
    return `\\u${(mark.codePointAt(0) ?? 0).toString(16).padStart(4, "0")}`;
  });
}

/** The same for every string inside a result. */
export function printableResult<Value>(value: Value): Value {
  return mapStrings(value) as Value;
}

function mapStrings(value: unknown): unknown {
  if (typeof value === "string") return printable(value);
  if (Array.isArray(value)) return value.map(mapStrings);
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(
    Object.entries(value).map(([name, entry]) => [printable(name), mapStrings(entry)]),
  );
}

/** Characters that take two columns: CJK, full-width forms and emoji (UAX #11, as terminals read it). */
const wide = new RegExp(
  "^[\\p{Emoji_Presentation}\\p{Script=Han}\\p{Script=Hiragana}\\p{Script=Katakana}\\p{Script=Hangul}" +
    "\\u3000-\\u303e\\uff01-\\uff60\\uffe0-\\uffe6]",
  "u",
);
const graphemes = new Intl.Segmenter("en", { granularity: "grapheme" });

const clusterColumns = (cluster: string): number => (wide.test(cluster) ? 2 : 1);

/** Columns that printable text takes. */
export function columnsOf(text: string): number {
  if (allPrintable.test(text)) return text.length;
  let columns = 0;
  for (const { segment } of graphemes.segment(text)) columns += clusterColumns(segment);
  return columns;
}

/** The text, or as much of it as fits with an ellipsis behind it. */
export function fitted(text: string, columns: number): string {
  return columnsOf(text) <= columns ? text : shortened(text, columns);
}

/** With an ellipsis, in any case. */
function shortened(text: string, columns: number): string {
  if (columns < 1) return "";
  let kept = "";
  let used = 1;
  for (const { segment } of graphemes.segment(text)) {
    used += clusterColumns(segment);
    if (used > columns) break;
    kept += segment;
  }
  return `${kept}…`;
}

/** A line of spans, cut to the columns and painted. */
export function paintedLine(
  line: Line,
  columns: number,
  paint: (style: Style, text: string) => string,
): string {
  const spans = (typeof line === "string" ? [line] : line).map((span) =>
    typeof span === "string"
      ? { text: printable(span), painted: (text: string) => text }
      : { text: printable(span[1]), painted: (text: string) => paint(span[0], text) },
  );
  let rest = spans.reduce((sum, { text }) => sum + columnsOf(text), 0);
  let left = columns;
  let result = "";
  for (const { text, painted } of spans) {
    const own = columnsOf(text);
    if (rest > left && own >= left) return result + painted(shortened(text, left));
    result += painted(text);
    left -= own;
    rest -= own;
  }
  return result;
}

const padded = (text: string, columns: number): string =>
  text + " ".repeat(Math.max(0, columns - columnsOf(text)));

/** Columns aligned with two spaces between them. */
export function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const widths = head.map((title, column) =>
    Math.max(columnsOf(title), ...rows.map((row) => columnsOf(row[column] ?? ""))),
  );
  const line = (cells: readonly string[]): string =>
    cells
      .map((cell, column) => padded(cell, widths[column] ?? 0))
      .join("  ")
      .trimEnd();
  return [line(head), ...rows.map(line)].join("\n");
}

/** A value of several lines stands below itself. */
export type Fact = readonly [name: string, value: string | readonly string[]];

/** `name  value` pairs. */
export function facts(pairs: readonly Fact[]): string {
  const width = Math.max(0, ...pairs.map(([name]) => columnsOf(name)));
  return pairs
    .flatMap(([name, value]) =>
      (typeof value === "string" ? [value] : value).map(
        (line, index) => `${padded(index === 0 ? name : "", width)}  ${line}`,
      ),
    )
    .join("\n");
}

/** A bar such as `████████░░░░  67 %`. */
export function progressBar(ratio: number, columns = 20): string {
  const bounded = Number.isFinite(ratio) ? Math.min(1, Math.max(0, ratio)) : 0;
  const full = Math.floor(bounded * columns);
  const percent = String(Math.floor(bounded * 100)).padStart(3);
  return `${"█".repeat(full)}${"░".repeat(columns - full)} ${percent} %`;
}

/** Words in lines of at most so many columns; lines that are indented stay as they are. */
export function wrapped(text: string, columns: number, indent = ""): string {
  const room = Math.max(20, columns - indent.length);
  const lines = text.split("\n").flatMap((paragraph) => wrappedParagraph(paragraph, room));
  return lines.map((line) => (line === "" ? "" : indent + line)).join("\n");
}

function wrappedParagraph(paragraph: string, columns: number): string[] {
  if (paragraph.startsWith(" ")) return [paragraph];
  const lines: string[] = [];
  let line = "";
  for (const word of paragraph.split(" ")) {
    if (line !== "" && columnsOf(line) + 1 + columnsOf(word) > columns) {
      lines.push(line);
      line = word;
    } else line = line === "" ? word : `${line} ${word}`;
  }
  return [...lines, line];
}

/** DEL, C1 and the marks of bidirectional text: JSON allows them raw, a terminal should not see them. */
const rawInJson = /[\u007f-\u009f\u2028\u2029\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]/g;

/** JSON that is safe to print; such characters can only stand inside strings. */
export function jsonText(value: unknown, indent: number): string {
  return JSON.stringify(value, null, indent).replace(
    rawInJson,
    (mark) => `\\u${mark.charCodeAt(0).toString(16).padStart(4, "0")}`,
  );
}
