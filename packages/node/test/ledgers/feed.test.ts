/**
 * What a contract wants becomes pins: each CID once, until its last account has removed it or its time there is over,
 * across restarts, kills between two steps, a queue that is full, and a node of that chain that does not answer.
 */
import { silentLogger } from "@holdfast/base";
import { SimClock } from "@holdfast/base/testing";
import { describe, expect, it } from "vitest";
import { type Database, openDatabase } from "../../src/database.ts";
import { type LedgerFeed, type LedgerFeedOptions, openLedgerFeed } from "../../src/ledgers/index.ts";
import { pinErrors } from "../../src/pins/index.ts";
import { alice, bob, contract, one, RecordedChain, three, two } from "./recorded-chain.ts";

const kind = "resource-manager";
const drain = async (): Promise<void> => {
  for (let turn = 0; turn < 4; turn += 1) await new Promise((done) => setImmediate(done));
};

class World {
  readonly chain = new RecordedChain();
  readonly clock = new SimClock();
  readonly database: Database = openDatabase(":memory:");
  /** id → CID and the most that it may have. */
  readonly pins = new Map<string, { readonly cid: string; readonly maxBytes: number | undefined }>();
  isFull = false;
  #feed: LedgerFeed | undefined;
  #made = 0;

  get feed(): LedgerFeed {
    if (this.#feed === undefined) throw new TypeError("it is not open");
    return this.#feed;
  }
  get wanted(): readonly string[] {
    return [...this.pins.values()].map(({ cid }) => cid).sort();
  }
  open(options: Partial<LedgerFeedOptions> = {}): void {
    const pins = {
      add: (cid: string, maxBytes: number | undefined): string => {
        if (this.isFull) throw pinErrors.tooMany({ limit: 1 });
        if (cid === three) throw pinErrors.unsupported({ cid, reason: "nobody can" });
        this.#made += 1;
        this.pins.set(`${this.#made}`, { cid, maxBytes });
        return `${this.#made}`;
      },
      grow: async (id: string, cid: string, maxBytes: number): Promise<string> => {
        this.pins.delete(id);
        return pins.add(cid, maxBytes);
      },
      remove: async (id: string): Promise<void> => void this.pins.delete(id),
    };
    this.#feed = openLedgerFeed(
      { rpc: this.chain, pins, database: this.database, clock: this.clock, logger: silentLogger },
      {
        ...{ contract: kind, address: contract, fromBlock: 1, confirmations: 10, pollMs: 1_000 },
        ...{ maxPinBytes: 1_000, ...options },
      },
    );
  }
  async close(): Promise<void> {
    await this.clock.settle(Promise.resolve(this.feed[Symbol.asyncDispose]()), { limitMs: 10_000, drain });
  }
  async passes(ms: number): Promise<void> {
    await this.clock.settle(this.clock.sleep(ms), { limitMs: ms + 1, drain });
    await drain();
  }
}

describe("a contract that is followed", () => {
  it("has its CIDs pinned once each, within what it claims, and let go with the last account", async () => {
    const world = new World();
    world.chain.add(kind, "Insert", 5, [alice, one, 100n, 9_000n]);
    world.chain.add(kind, "Insert", 6, [bob, one, 120n, 9_000n]);
    world.chain.add(kind, "Insert", 7, [alice, two, 5_000n, 9_000n]); // more than is taken
    world.chain.add(kind, "Insert", 8, [alice, "no cid at all", 1n, 9_000n]);
    world.chain.add(kind, "Insert", 9, [alice, three, 1n, 9_000n]); // nothing that can be pinned
    world.open();
    await world.passes(100);
    expect([...world.pins.values()]).toEqual([{ cid: one, maxBytes: 120 }]);
    expect(world.feed.status()).toMatchObject({ readTo: 90, wishes: 4, pins: 1, problem: null });
    world.chain.add(kind, "Remove", 95, [alice, one, 100n, 9_000n]);
    world.chain.add(kind, "Remove", 99, [bob, one, 100n, 9_000n]);
    world.chain.head = 105;
    await world.passes(1_100);
    expect(world.wanted).toEqual([one]);
    world.chain.head = 110;
    await world.passes(1_100);
    expect(world.wanted).toEqual([]);
    await world.close();
  });

  it("pins what one account can have, however large another says that it is", async () => {
    const world = new World();
    world.chain.add(kind, "Insert", 5, [alice, one, 100n, 9_000n]);
    world.chain.add(kind, "Insert", 6, [bob, one, 2n ** 255n, 9_000n]);
    world.open();
    await world.passes(100);
    expect([...world.pins.values()]).toEqual([{ cid: one, maxBytes: 100 }]);
    world.chain.add(kind, "Remove", 95, [alice, one, 100n, 9_000n]);
    world.chain.head = 110;
    await world.passes(1_100);
    expect(world.wanted).toEqual([]); // what is left of it is too large
    await world.close();
  });

  it("gives a pin more room when its claim grows, and none less", async () => {
    const world = new World();
    world.chain.add(kind, "Insert", 5, [alice, one, 1n, 9_000n]);
    world.open();
    await world.passes(100);
    expect([...world.pins.values()]).toEqual([{ cid: one, maxBytes: 1 }]);
    world.chain.add(kind, "Update", 95, [alice, one, 1n, 120n, 9_000n]);
    world.chain.head = 110;
    await world.passes(1_100);
    expect([...world.pins.values()]).toEqual([{ cid: one, maxBytes: 120 }]);
    world.chain.add(kind, "Update", 105, [alice, one, 120n, 7n, 9_000n]);
    world.chain.head = 120;
    await world.passes(1_100);
    expect([...world.pins]).toEqual([["2", { cid: one, maxBytes: 120 }]]);
    await world.close();
  });

  it("is read again where its chain has replaced what was read, between two looks and over a restart", async () => {
    const world = new World();
    world.chain.add(kind, "Insert", 5, [alice, one, 100n, 9_000n]);
    world.chain.add(kind, "Insert", 85, [alice, two, 100n, 9_000n]);
    world.open();
    await world.passes(100);
    expect(world.wanted).toEqual([one, two].sort());
    await world.close();
    world.chain.logs.pop(); // it never happened
    world.chain.replacedFrom = 80;
    world.chain.head = 110;
    world.open();
    await world.passes(100);
    expect(world.feed.status()).toMatchObject({
      readTo: null,
      problem: expect.stringContaining("replaced block 90"),
    });
    expect(world.wanted).toEqual([one, two].sort()); // nothing goes before all is known
    world.chain.replacedFrom = Number.POSITIVE_INFINITY;
    await world.passes(1_100);
    expect(world.wanted).toEqual([one]);
    expect(world.feed.status()).toMatchObject({ readTo: 100, wishes: 1, problem: null });
    await world.close();
  });

  it("counts what is there, also after a page that could not be written down", async () => {
    const world = new World();
    world.chain.add(kind, "Insert", 5, [alice, one, 100n, 9_000n]);
    world.chain.add(kind, "Insert", 6, [alice, two, 100n, 9_000n]);
    const { transaction, run } = world.database;
    let isBroken = true;
    Object.assign(world.database, {
      run: (sql: string, ...values: never[]) => {
        if (isBroken && sql.includes("ledger_state") && values.includes("block" as never))
          throw new Error("disk full");
        return run.call(world.database, sql, ...values);
      },
      transaction,
    });
    world.open();
    await world.passes(100);
    expect(world.feed.status()).toMatchObject({ readTo: null, wishes: 0, problem: "disk full" });
    isBroken = false;
    await world.passes(1_100);
    expect(world.feed.status()).toMatchObject({ readTo: 90, wishes: 2, problem: null });
    await world.close();
  });

  it("lets go what is over by its own chain's time, without any event", async () => {
    const world = new World();
    world.chain.add(kind, "Insert", 5, [alice, one, 100n, 950n]); // 10 seconds a block
    world.chain.add(kind, "Insert", 5, [bob, two, 100n, 99_000n]);
    world.open();
    await world.passes(100);
    expect(world.wanted).toEqual([one, two].sort());
    world.chain.head = 106;
    await world.passes(1_100);
    expect(world.wanted).toEqual([two]);
    await world.close();
  });

  it("goes on after a restart where it was, and begins anew for another contract", async () => {
    const world = new World();
    world.chain.add(kind, "Insert", 5, [alice, one, 100n, 9_000n]);
    world.open();
    await world.passes(100);
    await world.close();
    world.chain.calls.length = 0;
    world.chain.add(kind, "Insert", 95, [alice, two, 100n, 9_000n]);
    world.chain.head = 110;
    world.open();
    await world.passes(100);
    expect(world.wanted).toEqual([one, two].sort());
    expect(world.chain.calls.filter((method) => method === "eth_getLogs")).toHaveLength(1);
    await world.close();
    world.open({ address: `0x${"06".repeat(20)}` });
    await world.passes(100);
    expect(world.wanted).toEqual([]);
    await world.close();
  });

  it("waits where the queue is full, and where the chain's node is silent, and says why", async () => {
    const world = new World();
    world.isFull = true;
    world.chain.add(kind, "Insert", 5, [alice, one, 100n, 9_000n]);
    world.open();
    await world.passes(100);
    expect(world.feed.status()).toMatchObject({ readTo: 90, pins: 0 });
    expect(world.feed.status().problem).toContain("wait to be pinned");
    world.isFull = false;
    const { call } = world.chain;
    world.chain.call = async () => Promise.reject(new Error("gone"));
    await world.passes(1_100);
    expect(world.feed.status().problem).toContain("gone");
    world.chain.call = call;
    await world.passes(1_100);
    expect(world.wanted).toEqual([one]);
    expect(world.feed.status().problem).toBeNull();
    await world.close();
  });
});
