/**
 * A source tree as data: paths and texts, with the views that rules need. `code` is the text with comments
 * and the contents of strings blanked out, `uncommented` with comments alone; both keep every offset and line
 * break, so a finding's line is the same in all three. A scanner, no parser: biome has parsed the files.
 */

export interface Finding {
  readonly path: string;
  /** Counted from 1. */
  readonly line: number;
  readonly rule: string;
  readonly what: string;
  readonly remedy: string;
}

export interface Import {
  readonly specifier: string;
  readonly line: number;
  /** "type" is erased, "value" runs at load, "dynamic" runs when asked, "url" names a worker's file. */
  readonly kind: "type" | "value" | "dynamic" | "url";
}

export interface Source {
  readonly path: string;
  readonly text: string;
  readonly code: string;
  readonly uncommented: string;
  readonly lines: readonly string[];
  readonly codeLines: readonly string[];
  readonly imports: readonly Import[];
}

export interface Tree {
  /** Every file; binary ones with an empty text. */
  readonly files: ReadonlyMap<string, string>;
  /** TypeScript and JavaScript, parsed. */
  readonly sources: readonly Source[];
}

export type Rule = (tree: Tree) => Finding[];

export function treeOf(files: ReadonlyMap<string, string> | Readonly<Record<string, string>>): Tree {
  const map = files instanceof Map ? files : new Map(Object.entries(files));
  const sources = [...map].filter(([path]) => /\.(ts|tsx|js|mjs)$/.test(path));
  return { files: map, sources: sources.map(([path, text]) => sourceOf(path, text)) };
}

function sourceOf(path: string, text: string): Source {
  const { code, uncommented } = blank(text);
  return {
    path,
    text,
    code,
    uncommented,
    lines: text.split("\n"),
    codeLines: code.split("\n"),
    imports: importsOf(code, uncommented),
  };
}

/** The line (from 1) of an offset. */
export function lineAt(text: string, offset: number): number {
  let line = 1;
  for (let at = text.indexOf("\n"); at !== -1 && at < offset; at = text.indexOf("\n", at + 1)) line++;
  return line;
}

const importPattern = new RegExp(
  [
    /\b(import|export)\s+(type\s+)?(?:[\w$*{}\s,]+?\s+from\s*)?"([^"\n]+)"/.source,
    /\bimport\(\s*"([^"\n]+)"/.source,
    /\bnew URL\(\s*"(\.[^"\n]+)",\s*import\.meta\.url/.source,
  ].join("|"),
  "g",
);

function importsOf(code: string, uncommented: string): Import[] {
  const found: Import[] = [];
  for (const match of uncommented.matchAll(importPattern)) {
    if (code[match.index] === " ") continue; // inside a string
    const [, keyword, type, stated, dynamic, url] = match;
    const specifier = stated ?? dynamic ?? url;
    if (specifier === undefined || (keyword === "export" && !match[0].includes("from"))) continue;
    let kind: Import["kind"] = "value";
    if (dynamic !== undefined) kind = isTypeQuery(uncommented, match.index) ? "type" : "dynamic";
    else if (url !== undefined) kind = "url";
    else if (type !== undefined) kind = "type";
    found.push({ specifier, kind, line: lineAt(code, match.index) });
  }
  return found;
}

/** `typeof import("x")` and `: import("x").Y` are erased. */
function isTypeQuery(text: string, offset: number): boolean {
  return /(typeof|[:|&<]|\bas)\s*$/.test(text.slice(Math.max(0, offset - 20), offset));
}

/** What may stand before a slash that opens a regular expression. */
const beforeRegex =
  /(?:^|[(,=:[!&|?{};+\-*%<>~^]|\b(?:return|typeof|case|in|of|do|else|void|yield|await))\s*$/;

function blank(text: string): { code: string; uncommented: string } {
  const parts: { from: number; to: number; kind: "comment" | "string" }[] = [];
  /** Depth of braces at which each open template goes on. */
  const templates: number[] = [];
  let depth = 0;
  let at = 0;
  const skip = (to: number, kind: "comment" | "string"): void => {
    parts.push({ from: at, to, kind });
    at = to;
  };
  while (at < text.length) {
    const char = text[at];
    const next = text[at + 1];
    if (char === "/" && next === "/") skip(endOf(text, "\n", at, 0), "comment");
    else if (char === "/" && next === "*") skip(endOf(text, "*/", at + 2, 2), "comment");
    else if (char === '"' || char === "'") skip(endOfString(text, at, char), "string");
    else if (char === "`" || (char === "}" && templates.at(-1) === depth)) {
      if (char === "}") templates.pop();
      const end = endOfTemplate(text, at);
      if (text[end - 1] === "{") templates.push(depth);
      skip(end, "string");
    } else if (char === "/" && beforeRegex.test(text.slice(Math.max(0, at - 12), at))) {
      skip(endOfRegex(text, at), "string");
    } else {
      if (char === "{") depth++;
      else if (char === "}") depth--;
      at++;
    }
  }
  return {
    code: withBlanks(text, parts),
    uncommented: withBlanks(
      text,
      parts.filter(({ kind }) => kind === "comment"),
    ),
  };
}

function withBlanks(text: string, parts: readonly { from: number; to: number }[]): string {
  let result = "";
  let done = 0;
  for (const { from, to } of parts) {
    result += text.slice(done, from) + text.slice(from, to).replace(/[^\n]/g, " ");
    done = to;
  }
  return result + text.slice(done);
}

function endOf(text: string, mark: string, from: number, extra: number): number {
  const found = text.indexOf(mark, from);
  return found === -1 ? text.length : found + extra;
}

function endOfString(text: string, from: number, quote: string): number {
  let at = from + 1;
  while (at < text.length && text[at] !== quote && text[at] !== "\n") at += text[at] === "\\" ? 2 : 1;
  return Math.min(text.length, at + (text[at] === quote ? 1 : 0));
}

/** Up to and with the closing backtick, or the `${` of the next substitution. */
function endOfTemplate(text: string, from: number): number {
  let at = from + 1;
  while (at < text.length && text[at] !== "`") {
    if (text[at] === "$" && text[at + 1] === "{") return at + 2;
    at += text[at] === "\\" ? 2 : 1;
  }
  return Math.min(text.length, at + 1);
}

function endOfRegex(text: string, from: number): number {
  let at = from + 1;
  let inClass = false;
  while (at < text.length && text[at] !== "\n" && (inClass || text[at] !== "/")) {
    if (text[at] === "[") inClass = true;
    else if (text[at] === "]") inClass = false;
    at += text[at] === "\\" ? 2 : 1;
  }
  return Math.min(text.length, at + 1);
}

/** A relative specifier from a file, as a path of the tree. */
export function resolveRelative(fromPath: string, specifier: string): string {
  const parts = fromPath.split("/").slice(0, -1);
  for (const part of specifier.split("/")) {
    if (part === "..") parts.pop();
    else if (part !== "." && part !== "") parts.push(part);
  }
  return parts.join("/");
}
