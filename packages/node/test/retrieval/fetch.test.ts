/** Getting a file in virtual time: what a fetch does when all is well, interrupted, resumed, shared. */

import { rawCid } from "@holdfast/base";
import { codeOf } from "@holdfast/base/testing";
import fc from "fast-check";
import { importBytes, type WritableStorage } from "ipfs-unixfs-importer";
import { fixedSize } from "ipfs-unixfs-importer/chunker";
import { balanced } from "ipfs-unixfs-importer/layout";
import { describe, expect, it } from "vitest";
import { limits } from "../../src/limits.ts";
import type { FetchProgress } from "../../src/retrieval/index.ts";
import { memoryBlocks } from "../../src/retrieval/index.ts";
import {
  chunkBytes,
  collect,
  expectSameBytes,
  randomBytes,
  sampleFile,
  scriptedProvider,
  streamOf,
  World,
} from "./support.ts";

describe("a fetch", () => {
  it("brings the whole file and says from whom", async () => {
    const world = new World();
    const provider = await world.node("provider");
    const client = await world.node("client");
    const bytes = randomBytes("happy", 10 * chunkBytes + 5);
    const { root, carBytes } = await provider.retrieval.importFile(streamOf(bytes));
    const seen: FetchProgress[] = [];
    const options = { progress: (progress: FetchProgress) => void seen.push(progress) };
    const result = await world.run(client.retrieval.ensureLocal(root, [provider.peer], options));
    expect(result).toMatchObject({ fileBytes: bytes.length, carBytes, failures: [] });
    expect(result.from.map(({ peer }) => peer)).toEqual([provider.peer]);
    expect(await client.retrieval.localFile(root)).toMatchObject({
      complete: true,
      imported: false,
      carBytes,
    });
    expectSameBytes(await collect((await client.retrieval.readFile(root)).bytes), bytes);
    expect(seen.at(-1)).toMatchObject({ doneCarBytes: carBytes, carBytes, fileBytes: bytes.length });
    const done = seen.map(({ doneCarBytes }) => doneCarBytes);
    expect(done).toEqual(done.toSorted((a, b) => a - b));
    // Again: nothing has to come.
    const again = await world.run(client.retrieval.ensureLocal(root, []));
    expect(again).toMatchObject({ from: [], carBytes });
    // And now the client can give it to others.
    const third = await world.node("third");
    await world.run(third.retrieval.ensureLocal(root, [client.peer]));
    expectSameBytes(
      await collect(third.retrieval.carStream(root)),
      await collect(provider.retrieval.carStream(root)),
    );
  });

  it("brings files of all sizes, those with repeated blocks and one of a single byte too", async () => {
    const world = new World();
    const provider = await world.node("provider");
    const client = await world.node("client");
    const shape = fc.record({ sizeBytes: fc.integer({ min: 1, max: 30_000 }), repeats: fc.boolean() });
    await fc.assert(
      fc.asyncProperty(shape, async ({ sizeBytes, repeats }) => {
        const bytes = repeats ? new Uint8Array(sizeBytes).fill(sizeBytes) : randomBytes(sizeBytes, sizeBytes);
        const { root } = await provider.retrieval.importFile(streamOf(bytes), { chunkBytes: 128 });
        await world.run(client.retrieval.ensureLocal(root, [provider.peer]));
        expectSameBytes(await collect((await client.retrieval.readFile(root)).bytes), bytes);
      }),
      { numRuns: 40 },
    );
  });

  it("brings a file of the old kind too: CID version 0, leaves wrapped in dag-pb", async () => {
    const world = new World();
    const provider = await world.node("provider");
    const client = await world.node("client");
    const bytes = randomBytes("version 0", 400 * 100 + 7);
    const blocks = memoryBlocks();
    const storage: WritableStorage = {
      async put(cid, block) {
        if (block instanceof Uint8Array) await blocks.put(cid, block);
        return cid;
      },
    };
    const { cid: root } = await importBytes(bytes, storage, {
      cidVersion: 0,
      rawLeaves: false,
      chunker: fixedSize({ chunkSize: 100 }),
      layout: balanced({ maxChildrenPerNode: 174 }),
    });
    expect(root.version).toBe(0);
    const old = await world.node("old", { blocks });
    await world.run(old.retrieval.ensureLocal(root, [])); // all blocks are here: they become a file
    const result = await world.run(client.retrieval.ensureLocal(root, [provider.peer, old.peer]));
    expect(result.from.map(({ peer }) => peer)).toEqual([old.peer]);
    expectSameBytes(await collect((await client.retrieval.readFile(root)).bytes), bytes);
    const offset = client.retrieval.carStream(root, { skipBytes: 9_999 });
    expectSameBytes(await collect(offset), (await collect(old.retrieval.carStream(root))).subarray(9_999));
  });

  it("prefers the provider that answers first", async () => {
    const world = new World({ delayMs: (from, to) => ([from, to].includes("far" as typeof from) ? 80 : 2) });
    const far = await world.node("far");
    const near = await world.node("near");
    const client = await world.node("client");
    const bytes = randomBytes("near", 4 * chunkBytes);
    const { root } = await far.retrieval.importFile(streamOf(bytes));
    await near.retrieval.importFile(streamOf(bytes));
    const result = await world.run(client.retrieval.ensureLocal(root, [far.peer, near.peer]));
    expect(result.from.map(({ peer }) => peer)).toEqual([near.peer]);
    const stat = await world.run(client.retrieval.stat(root, [far.peer, near.peer]));
    expect(stat.providers.map(({ peer }) => peer)).toEqual([near.peer, far.peer]);
    expect(stat).toMatchObject({ sizeBytes: bytes.length, localBytes: bytes.length, failures: [] });
  });

  it("goes on with the next provider when one vanishes, and does not fetch anything twice", async () => {
    const world = new World();
    const first = await world.node("first");
    const second = await world.node("second");
    const client = await world.node("client");
    const bytes = randomBytes("vanish", 16 * chunkBytes);
    const { root, carBytes } = await first.retrieval.importFile(streamOf(bytes));
    await second.retrieval.importFile(streamOf(bytes));
    let cut = false;
    const progress = ({ doneCarBytes, peer }: FetchProgress): void => {
      if (cut || doneCarBytes < carBytes / 2 || peer === undefined) return;
      cut = true;
      world.net.partition([[peer]]);
    };
    const fetched = client.retrieval.ensureLocal(root, [first.peer, second.peer], { progress });
    const result = await world.run(fetched);
    expect(cut).toBe(true);
    expect(result.from.length).toBe(2);
    const received = result.from.reduce((sum, { receivedBytes }) => sum + receivedBytes, 0);
    expect(received).toBeLessThan(carBytes + 2 * chunkBytes);
    expect(result.failures.map(({ code }) => code)).toContain("wire/stream-aborted");
    expectSameBytes(await collect((await client.retrieval.readFile(root)).bytes), bytes);
  });

  it("goes on with the same provider when it comes back", async () => {
    const world = new World();
    const provider = await world.node("provider");
    const client = await world.node("client");
    const { root } = await provider.retrieval.importFile(streamOf(randomBytes("back", 12 * chunkBytes)));
    let cuts = 0;
    const progress = (): void => {
      if (++cuts % 4 === 0) world.net.disconnect(provider.peer, client.peer);
    };
    const result = await world.run(client.retrieval.ensureLocal(root, [provider.peer], { progress }));
    expect(result.failures.length).toBeGreaterThanOrEqual(2);
    expect(await client.retrieval.hasLocal(root)).toBe(true);
  });

  it("can be called off, keeps what arrived, and skips it next time, also after a restart", async () => {
    const world = new World();
    const { root, car, bytes } = await sampleFile("resume", 20 * chunkBytes);
    const blocks = memoryBlocks();
    const provider = await world.wire("provider");
    const { skips } = scriptedProvider(provider, car.length, async (script) => {
      await script.answer(car.length);
      await script.chunks(car.subarray(script.request.skipBytes));
      await script.end(car.length - script.request.skipBytes);
    });
    const client = await world.node("client", { blocks });
    const stop = new AbortController();
    const progress = ({ doneCarBytes }: FetchProgress): void => {
      if (doneCarBytes > car.length / 2) stop.abort(new Error("the user has had enough"));
    };
    const first = client.retrieval.ensureLocal(root, [provider.self], { signal: stop.signal, progress });
    await expect(world.run(first)).rejects.toThrow("the user has had enough");
    await world.advance(1_000);
    expect(await client.retrieval.hasLocal(root)).toBe(false);
    expect((await client.retrieval.files()).map(({ complete }) => complete)).toEqual([false]);
    await world.run(client.retrieval[Symbol.asyncDispose]());
    const again = await world.node("client-restarted", { blocks });
    const stat = await world.run(again.retrieval.stat(root, [provider.self]));
    expect(stat.localBytes).toBeGreaterThan(bytes.length / 2 - 1);
    const result = await world.run(again.retrieval.ensureLocal(root, [provider.self]));
    expect(skips.length).toBe(2);
    expect(skips[1]).toBeGreaterThan(car.length / 2);
    expect(result.from).toEqual([{ peer: provider.self, receivedBytes: car.length - (skips[1] ?? 0) }]);
    expectSameBytes(await collect((await again.retrieval.readFile(root)).bytes), bytes);
  });

  it("fetches single blocks that are missing in the middle, and not the rest again", async () => {
    const world = new World();
    const { root, car, bytes } = await sampleFile("holes", 40 * chunkBytes);
    const provider = await world.node("provider");
    await provider.retrieval.importFile(streamOf(bytes));
    const client = await world.node("client");
    await client.retrieval.importFile(streamOf(bytes));
    const chunk = (index: number) => rawCid(bytes.subarray(index * chunkBytes, (index + 1) * chunkBytes));
    for (const index of [3, 30]) await client.blocks.delete(chunk(index));
    const { bytes: stream } = await world.run(
      client.retrieval.openFile(root, { providers: [provider.peer] }),
    );
    expectSameBytes(await world.run(collect(stream)), bytes);
    const again = await world.node("fresh");
    const holes = memoryBlocks();
    const client2 = await world.node("client-2", { blocks: holes });
    await client2.retrieval.importFile(streamOf(bytes));
    await holes.removeRecord(root);
    for (const index of [3, 30]) await holes.delete(chunk(index));
    const result = await world.run(client2.retrieval.ensureLocal(root, [provider.peer]));
    const received = result.from.reduce((sum, { receivedBytes }) => sum + receivedBytes, 0);
    expect(received).toBeLessThan(2 * chunkBytes + 12 * limits.retrievalChunkBytes);
    expect(car.length).toBeGreaterThan(10 * received);
    await world.run(again.retrieval.ensureLocal(root, [client2.peer]));
  });

  it("is one for all who want the same file, and goes on while anybody does", async () => {
    const world = new World();
    const { root, car } = await sampleFile("shared", 10 * chunkBytes);
    const provider = await world.wire("provider");
    const { skips } = scriptedProvider(provider, car.length, async (script) => {
      await script.answer(car.length);
      await script.chunks(car.subarray(script.request.skipBytes));
      await script.end(car.length - script.request.skipBytes);
    });
    const client = await world.node("client");
    const impatient = new AbortController();
    const wants = [
      client.retrieval.ensureLocal(root, [provider.self]),
      client.retrieval.ensureLocal(root, [provider.self], { signal: impatient.signal }),
      client.retrieval.ensureLocal(root, []),
    ];
    await world.advance(8);
    impatient.abort(new Error("no time"));
    const outcomes = await world.run(Promise.allSettled(wants));
    expect(outcomes.map(({ status }) => status)).toEqual(["fulfilled", "rejected", "fulfilled"]);
    expect(skips.length).toBe(1);
  });

  it("tells why when nobody has the file", async () => {
    const world = new World();
    const client = await world.node("client");
    const without = await world.node("without");
    const gone = await world.wire("gone");
    await gone[Symbol.asyncDispose]();
    const { root } = await sampleFile("nowhere", 10);
    expect(await codeOf(world.run(client.retrieval.ensureLocal(root, [])))).toBe("retrieval/no-provider");
    const failed = world.run(client.retrieval.ensureLocal(root, [without.peer, gone.self]));
    await expect(failed).rejects.toMatchObject({
      code: "retrieval/no-provider",
      data: { tried: 2, reasons: expect.stringContaining("it has no such file") },
    });
    expect(await codeOf(world.run(client.retrieval.stat(root, [without.peer])))).toBe(
      "retrieval/no-provider",
    );
    expect(await codeOf(world.run(client.retrieval.openFile(root, { providers: [without.peer] })))).toBe(
      "retrieval/no-provider",
    );
  });

  it("stops in order when the node shuts down", async () => {
    const world = new World();
    const provider = await world.node("provider");
    const client = await world.node("client");
    const { root } = await provider.retrieval.importFile(streamOf(randomBytes("stop", 20 * chunkBytes)));
    const fetched = codeOf(client.retrieval.ensureLocal(root, [provider.peer]));
    await world.advance(20);
    await world.run(client.retrieval[Symbol.asyncDispose]());
    expect(await world.run(fetched)).toBe("retrieval/closed");
    expect(await codeOf(client.retrieval.ensureLocal(root, [provider.peer]))).toBe("retrieval/closed");
  });
});

describe("room for fetched files", () => {
  it("is made by the oldest fetched files, never by imported ones or by those in use", async () => {
    const world = new World();
    const provider = await world.node("provider");
    const blocks = memoryBlocks({ quotaBytes: 9 * chunkBytes });
    const client = await world.node("client", { blocks });
    const file = async (name: string) =>
      (await provider.retrieval.importFile(streamOf(randomBytes(name, 2 * chunkBytes)))).root;
    const mine = await client.retrieval.importFile(streamOf(randomBytes("mine", 2 * chunkBytes)));
    const roots = [await file("a"), await file("b"), await file("c"), await file("d")];
    for (const root of roots) {
      await world.run(client.retrieval.ensureLocal(root, [provider.peer]));
      await world.advance(1_000);
    }
    const kept = await Promise.all(roots.map((root) => client.retrieval.hasLocal(root)));
    expect(kept).toEqual([false, true, true, true]);
    expect(await client.retrieval.hasLocal(mine.root)).toBe(true);
    const tooLarge = await provider.retrieval.importFile(streamOf(randomBytes("large", 8 * chunkBytes)));
    const failed = client.retrieval.ensureLocal(tooLarge.root, [provider.peer]);
    expect(await codeOf(world.run(failed))).toBe("retrieval/quota-full");
    expect(await client.retrieval.hasLocal(mine.root)).toBe(true);
    expect(await blocks.usedBytes()).toBeLessThanOrEqual(9 * chunkBytes);
  });

  it("comes back when a fetched file is deleted, also one that is being fetched", async () => {
    const world = new World();
    const provider = await world.node("provider");
    const client = await world.node("client");
    const { root } = await provider.retrieval.importFile(streamOf(randomBytes("gone", 20 * chunkBytes)));
    const stop = new AbortController();
    const progress = ({ doneCarBytes }: FetchProgress): void => {
      if (doneCarBytes < 10 * chunkBytes) return;
      void client.retrieval.deleteFile(root);
      stop.abort(new Error("deleted"));
    };
    const options = { progress, signal: stop.signal };
    await expect(world.run(client.retrieval.ensureLocal(root, [provider.peer], options))).rejects.toThrow(
      "deleted",
    );
    await world.advance(1_000);
    expect(await client.blocks.usedBytes()).toBe(0);
    await world.run(client.retrieval.ensureLocal(root, [provider.peer]));
    expect(await client.retrieval.deleteFile(root)).toBe(true);
    expect(await client.blocks.usedBytes()).toBe(0);
  });
});

describe("the stream of one peer for somebody who checks it himself", () => {
  it("comes from that peer, even if the file is here, and fails if it is cut", async () => {
    const world = new World();
    const { root, car, bytes } = await sampleFile("raw", 4 * chunkBytes);
    const provider = await world.wire("provider");
    let cutAt = car.length;
    const { skips } = scriptedProvider(provider, car.length, async (script) => {
      await script.answer(car.length);
      await script.chunks(car.subarray(0, cutAt));
      if (cutAt === car.length) await script.end(cutAt);
      await script.stream.closeWrite();
    });
    const client = await world.node("client");
    await client.retrieval.importFile(streamOf(bytes));
    const { signal } = new AbortController();
    expectSameBytes(await world.run(collect(client.retrieval.carFrom(provider.self, root, signal))), car);
    cutAt = 300_000;
    const cut = collect(client.retrieval.carFrom(provider.self, root, signal));
    expect(await codeOf(world.run(cut))).toBe("retrieval/cut");
    expect(skips).toEqual([0, 0]);
  });
});
