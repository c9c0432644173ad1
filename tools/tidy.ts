/**
 * The house rules as a test: the layer table, doors and rooms, purity, sizes, words, documents. Prints one
 * line per finding, `path:line rule: what, remedy`, and exits with 1 if there is any. Every rule has a
 * planted fault in tidy.test.ts: a gate that was never red is no gate.
 */
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { links, names, openings, testPlaces, vectors, workplace } from "./tidy/documents.ts";
import { cycles, deadFiles, rooms } from "./tidy/modules.ts";
import { daemonDoor, dependencies, doors, layers } from "./tidy/packages.ts";
import { sizes } from "./tidy/sizes.ts";
import { type Finding, type Rule, type Tree, treeOf } from "./tidy/source.ts";
import { words } from "./tidy/words.ts";

export const rules: readonly Rule[] = [
  layers,
  doors,
  daemonDoor,
  dependencies,
  rooms,
  deadFiles,
  cycles,
  words,
  sizes,
  names,
  testPlaces,
  openings,
  links,
  vectors,
  workplace,
];

export function tidy(tree: Tree): Finding[] {
  return rules
    .flatMap((rule) => rule(tree))
    .sort((a, b) => (a.path === b.path ? a.line - b.line : a.path < b.path ? -1 : 1));
}

/** Names that are never committed; in a second worktree `.git` is a file. */
const skipped = new Set(["node_modules", "target", ".git", "dist", "coverage", ".tmp"]);
const textual = /\.(ts|tsx|js|mjs|json|md|toml|yml|yaml|c|h|sh|css|html|txt)$|(^|\/)(run|LICENSE-\w+|\.\w+)$/;

/** Everything below a folder that could be committed. */
export function readTree(root: string): Map<string, string> {
  const files = new Map<string, string>();
  const walk = (folder: string): void => {
    for (const entry of readdirSync(join(root, folder), { withFileTypes: true })) {
      const path = folder === "" ? entry.name : `${folder}/${entry.name}`;
      if (skipped.has(entry.name)) continue;
      if (entry.isDirectory()) walk(path);
      else if (entry.isFile())
        files.set(path, textual.test(path) ? readFileSync(join(root, path), "utf8") : "");
    }
  };
  walk("");
  return files;
}

if (import.meta.main) {
  const startedMs = performance.now();
  const files = readTree(fileURLToPath(new URL("..", import.meta.url)));
  const findings = tidy(treeOf(files));
  for (const { path, line, rule, what, remedy } of findings)
    console.log(`${path}:${line} ${rule}: ${what}, ${remedy}`);
  const tookMs = Math.round(performance.now() - startedMs);
  console.log(`tidy: ${files.size} files, ${findings.length} findings (${tookMs} ms)`);
  process.exitCode = findings.length === 0 ? 0 : 1;
}
