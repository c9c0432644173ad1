/**
 * Words that mark unfinished work, constructs the house does without, and globals that would make a pure
 * package impure. Each with its remedy. Only the files of tidy itself may spell them.
 */
import { packageOf } from "./packages.ts";
import type { Finding, Rule, Source } from "./source.ts";
import { resolveRelative } from "./source.ts";

interface Ban {
  readonly rule: string;
  readonly pattern: RegExp;
  /** "code" sees no comments and no strings. */
  readonly within: "text" | "code";
  readonly where: (path: string) => boolean;
  readonly what: string;
  readonly remedy: string;
}

const everywhere = (path: string): boolean => !path.startsWith("tools/tidy");
const inProduct = (path: string): boolean => path.includes("/src/") && packageOf(path) !== undefined;
const notConfig = (path: string): boolean => everywhere(path) && !/\.config\.ts$/.test(path);
const silent = (path: string): boolean => inProduct(path) && packageOf(path) !== "cli";
const notTests = (path: string): boolean =>
  everywhere(path) && !/(^|\/)(test|tests)\/|\.test\.ts$/.test(path);
const pure = (path: string): boolean =>
  inProduct(path) && ["base", "proofs", "consensus"].includes(packageOf(path) ?? "");

const finish = "finish it, or write it under Known debts";

const bans: readonly Ban[] = [
  ...["TODO", "FIXME", "XXX"].map((word) => text(new RegExp(`\\b${word}\\b`), word, finish)),
  ...["not implemented", "for now", "simplified", "placeholder", "stub"].map((word) =>
    text(new RegExp(`\\b${word}\\b`, "i"), `"${word}"`, finish),
  ),
  text(/@ts-(ignore|expect-error|nocheck)/, "the compiler is silenced", "make the types true"),
  code(/\bas any\b/, "as any", "narrow an unknown instead"),
  code(
    /\bthrow new Error\(/,
    "throw new Error(",
    "declare it with defineErrors, or assert the invariant",
    notTests,
  ),
  code(/\bprocess\.exit\(/, "process.exit(", "set process.exitCode and let what runs end", everywhere),
  code(/^\s*export default\b/, "export default", "export a name", notConfig),
  code(/^\s*(export )?(declare )?(const )?enum \w/, "enum", "use a union of literals or a const object"),
  code(/^\s*(export )?(declare )?namespace \w/, "namespace", "use a module"),
  code(/\b(describe|it|test)\.(only|skip)\(/, "a test that is left out", "run it or remove it"),
  code(/(?<![.\w$#])console\./, "console.", "take a logger; only the command line and tools print", silent),
  ...[
    purity(/\bDate\.now\b|\bnew Date\b/, "the wall clock", "take the time as a parameter or a Clock"),
    purity(/(?<![.\w$#])performance\./, "the wall clock", "take a Clock"),
    purity(/\bMath\.random\b/, "ambient randomness", "take a Random"),
    purity(/(?<![.\w$#])crypto\./, "ambient cryptography", "take a Random or a kernel"),
    purity(/(?<![.\w$#])(setTimeout|setInterval|setImmediate|queueMicrotask)\(/, "a timer", "take a Clock"),
    purity(
      /(?<![.\w$#])(process|console|globalThis)\./,
      "an ambient global",
      "take what it needs as a parameter",
    ),
    purity(
      /(?<![.\w$#])(Buffer|TextEncoder|TextDecoder)[.(]/,
      "a global of the platform",
      "use bytes.ts of base",
    ),
  ],
];

function text(pattern: RegExp, what: string, remedy: string): Ban {
  return { rule: "words", pattern, within: "text", where: everywhere, what, remedy };
}
function code(pattern: RegExp, what: string, remedy: string, where = everywhere): Ban {
  return { rule: "constructs", pattern, within: "code", where, what, remedy };
}
function purity(pattern: RegExp, what: string, remedy: string): Ban {
  return { rule: "purity", pattern, within: "code", where: pure, what, remedy };
}

export const words: Rule = (tree) => tree.sources.flatMap(bannedIn);

function bannedIn(source: Source): Finding[] {
  const findings: Finding[] = [];
  for (const { rule, pattern, within, where, what, remedy } of bans) {
    if (!where(source.path) || !anywhere(pattern, within === "text" ? source.text : source.code)) continue;
    const lines = within === "text" ? source.lines : source.codeLines;
    lines.forEach((line, index) => {
      if (pattern.test(line)) findings.push({ path: source.path, line: index + 1, rule, what, remedy });
    });
  }
  for (const { specifier, line } of pure(source.path) ? source.imports : []) {
    const remedy = impurity(source.path, specifier);
    if (remedy === undefined) continue;
    findings.push({
      path: source.path,
      line,
      rule: "purity",
      what: `${specifier} in a pure package`,
      remedy,
    });
  }
  return findings;
}

/** What a pure file should do instead of an import; folders beside `src`, like compiled kernels, are not pure. */
function impurity(path: string, specifier: string): string | undefined {
  if (specifier.startsWith("node:")) return "take a seam (Clock, Random, Disk, Wire)";
  if (!specifier.startsWith(".")) return undefined;
  const target = resolveRelative(path, specifier);
  const outside = packageOf(target) === packageOf(path) && !target.includes("/src/");
  return outside ? "declare an interface here and let the host install what implements it" : undefined;
}

/** One pass over the whole file first: most files hold none of the words. */
function anywhere(pattern: RegExp, content: string): boolean {
  return new RegExp(pattern.source, `${pattern.flags}m`).test(content);
}
