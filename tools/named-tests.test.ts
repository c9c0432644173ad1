/**
 * Tests that documents name exist: the files, and where a title stands behind a file, the title in it. And each of the
 * forty defects is impossible by construction or names a test.
 */
import { existsSync, readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";

const folder = new URL("../docs/", import.meta.url);
const read = (name: string): string => readFileSync(new URL(name, folder), "utf8");

interface Named {
  readonly path: string;
  readonly title: string | undefined;
}

function namedTests(text: string): Named[] {
  const found = text.matchAll(/\[[^\]]+\]\(([^)]+\.test\.ts)\)(?: "([^"]+)")?/g);
  return [...found].map(([, path = "", title]) => ({ path, title }));
}

function problems(text: string): string[] {
  return namedTests(text).flatMap(({ path, title }) => {
    const file = new URL(path, folder);
    if (!existsSync(file)) return [`no file ${path}`];
    if (title === undefined) return [];
    return readFileSync(file, "utf8").includes(`it("${title}"`) ? [] : [`no test "${title}" in ${path}`];
  });
}

describe("tests that documents name", () => {
  it.each(["ACTORS.md", "ATTACKS.md", "DIFFERENCES.md"])("are there: %s", (page) => {
    expect(problems(read(page))).toEqual([]);
  });

  it("are missed when they go: a planted file and a planted title are found", () => {
    const path = "../tools/named-tests.test.ts";
    expect(problems(`[gone.test.ts](../tools/gone.test.ts)`)).toHaveLength(1);
    expect(problems(`[named-tests.test.ts](${path}) "no such title ${"at all"}"`)).toHaveLength(1);
  });

  it("stand in every rule of the actors", () => {
    const rows = read("ACTORS.md")
      .split("\n")
      .filter((line) => line.startsWith("| ") && !line.startsWith("| rule"));
    expect(rows.length).toBeGreaterThan(40);
    for (const row of rows)
      expect(
        namedTests(row).every(({ title }) => title !== undefined),
        row,
      ).toBe(true);
    for (const row of rows) expect(namedTests(row).length, row).toBeGreaterThan(0);
  });

  it("or a construction answer each of the forty defects", () => {
    const rows = read("DIFFERENCES.md")
      .split("\n")
      .flatMap((line) => {
        const [, number] = /^\| (\d+) \| /.exec(line) ?? [];
        return number === undefined ? [] : [{ number: Number(number), line }];
      });
    expect(rows.map(({ number }) => number)).toEqual(Array.from({ length: 40 }, (_, index) => index + 1));
    // Documents that contradicted the code: what is checked stands in the row, and prose can still be wrong.
    const open = rows.filter(({ line }) => !/by construction/i.test(line) && namedTests(line).length === 0);
    expect(open.map(({ number }) => number)).toEqual([39]);
  });
});
