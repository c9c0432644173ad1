/**
 * What is not code: names of folders, opening comments, links, the origin of test vectors, and traces of the
 * place where the work was done, which mean nothing to whoever clones this.
 */

import type { Finding, Rule, Tree } from "./source.ts";
import { lineAt, resolveRelative } from "./source.ts";

export const names: Rule = (tree) => {
  const findings: Finding[] = [];
  for (const path of tree.files.keys()) {
    const match = /(?:^|\/)(utils?|common|misc|helpers?)(?:\/|\.[tj]sx?$)/.exec(path);
    if (match === null) continue;
    const what = `"${match[1]}" says nothing`;
    findings.push({ path, line: 1, rule: "names", what, remedy: "name it after what it holds" });
  }
  return findings;
};

/** The folders that vitest.config.ts reads. */
const testHomes = /^(packages\/[^/]+\/test|tools|tests)\//;

export const testPlaces: Rule = (tree) =>
  [...tree.files.keys()]
    .filter(
      (path) => /\.(test|spec)\.tsx?$/.test(path) && !(testHomes.test(path) && path.endsWith(".test.ts")),
    )
    .map((path) => ({
      path,
      line: 1,
      rule: "test-places",
      what: "a test that never runs",
      remedy: "put it into packages/*/test, tools or tests and name it *.test.ts",
    }));

export const openings: Rule = (tree) =>
  tree.sources
    .filter(({ text, path }) => !/^(#!.*\n)?\s*\/[*/]/.test(text) && !path.endsWith(".d.ts"))
    .map(({ path }) => ({
      path,
      line: 1,
      rule: "openings",
      what: "the file does not open with its idea",
      remedy: "begin with a comment: what it is, its invariant, its source",
    }));

/** Relative links of every Markdown file, and their headings. */
export const links: Rule = (tree) => {
  const findings: Finding[] = [];
  for (const [path, text] of tree.files) {
    if (!path.endsWith(".md")) continue;
    for (const match of withoutFences(text).matchAll(/\]\(([^)\s]+)(?:\s+"[^"]*")?\)/g)) {
      const target = match[1] ?? "";
      if (/^[a-z]+:/.test(target)) continue;
      const broken = brokenLink(tree, path, target);
      if (broken === undefined) continue;
      const line = lineAt(text, match.index);
      findings.push({ path, line, rule: "links", what: broken, remedy: "mend the link" });
    }
  }
  return findings;
};

function withoutFences(text: string): string {
  return text.replace(/^```[\s\S]*?^```/gm, (fence) => fence.replace(/[^\n]/g, " "));
}

function brokenLink(tree: Tree, from: string, link: string): string | undefined {
  const [file = "", heading] = link.split("#");
  const target = file === "" ? from : resolveRelative(from, file);
  const prefix = target === "" ? "" : `${target}/`;
  const exists = tree.files.has(target) || [...tree.files.keys()].some((path) => path.startsWith(prefix));
  if (!exists) return `${target} does not exist`;
  if (heading === undefined || heading === "" || !target.endsWith(".md")) return undefined;
  const anchors = new Set(
    withoutFences(tree.files.get(target) ?? "")
      .match(/^#+ .*$/gm)
      ?.map(anchorOf),
  );
  return anchors.has(heading) ? undefined : `${target} has no heading #${heading}`;
}

/** As GitHub makes it. */
function anchorOf(heading: string): string {
  return heading
    .replace(/^#+\s+/, "")
    .trim()
    .toLowerCase()
    .replace(/[^\p{L}\p{N}\s_-]/gu, "")
    .replace(/\s/g, "-");
}

/** A JSON vector states its origin and licence; for any other file a README.md on the way up does. */
export const vectors: Rule = (tree) => {
  const findings: Finding[] = [];
  for (const [path, text] of tree.files) {
    if (!/^vectors\/(?!generators\/)/.test(path) || path.endsWith(".md")) continue;
    const missing = path.endsWith(".json") ? missingFields(text) : missingWords(tree, path);
    if (missing === "") continue;
    const remedy = 'say where it comes from: "origin" and "licence"';
    findings.push({ path, line: 1, rule: "vectors", what: `no ${missing}`, remedy });
  }
  return findings;
};

const required = ["origin", "licence"];

function missingFields(text: string): string {
  try {
    const json: unknown = JSON.parse(text);
    const fields: Map<string, unknown> = new Map(Object.entries(json ?? {}));
    return required
      .filter((name) => typeof fields.get(name) !== "string" || fields.get(name) === "")
      .join(", ");
  } catch {
    return "valid JSON";
  }
}

function missingWords(tree: Tree, path: string): string {
  const folders = path.split("/").slice(0, -1);
  const readmes = folders.map((_, depth) => `${folders.slice(0, depth + 1).join("/")}/README.md`);
  const readme = readmes.map((file) => tree.files.get(file) ?? "").join("\n");
  return required.filter((name) => !new RegExp(name, "i").test(readme)).join(", ");
}

const traces: readonly RegExp[] = [
  /(?<![\w.])\/work\/(main|plan|shared)\b/,
  /(\.\.\/)+shared\b/,
  /\.library\b/,
  /\bissue #/i,
  /\b(contracts|brief)\.md\b/,
];

export const workplace: Rule = (tree) => {
  const findings: Finding[] = [];
  for (const [path, text] of tree.files) {
    if (path.startsWith("tools/tidy") || path === "package-lock.json") continue;
    for (const trace of traces) {
      const match = trace.exec(text);
      if (match === null) continue;
      const line = lineAt(text, match.index);
      const remedy = "say it so that whoever clones this understands";
      findings.push({ path, line, rule: "workplace", what: `"${match[0]}" is a trace of our desk`, remedy });
    }
  }
  return findings;
};
