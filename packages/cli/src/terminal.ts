/**
 * The two faces of output: a terminal with colour and a live block of lines, or a plain stream where
 * only the result is printed. Progress never goes to a pipe.
 */
export interface Terminal {
  readonly isTty: boolean;
  readonly columns: number;
  /** Result text. */
  out(text: string): void;
  /** Notes and errors. */
  err(text: string): void;
  /** Redraws a block of lines in place; silent off a terminal. */
  live(lines: readonly string[]): void;
  /** Leaves the last live block standing and goes on below it. */
  settle(): void;
  paint(style: Style, text: string): string;
}

export type Style = "bold" | "dim" | "green" | "yellow" | "red" | "cyan";

/** SGR codes of ECMA-48. */
const styleCodes: { readonly [Name in Style]: readonly [number, number] } = {
  bold: [1, 22],
  dim: [2, 22],
  green: [32, 39],
  yellow: [33, 39],
  red: [31, 39],
  cyan: [36, 39],
};

interface OutputStream {
  readonly isTTY?: boolean;
  readonly columns?: number;
  write(text: string): unknown;
}

export function openTerminal(
  stdout: OutputStream,
  stderr: OutputStream,
  env: { readonly [name: string]: string | undefined },
): Terminal {
  const isTty = stdout.isTTY === true && env.TERM !== "dumb";
  const colour = isTty && env.NO_COLOR === undefined;
  let drawn = 0;
  return {
    isTty,
    columns: stdout.columns ?? 80,
    out: (text) => void stdout.write(text.endsWith("\n") ? text : `${text}\n`),
    err: (text) => void stderr.write(text.endsWith("\n") ? text : `${text}\n`),
    live(lines) {
      if (!isTty) return;
      const back = drawn === 0 ? "" : `\u001b[${drawn}A`;
      stdout.write(`${back}${lines.map((line) => `\r\u001b[2K${line}\n`).join("")}\u001b[0J`);
      drawn = lines.length;
    },
    settle() {
      drawn = 0;
    },
    paint(style, text) {
      if (!colour) return text;
      const [on, off] = styleCodes[style];
      return `\u001b[${on}m${text}\u001b[${off}m`;
    },
  };
}

/** Columns aligned with two spaces; numbers should come already as text. */
export function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const widths = head.map((title, column) =>
    Math.max(title.length, ...rows.map((row) => (row[column] ?? "").length)),
  );
  const line = (cells: readonly string[]): string =>
    cells.map((cell, column) => cell.padEnd(widths[column] ?? 0)).join("  ").trimEnd();
  return [line(head), ...rows.map(line)].join("\n");
}

/** `name  value` pairs, one a line. */
export function facts(pairs: readonly (readonly [string, string])[]): string {
  const width = Math.max(0, ...pairs.map(([name]) => name.length));
  return pairs.map(([name, value]) => `${name.padEnd(width)}  ${value}`).join("\n");
}

/** A bar such as `████████░░░░  67 %`. */
export function progressBar(ratio: number, widthColumns = 20): string {
  const bounded = Math.min(1, Math.max(0, ratio));
  const full = Math.round(bounded * widthColumns);
  return `${"█".repeat(full)}${"░".repeat(widthColumns - full)} ${String(Math.round(bounded * 100)).padStart(3)} %`;
}
