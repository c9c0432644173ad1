/** A network's start that is called off: it ends where it is, whenever that comes, and leaves nothing half made. */
import { mkdtemp, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { startDevnet } from "../src/devnet.ts";

const reason = new Error("Ctrl-C");
/** Turns of the event loop after which somebody presses Ctrl-C: before, while keys are made, while sectors are, … */
const moments = [0, 1, 5, 25, 100, 400];

describe("the start of a network", () => {
  let state: string;
  beforeAll(async () => {
    state = await mkdtemp(join(tmpdir(), "holdfast-devnet-"));
  });
  afterAll(() => rm(state, { recursive: true }));

  it("ends as soon as it is called off, and the next one goes on", async () => {
    let givenUp = 0;
    for (const turns of moments) {
      const stop = new AbortController();
      const count = (left: number): unknown =>
        left === 0 ? stop.abort(reason) : setImmediate(() => count(left - 1));
      count(turns);
      const options = { roundMs: 1_000, miners: 2, apiPort: 0, version: "0", sectorBytes: 65_536, state };
      try {
        await using network = await startDevnet({ ...options, proofMode: "vanilla", signal: stop.signal });
        expect(network.nodes).toHaveLength(4); // it was faster
      } catch (error) {
        expect(error).toBe(reason);
        givenUp += 1;
      }
      expect(await readdir(state)).not.toContain(".making");
    }
    expect(givenUp).toBeGreaterThan(2);
  });
});
