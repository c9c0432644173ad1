/**
 * One idea per file, one thought per function, one glance per line. Functions are found by the formatter's
 * indentation, which `npm run lint` keeps: a function ends at the first line that closes at its own depth.
 */
import type { Finding, Rule, Source } from "./source.ts";

export const maxFileLines = 400;
export const maxFunctionLines = 70;
export const maxLineChars = 120;

export const sizes: Rule = (tree) =>
  tree.sources
    .filter(({ path }) => !path.endsWith(".d.ts"))
    .flatMap((source) => [...fileSize(source), ...lineSizes(source), ...functionSizes(source)]);

function fileSize({ path, lines }: Source): Finding[] {
  const count = lines.length - (lines.at(-1) === "" ? 1 : 0);
  if (count <= maxFileLines) return [];
  const what = `${count} lines, ${maxFileLines} at most`;
  return [{ path, line: maxFileLines + 1, rule: "file-size", what, remedy: "split it by idea" }];
}

/** A sentence for people that stands alone on its line: broken in two it is found by no search. */
const sentence = /^\s*(\? |: |\w+: )?(`[^`]*`|"[^"]*")( \+)?[,;]?$/;

function lineSizes({ path, lines }: Source): Finding[] {
  const findings: Finding[] = [];
  lines.forEach((line, index) => {
    if (line.length <= maxLineChars || /https?:\/\//.test(line) || sentence.test(line)) return;
    const what = `${line.length} characters, ${maxLineChars} at most`;
    findings.push({ path, line: index + 1, rule: "line-size", what, remedy: "break the line" });
  });
  return findings;
}

const declaration = /^\s*(export )?(async )?function\b/;
const method =
  /^\s+(?:(?:static|async|override|get|set|private|protected|public) )*\*?(?:#?[\w$]+|\[[\w.]+\])(?:<.*>)?\(/;
const statement = /^\s*(if|for|while|switch|catch|return|throw|await|super|with|function|new|yield)\b/;
const arrow = /=> \{$/;
/** Groups of tests and compliance suites are tables of contents, not thoughts. */
const group = /^\s*describe\b/;
const suites = /\/testing\/suites\//;

const indentOf = (line: string): number => line.length - line.trimStart().length;

function functionSizes({ path, codeLines, lines }: Source): Finding[] {
  const findings: Finding[] = [];
  codeLines.forEach((line, start) => {
    const opens = declaration.test(line) || arrow.test(line) || (method.test(line) && !statement.test(line));
    if (!opens || group.test(line) || (suites.test(path) && indentOf(line) === 0)) return;
    const end = endOfFunction(codeLines, start);
    if (end === undefined) return;
    const count = end - firstLine(codeLines, start) + 1;
    if (count <= maxFunctionLines) return;
    const name = (lines[start] ?? "").trim().slice(0, 40);
    const what = `${count} lines in \`${name}\`, ${maxFunctionLines} at most`;
    findings.push({ path, line: start + 1, rule: "function-size", what, remedy: "name its parts" });
  });
  return findings;
}

/** A signature that spans lines ends in `): Result => {`; it begins where that depth was last left. */
function firstLine(codeLines: readonly string[], start: number): number {
  const line = codeLines[start] ?? "";
  if (!/^\s*[)}\]]/.test(line)) return start;
  const depth = indentOf(line);
  let at = start - 1;
  while (at > 0 && (codeLines[at]?.trim() === "" || indentOf(codeLines[at] ?? "") > depth)) at--;
  return at;
}

function endOfFunction(codeLines: readonly string[], start: number): number | undefined {
  const depth = indentOf(codeLines[start] ?? "");
  const oneLine = codeLines[start] ?? "";
  if (/\}[,;)]*$/.test(oneLine) || /;$/.test(oneLine)) return undefined;
  for (let at = start + 1; at < codeLines.length; at++) {
    const line = codeLines[at] ?? "";
    if (line.trim() === "" || indentOf(line) > depth) continue;
    if (/^\s*[)}\]].*\{$/.test(line)) continue; // the end of the signature, or `} else {`
    return /^\s*\}/.test(line) ? at : undefined;
  }
  return undefined;
}
