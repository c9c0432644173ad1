/** `storage repair`: several sectors, or all that lack files, each asked for once; what has begun goes on by itself. */
import { HoldfastError } from "@holdfast/base";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { type CannedNode, startCannedNode } from "./canned-node.ts";
import { storageAnswers } from "./canned-storage.ts";
import { jsonError, run } from "./run.ts";

let node: CannedNode;
beforeEach(async () => {
  node = await startCannedNode();
  node.instead.set("storage.repair", (params) => ({
    ...storageAnswers["storage.repair"],
    ...(params as object),
  }));
});
afterEach(() => node[Symbol.asyncDispose]());

const asked = () =>
  node.calls
    .filter(({ name }) => name === "storage.repair")
    .map(({ params }) => (params as { sectorId: number }).sectorId);
const lacks = (sectorId: number, state = "committed", isRepairable = true) => ({
  ...{ sectorId, state, isRepairable, isProvable: true },
  missing: [{ role: "sealed", volumeId: 0, path: `sealed/${sectorId}-1` }],
});
/** What each look finds; the last one stays. */
function lookingAt(...looks: ReturnType<typeof lacks>[][]): void {
  node.instead.set("storage.ls", () => {
    const sectors = (looks.length > 1 ? looks.shift() : looks[0]) ?? [];
    const lacking = {
      sectors,
      sectorCount: sectors.length,
      files: sectors.length,
      looked: 9,
      lookedTo: null,
    };
    return { ...storageAnswers["storage.ls"], lacking };
  });
}

describe("storage repair", () => {
  it("of several sectors asks for each once and ends with the sum", async () => {
    const done = await run(["storage", "repair", "3", "4", "3", "5"], { node });
    expect([done.code, asked()]).toEqual([0, [3, 4, 5]]);
    expect(done.out.trimEnd().split("\n")).toHaveLength(6);
    expect(done.err).toBe("3 sectors: 3 made anew\n");
  });

  it("--all goes on until a look finds none that is new, and fails for those that are left", async () => {
    const [young, lost] = [lacks(7, "proved"), lacks(8, "committed", false)];
    lookingAt([lacks(1), lacks(2), young], [lacks(2), lacks(6), young, lost], [young, lost]);
    const done = await run(["storage", "repair", "--all", "--json"], { node });
    expect([done.code, asked()]).toEqual([8, [1, 2, 6]]);
    expect(jsonError(done)).toMatchObject({
      ...{ code: "cli/not-all-repaired", message: "2 sectors are left as they are" },
      fix: expect.stringContaining("`holdfast why storage`"),
    });
    lookingAt([]);
    expect(await run(["storage", "repair", "--all"], { node })).toEqual({
      ...{ code: 0, out: "", err: "nothing to make anew\n" },
    });
  });

  it("--all looks at part after part until all were looked at", async () => {
    const parts = [lacks(1), lacks(5, "committed", false), lacks(9)];
    const afters: (number | undefined)[] = [];
    node.instead.set("storage.ls", (params) => {
      const { after = 0 } = params as { after?: number };
      afters.push(after);
      const part = parts.filter(({ sectorId }) => sectorId > after && sectorId <= after + 4);
      const sectors = part.filter(({ sectorId }) => !asked().includes(sectorId));
      const found = { sectors, sectorCount: sectors.length, files: sectors.length, looked: 4 };
      return {
        ...storageAnswers["storage.ls"],
        lacking: { ...found, lookedTo: after < 8 ? after + 4 : null },
      };
    });
    const done = await run(["storage", "repair", "--all", "--json"], { node });
    expect([asked(), afters]).toEqual([
      [1, 9],
      [0, 0, 4, 8, 8],
    ]);
    expect([done.code, jsonError(done).message]).toEqual([8, "one sector is left as it is"]);
  });

  it("one that cannot be mended keeps no other from it; alone its error is the command's", async () => {
    node.instead.set("storage.repair", (params) => {
      if ((params as { sectorId: number }).sectorId === 4)
        throw new HoldfastError({
          code: "storage/unrepairable",
          message: "lost",
          fix: "give it up",
          exit: "refused",
        });
      return { ...storageAnswers["storage.repair"], ...(params as object) };
    });
    const some = await run(["storage", "repair", "3", "4", "5"], { node });
    expect(some).toMatchObject({ code: 8, out: expect.stringContaining("sector 4 is left as it is: lost") });
    expect(some.err).toContain("3 sectors: 2 made anew, 1 left as they are");
    expect(jsonError(await run(["storage", "repair", "4", "--json"], { node })).code).toBe(
      "storage/unrepairable",
    );
  });

  it("asks for a few at a time, and when it is interrupted for no more", async () => {
    const stop = new AbortController();
    node.instead.set("storage.repair", () => {
      if (asked().length === 4) stop.abort();
      return new Promise(() => undefined);
    });
    const sectors = Array.from({ length: 9 }, (_, index) => `${index}`);
    const cut = await run(["storage", "repair", ...sectors, "--json"], { node, signal: stop.signal });
    expect([cut.code, asked()]).toEqual([75, [0, 1, 2, 3]]);
    expect(jsonError(cut)).toMatchObject({
      ...{ code: "cli/repairs-left", message: "interrupted after 0 of 9 sectors" },
      fix: expect.stringContaining("`holdfast jobs ls --kind repair`"),
    });
  });

  it("of no sector, or of some and all, is wrong usage", async () => {
    for (const words of [[], ["3", "--all"], ["x"]])
      expect(await run(["storage", "repair", ...words], { node })).toMatchObject({ code: 2 });
    expect(asked()).toEqual([]);
  });
});
