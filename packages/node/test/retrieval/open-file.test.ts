/** Opening a file that is elsewhere: it is read while it arrives, in virtual time. */
import { rawCid } from "@holdfast/base";
import { codeOf } from "@holdfast/base/testing";
import { describe, expect, it } from "vitest";
import { chunkBytes, collect, expectSameBytes, randomBytes, streamOf, World } from "./support.ts";

describe("opening a file that is elsewhere", () => {
  it("gives the first bytes long before the last ones have come", async () => {
    const world = new World({ delayMs: 10 });
    const provider = await world.node("provider");
    const client = await world.node("client");
    const bytes = randomBytes("latency", 40 * chunkBytes);
    const { root } = await provider.retrieval.importFile(streamOf(bytes));
    const startMs = world.clock.nowMs();
    const opened = await world.run(client.retrieval.openFile(root, { providers: [provider.peer] }));
    expect(opened.sizeBytes).toBe(bytes.length);
    const reader = opened.bytes[Symbol.asyncIterator]();
    const first = await world.run(reader.next());
    const firstMs = world.clock.nowMs() - startMs;
    expectSameBytes(first.value ?? new Uint8Array(0), bytes.subarray(0, chunkBytes));
    expect(await client.retrieval.hasLocal(root)).toBe(false);
    const rest = await world.run(collect({ [Symbol.asyncIterator]: () => reader }));
    expectSameBytes(rest, bytes.subarray(chunkBytes));
    expect(world.clock.nowMs() - startMs).toBeGreaterThan(3 * firstMs);
  });

  it("gives it from any offset", async () => {
    const world = new World();
    const provider = await world.node("provider");
    const bytes = randomBytes("offset", 3 * chunkBytes);
    const { root } = await provider.retrieval.importFile(streamOf(bytes));
    for (const offsetBytes of [0, 1, chunkBytes, 2 * chunkBytes + 77, bytes.length]) {
      const client = await world.node(`client-${offsetBytes}`);
      const request = { offsetBytes, providers: [provider.peer] };
      const opened = await world.run(client.retrieval.openFile(root, request));
      expectSameBytes(await world.run(collect(opened.bytes)), bytes.subarray(offsetBytes));
    }
    const client = await world.node("client-beyond");
    const beyond = client.retrieval.openFile(root, {
      offsetBytes: bytes.length + 1,
      providers: [provider.peer],
    });
    expect(await codeOf(world.run(beyond))).toBe("retrieval/bad-offset");
  });

  it("stops fetching when the reader leaves, even before the first byte", async () => {
    for (const how of ["return", "abort"]) {
      const world = new World();
      const provider = await world.node("provider");
      const client = await world.node("client");
      const { root } = await provider.retrieval.importFile(streamOf(randomBytes("leave", 30 * chunkBytes)));
      const stop = new AbortController();
      const request = { providers: [provider.peer], signal: stop.signal };
      const opened = await world.run(client.retrieval.openFile(root, request));
      if (how === "abort") stop.abort(new Error("gone"));
      else await opened.bytes[Symbol.asyncIterator]().return?.();
      await world.advance(60_000);
      expect(await client.retrieval.hasLocal(root)).toBe(false);
      expect(await client.blocks.usedBytes()).toBeLessThan(20 * chunkBytes);
    }
  });

  it("heals a block that the local disk has lost, if somebody has it", async () => {
    const world = new World();
    const provider = await world.node("provider");
    const client = await world.node("client");
    const bytes = randomBytes("heal", 8 * chunkBytes);
    const { root } = await provider.retrieval.importFile(streamOf(bytes));
    await client.retrieval.importFile(streamOf(bytes));
    await client.blocks.delete(rawCid(bytes.subarray(chunkBytes, 2 * chunkBytes)));
    await expect(client.retrieval.readFile(root).then(({ bytes }) => collect(bytes))).rejects.toMatchObject({
      code: "retrieval/missing-block",
    });
    const opened = await world.run(client.retrieval.openFile(root, { providers: [provider.peer] }));
    expectSameBytes(await world.run(collect(opened.bytes)), bytes);
    expect(await client.retrieval.localFile(root)).toMatchObject({ imported: true, complete: true });
  });
});
