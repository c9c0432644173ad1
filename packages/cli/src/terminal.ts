/**
 * Where output goes. Results go to standard output and nothing else does; notes, errors and progress go to
 * standard error. A live block is redrawn in place on a terminal and does not exist anywhere else.
 */
import { type Line, paintedLine, type Style } from "./layout.ts";

/** The reason of a program's signal when the reader of its standard output has gone. */
export const pipeClosed = new DOMException("nobody reads the output any more", "AbortError");

export interface Terminal {
  /** Whether progress can be shown. */
  readonly isLive: boolean;
  /** Of standard output; 80 where it is no terminal. */
  readonly columns: number;
  /** Result text. */
  out(text: string): void;
  /** Raw bytes of a result; resolves when more can be taken. */
  outBytes(bytes: Uint8Array): Promise<void>;
  /** Errors, and notes that belong into a log. */
  err(text: string): void;
  /** A hint for a person; nobody reads it in a log. */
  hint(text: string): void;
  /** Redraws the block of lines in place. */
  live(lines: readonly Line[]): void;
  /** Leaves the block standing and goes on below it. */
  settle(): void;
  /** Takes the block away. */
  clear(): void;
  /** In results. */
  paint(style: Style, text: string): string;
  /** In notes and errors. */
  paintNote(style: Style, text: string): string;
}

/** SGR codes of ECMA-48. */
const styleCodes: { readonly [Name in Style]: readonly [number, number] } = {
  bold: [1, 22],
  dim: [2, 22],
  green: [32, 39],
  yellow: [33, 39],
  red: [31, 39],
  cyan: [36, 39],
};

export interface OutputStream {
  readonly isTTY?: boolean;
  readonly columns?: number;
  readonly rows?: number;
  write(chunk: string | Uint8Array): boolean;
  once(event: "drain" | "close" | "error", listener: () => void): unknown;
  off(event: "drain" | "close" | "error", listener: () => void): unknown;
}

type Environment = { readonly [name: string]: string | undefined };

/** Honours NO_COLOR (no-color.org: if it is set and not empty) and TERM=dumb. */
export function openTerminal(stdout: OutputStream, stderr: OutputStream, env: Environment): Terminal {
  const smart = env.TERM !== "dumb";
  const colour = smart && (env.NO_COLOR ?? "") === "";
  const block = liveBlock(stderr, stderr.isTTY === true && smart, painter(colour));
  const paintNote = painter(colour && stderr.isTTY === true);
  const err = (text: string): void => {
    block.clear();
    stderr.write(terminated(text));
  };
  return {
    isLive: block.isLive,
    get columns() {
      return stdout.columns ?? 80;
    },
    out(text) {
      block.clear();
      stdout.write(terminated(text));
    },
    async outBytes(bytes) {
      if (!stdout.write(bytes)) await drained(stdout);
    },
    err,
    hint(text) {
      if (stderr.isTTY === true) err(paintNote("dim", text));
    },
    live: (lines) => block.draw(lines),
    settle: () => block.settle(),
    clear: () => block.clear(),
    paint: painter(colour && stdout.isTTY === true),
    paintNote,
  };
}

const terminated = (text: string): string => (text.endsWith("\n") ? text : `${text}\n`);

function painter(colour: boolean): (style: Style, text: string) => string {
  if (!colour) return (_style, text) => text;
  return (style, text) => {
    const [on, off] = styleCodes[style];
    return `\u001b[${on}m${text}\u001b[${off}m`;
  };
}

interface LiveBlock {
  readonly isLive: boolean;
  draw(lines: readonly Line[]): void;
  settle(): void;
  clear(): void;
}

/** Lines are cut to the terminal: one that wraps would take two rows and the next redraw would miss it. */
function liveBlock(
  stream: OutputStream,
  isLive: boolean,
  paint: (style: Style, text: string) => string,
): LiveBlock {
  let drawn = 0;
  const up = (): string => (drawn === 0 ? "" : `\u001b[${drawn}A`);
  return {
    isLive,
    draw(lines) {
      if (!isLive) return;
      const columns = Math.max(1, (stream.columns ?? 80) - 1);
      const shown = lines.slice(0, Math.max(1, (stream.rows ?? 24) - 1));
      const rows = shown.map((line) => `\r\u001b[2K${paintedLine(line, columns, paint)}\n`);
      stream.write(`${up()}${rows.join("")}\u001b[0J`);
      drawn = shown.length;
    },
    settle() {
      drawn = 0;
    },
    clear() {
      if (drawn > 0) stream.write(`${up()}\r\u001b[0J`);
      drawn = 0;
    },
  };
}

/** Also ends when the other side has gone: what is written then is lost, and the program hears of it. */
function drained(stream: OutputStream): Promise<void> {
  return new Promise((resolve) => {
    const events = ["drain", "close", "error"] as const;
    const done = (): void => {
      for (const event of events) stream.off(event, done);
      resolve();
    };
    for (const event of events) stream.once(event, done);
  });
}
