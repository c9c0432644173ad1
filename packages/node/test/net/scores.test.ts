/**
 * Scores, shares and evictions by themselves, in virtual time: deeds fade by half, leaving does not wash clean, new
 * names do not push out bad ones; no neighbour takes more than its share; who came last from the largest group goes.
 */
import { SimClock } from "@holdfast/base/testing";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { chooseEviction, type Inbound } from "../../src/net/eviction.ts";
import { GossipShares } from "../../src/net/rate.ts";
import { Scores } from "../../src/net/scores.ts";

describe("scores", () => {
  it("fade by half in ten minutes", async () => {
    const clock = new SimClock();
    const scores = new Scores(clock, 10, () => undefined);
    scores.note("a", "lied");
    await clock.advance(600_000);
    expect(scores.of("a")).toBeCloseTo(-25);
  });
  it("tell once that the lowest mark is passed, and by what", () => {
    const told: string[] = [];
    const scores = new Scores(new SimClock(), 10, (peer, worst) => told.push(`${peer} ${worst}`));
    for (let turn = 0; turn < 8; turn += 1) scores.note("a", "invalid");
    expect(told).toEqual(["a invalid"]);
  });
  it("cannot be saved up", () => {
    const scores = new Scores(new SimClock(), 10, () => undefined);
    for (let turn = 0; turn < 1_000; turn += 1) scores.note("a", "useful");
    scores.note("a", "invalid");
    scores.note("a", "invalid");
    expect(scores.of("a")).toBeLessThan(-10);
  });
  it("are bounded, and a thousand new names do not wash a bad one away", () => {
    const scores = new Scores(new SimClock(), 10, () => undefined);
    scores.note("bad", "lied");
    for (let index = 0; index < 1_000; index += 1) scores.note(`new${index}`, "unhelpful");
    expect(scores.list()).toHaveLength(10);
    expect(scores.of("bad")).toBe(-50);
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
