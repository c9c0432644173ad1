/**
 * Attested pinning over each back end of pins: an order becomes a pin, a report walks what lies there and nothing else.
 * A block that is lost is said to be missing while everybody around still has it: nobody is asked for it, neither by
 * the node nor by its daemon, for a report as for a peer that looks.
 */
import { parseCid, seedAddress, silentLogger } from "@holdfast/base";
import { SeededRandom, SimClock } from "@holdfast/base/testing";
import { type PinReportFacts, sampleSeed, walkBlocks } from "@holdfast/consensus";
import { describe, expect, it } from "vitest";
import { realClock } from "../../src/clock.ts";
import { openDatabase } from "../../src/database.ts";
import { openEmbedded, openKubo, openPins, type PinBackend, type Pins } from "../../src/pins/index.ts";
import { makeReport, openPoscStore, type PoscNeeds, walkLocally } from "../../src/posc/index.ts";
import { Keeper } from "../../src/posc/keeper.ts";
import { memoryBlocks } from "../../src/retrieval/index.ts";
import { startFakeKubo } from "../pins/fake-kubo.ts";
import { Crowd, content, treeOf } from "../pins/support.ts";

const tree = treeOf([content(1, 3_000), content(2, 5_000), content(3, 4_000)]);
const order = { number: 4, pin: { cid: tree.root, bytes: tree.bytes }, isConfirmed: false };
const networkId = new Uint8Array(32).fill(3);
const slotHash = new Uint8Array(32).fill(2);
const address = seedAddress(1, "a key");
const samples = 12;

interface Place extends AsyncDisposable {
  readonly backend: PinBackend;
  readonly crowd: Crowd;
  lose(cid: string): Promise<void>;
  /** What was asked of anybody else since the last time. */
  fetched(): readonly string[];
}

const places: { readonly [name: string]: () => Promise<Place> } = {
  async "the node itself"() {
    const crowd = new Crowd();
    const blocks = memoryBlocks();
    const backend = openEmbedded({
      ...{ blocks, database: openDatabase(":memory:"), fetch: crowd.fetch, addresses: () => [] },
    });
    return {
      ...{ backend, crowd, fetched: () => crowd.asked.splice(0) },
      lose: async (cid) => void (await blocks.delete(parseCid(cid))),
      [Symbol.asyncDispose]: () => backend[Symbol.asyncDispose](),
    };
  },
  async "a Kubo daemon"() {
    const crowd = new Crowd();
    const kubo = await startFakeKubo(crowd);
    const backend = openKubo(kubo.url);
    return {
      ...{ backend, crowd },
      // A block that is asked for with `offline` comes from the daemon's own repo.
      fetched: () => kubo.calls.splice(0).filter((call) => call !== "POST block/get offline"),
      lose: async (cid) => void kubo.blocks.delete(cid),
      async [Symbol.asyncDispose]() {
        await backend[Symbol.asyncDispose]();
        await kubo[Symbol.asyncDispose]();
      },
    };
  },
};

const poscPins = (pins: Pins): NonNullable<PoscNeeds["pins"]> => ({
  ready: () => pins.ready(),
  add: (number, cid, maxBytes) =>
    pins.add({ name: "orders", maxBytes: undefined }, { cid: cid.toString(), name: `${number}`, maxBytes })
      .id,
  find: (id) => pins.find(id),
  retry: (id) => void pins.retry(id),
  remove: (id) => pins.remove(id),
  block: (cid) => pins.block(cid),
  sizeBytes: (cid) => pins.sizeBytes(cid),
  isPinned: (cid) => pins.isPinned(cid),
});

describe.each(Object.entries(places))("a pinning node whose blocks lie in %s", (_, openPlace) => {
  it("confirms an order, reports its blocks, says which are lost, and fetches none of them for it", async () => {
    await using place = await openPlace();
    place.crowd.has(tree);
    const clock = realClock();
    const random = new SeededRandom("posc back ends");
    const database = openDatabase(":memory:");
    await using pins = openPins({
      ...{ backend: place.backend, database, clock, random, logger: silentLogger },
    });
    const own = poscPins(pins);
    const keeper = new Keeper(own, openPoscStore(database), silentLogger);
    const view = {
      ...{ disputeSlots: 3, node: () => ({ assigned: tree.root }), assigned: () => [order] },
    } as unknown as Parameters<Keeper["follow"]>[0];
    const held = async () => {
      await keeper.follow(view, 0, 9);
      return keeper.held(view, 0);
    };
    await expect.poll(held, { timeout: 30_000 }).toEqual([order.number]);
    expect(place.fetched().length).toBeGreaterThan(0);

    const reported = async () => {
      const facts = {
        ...{ networkId, slot: 4, slotHash, samples, node: { lastReport: new Uint8Array(32) } },
        ...{ set: { root: tree.root, count: 1, at: () => order.number }, rootOf: () => tree.root },
      } as unknown as PinReportFacts;
      const key = { address, publicKey: new Uint8Array(65), sign: () => new Uint8Array(65) };
      const read = own.block;
      return makeReport({ node: 0, facts, key, added: [], program: "test", read, clock: new SimClock() });
    };
    const whole = await reported();
    expect(whole.samples.map(({ block }) => block !== null)).toEqual(whole.samples.map(() => true));

    const lost = whole.samples[0]?.block?.toString() ?? "";
    await place.lose(lost);
    const damaged = await reported();
    const isLost = whole.samples.map(({ block }) => block?.toString() === lost);
    expect(damaged.samples.map(({ block }) => block === null)).toEqual(isLost);
    expect(isLost).toContain(false);
    expect(place.fetched()).toEqual([]);

    // What a peer that looks is shown.
    for (const [index, { root, block }] of whole.samples.entries()) {
      const seed = sampleSeed({ networkId, slot: 4, slotHash, key: address }, index);
      const shown = await walkLocally(seed, root, own.block);
      expect(shown === undefined).toBe(isLost[index]);
      if (shown !== undefined)
        expect(walkBlocks(seed, root, shown.blocks)?.block.equals(block as never)).toBe(true);
    }
    expect(place.fetched()).toEqual([]);
  });
});
