/** The table of planted bugs fits the sources: each has its one place, so that none stands for a bug that was found. */
import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { bugNamed, bugs, ciSeeds, planted } from "./planted/bugs.ts";

describe("planted bugs", () => {
  it("are found, at least twenty of them, by seeds of CI, and each has a name of its own", () => {
    expect(bugs.filter(({ seed }) => seed !== undefined).length).toBeGreaterThanOrEqual(20);
    expect(new Set(bugs.map(({ name }) => name)).size).toBe(bugs.length);
    const { from, count } = ciSeeds;
    for (const { seed = from } of bugs) expect(seed >= from && seed < from + count).toBe(true);
  });

  it("have no seed if a second check makes up for them", () => {
    expect(bugs.filter(({ seed, behind }) => seed !== undefined && behind !== undefined)).toEqual([]);
  });

  it("are searched with the seeds and the time of CI", () => {
    const ci = readFileSync(new URL("../.ci/run", import.meta.url), "utf8");
    const { from, count, hours } = ciSeeds;
    expect(ci).toContain(`npm run -s sim -- --from ${from} --seeds ${count} --hours ${hours}`);
    expect(ci).toContain("npm run -s sim:planted");
  });

  it.each(bugs.map((bug) => [bug.name, bug] as const))("has its one place: %s", (_, bug) => {
    const source = readFileSync(new URL(`../${bug.file}`, import.meta.url), "utf8");
    expect(planted(bug, source)).not.toBe(source);
  });

  it("refuses a source without the place, or with two, and a name that there is not", () => {
    const [bug] = bugs;
    if (bug === undefined) throw new TypeError("there are bugs");
    expect(() => planted(bug, "nothing of it")).toThrow("does not have the one place");
    expect(() => planted(bug, `${bug.find}\n${bug.find}`)).toThrow("does not have the one place");
    expect(() => bugNamed("no such bug")).toThrow("no bug named");
  });
});
