/**
 * Reports and heads in any order: what is ahead of a head waits for it, for a while, in a bounded list. And two reports
 * that a key signed for one slot: both are kept, because they prove it, and no third.
 */
import {
  accountAddress,
  type CID,
  encode,
  epoch,
  generateKey,
  publicKeyOfKey,
  rawCid,
  silentLogger,
} from "@holdfast/base";
import { SeededRandom, SimClock, SimNet } from "@holdfast/base/testing";
import { type PinReport, pinReportCodec, signPinReport } from "@holdfast/consensus";
import { describe, expect, it } from "vitest";
import { openDatabase } from "../../src/database.ts";
import { limits } from "../../src/limits.ts";
import { judge, openPoscStore, openReportGossip, type PoscNeeds, reportTopic } from "../../src/posc/index.ts";

const networkId = new Uint8Array(32).fill(3);
const slotHash = new Uint8Array(32).fill(4);
const zeros = new Uint8Array(32);
const set: CID = rawCid(zeros);
const slotEpochs = 5;
const secret = generateKey("secp256k1", new SeededRandom("gossip"));
const key = accountAddress(1, publicKeyOfKey(secret));

const reportOf = (slot: number, hash = slotHash, program = "test"): PinReport =>
  signPinReport(secret.privateKey, networkId, {
    ...{ node: 0, key, slot, slotHash: hash, previous: zeros, set, count: 0, added: [], samples: [] },
    program,
  });

function worldOf() {
  const clock = new SimClock();
  const net = new SimNet({ seed: "gossip", clock, delayMs: 1 });
  const [own, other] = [net.createWire("own"), net.createWire("other")];
  const at = { height: 9, isKnown: true };
  const node = { key, status: "active", validUntil: 1_000, lastSlot: null, lastReport: zeros };
  const view = () => ({
    ...{ height: at.height, slotEpochs },
    node: () => (at.isKnown ? node : undefined),
    markOf: () => undefined,
    facts: () => {
      const slot = Math.floor((at.height + 1) / slotEpochs);
      if (!at.isKnown || slot * slotEpochs > at.height) return undefined;
      const known = { networkId, height: epoch(at.height + 1), slot, slotHash, node, samples: 4 };
      return { ...known, programExpires: epoch(1_000), set: { root: set, count: 0, at: () => undefined } };
    },
  });
  const store = openPoscStore(openDatabase(":memory:"));
  const chain = { network: "test", networkId, view, onHead: () => () => undefined };
  const told = { reports: [] as PinReport[], crimes: [] as (readonly [PinReport, PinReport])[] };
  const gossip = openReportGossip(
    { chain, wire: own, clock, logger: silentLogger } as unknown as PoscNeeds,
    store,
    {
      onReport: (report) => void told.reports.push(report),
      onEquivocation: (first, second) => void told.crimes.push([first, second]),
    },
  );
  const drain = async (): Promise<void> => {
    for (let turn = 0; turn < 4; turn += 1) await new Promise((done) => setImmediate(done));
  };
  return {
    store,
    gossip,
    at,
    told,
    chain: chain as unknown as PoscNeeds["chain"],
    async hear(...reports: readonly PinReport[]): Promise<void> {
      const sent = own.connect(other.addresses()[0] ?? "").then(async () => {
        other.subscribe(reportTopic("test"), () => "accept");
        for (const report of reports)
          await other.publish(reportTopic("test"), encode(pinReportCodec, report));
      });
      await clock.settle(sent, { limitMs: 60_000, drain });
      await clock.advance(1_000, drain);
    },
    moves(height: number): void {
      at.height = height;
      gossip.again();
    },
  };
}

describe("a report that is heard before its head", () => {
  it("is kept when the slot's draw is here", async () => {
    const world = worldOf();
    await world.hear(reportOf(2));
    expect(world.store.of(0, 2)).toHaveLength(0);
    expect(world.gossip.refused()).toEqual({});
    world.moves(10);
    expect(world.store.of(0, 2)).toHaveLength(1);
    expect(world.gossip.refused()).toEqual({});
  });
  it("is kept when its node is", async () => {
    const world = worldOf();
    Object.assign(world.at, { height: 11, isKnown: false });
    await world.hear(reportOf(2));
    expect(world.store.count()).toBe(0);
    world.at.isKnown = true;
    world.moves(12);
    expect(world.store.of(0, 2)).toHaveLength(1);
  });
  it("of a draw that never comes is refused after a slot, by its fault", async () => {
    const world = worldOf();
    world.at.height = 11;
    await world.hear(reportOf(2, zeros));
    world.moves(13);
    expect(world.gossip.refused()).toEqual({});
    world.moves(16);
    expect(world.store.count()).toBe(0);
    expect(world.gossip.refused()).toEqual({ pinReportLate: 1 });
  });
  it("waits only if its key has signed it, and so many at most", async () => {
    const world = worldOf();
    await world.hear({ ...reportOf(2), program: "changed" });
    expect(world.gossip.refused()).toEqual({ pinSignatureInvalid: 1 });
    const many = limits.pinReportsWaiting + 5;
    await world.hear(...Array.from({ length: many }, (_, slot) => reportOf(slot + 100)));
    world.moves(20);
    expect(world.gossip.refused()).toEqual({
      pinSignatureInvalid: 1,
      pinReportEarly: limits.pinReportsWaiting,
    });
  }, 20_000);
});

describe("two reports of one slot by one key", () => {
  const [first, second, third] = ["first", "second", "third"].map((name) => reportOf(2, slotHash, name));
  const programs = (world: ReturnType<typeof worldOf>) =>
    world.store.of(0, 2).map(({ report }) => report.program);

  it("are both kept and told once; a third is not wanted, and a repeat is known", async () => {
    const world = worldOf();
    world.at.height = 11;
    if (first === undefined || second === undefined || third === undefined) throw new Error("three are made");
    await world.hear(first);
    expect([world.told.reports.length, world.told.crimes.length]).toEqual([1, 0]);
    await world.hear(second, third);
    expect(programs(world).sort()).toEqual(["first", "second"]);
    expect(world.told.crimes.map((pair) => pair.map(({ program }) => program))).toEqual([
      ["first", "second"],
    ]);
    expect(world.gossip.refused()).toEqual({ equivocation: 1, tooMany: 1 });
    const again = new Uint8Array(encode(pinReportCodec, second));
    const needs = { chain: world.chain };
    expect(judge(needs, world.store, again)).toMatchObject({ fault: "known", verdict: "ignore" });
    expect(judge(needs, world.store, encode(pinReportCodec, third))).toMatchObject({
      ...{ fault: "tooMany", verdict: "ignore" },
    });
  });

  it("are no crime of a node whose signature somebody else has made up", async () => {
    const world = worldOf();
    world.at.height = 11;
    if (first === undefined || second === undefined) throw new Error("they are made");
    await world.hear(first, { ...second, signature: first.signature });
    expect(programs(world)).toEqual(["first"]);
    expect(world.told.crimes).toEqual([]);
    expect(world.gossip.refused()).toEqual({ pinSignatureInvalid: 1 });
  });
});
