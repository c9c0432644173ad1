/** Seals are done in the order in which somebody waits for them, also when that changes while they wait. */
import { setImmediate as turn } from "node:timers/promises";
import { silentLogger } from "@holdfast/base";
import { SimClock, SimDisk } from "@holdfast/base/testing";
import { createQueueSealer, openSqliteJobs, openStorage, type Storage } from "@holdfast/storage";
import fc from "fast-check";
import { afterAll, describe, expect, it } from "vitest";
import { miner, networkId, scratch, sectorBytes, ticketAt } from "../support.ts";

const files = scratch();
afterAll(() => files.remove());

async function opened() {
  const clock = new SimClock();
  const queue = openSqliteJobs({ dbPath: files.next(), clock });
  const disk = new SimDisk();
  const storage: Storage = await openStorage({
    ...{ sectorBytes, disk, clock, dbPath: files.next(), logger: silentLogger },
    prover: {
      threadCount: 0,
      sealerFor: (over) => createQueueSealer({ queue, disk: over, life: "1" }),
      [Symbol.asyncDispose]: async () => undefined,
    },
  });
  return { queue, storage };
}

describe("a storage that seals by a queue", () => {
  it("has the nearest due done first, of what waits and of what comes, and what nobody waits for last", async () => {
    const due = fc.option(fc.integer({ min: 1, max: 9 }));
    const said = fc.record({ sector: fc.nat({ max: 3 }), due });
    const law = fc.asyncProperty(fc.array(said), fc.array(said), async (before, after) => {
      const { queue, storage } = await opened();
      const ids: number[] = [];
      for (let count = 0; count < 4; count += 1) ids.push(await storage.addCommittedCapacity());
      const dues = new Map<number, number | null>();
      const tell = async (words: typeof before): Promise<void> => {
        for (const { sector, due: dueMs } of words) {
          const id = ids[sector] ?? 0;
          dues.set(id, dueMs);
          storage.setDue(id, dueMs);
          await turn();
        }
      };
      await tell(before);
      for (const id of ids) await storage.startSeal(id, ticketAt(5), { networkId, miner });
      const waiting = async () => await queue.list({ states: ["waiting"] }, { limit: 9 });
      while ((await waiting()).length < ids.length) await turn();
      await tell(after);
      const asked = (await waiting()).toSorted((a, b) => a.jobId - b.jobId);
      // The oldest of those that are due together.
      const wanted = asked
        .map(({ sectorId }) => sectorId ?? 0)
        .toSorted((a, b) => (dues.get(a) ?? 10) - (dues.get(b) ?? 10));
      const found: (number | null | undefined)[] = [];
      const free = { cpus: 1, memoryBytes: 2 ** 40 };
      for (const _ of ids)
        found.push((await queue.claim({ workerId: "w", kinds: ["seal"], free, leaseMs: 9 }))?.sectorId);
      expect(found).toEqual(wanted);
      await storage.close();
      await queue[Symbol.asyncDispose]();
    });
    await fc.assert(law, { numRuns: 20 });
  });
});
