/** The back ends of pins: memory, disk, and a Kubo daemon as its RPC is described; and what is theirs alone. */
import { parseCid } from "@holdfast/base";
import { SimDisk } from "@holdfast/base/testing";
import { describe, expect, it } from "vitest";
import { openDatabase } from "../../src/database.ts";
import { linksOf, openEmbedded, openKubo } from "../../src/pins/index.ts";
import { memoryBlocks, openDiskBlocks } from "../../src/retrieval/index.ts";
import { backendSuite, suiteCrowd } from "./backend-suite.ts";
import { startFakeKubo } from "./fake-kubo.ts";
import { Crowd, cborTree, cidWith, content, openRoom, treeOf } from "./support.ts";

const options = {
  origins: [],
  maxBytes: 10 ** 9,
  signal: new AbortController().signal,
  progress: () => undefined,
};

for (const place of ["memory", "a disk"]) {
  backendSuite(`this node, in ${place}`, async () => {
    const database = openDatabase(":memory:");
    const crowd = new Crowd();
    const blocks =
      place === "memory"
        ? memoryBlocks()
        : await openDiskBlocks({ disk: new SimDisk(), folder: "pins", quotaBytes: 10 ** 9 });
    const backend = openEmbedded({
      blocks,
      database,
      fetch: crowd.fetch,
      addresses: () => ["/ip4/1.2.3.4/tcp/1"],
    });
    return {
      ...{ backend, crowd: suiteCrowd(crowd), isExact: true },
      lose: async (cid) => void (await blocks.delete(parseCid(cid))),
      async [Symbol.asyncDispose]() {
        await backend[Symbol.asyncDispose]();
        await blocks[Symbol.asyncDispose]();
        database[Symbol.dispose]();
      },
    };
  });
}

backendSuite("Kubo, as its RPC is described", async () => {
  const crowd = new Crowd();
  const kubo = await startFakeKubo(crowd);
  const backend = openKubo(kubo.url);
  return {
    ...{ backend, crowd: suiteCrowd(crowd), isExact: true },
    lose: async (cid) => void kubo.blocks.delete(cid),
    async [Symbol.asyncDispose]() {
      await backend[Symbol.asyncDispose]();
      await kubo[Symbol.asyncDispose]();
    },
  };
});

describe("a Kubo daemon that misbehaves", () => {
  it("is never asked for a block of the network", async () => {
    await using kubo = await startFakeKubo(new Crowd());
    await using backend = openKubo(kubo.url);
    await backend.block(treeOf([content(1, 9)]).root);
    expect(kubo.calls).toEqual(["POST block/get offline"]);
  });
  it("gives other bytes than those of the CID: no block", async () => {
    await using kubo = await startFakeKubo(new Crowd());
    await using backend = openKubo(kubo.url);
    kubo.instead.set("block/get", (response) => response.end("other bytes"));
    expect(await backend.block(treeOf([content(1, 9)]).root)).toBeUndefined();
  });
  it("says no JSON, fails in the middle, is not there: an error of ours that names it", async () => {
    await using kubo = await startFakeKubo(new Crowd());
    await using backend = openKubo(kubo.url);
    const { root } = treeOf([content(1, 9)]);
    const refused = { code: "pins/kubo", data: { url: kubo.url } };
    kubo.instead.set("pin/ls", (response) => response.end("<html>"));
    await expect(backend.isPinned(root)).rejects.toMatchObject(refused);
    kubo.instead.delete("pin/ls");
    kubo.instead.set("pin/add", (response) => {
      response.write('{"Progress":1}\n');
      response.end('{"Message":"no room","Code":0,"Type":"error"}\n');
    });
    await expect(backend.pin(root, options)).rejects.toMatchObject({ ...refused, message: /no room/ });
    kubo.instead.set("pin/add", (response) => response.end('{"Pins":["bafkqaaa"]}\n'));
    await expect(backend.pin(root, options)).rejects.toMatchObject({ code: "pins/block-missing" });
    await using gone = openKubo("http://127.0.0.1:1");
    await expect(gone.usage()).rejects.toMatchObject({ code: "pins/kubo" });
    expect(() => openKubo("ftp://x")).toThrow(/no URL/);
  });
});

describe("a Kubo daemon that two nodes name", () => {
  it("keeps the pins of the first, and refuses the other until it is told or that name is gone", async () => {
    const crowd = new Crowd();
    const [one, two] = [treeOf([content(1, 9)]), treeOf([content(2, 9)])];
    crowd.has(one, two);
    await using kubo = await startFakeKubo(crowd);
    await using first = openKubo(kubo.url, "first");
    await using second = openKubo(kubo.url, "second");
    await first.pin(one.root, options);
    const taken = { code: "pins/kubo-taken", data: { url: kubo.url, node: "first" } };
    await expect(second.ready()).rejects.toMatchObject(taken);
    for (const refused of [second.pin(two.root, options), second.unpin(one.root)])
      await expect(refused).rejects.toMatchObject(taken);
    await expect(second.collect(options.signal)).rejects.toMatchObject(taken);
    expect(await first.isPinned(one.root)).toBe(true);
    await using again = openKubo(kubo.url, "first");
    await again.unpin(one.root);
    await using shared = openKubo(kubo.url);
    await shared.pin(two.root, options);
    kubo.files.clear();
    await second.pin(two.root, options);
    await using late = openKubo(kubo.url, "first");
    await expect(late.ready()).rejects.toMatchObject({ ...taken, data: { node: "second" } });
  });
  it("has one owner after two that began at once, though both had read that it has none", async () => {
    const crowd = new Crowd();
    const tree = treeOf([content(1, 9)]);
    crowd.has(tree);
    await using kubo = await startFakeKubo(crowd);
    await using early = openKubo(kubo.url, "early");
    await using late = openKubo(kubo.url, "late");
    // What it is told, that there is none, is on the way while the other one claims.
    const held = Promise.withResolvers<() => void>();
    kubo.instead.set("files/read", (response) => {
      kubo.instead.delete("files/read");
      const none = JSON.stringify({ Message: "file does not exist", Code: 0, Type: "error" });
      held.resolve(() => void response.writeHead(500, { "content-type": "application/json" }).end(none));
    });
    const claimed = late.ready();
    const answer = await held.promise;
    await early.pin(tree.root, options);
    answer();
    await claimed;
    const taken = { code: "pins/kubo-taken", data: { node: "late" } };
    await expect(early.ready()).rejects.toMatchObject(taken);
    await expect(early.unpin(tree.root)).rejects.toMatchObject(taken);
  });
  it("has one owner even if both ask at once, and none while it does not answer", async () => {
    await using kubo = await startFakeKubo(new Crowd());
    await using first = openKubo(kubo.url, "first");
    kubo.instead.set("files/read", (response) => response.writeHead(403).end());
    await expect(first.ready()).rejects.toMatchObject({ code: "pins/kubo" });
    kubo.instead.delete("files/read");
    await using second = openKubo(kubo.url, "second");
    await Promise.allSettled([first.ready(), second.ready()]);
    // Who wrote first may have read its own name still; it finds out when it starts again.
    const names = ["first", "second", "third"];
    const found = await Promise.allSettled(names.map((name) => openKubo(kubo.url, name).ready()));
    expect(found.filter(({ status }) => status === "fulfilled")).toHaveLength(1);
  });
});

describe("links of a block", () => {
  it("are read from dag-cbor among other values, and of raw blocks there are none", () => {
    const { root, blocks } = cborTree([content(1, 3), content(2, 3)]);
    const bytes = blocks.get(root.toString())?.bytes ?? new Uint8Array();
    expect(linksOf(root, bytes).map(String)).toEqual([...blocks.keys()].slice(0, 2));
    expect(linksOf(cidWith(0x55, bytes), bytes)).toEqual([]);
  });
  it("of malformed blocks are refused, whatever byte is cut or changed, and never with an unknown error", () => {
    for (const tree of [cborTree([content(1, 3)]), treeOf([content(1, 3), content(2, 3)])]) {
      const bytes = tree.blocks.get(tree.root.toString())?.bytes ?? new Uint8Array();
      const read = (changed: Uint8Array): void => {
        try {
          linksOf(tree.root, changed);
        } catch (error) {
          expect(error).toMatchObject({ code: "pins/unsupported" });
        }
      };
      for (let at = 0; at < bytes.length; at += 1) {
        read(bytes.subarray(0, at));
        for (const flip of [1, 0x20, 0xff])
          read(bytes.map((byte, index) => (index === at ? byte ^ flip : byte)));
      }
    }
    const deep = new Uint8Array(5_000).fill(0x81);
    expect(() => linksOf(cidWith(0x71, deep), deep)).toThrow(/no valid dag-cbor/);
    const wide = Uint8Array.from([0x9b, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff]);
    expect(() => linksOf(cidWith(0x71, wide), wide)).toThrow(/no valid dag-cbor/);
  });
});

describe("blocks of the embedded back end", () => {
  it("that a removal is deleting are not taken for kept by a pin that wants them at that moment", async () => {
    await using room = openRoom();
    const one = treeOf([content(1, 100), content(2, 100)]);
    const two = treeOf([content(1, 100), content(3, 100)]);
    room.crowd.has(one, two);
    for (let round = 0; round < 20; round += 1) {
      await room.backend.pin(one.root, options);
      await Promise.all([room.backend.unpin(one.root), room.backend.pin(two.root, options)]);
      for (const { cid } of two.blocks.values()) expect(await room.backend.block(cid)).toBeDefined();
      await room.backend.unpin(two.root);
      expect((await room.backend.usage()).usedBytes).toBe(0);
    }
  });
  it("that are false are refused, and asked for anew", async () => {
    await using room = openRoom();
    const tree = treeOf([content(1, 100)]);
    room.crowd.has(tree);
    const [leaf = ""] = [...tree.blocks.keys()];
    room.crowd.blocks.set(leaf, content(9, 100));
    await expect(room.backend.pin(tree.root, options)).rejects.toMatchObject({ code: "pins/corrupt-block" });
    room.crowd.has(tree);
    expect((await room.backend.pin(tree.root, options)).blocks).toBe(2);
  });
  it("are not more than there is room for", async () => {
    await using room = openRoom({ quotaBytes: 5_000 });
    const tree = treeOf([content(1, 4_000), content(2, 4_000)]);
    room.crowd.has(tree);
    await expect(room.backend.pin(tree.root, options)).rejects.toMatchObject({ code: "pins/no-room" });
    await room.backend.unpin(tree.root);
    expect((await room.backend.usage()).usedBytes).toBe(0);
  });
  it("left by a kill between a row and its block are collected", async () => {
    await using room = openRoom();
    const tree = treeOf([content(1, 100)]);
    room.crowd.has(tree);
    await room.backend.pin(tree.root, options);
    const stray = content(5, 70);
    await room.blocks.put(cidWith(0x55, stray), stray);
    expect(await room.backend.collect(options.signal)).toEqual({ blocks: 1, bytes: 70 });
    expect(await room.backend.block(tree.root)).toBeDefined();
  });
});
