/**
 * Parts of files and folders that are elsewhere: only the blocks on the way are asked for, out of local files and of
 * pieces by their index, from several providers at once, in virtual time.
 */
import { type CID, cidFromBytes, concatBytes, type PeerId, rawCid } from "@holdfast/base";
import { codeOf } from "@holdfast/base/testing";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { limits } from "../../src/limits.ts";
import type { CarSource, SourceEntry } from "../../src/retrieval/index.ts";
import {
  chunkBytes,
  collect,
  expectSameBytes,
  listOf,
  localRetrieval,
  randomBytes,
  type SimNode,
  streamOf,
  World,
} from "./support.ts";

/** A miner's pieces, as one stream that counts how much of it is read. */
function pieceSource(root: CID, car: Uint8Array) {
  const counts = { opened: 0, readBytes: 0 };
  let isHere = true;
  const listeners = new Set<(payload: CID) => void>();
  const source: CarSource = {
    async open(payload) {
      if (!isHere || !payload.equals(root)) return undefined;
      counts.opened++;
      return {
        carBytes: car.length,
        async *read(offset, length = car.length - offset) {
          if (!isHere) throw new Error("the piece is gone");
          for await (const part of streamOf(car.subarray(offset, offset + length), 65_536)) {
            counts.readBytes += part.length;
            yield part;
          }
        },
      };
    },
    *payloads() {
      if (isHere) yield root;
    },
    onStored(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
  };
  return {
    source,
    counts,
    drop: () => {
      isHere = false;
    },
  };
}

async function folderOf(files: { readonly [path: string]: Uint8Array }) {
  const maker = localRetrieval();
  const entries = async function* (): AsyncGenerator<SourceEntry> {
    for (const [path, bytes] of Object.entries(files)) {
      yield { kind: "file", path: path.split("/"), bytes: streamOf(bytes) };
    }
  };
  const { root } = await maker.importFolder(entries());
  return { root, car: await collect(maker.carStream(root)) };
}

const received = async ({ blocks }: SimNode): Promise<number> => blocks.usedBytes();

describe("a part of what is elsewhere", () => {
  it("costs the blocks of a range and what leads to them, and is the range", async () => {
    const bytes = randomBytes("range", 200 * chunkBytes);
    const { root, car } = await sampleFileOf(bytes);
    const { source, counts } = pieceSource(root, car);
    const world = new World();
    const miner = await world.node("miner", { sources: [source] });
    await world.run(miner.retrieval.indexed());
    counts.readBytes = 0;
    const spans = fc.record({
      offsetBytes: fc.integer({ min: 0, max: bytes.length }),
      lengthBytes: fc.integer({ min: 0, max: 5 * chunkBytes }),
    });
    let serial = 0;
    await fc.assert(
      fc.asyncProperty(spans, async ({ offsetBytes, lengthBytes }) => {
        const client = await world.node(`client-${serial++}`);
        const request = { offsetBytes, lengthBytes, providers: [miner.peer] };
        const opened = await world.run(client.retrieval.openFile(root, request));
        expect(opened.sizeBytes).toBe(bytes.length);
        const expected = bytes.subarray(offsetBytes, offsetBytes + lengthBytes);
        expectSameBytes(await world.run(collect(opened.bytes)), expected);
        const leaves = Math.ceil(((offsetBytes % chunkBytes) + expected.length) / chunkBytes);
        const readAhead = expected.length === 0 ? 0 : leaves;
        expect(await received(client)).toBeLessThanOrEqual(readAhead * chunkBytes + 40_000);
        await world.run(client.retrieval[Symbol.asyncDispose]());
      }),
      { numRuns: 12, seed: 7 },
    );
    expect(counts.readBytes).toBeLessThan(12 * 7 * chunkBytes);
  });

  it("is found by its path in a folder whose other files are never touched", async () => {
    const wanted = randomBytes("wanted", 3 * chunkBytes + 5);
    const { root, car } = await folderOf({
      "a/big.bin": randomBytes("big", 40 * chunkBytes),
      "a/b/wanted.bin": wanted,
      "c.bin": randomBytes("c", 20 * chunkBytes),
    });
    const world = new World();
    const miner = await world.node("miner", { sources: [pieceSource(root, car).source] });
    const client = await world.node("client");
    await world.run(miner.retrieval.indexed());
    const request = { path: ["a", "b", "wanted.bin"], providers: [miner.peer] };
    const opened = await world.run(client.retrieval.openFile(root, request));
    expectSameBytes(await world.run(collect(opened.bytes)), wanted);
    expect(await received(client)).toBeLessThan(wanted.length + 10_000);
    expect(await client.retrieval.hasLocal(root)).toBe(false);
    const missing = client.retrieval.openFile(root, { path: ["a", "nothing"], providers: [miner.peer] });
    expect(await codeOf(world.run(missing))).toBe("retrieval/no-entry");
    const up = client.retrieval.openFile(root, { path: ["..", "etc"], providers: [miner.peer] });
    expect(await codeOf(world.run(up))).toBe("retrieval/no-entry");
  });

  it("lists a folder for the blocks of its entries' heads alone, and a deep read makes it whole", async () => {
    const { root, car } = await folderOf({
      "one.bin": randomBytes("1", 30 * chunkBytes),
      "two.bin": randomBytes("2", 30 * chunkBytes),
    });
    const world = new World();
    const miner = await world.node("miner", { sources: [pieceSource(root, car).source] });
    const client = await world.node("client");
    await world.run(miner.retrieval.indexed());
    const request = { deep: false, providers: [miner.peer] };
    const { entries } = await world.run(client.retrieval.openTree(root, request));
    expect((await world.run(listOf(entries))).map(({ path }) => path.at(-1))).toEqual(["one.bin", "two.bin"]);
    expect(await received(client)).toBeLessThan(20_000);
    const deep = await world.run(client.retrieval.openTree(root, { ...request, deep: true }));
    const read = async (): Promise<void> => {
      for await (const entry of deep.entries) await collect((await entry.read()).bytes);
    };
    await world.run(read());
    expect(await client.retrieval.localFile(root)).toMatchObject({ complete: true, carBytes: car.length });
  });

  it("survives that a piece goes away, and says so when it was the last", async () => {
    const bytes = randomBytes("gone", 4 * chunkBytes);
    const { root, car } = await sampleFileOf(bytes);
    const { source, drop } = pieceSource(root, car);
    const world = new World();
    const miner = await world.node("miner", { sources: [source] });
    const client = await world.node("client");
    await world.run(miner.retrieval.indexed());
    const request = { offsetBytes: 0, lengthBytes: 10, providers: [miner.peer] };
    await world.run(collect((await world.run(client.retrieval.openFile(root, request))).bytes));
    drop();
    const rest = client.retrieval.openFile(root, { ...request, offsetBytes: 3 * chunkBytes });
    const read = rest.then(({ bytes: stream }) => collect(stream));
    expect(await codeOf(world.run(read))).toBe("retrieval/no-provider");
    const fresh = await world.node("fresh");
    const again = fresh.retrieval.openFile(root, { providers: [miner.peer] });
    expect(await codeOf(world.run(again))).toBe("retrieval/no-provider");
    expect(miner.retrieval.service().payloads).toBe(0);
  });
});

describe("several providers", () => {
  it("each give a part of one file, the faster ones more, and one that dies costs nothing", async () => {
    const bytes = randomBytes("several", 60 * chunkBytes);
    const slow = (from: PeerId, to: PeerId): number => ([from, to].some((peer) => peer === "slow") ? 60 : 5);
    const world = new World({ delayMs: slow });
    const providers: SimNode[] = [];
    for (const name of ["fast", "slow", "dying"]) {
      const node = await world.node(name);
      await node.retrieval.importFile(streamOf(bytes));
      providers.push(node);
    }
    const client = await world.node("client");
    const { root } = await sampleFileOf(bytes);
    let from: readonly { readonly peer: PeerId; readonly receivedBytes: number }[] = [];
    const opened = await world.run(
      client.retrieval.openFile(root, {
        providers: providers.map(({ peer }) => peer),
        progress: (progress) => {
          ({ from } = progress);
          if (progress.receivedBytes > 10 * chunkBytes) void providers[2]?.retrieval[Symbol.asyncDispose]();
        },
      }),
    );
    expectSameBytes(await world.run(collect(opened.bytes)), bytes);
    const share = new Map(from.map(({ peer, receivedBytes }) => [String(peer), receivedBytes]));
    expect(share.get("fast") ?? 0).toBeGreaterThan(2 * (share.get("slow") ?? 0));
    expect(share.get("slow") ?? 0).toBeGreaterThan(chunkBytes);
    expect(await client.retrieval.hasLocal(root)).toBe(true);
  });

  it("help each other out: a block that one owes for long comes from another", async () => {
    const bytes = randomBytes("late", 12 * chunkBytes);
    const { root, car } = await sampleFileOf(bytes);
    const world = new World();
    const stuck = pieceSource(root, car).source;
    let isStuck = false;
    const never = new Promise<never>(() => undefined);
    const halting: CarSource = {
      ...stuck,
      async open(payload) {
        const opened = await stuck.open(payload);
        return opened && { ...opened, read: (...span) => (isStuck ? halt() : opened.read(...span)) };
      },
    };
    async function* halt(): AsyncGenerator<Uint8Array> {
      await never;
      yield new Uint8Array(0);
    }
    const first = await world.node("first", { sources: [halting] });
    const second = await world.node("second", { sources: [pieceSource(root, car).source] });
    await world.run(Promise.all([first.retrieval.indexed(), second.retrieval.indexed()]));
    const client = await world.node("client");
    const providers = [first.peer, second.peer];
    const opened = await world.run(client.retrieval.openFile(root, { providers }));
    isStuck = true;
    const startMs = world.clock.nowMs();
    expectSameBytes(await world.run(collect(opened.bytes)), bytes);
    expect(world.clock.nowMs() - startMs).toBeLessThan(3 * limits.retrievalLateMs);
  });

  it("may have different parts of a file: what one misses another gives", async () => {
    const bytes = randomBytes("halves", 20 * chunkBytes);
    const world = new World();
    const nodes: SimNode[] = [];
    for (const [index, name] of ["even", "odd"].entries()) {
      const node = await world.node(name);
      const { root } = await node.retrieval.importFile(streamOf(bytes));
      for (let chunk = index; chunk < 20; chunk += 2) {
        await node.blocks.delete(rawCid(bytes.subarray(chunk * chunkBytes, (chunk + 1) * chunkBytes)));
      }
      nodes.push(node);
      expect(root).toBeDefined();
    }
    const client = await world.node("client");
    const { root } = await sampleFileOf(bytes);
    const opened = await world.run(
      client.retrieval.openFile(root, { providers: nodes.map(({ peer }) => peer) }),
    );
    expectSameBytes(await world.run(collect(opened.bytes)), bytes);
  });
});

describe("names that are no file", () => {
  it("are refused before anything is sent: identity CIDs, other hashes", async () => {
    const world = new World();
    const provider = await world.node("provider");
    const client = await world.node("client");
    const identity = cidFromBytes(Uint8Array.of(1, 0x55, 0x00, 4, 1, 2, 3, 4));
    const sha512 = cidFromBytes(concatBytes(Uint8Array.of(1, 0x55, 0x13, 64), new Uint8Array(64)));
    for (const cid of [identity, sha512]) {
      const opened = client.retrieval.openFile(cid, { providers: [provider.peer] });
      expect(await codeOf(world.run(opened))).toBe("retrieval/unsupported-cid");
    }
  });
});

async function sampleFileOf(bytes: Uint8Array): Promise<{ readonly root: CID; readonly car: Uint8Array }> {
  const maker = localRetrieval();
  const { root } = await maker.importFile(streamOf(bytes));
  return { root, car: await collect(maker.carStream(root)) };
}
