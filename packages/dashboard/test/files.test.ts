/** The list of files is what a browser needs to load the page: nothing is missing, nothing is too much. */
import { readFileSync } from "node:fs";
import { stripTypeScriptTypes } from "node:module";
import { type PageFile, pageFiles, pageLink } from "@holdfast/dashboard";
import { describe, expect, it } from "vitest";

interface Loaded {
  readonly served: ReadonlySet<string>;
  readonly missing: readonly string[];
}

/** Follows the page as a browser does, through the import map. */
function load(files: readonly PageFile[]): Loaded {
  const byPath = new Map(files.map(({ path, file }) => [path, file]));
  const served = new Set<string>();
  const missing: string[] = [];
  let map: Readonly<Record<string, string>> = {};
  const visit = (path: string): void => {
    if (served.has(path)) return;
    const file = byPath.get(path);
    if (file === undefined) {
      missing.push(path);
      return;
    }
    served.add(path);
    const text = readFileSync(file, "utf8");
    if (path === "/") map = importMap(text);
    const wanted = path === "/" ? ofHtml(text) : path.endsWith(".ts") ? ofModule(text) : [];
    for (const specifier of wanted)
      visit(new URL(map[specifier] ?? specifier, `http://node${path}`).pathname);
  };
  visit("/");
  return { served, missing };
}

function importMap(html: string): Readonly<Record<string, string>> {
  const text = /<script type="importmap">([\s\S]*?)<\/script>/.exec(html)?.[1] ?? "{}";
  const map: { imports: Record<string, string> } = JSON.parse(text);
  return map.imports;
}
const ofHtml = (text: string): string[] =>
  [...text.matchAll(/(?:src|href)="([^"]+)"/g)].map(([, path]) => path ?? "");
const ofModule = (text: string): string[] =>
  [...stripTypeScriptTypes(text).matchAll(/(?:from|^import)\s*"([^"]+)"/gm)].map(([, name]) => name ?? "");

describe("page files", () => {
  it("are all that the page loads, and no more", () => {
    const { served, missing } = load(pageFiles);
    expect(missing).toEqual([]);
    expect([...served].sort()).toEqual(pageFiles.map(({ path }) => path).sort());
  });

  it("canary: a file that is left out is missed", () => {
    const without = pageFiles.filter(({ path }) => path !== "/page/pace.ts");
    expect(load(without).missing).toEqual(["/page/pace.ts"]);
  });

  it("hold no inline script or style but the import map", () => {
    const html = readFileSync(new URL(pageFiles.find(({ path }) => path === "/")?.file ?? ""), "utf8");
    expect(html.match(/<script(?![^>]*\bsrc=)[^>]*>/g)).toEqual(['<script type="importmap">']);
    expect(html).not.toMatch(/<style|\sstyle=|\son\w+=|javascript:/);
  });

  it("use nothing that only Node has", () => {
    for (const { path, file } of pageFiles) {
      if (path.endsWith(".ts"))
        expect(readFileSync(file, "utf8"), path).not.toMatch(/\b(process|Buffer|require)\b[.(]/);
    }
  });

  it("are few and small: no bundler is missed", () => {
    const bytes = pageFiles.reduce((sum, { file }) => sum + readFileSync(file).length, 0);
    expect(bytes).toBeLessThan(120_000);
    expect(pageFiles.length).toBeLessThan(40);
  });

  it("are opened by a link whose token stays in the browser", () => {
    const link = new URL(pageLink("http://127.0.0.1:3453", "a-token"));
    expect(link.hash).toBe("#token=a-token");
    expect(`${link.pathname}${link.search}`).toBe("/");
  });
});
