/**
 * Beside a stock Kubo: it keeps pins for us as the embedded back end does, and uses our pinning service as any other.
 * Left out where there is no Kubo; `.ci/run` brings one.
 */
import { type CID, silentLogger } from "@holdfast/base";
import { SeededRandom } from "@holdfast/base/testing";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { realClock } from "../../src/clock.ts";
import { openDatabase } from "../../src/database.ts";
import { openEmbedded, openKubo, openPins, startPinServer } from "../../src/pins/index.ts";
import { memoryBlocks } from "../../src/retrieval/index.ts";
import { Kubo, kuboVersion } from "../stock-kubo.ts";
import { Crowd, content, treeOf } from "./support.ts";

const kubo = new Kubo();

async function put(cid: CID, bytes: Uint8Array): Promise<void> {
  const form = new FormData();
  form.append("data", new Blob([Buffer.from(bytes)]));
  const codec = { 85: "raw", 112: "dag-pb", 113: "dag-cbor" }[cid.code] ?? "raw";
  await kubo.call(`block/put?cid-codec=${codec}&mhtype=sha2-256&allow-big-block=true`, form);
}

describe.skipIf(kuboVersion === undefined)(`pins beside Kubo ${kuboVersion ?? ""}`, () => {
  beforeAll(() => kubo.start(), 60_000);
  afterAll(() => kubo.stop());

  it("are kept by it: all blocks, sizes, ends, what others need, what is too large", async () => {
    await using backend = openKubo(kubo.api);
    const options = {
      origins: [],
      maxBytes: 10 ** 9,
      signal: new AbortController().signal,
      progress: () => undefined,
    };
    const one = treeOf([content(1, 3_000), content(2, 5_000)]);
    const two = treeOf([content(2, 5_000), content(3, 100)]);
    for (const tree of [one, two]) for (const { cid, bytes } of tree.blocks.values()) await put(cid, bytes);
    expect(await backend.isPinned(one.root)).toBe(false);
    const small = backend.pin(one.root, { ...options, maxBytes: one.bytes - 1 });
    await expect(small).rejects.toMatchObject({ code: "pins/too-big" });
    expect(await backend.isPinned(one.root)).toBe(false);
    for (const { root, blocks, bytes } of [one, two])
      expect(await backend.pin(root, options)).toEqual({ blocks: blocks.size, bytes });
    await backend.unpin(one.root);
    expect(await backend.isPinned(one.root)).toBe(false);
    expect((await backend.collect(options.signal)).blocks).toBeGreaterThan(0);
    for (const { cid, bytes } of two.blocks.values())
      expect(Buffer.from((await backend.block(cid)) ?? [])).toEqual(Buffer.from(bytes));
    const [gone] = [...one.blocks.values()];
    expect(await backend.block(gone?.cid ?? one.root)).toBeUndefined();
    await backend.unpin(one.root);
    const stop = new AbortController();
    const nobody = backend.pin(treeOf([content(77, 10)]).root, { ...options, signal: stop.signal });
    setTimeout(() => stop.abort(new Error("enough")), 300);
    await expect(nobody).rejects.toThrow("enough");
    expect((await backend.usage()).usedBytes).toBeGreaterThan(0);
    expect((await backend.delegates())[0]).toContain("/p2p/");
  }, 60_000);

  it("are asked for by it through our pinning service: add, list, end", async () => {
    const crowd = new Crowd();
    const tree = treeOf([content(5, 100)]);
    crowd.has(tree);
    const database = openDatabase(":memory:");
    const backend = openEmbedded({
      ...{ blocks: memoryBlocks(), database, fetch: crowd.fetch },
      addresses: () => [],
    });
    const random = new SeededRandom("kubo");
    await using pins = openPins({ backend, database, clock: realClock(), random, logger: silentLogger });
    await using server = await startPinServer(pins, silentLogger, { listen: "127.0.0.1:0", mayMove: false });
    const { token } = pins.grant("kubo");
    const service = `service=ours`;
    await kubo.call(`pin/remote/service/add?arg=ours&arg=${encodeURIComponent(server.url)}&arg=${token}`);
    const added = await kubo.call(`pin/remote/add?arg=${tree.root}&${service}&name=tree&background=false`);
    expect(await added.json()).toMatchObject({ Status: "pinned", Cid: tree.root.toString(), Name: "tree" });
    const listed = await (await kubo.call(`pin/remote/ls?${service}&name=tree`)).text();
    expect(listed).toContain(tree.root.toString());
    expect(pins.list({ account: "kubo", limit: 10 }).count).toBe(1);
    await kubo.call(`pin/remote/rm?${service}&name=tree&force=true`);
    expect(pins.list({ account: "kubo", limit: 10 }).count).toBe(0);
  }, 60_000);
});
