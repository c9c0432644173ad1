/** How fast seals go is said of what was worked, whatever waited, and of the workers that are there. */
import { SimClock, SimDisk } from "@holdfast/base/testing";
import { defaultClasses, zeroPieceCommitment } from "@holdfast/proofs";
import { createQueueSealer, openSqliteJobs, sealSpeedOf } from "@holdfast/storage";
import { afterAll, expect, it } from "vitest";
import { identity, scratch, sectorBytes, ticketAt } from "../support.ts";

const files = scratch();
afterAll(() => files.remove());
const own = { workerId: "own", seals: 1, processes: 0 };

it("is what the last jobs took from their claim on, by as many as are there", async () => {
  const clock = new SimClock();
  await using queue = openSqliteJobs({ dbPath: files.next(), clock });
  const sealer = createQueueSealer({ queue, disk: new SimDisk(), life: "1" });
  const stop = new AbortController();
  const folder = (sector: number) => `work/${sector}-1`;
  const seals = [1, 2, 3].map((sector) =>
    sealer.replicate(
      {
        classes: defaultClasses,
        sectorBytes,
        identity: {
          ...{ ...identity, sectorId: sector as never, ticket: ticketAt(5).bytes },
          commD: zeroPieceCommitment(sectorBytes),
        },
        ...{ stagedPath: null, ranges: [], resumePath: null, replicaPath: `${folder(sector)}/sealed` },
        ...{ treePath: `${folder(sector)}/tree`, auxPath: `${folder(sector)}/aux` },
      },
      { signal: stop.signal },
    ),
  );
  const failed = Promise.allSettled(seals);
  while ((await queue.list({}, { limit: 9 })).length < 3) await new Promise(setImmediate);
  expect(await sealSpeedOf(queue, own)).toBe(undefined);
  const request = { workerId: "w", kinds: ["seal", "commit-proof"], leaseMs: 30_000 } as const;
  const free = { cpus: 1, memoryBytes: 2 ** 40 };
  for (const ms of [100, 300]) {
    const job = await queue.claim({ ...request, free });
    await clock.advance(ms);
    await queue.done({ jobId: job?.jobId ?? 0, token: job?.token ?? 0 }, "");
  }
  await queue.enqueue({ key: "proof", kind: "commit-proof", input: "" });
  const proof = await queue.claim({ ...request, free });
  await clock.advance(40);
  await queue.done({ jobId: proof?.jobId ?? 0, token: proof?.token ?? 0 }, "");
  const alone = await sealSpeedOf(queue, own);
  expect(alone?.parallel).toBe(1);
  expect(alone?.msFor(sectorBytes)).toBeCloseTo(240, 0);
  expect(alone?.msFor(2 * sectorBytes)).toBeCloseTo(440, 0);
  const there = { place: "", kinds: ["seal"], capacity: { cpus: 3, memoryBytes: 2 ** 40 } } as const;
  for (const workerId of ["own", "a", "b"]) await queue.announce({ ...there, workerId });
  // Too small for such a seal, and one for something else.
  await queue.announce({ ...there, workerId: "c", capacity: { cpus: 9, memoryBytes: 1_000 } });
  await queue.announce({ ...there, workerId: "d", kinds: ["unseal"] });
  expect((await sealSpeedOf(queue, own))?.parallel).toBe(7);
  expect((await sealSpeedOf(queue, { ...own, seals: 0, processes: 8 }))?.parallel).toBe(8);
  stop.abort(new Error("the test is over"));
  await failed;
});
