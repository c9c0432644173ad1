/** What a pinning node confirms: content whose blocks it could show on the chain, if somebody asked for them there. */
import { type CID, rawCid, seedAddress, silentLogger } from "@holdfast/base";
import { SimClock } from "@holdfast/base/testing";
import { maxFaultReportBytes, maxShownWalkBytes, type PinReportFacts } from "@holdfast/consensus";
import { describe, expect, it } from "vitest";
import { openDatabase } from "../../src/database.ts";
import { makeReport, openPoscStore, type PoscNeeds } from "../../src/posc/index.ts";
import { Keeper } from "../../src/posc/keeper.ts";

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
