/** Jobs that go from one queue in SQLite to another; beside a server postgres-queue.test.ts has the other ways. */
import { codeOf, SimClock } from "@holdfast/base/testing";
import { openSqliteJobs, SwitchQueue } from "@holdfast/storage";
import { afterAll, describe, expect, it } from "vitest";
import { scratch } from "../support.ts";
import { carrySuite } from "./carry-suite.ts";

const files = scratch();
afterAll(() => files.remove());

const newPlace = () => {
  const options = { dbPath: files.next(), clock: new SimClock() };
  return async () => openSqliteJobs(options);
};

carrySuite("jobs from SQLite to SQLite", newPlace, newPlace);

describe("a queue that may be exchanged", () => {
  it("ends what it finds when nobody has it any more", async () => {
    const left = await newPlace()();
    await left.carrier.close();
    const next = await newPlace()();
    const asked = Promise.withResolvers<AbortSignal>();
    const found = Promise.withResolvers<typeof next>();
    const queue = new SwitchQueue(left, (_, signal) => {
      asked.resolve(signal as AbortSignal);
      return found.promise;
    });
    const change = codeOf(queue.cordon("all", "test"));
    const signal = await asked.promise;
    const ending = queue[Symbol.asyncDispose]();
    expect(signal.aborted).toBe(true);
    found.resolve(next);
    await ending;
    expect(await change).toBe("storage/closed");
    expect(await codeOf(next.counts())).toBe("storage/closed");
  });
});
