/** Whether a miner may go without trees: what it would have to hash, against the time that its proofs have. */
import { type Logger, silentLogger } from "@holdfast/base";
import { codeThrown, SimClock } from "@holdfast/base/testing";
import type { SectorTotal } from "@holdfast/storage";
import { describe, expect, it } from "vitest";
import { checkRebuiltTrees, hashingMsPerByte, treeOptions, watchTreeDial } from "../src/tree-dial.ts";

const sectorBytes = 8 * 2 ** 20;
const vanilla = { sectorBytes, profile: "any", proofMode: "vanilla", keys: null } as const;
const params = { roundMs: 30_000, deadlinesPerPeriod: 10, proofWindowEpochs: 20, sectorClasses: [vanilla] };
/** One sector takes a second. */
const perSecond = 1_000 / sectorBytes;

const judged = (sectorCount: number, msPerByte = perSecond): string =>
  codeThrown(() => checkRebuiltTrees([{ sectorBytes, sectorCount }], params, msPerByte));

describe("trees that are not kept", () => {
  it("are refused where half a window is too short for the sectors of a deadline", () => {
    expect(judged(3_000)).toBe("no error");
    expect(judged(3_001)).toBe("trees/too-slow");
  });

  it("are refused where one sector takes more than half a round: no block could be won", () => {
    expect(judged(1, 15 * perSecond)).toBe("no error");
    expect(judged(1, 15.1 * perSecond)).toBe("trees/too-slow");
    expect(judged(0, 99 * perSecond)).toBe("no error");
  });

  it("are judged over all sizes together, and twice as hard where proofs are SNARKs", () => {
    const [small, large] = [
      { sectorBytes, sectorCount: 1_500 },
      { sectorBytes: 2 * sectorBytes, sectorCount: 760 },
    ];
    expect(codeThrown(() => checkRebuiltTrees([small], params, perSecond))).toBe("no error");
    expect(codeThrown(() => checkRebuiltTrees([small, large], params, perSecond))).toBe("trees/too-slow");
    const keys = {} as never;
    const succinct = { ...params, sectorClasses: [{ ...vanilla, proofMode: "groth16", keys }] } as const;
    expect(codeThrown(() => checkRebuiltTrees([small], succinct, perSecond))).toBe("no error");
    expect(codeThrown(() => checkRebuiltTrees([small, small], succinct, perSecond))).toBe("trees/too-slow");
  });

  it("are looked at again as sectors come, and too many of them are said in the log", async () => {
    const clock = new SimClock();
    const told: unknown[] = [];
    const logger: Logger = { ...silentLogger, error: (_text, data) => void told.push(data?.detail) };
    let sectorCount = 1;
    const countSectors = async () => [{ state: "committed" as const, sectorBytes, sectorCount }];
    const dial = { sectorBytes, params, clock, logger, measure: () => perSecond };
    await using _watch = watchTreeDial({ countSectors }, dial);
    await clock.advance(3_600_000);
    expect(told).toEqual([]);
    sectorCount = 3_001;
    await clock.advance(3_600_000);
    await expect.poll(() => told.length).toBe(1);
  });

  it("bound what a storage opens: of all that is proven or will be, and no more", () => {
    const options = { params, clock: new SimClock(), measure: () => perSecond };
    expect(treeOptions("kept", options)).toEqual({ keepTrees: true });
    const { keepTrees, checkSectors } = treeOptions("rebuilt", options);
    expect(keepTrees).toBe(false);
    const opened = (sectorCount: number, state: SectorTotal["state"]): string =>
      codeThrown(() =>
        checkSectors?.([
          { sectorBytes, sectorCount: 2_999, state: "committed" },
          { sectorBytes, sectorCount, state },
        ]),
      );
    expect(opened(1, "staging")).toBe("no error");
    expect(opened(2, "staging")).toBe("trees/too-slow");
    expect(opened(9_999, "expired")).toBe("no error");
  });

  it("are measured by hashing some", () => {
    let ms = 0;
    expect(hashingMsPerByte(() => (ms += 2 ** 20))).toBe(1);
  });
});
