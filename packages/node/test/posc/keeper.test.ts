/** What a pinning node confirms: content whose blocks it could show on the chain, if somebody asked for them there. */
import {
  bigEndian,
  blake2b256,
  type CID,
  cidOfCbor,
  encodeCbor,
  rawCid,
  seedAddress,
  silentLogger,
} from "@holdfast/base";
import { SimClock } from "@holdfast/base/testing";
import {
  maxFaultReportBytes,
  maxShownWalkBytes,
  maxWalkBlocks,
  type PinReportFacts,
} from "@holdfast/consensus";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { openDatabase } from "../../src/database.ts";
import { makeReport, openPoscStore, type PoscNeeds, walkLocally } from "../../src/posc/index.ts";
import { Keeper } from "../../src/posc/keeper.ts";
import { longestWalk } from "../../src/posc/longest-walk.ts";

const address = seedAddress(1, "a key");
const short = new Uint8Array(maxShownWalkBytes);
const long = new Uint8Array(maxShownWalkBytes + 1);
const blocks = new Map([short, long].map((bytes) => [rawCid(bytes).toString(), bytes]));
const read = async (cid: CID) => blocks.get(cid.toString());

describe("content with blocks that no message has room for", () => {
  it("is not confirmed, and does not keep other orders from being", async () => {
    const store = openPoscStore(openDatabase(":memory:"));
    const pins = {
      add: (order: number) => `pin ${order}`,
      find: () => ({ state: "pinned", bytes: 1 }),
      block: read,
      sizeBytes: async (cid: CID) => (await read(cid))?.length,
    } as unknown as NonNullable<PoscNeeds["pins"]>;
    const keeper = new Keeper(pins, store, silentLogger);
    const orders = [long, short].map((bytes, number) => {
      const pin = { cid: rawCid(bytes), bytes: bytes.length };
      return { number, pin, isConfirmed: false };
    });
    const view = {
      ...{ disputeSlots: 3, node: () => ({ assigned: rawCid(short) }), assigned: () => orders },
    } as unknown as Parameters<Keeper["follow"]>[0];
    expect(keeper.held(view, 0)).toEqual([]);
    await keeper.follow(view, 0, 9);
    await keeper.settled();
    expect(keeper.held(view, 0)).toEqual([1]);
  });

  it("is content that the messages of every network have room for, up to that", () => {
    expect(maxShownWalkBytes + 8_192).toBeLessThan(maxFaultReportBytes);
  });

  it("is not claimed in a report either: who is asked for it on the chain would lose its stake", async () => {
    const reportOf = (root: CID) => {
      const facts = {
        ...{ networkId: new Uint8Array(32), slot: 4, slotHash: new Uint8Array(32).fill(2), samples: 3 },
        node: { lastReport: new Uint8Array(32) },
        set: { root, count: 1, at: () => 0 },
        rootOf: () => root,
      } as unknown as PinReportFacts;
      const key = { address, publicKey: new Uint8Array(65), sign: () => new Uint8Array(65) };
      return makeReport({ node: 0, facts, key, added: [], program: "test", read, clock: new SimClock() });
    };
    const claimed = async (root: CID) => (await reportOf(root)).samples.map(({ block }) => block !== null);
    expect(await claimed(rawCid(short))).toEqual([true, true, true]);
    expect(await claimed(rawCid(long))).toEqual([false, false, false]);
  });
});

/** Blocks by their CIDs, and how many bytes of them were read. */
class Content {
  readonly #blocks = new Map<string, Uint8Array>();
  readBytes = 0;

  put(block: Uint8Array, cid = rawCid(block)): CID {
    this.#blocks.set(cid.toString(), block);
    return cid;
  }
  inner(links: readonly CID[], data = new Uint8Array(0)): CID {
    const block = encodeCbor([[...links], data]);
    return this.put(block, cidOfCbor(block));
  }
  readonly block = async (cid: CID): Promise<Uint8Array | undefined> => {
    const found = this.#blocks.get(cid.toString());
    this.readBytes += found?.length ?? 0;
    return found;
  };
  readonly sizeBytes = async (cid: CID): Promise<number | undefined> =>
    this.#blocks.get(cid.toString())?.length;
  longest(root: CID) {
    return longestWalk(root, this, new AbortController().signal);
  }
}

describe("the longest walk", () => {
  it("is found where one link of thousands leads to more than can be shown, and no long leaf is read", async () => {
    const content = new Content();
    const short = content.put(new Uint8Array(10));
    const fits = Array.from({ length: 999 }, () => short);
    expect(await content.longest(content.inner(fits))).toBe("shown");
    const root = content.inner([...fits, content.put(long)]);
    content.readBytes = 0;
    expect(await content.longest(root)).toBe("too-long");
    expect(content.readBytes).toBe((await content.sizeBytes(root)) ?? 0);
  });

  it("is the longest way to a block that several lead to, at whatever depth", async () => {
    const content = new Content();
    const end = content.inner([content.put(new Uint8Array(1_000))]);
    const between = content.inner([end], new Uint8Array(300_000));
    const most = maxShownWalkBytes - 300_000 - 1_000;
    expect(await content.longest(content.inner([end, between], new Uint8Array(most - 1_000)))).toBe("shown");
    for (const links of [
      [end, between],
      [between, end],
    ])
      expect(await content.longest(content.inner(links, new Uint8Array(most)))).toBe("too-long");
  });

  it("ends where a walk ends, and says what is missing", async () => {
    const content = new Content();
    const below = (levels: number, leaf: CID): CID =>
      levels === 0 ? leaf : below(levels - 1, content.inner([leaf]));
    expect(await content.longest(below(maxWalkBlocks - 1, content.put(long)))).toBe("too-long");
    expect(await content.longest(below(maxWalkBlocks, content.put(long)))).toBe("shown");
    expect(await content.longest(below(3, rawCid(Uint8Array.of(9))))).toBe("missing");
  });

  it("is as long as the longest of all walks over small content", async () => {
    const shape = fc.array(
      fc.record({ kilobytes: fc.integer({ min: 0, max: 200 }), links: fc.array(fc.nat(), { maxLength: 3 }) }),
      { minLength: 1, maxLength: 7 },
    );
    const test = async (
      blocks: readonly { readonly kilobytes: number; readonly links: readonly number[] }[],
    ) => {
      const content = new Content();
      const made: CID[] = [];
      const longest: number[] = [];
      for (const [at, { kilobytes, links }] of blocks.entries()) {
        const to = at === 0 ? [] : links.map((link) => link % at);
        const cid = content.inner(
          to.map((link) => made[link] as CID),
          new Uint8Array(kilobytes * 1_000).fill(at),
        );
        made.push(cid);
        const below = Math.max(0, ...to.map((link) => longest[link] ?? 0));
        longest.push(((await content.sizeBytes(cid)) ?? 0) + below);
      }
      const isLong = (longest.at(-1) ?? 0) > maxShownWalkBytes;
      expect(await content.longest(made.at(-1) as CID)).toBe(isLong ? "too-long" : "shown");
    };
    await fc.assert(fc.asyncProperty(shape, test), { numRuns: 60 });
  });
});

describe("a walk that is too long to be shown", () => {
  it("is not read to its end", async () => {
    const content = new Content();
    let root = content.put(Uint8Array.of(1));
    for (let depth = 0; depth < 20; depth += 1)
      root = content.inner([root], new Uint8Array(100_000).fill(depth));
    for (let seed = 0; seed < 3; seed += 1) {
      content.readBytes = 0;
      expect(await walkLocally(blake2b256(bigEndian(seed, 8)), root, content.block)).toBeUndefined();
      expect(content.readBytes).toBeLessThan(maxShownWalkBytes + 200_000);
    }
  });
});
