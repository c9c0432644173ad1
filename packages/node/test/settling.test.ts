/** Blocks that are made durable together: nothing is said to be that is not. */
import { type CID, rawCid } from "@holdfast/base";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { limits } from "../src/limits.ts";
import { Settling } from "../src/settling.ts";

const cidOf = (index: number): CID => rawCid(Uint8Array.of(index >> 8, index & 0xff));
const turn = () => new Promise<void>((resolve) => setImmediate(resolve));

/** A place that makes durable when it is let. */
class Place {
  readonly durable = new Set<string>();
  rounds = 0;
  running = 0;
  async settle(cids: readonly CID[]): Promise<void> {
    this.rounds += 1;
    this.running += 1;
    expect(this.running).toBe(1);
    await turn();
    for (const cid of cids) this.durable.add(cid.toString());
    this.running -= 1;
  }
}

describe("settling", () => {
  it("has made everything durable when it is done, in one round at a time", async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(fc.nat(3 * limits.settledAtOnce), { maxLength: 8 }), async (bursts) => {
        const place = new Place();
        const settling = new Settling(place);
        const all: string[] = [];
        for (const burst of bursts) {
          for (let index = 0; index < burst; index += 1) {
            const cid = cidOf(all.length);
            all.push(cid.toString());
            settling.add(cid);
          }
          await turn();
        }
        await settling.done();
        expect([...place.durable].sort()).toEqual([...new Set(all)].sort());
        expect(place.running).toBe(0);
      }),
      { seed: 3, numRuns: 50 },
    );
  });

  it("begins before all has come, and takes many at once", async () => {
    const place = new Place();
    const settling = new Settling(place);
    const count = 10 * limits.settledAtOnce;
    for (let index = 0; index < count; index += 1) settling.add(cidOf(index));
    expect(place.rounds).toBe(1);
    await settling.done();
    expect(place.rounds).toBeLessThanOrEqual(3);
    expect(place.durable.size).toBe(count);
  });

  it("fails when a round has failed, at once or before, and leaves nothing under way", async () => {
    let calls = 0;
    const settling = new Settling({
      settle: async () => {
        calls += 1;
        await turn();
        throw new TypeError("the disk is gone");
      },
    });
    for (let index = 0; index < 2 * limits.settledAtOnce; index += 1) settling.add(cidOf(index));
    await settling.ended();
    await expect(settling.done()).rejects.toThrow("the disk is gone");
    expect(calls).toBe(1);
  });
});
