/**
 * Two nodes with the keys of one miner, in virtual time: whatever the second one has of the first one's record, and
 * whenever it starts, no two blocks of a height are signed, and who is alone goes on mining. Without the guard the same
 * worlds have double blocks.
 */
import { createNetwork, fixturePlace, type TestNetwork, type TestNode } from "@holdfast/node/testing";
import { describe, expect, it } from "vitest";
import { type Database, openDatabase } from "../../src/database.ts";
import { type MinerPlace, openSignedHeights } from "../../src/mine/index.ts";
import { Impostor } from "../sync/support/impostor.ts";

const { signal } = new AbortController();
const elsewhere: MinerPlace = { folder: "copy", boot: "first" };
const rebooted: MinerPlace = { ...fixturePlace, boot: "second" };

class World implements AsyncDisposable {
  readonly net: TestNetwork;
  readonly first: TestNode;
  readonly #blocks = new Map<number, Set<string>>();
  readonly #twins: TestNode[] = [];
  readonly #databases: Database[] = [];

  constructor(net: TestNetwork) {
    this.net = net;
    this.first = net.miners[0] as TestNode;
    for (const node of net.nodes) this.watch(node);
  }
  static async of(seed: string, miners = 1, delayMs = 1): Promise<World> {
    return new World(await createNetwork({ miners, delayMs, seed: `twins ${seed}` }));
  }

  /** Every block of the miner that this node gets to know, made here or elsewhere. */
  watch({ node }: TestNode): void {
    node.sync.onBlock((header) => {
      if (header.miner !== this.first.miner) return;
      const known = this.#blocks.get(header.height) ?? new Set();
      this.#blocks.set(header.height, known.add(JSON.stringify([...header.signature])));
    });
  }
  /** A node that has the record of all heights up to `claimed`, made at `record`. */
  async twin(
    place: MinerPlace | undefined,
    record?: { readonly made: MinerPlace; readonly claimed: number },
    isSole = false,
  ): Promise<TestNode> {
    const database = openDatabase(":memory:");
    this.#databases.push(database);
    const { miner } = this.first;
    if (record !== undefined && miner !== undefined) {
      openSignedHeights(database).adopt(miner, record.made, record.claimed);
    }
    const guard = place === undefined ? {} : { place, isSole };
    const name = `twin-${this.#twins.length}`;
    const twin = await this.net.settle(this.first.copy({ name, database, miner: guard }));
    this.#twins.push(twin);
    this.watch(twin);
    return twin;
  }
  async standing({ node }: TestNode): Promise<string> {
    return (await node.handlers["mine.status"]({}, signal)).signing.standing;
  }
  won = ({ node }: TestNode): number => node.mining?.status().blocksWon ?? 0;
  get doubleHeights(): number[] {
    return [...this.#blocks].filter(([, signed]) => signed.size > 1).map(([height]) => height);
  }
  get lastHeight(): number {
    return Math.max(0, ...this.#blocks.keys());
  }
  async [Symbol.asyncDispose](): Promise<void> {
    for (const twin of this.#twins) await this.net.settle(twin.stop());
    await this.net[Symbol.asyncDispose]();
    for (const database of this.#databases) database[Symbol.dispose]();
  }
}

type Twin = (world: World) => Promise<TestNode>;
const seconds: readonly (readonly [string, Twin])[] = [
  ["without a record", (world) => world.twin(elsewhere)],
  [
    "with a copy of the whole record",
    (world) => world.twin(elsewhere, { made: fixturePlace, claimed: world.lastHeight }),
  ],
  [
    "from an older backup",
    (world) => world.twin(elsewhere, { made: fixturePlace, claimed: world.lastHeight >> 1 }),
  ],
  [
    "from an older backup in the same folder",
    (world) => world.twin(fixturePlace, { made: fixturePlace, claimed: 3 }),
  ],
  [
    "from a copy of the whole disk",
    (world) => world.twin(rebooted, { made: fixturePlace, claimed: world.lastHeight }),
  ],
];

describe("a second node with a miner's keys", () => {
  for (const [name, start] of seconds) {
    it(`${name} signs no block, and says why`, async () => {
      await using world = await World.of(name);
      const { net, first } = world;
      await net.advance("25s");
      const twin = await start(world);
      const before = world.won(first);
      await net.advance("20s");
      expect(await world.standing(twin)).toBe("twin");
      expect(world.won(twin)).toBe(0);
      expect(world.doubleHeights).toEqual([]);
      expect(await world.standing(first)).toBe("clear");
      expect(world.won(first)).toBeGreaterThan(before + 10);
      const { light, reason, signing } = await twin.node.handlers["mine.status"]({}, signal);
      expect([light, reason]).toEqual(["not-earning", signing.reason]);
      expect(reason).toContain("another node mines with the keys");
    });
  }

  it("mines after its wait if the first one is gone for good, at heights that are new", async () => {
    await using world = await World.of("gone", 2);
    const { net, first } = world;
    await net.advance("25s");
    const backup = { made: fixturePlace, claimed: world.lastHeight - 8 };
    await net.settle(first.stop());
    const stopped = world.lastHeight;
    const twin = await world.twin(elsewhere, backup);
    await net.advance("9s");
    expect(world.lastHeight).toBe(stopped);
    expect((await twin.node.handlers["mine.status"]({}, signal)).signing).toMatchObject({
      standing: "looking",
    });
    await net.advance("31s");
    expect(await world.standing(twin)).toBe("clear");
    expect(world.won(twin)).toBeGreaterThan(3);
    expect(world.doubleHeights).toEqual([]);
  });

  it("is found by both if both begin at once and neither has a record", async () => {
    await using world = await World.of("at once");
    const { net, first } = world;
    await net.settle(first.stop());
    await net.advance("2s");
    const pair = [await world.twin(elsewhere), await world.twin({ folder: "another copy", boot: "first" })];
    await net.advance("40s");
    expect(world.doubleHeights).toEqual([]);
    const standings = await Promise.all(pair.map((one) => world.standing(one)));
    expect(standings.sort()).toEqual(["clear", "twin"]);
    const signed = pair.map((one) => world.won(one));
    expect(Math.min(...signed)).toBe(0);
    expect(Math.max(...signed)).toBeGreaterThan(10);
  });

  it("does not wait if its operator knows that it is alone", async () => {
    await using world = await World.of("sole");
    const { net, first } = world;
    await net.advance("10s");
    await net.settle(first.stop());
    const twin = await world.twin(elsewhere, undefined, true);
    await net.advance("6s");
    expect(await world.standing(twin)).toBe("clear");
    expect(world.won(twin)).toBeGreaterThan(2);
    expect(world.doubleHeights).toEqual([]);
  });

  it("canary: signs two blocks of a height where nobody looks", async () => {
    await using world = await World.of("canary", 1, 300);
    const { net } = world;
    await net.advance("5s");
    const twin = await world.twin(undefined);
    const send = twin.node.handlers["message.send"];
    for (let round = 0; round < 12 && world.doubleHeights.length === 0; round++) {
      // So late that only one of the two has the message at its next block: without messages their blocks are the same.
      await net.advance(`${950 - (net.clock.nowMs() % 1_000)}ms`);
      await net.settle(send({ to: net.client.account, value: "1", method: "", paramsHex: "" }, signal));
      await net.advance("100ms");
    }
    expect(world.doubleHeights.length).toBeGreaterThan(0);
  });
});

describe("a miner that is alone", () => {
  it("goes on at once after a restart, and signs late once after a restart of its machine", async () => {
    await using world = await World.of("restart");
    const { net, first } = world;
    await net.advance("10s");
    await net.settle(first.stop());
    await net.settle(first.start());
    expect(await world.standing(first)).toBe("clear");
    const before = world.won(first);
    await net.advance("5s");
    expect(world.won(first)).toBeGreaterThan(before + 2);
    await net.settle(first.stop());
    const record = { made: fixturePlace, claimed: world.lastHeight };
    const again = await world.twin(rebooted, record);
    expect(await world.standing(again)).toBe("careful");
    await net.advance("5s");
    expect(await world.standing(again)).toBe("clear");
    expect(world.won(again)).toBeGreaterThan(2);
    expect(world.doubleHeights).toEqual([]);
  });
  it("and was away waits no longer for a newer chain when all who told of it are gone", () =>
    partedLate(true));
  it("and was away waits no longer for who has given nothing of the chain that it tells of", () =>
    partedLate(false));
});

/** A miner that was away hears of a newer chain that nobody on its side has. `goes`: from one that leaves. */
async function partedLate(goes: boolean): Promise<void> {
  await using net = await createNetwork({ miners: 2, seed: `split off ${goes}` });
  await net.advance("10s");
  const [, away] = net.miners;
  const [first] = net.nodes;
  if (away === undefined || first === undefined) throw new TypeError("the network has two miners");
  const newest = first.node.chain;
  for (const node of [away, net.client]) await net.settle(node.stop());
  await net.advance("60s");
  net.wire.partition([[away.name, net.client.name, "witness"]]);
  for (const node of [away, net.client]) await net.settle(node.start());
  await net.settle(away.node.handlers["net.connect"]({ address: `/sim/${net.client.name}` }, signal));
  const { chain, sync } = away.node;
  const old = chain.head().height;
  const witness = await Impostor.meet(net, "witness", () => "unknown", away.name);
  await witness.hello(newest.genesis.cids[0] as never, newest.head());
  await net.advance("5s");
  expect(sync.state().code).toBe("headers-missing");
  const { signing } = await away.node.handlers["mine.status"]({}, signal);
  expect(signing.reason).toContain("it was away");
  await net.advance("40s");
  // As long as somebody tells of it, it is worth waiting for.
  expect(chain.head().height).toBe(old);
  if (goes) {
    await witness.end();
    await net.advance("1s");
    expect(sync.peerHeights()).toEqual(new Map([[net.client.name, old]]));
  }
  expect(await net.advanceUntil(() => chain.head().height > newest.head().height - 20, 120_000)).toBe(true);
  if (!goes) await witness.end();
  net.wire.heal();
  const isOne = () => chain.head().key === newest.head().key;
  expect(await net.advanceUntil(isOne, 120_000)).toBe(true);
  net.money();
}
