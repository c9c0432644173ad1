/**
 * Scores, shares and evictions by themselves, in virtual time: deeds fade by half, leaving does not wash clean, new
 * names do not push out bad ones; no neighbour takes more than its share; who came last from the largest group goes.
 */
import { SimClock } from "@holdfast/base/testing";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { openDatabase } from "../../src/database.ts";
import { chooseEviction, type Inbound } from "../../src/net/eviction.ts";
import { openScoreStore } from "../../src/net/index.ts";
import { GossipShares } from "../../src/net/rate.ts";
import { type Deed, type ScoreStore, Scores } from "../../src/net/scores.ts";

function scoresOf(
  onBad: (peer: string, worst: Deed) => unknown,
  clock: SimClock,
  store?: ScoreStore,
): Scores {
  return new Scores({ clock, most: 10, store, onBad });
}

describe("scores", () => {
  it("fade by half in ten minutes", async () => {
    const clock = new SimClock();
    const scores = scoresOf(() => undefined, clock);
    scores.note("a", "lied");
    await clock.advance(600_000);
    expect(scores.of("a")).toBeCloseTo(-32.5);
  });
  it("tell once that the lowest mark is passed, and by what", () => {
    const told: string[] = [];
    const scores = scoresOf((peer, worst) => told.push(`${peer} ${worst}`), new SimClock());
    for (let turn = 0; turn < 8; turn += 1) scores.note("a", "invalid");
    expect(told).toEqual(["a invalid"]);
  });
  it("ban a peer that lies, is not asked for ten minutes, comes back and lies again", async () => {
    const clock = new SimClock();
    const told: string[] = [];
    const scores = scoresOf((peer) => told.push(peer), clock);
    scores.note("a", "lied");
    expect(told).toEqual([]);
    await clock.advance(600_000 + 60_000);
    scores.note("a", "lied");
    expect(told).toEqual(["a"]);
  });
  it("do not grow when a clock that was ahead is right again, and fade from then on", async () => {
    const clock = new SimClock();
    let aheadMs = 3_600_000;
    const told: string[] = [];
    const jumping = { nowMs: () => clock.nowMs() + aheadMs, sleep: clock.sleep.bind(clock) };
    const scores = new Scores({ clock: jumping, most: 10, onBad: (peer) => told.push(peer) });
    scores.note("a", "streams");
    aheadMs = 0;
    expect(scores.of("a")).toBeCloseTo(-5);
    scores.note("b", "streams");
    scores.note("a", "streams");
    expect(told).toEqual([]);
    await clock.advance(600_000);
    expect(scores.list().map(({ score }) => score)).toEqual([-5, -2.5]);
  });
  it("cannot be saved up", () => {
    const scores = scoresOf(() => undefined, new SimClock());
    for (let turn = 0; turn < 1_000; turn += 1) scores.note("a", "useful");
    scores.note("a", "invalid");
    scores.note("a", "invalid");
    expect(scores.of("a")).toBeLessThan(-10);
  });
  it("are bounded, and a thousand new names do not wash a bad one away", () => {
    const scores = scoresOf(() => undefined, new SimClock());
    scores.note("bad", "lied");
    for (let index = 0; index < 1_000; index += 1) scores.note(`new${index}`, "unhelpful");
    expect(scores.list()).toHaveLength(10);
    expect(scores.of("bad")).toBe(-65);
  });
  it("outlive a restart and a kill: they go on to fade, old ones are forgotten, the table stays bounded", async () => {
    using database = openDatabase(":memory:");
    const clock = new SimClock();
    const before = scoresOf(() => undefined, clock, openScoreStore(database));
    for (let index = 0; index < 1_000; index += 1) before.note(`new${index}`, "unhelpful");
    await clock.advance(5_000);
    before.note("bad", "lied");
    before.note("bad", "unhelpful"); // five seconds after the last save nothing bad is lost; this one may be
    const kept = openScoreStore(database).load();
    expect(kept.length).toBeLessThanOrEqual(10);
    expect(kept.find(({ peerId }) => peerId === "bad")).toMatchObject({ score: -65, deeds: { lied: 1 } });
    await clock.advance(600_000);
    const told: string[] = [];
    const after = scoresOf((peer) => told.push(peer), clock, openScoreStore(database));
    expect(after.of("bad")).toBeCloseTo(-32.5);
    expect(after.list()[0]).toMatchObject({ peerId: "bad", deeds: { lied: 1 } });
    after.note("bad", "lied");
    expect(told).toEqual(["bad"]);
    after.clear("bad");
    expect(
      openScoreStore(database)
        .load()
        .map(({ peerId }) => peerId),
    ).not.toContain("bad");
    await clock.advance(7 * 3_600_000);
    expect(scoresOf(() => undefined, clock, openScoreStore(database)).list()).toEqual([]);
  });
});

describe("shares of the examination", () => {
  it("hold for any order of coming and going: nobody over its part, all together below the bound", () => {
    fc.assert(
      fc.property(
        fc.array(fc.record({ peer: fc.constantFrom("a", "b", "c"), leaves: fc.boolean() }), {
          maxLength: 200,
        }),
        (steps) => {
          const bounds = {
            gossipMessagesPerSecond: 1,
            gossipBurst: 40,
            gossipValidations: 6,
            gossipValidationsPerPeer: 3,
          };
          const shares = new GossipShares(new SimClock(), bounds);
          const inside = new Map<string, number>();
          const entered = new Map<string, number>();
          for (const { peer, leaves } of steps) {
            const now = inside.get(peer) ?? 0;
            if (leaves && now > 0) {
              shares.leave(peer);
              inside.set(peer, now - 1);
              continue;
            }
            if (shares.enter(peer) !== "in") continue;
            inside.set(peer, now + 1);
            entered.set(peer, (entered.get(peer) ?? 0) + 1);
            expect(now + 1).toBeLessThanOrEqual(3);
            expect([...inside.values()].reduce((sum, count) => sum + count, 0)).toBeLessThanOrEqual(6);
          }
          for (const count of entered.values()) expect(count).toBeLessThanOrEqual(40);
        },
      ),
      { numRuns: 200, seed: 3 },
    );
  });
});

describe("who goes for somebody new", () => {
  const peer = (id: string, given: Partial<Inbound> = {}): Inbound => ({
    ...{ id, group: id, score: 0, latencyMs: 50, sinceMs: 0 },
    ...given,
  });

  it("is of the swarm, whatever the swarm does, and not of the long known", () => {
    const honest = Array.from({ length: 10 }, (_, index) =>
      peer(`honest${index}`, { sinceMs: index, latencyMs: 20 }),
    );
    const swarm = Array.from({ length: 80 }, (_, index) =>
      peer(`sybil${index}`, { group: "203.0.113.9", sinceMs: 1_000 + index, latencyMs: 1 }),
    );
    expect(chooseEviction([...honest, ...swarm])).toMatchObject({ id: "sybil79" });
  });
  it("is whoever has a bad score first", () => {
    const all = [...Array.from({ length: 30 }, (_, index) => peer(`p${index}`)), peer("bad", { score: -1 })];
    expect(chooseEviction(all)).toMatchObject({ id: "bad" });
  });
  it("is nobody where all are among the best", () => {
    expect(chooseEviction([peer("a"), peer("b")])).toBeUndefined();
  });
});
