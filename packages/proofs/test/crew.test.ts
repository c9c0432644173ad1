/**
 * A crew does every slice once and gives its caller the result, whatever happens to its helpers: they may die, throw or
 * never start; the caller may give up or be ended. The kernels that it drives are in crew-kernels.test.ts.
 */
import { once } from "node:events";
import { closeSync, constants, mkdtempSync, openSync, rmSync, writeSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { Worker } from "node:worker_threads";
import { plainCurveKernel, plainTreeKernel } from "@holdfast/proofs";
import {
  allocateShared,
  type Crew,
  createCrew,
  createSeats,
  minSharedBytes,
  Seat,
} from "@holdfast/proofs/kernels";
import { afterAll, describe, expect, it } from "vitest";
import { failing, type SquaresInput, squares, squaresInput } from "./crew-kinds.ts";

const kernels = { tree: plainTreeKernel, curve: plainCurveKernel, layers: {} };
const losses: string[] = [];
const crewOf = (options: Partial<Parameters<typeof createCrew>[0]> = {}): Crew =>
  createCrew({
    backend: "reference",
    kernels,
    threads: 2,
    onLoss: (problem) => losses.push(problem),
    ...options,
  });

const expected = (slices: number): number[] => Array.from({ length: slices }, (_none, i) => i * i);

function run(crew: Crew, slices: number, more: Partial<SquaresInput> = {}): SquaresInput {
  const input = squaresInput(slices, more);
  crew.run(squares, input, slices);
  return input;
}

describe("a crew", () => {
  const shared = crewOf({ threads: 3 });
  afterAll(() => shared[Symbol.asyncDispose]());

  it("does every slice once, beside a caller whose event loop stands still", () => {
    const { out, flags } = run(shared, 37);
    expect([...out]).toEqual(expected(37));
    expect([...flags]).toEqual([1, 0, 37]);
  });

  it("does tasks of no slice, of one, and of fewer than it has threads", () => {
    for (const slices of [0, 1, 2]) {
      expect([...run(shared, slices, { together: false }).out]).toEqual(expected(slices));
    }
  });

  it("begins without its caller, and says how far it is", () => {
    const input = squaresInput(5);
    const pass = shared.start(squares, input, 5);
    Atomics.wait(input.flags, 0, 0, 20_000);
    expect(pass.advance()).toBe(pass.doneRatio < 1 && pass.advance());
    pass.finish();
    expect(pass.doneRatio).toBe(1);
    expect([...input.out]).toEqual(expected(5));
  });

  it("of one thread starts none", () => {
    using alone = crewOf({ threads: 1 });
    expect([...run(alone, 9, { together: false }).out]).toEqual(expected(9));
    expect(alone.helperCount).toBe(0);
  });

  it("lets the caller's own error out, and is as good as before", () => {
    expect(() => shared.run(failing, null, 8)).toThrow(RangeError);
    expect([...run(shared, 5).out]).toEqual(expected(5));
    expect(losses).toEqual([]);
  });

  it("waits for what is in hand when its caller gives up, and begins nothing more", () => {
    const input = squaresInput(50, { helper: "waits" });
    const pass = shared.start(squares, input, 50);
    Atomics.wait(input.flags, 0, 0, 20_000);
    const release = new Worker(
      "const { workerData: f } = require('node:worker_threads'); Atomics.store(f, 1, 1); Atomics.notify(f, 1);",
      { eval: true, workerData: input.flags },
    );
    release.unref();
    pass.stop();
    const begun = input.flags[2];
    expect(begun).toBeLessThanOrEqual(2);
    expect([...input.out].filter((square) => square > 0).length).toBeLessThanOrEqual(2);
    expect([...run(shared, 5).out]).toEqual(expected(5));
    expect(input.flags[2]).toBe(begun);
  });
});

describe("helpers that fail", () => {
  it.each(["exits", "throws"] as const)("one that %s", async (helper) => {
    losses.length = 0;
    await using crew = crewOf();
    expect([...run(crew, 20, { helper }).out]).toEqual(expected(20));
    expect(losses).toHaveLength(1);
    // The next task has another helper.
    expect([...run(crew, 20).out]).toEqual(expected(20));
    expect(losses).toHaveLength(1);
  });

  it("one that cannot start is said to be lost, once", async () => {
    losses.length = 0;
    await using crew = crewOf({ setup: "data:text/javascript,throw new Error('planted')" });
    expect([...run(crew, 20, { together: false }).out]).toEqual(expected(20));
    while (crew.helperCount > 0) await new Promise((resolve) => setImmediate(resolve));
    expect([...run(crew, 20, { together: false }).out]).toEqual(expected(20));
    expect(losses).toHaveLength(1);
    expect(losses[0]).toMatch(/planted/);
  });

  it("that never start are not hired for ever, and that is said", async () => {
    losses.length = 0;
    await using crew = crewOf({ setup: "data:text/javascript,throw new Error('planted')" });
    for (let task = 0; task < 6; task += 1) {
      expect([...run(crew, 20, { together: false }).out]).toEqual(expected(20));
      while (crew.helperCount > 0) await new Promise((resolve) => setImmediate(resolve));
    }
    expect(losses).toHaveLength(3);
    expect(losses.map((problem) => /no other will be started/.test(problem))).toEqual([false, false, true]);
  });

  it("no helper works without a seat", async () => {
    await using crew = crewOf({ seats: createSeats(1) }); // the caller has it;
    const { flags, out } = run(crew, 20, { together: false });
    expect([...out]).toEqual(expected(20));
    expect(flags[0]).toBe(0);
  });
});

describe("seats", () => {
  it("are taken once, kept, left, and freed for the dead", () => {
    const seats = createSeats(2);
    const [first, second] = [Seat.take(seats), Seat.take(seats)];
    expect(Seat.take(seats)).toBeUndefined();
    first?.keep();
    second?.leave();
    const third = Seat.take(seats);
    expect(third?.claim[0]).toBe(second?.claim[0]);
    second?.leave(); // is not theirs any more
    expect(Seat.take(seats)).toBeUndefined();
    Atomics.store(seats, 0, 1); // silent for long
    expect(Seat.take(seats)?.claim[0]).toBe(0);
  });
});

describe("ends", () => {
  it("helpers that have nothing to do leave", async () => {
    await using crew = crewOf({ idleMs: 1 });
    expect([...run(crew, 5).out]).toEqual(expected(5));
    while (crew.helperCount > 0) await new Promise((resolve) => setImmediate(resolve));
    expect([...run(crew, 5).out]).toEqual(expected(5));
  });

  it("a crew that ended leaves its caller to work alone", async () => {
    const crew = crewOf();
    run(crew, 5);
    await crew[Symbol.asyncDispose]();
    expect([...run(crew, 5, { together: false }).out]).toEqual(expected(5));
  });

  it("the end of a caller in the middle of a task is the end of its helpers", async () => {
    const counts = new Int32Array(new SharedArrayBuffer(8));
    const parent = new Worker(new URL("./crew-parent.ts", import.meta.url), { workerData: counts });
    for (const slice of [0, 1]) await Atomics.waitAsync(counts, slice, 0).value;
    const ended = once(parent, "exit");
    await parent.terminate();
    await ended;
    const [first, second] = counts;
    expect(first).toBeGreaterThan(0);
    expect(second).toBeGreaterThan(0);
    // A thread that lived would go on counting meanwhile.
    expect(plainTreeKernel.poseidonRow(new Uint8Array(32 * 64), 8)).toHaveLength(32 * 8);
    expect([...counts]).toEqual([first, second]);
  });
});

describe("shared memory", () => {
  it("is zeros of the wanted length, shared from a size on", () => {
    for (const bytes of [0, 5, minSharedBytes - 1, minSharedBytes, minSharedBytes + 33]) {
      const given = allocateShared(bytes);
      expect(given.length).toBe(bytes);
      expect(given.every((byte) => byte === 0)).toBe(true);
      expect(given.buffer instanceof SharedArrayBuffer).toBe(bytes >= minSharedBytes);
    }
  });

  it("that is forgotten is given back", () => {
    const mebibyte = 2 ** 20;
    const before = process.memoryUsage.rss();
    let most = 0;
    for (let i = 0; i < 120; i += 1) {
      const given = allocateShared(8 * mebibyte);
      for (let at = 0; at < given.length; at += 4096) given[at] = 1;
      most = Math.max(most, process.memoryUsage.rss());
    }
    expect(most - before).toBeLessThan(600 * mebibyte);
  });

  it.runIf(process.platform === "linux")("is what files without the system's cache take", () => {
    const folder = mkdtempSync(fileURLToPath(new URL("../../../.tmp-crew-", import.meta.url)));
    try {
      const file = openSync(
        join(folder, "direct"),
        constants.O_DIRECT | constants.O_CREAT | constants.O_WRONLY,
      );
      expect(writeSync(file, allocateShared(minSharedBytes))).toBe(minSharedBytes);
      closeSync(file);
    } finally {
      rmSync(folder, { recursive: true });
    }
  });
});
