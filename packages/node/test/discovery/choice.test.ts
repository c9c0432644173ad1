/**
 * Whom a node dials: it keeps its quota of connections of its own choice against any number that come in, takes
 * no two strangers from one /16, and never forgets who was real for who was only named. A choice without the
 * quota, or without groups, is caught by the properties.
 */
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { openDatabase } from "../../src/database.ts";
import { type Known, PeerBook, type Source } from "../../src/discovery/book.ts";
import { type Choice, type Connected, chooseDials, groupsOf } from "../../src/discovery/choose.ts";
import { openPeerStore } from "../../src/discovery/index.ts";
import { limits } from "../../src/limits.ts";

const addressOf = (ip: string, id: string): string => `/ip4/${ip}/tcp/6000/p2p/${id}`;
const sources = fc.constantFrom<Source>("bootstrap", "anchor", "kept", "heard");
const known: fc.Arbitrary<Known> = fc.record({
  id: fc.integer({ min: 0, max: 60 }).map((n) => `peer${n}`),
  addresses: fc.tuple(fc.ipV4()).map(([ip]) => [addressOf(ip, "x")]),
  source: sources,
  seenMs: fc.nat(100),
  lostMs: fc.nat(100),
  failures: fc.nat(5),
  nextMs: fc.nat(200),
});
const connected: fc.Arbitrary<Connected> = fc.record({
  id: fc.integer({ min: 0, max: 60 }).map((n) => `peer${n}`),
  addresses: fc.tuple(fc.ipV4()).map(([ip]) => [addressOf(ip, "x")]),
  direction: fc.constantFrom("inbound" as const, "outbound" as const),
});
const unique = <Item extends { readonly id: string }>(item: fc.Arbitrary<Item>, maxLength: number) =>
  fc.uniqueArray(item, { selector: ({ id }) => id, maxLength });

const choice = fc.record<Choice>({
  known: unique(known, 40),
  connected: unique(connected, 40),
  self: fc.constant("peer0"),
  nowMs: fc.constant(100),
  longestPauseMs: fc.constant(200),
  outboundPeers: fc.constant(8),
  most: fc.constant(16),
  draw: fc.nat(1000).map((n) => (limit: number) => n % limit),
});

const now = { nowMs: 1, longestPauseMs: 1_000 };

describe("whom a node dials", () => {
  it("is due, not itself, not connected, and no two strangers of one group", () => {
    fc.assert(
      fc.property(choice, (given) => {
        const chosen = chooseDials(given);
        const here = new Set(given.connected.map(({ id }) => id));
        expect(chosen.every(({ id, nextMs }) => id !== "peer0" && !here.has(id) && nextMs <= 100)).toBe(true);
        const strangers = chosen.filter(({ source }) => source === "kept" || source === "heard");
        const groups = strangers.flatMap(({ addresses }) => addresses.flatMap(groupsOf));
        expect(new Set(groups).size).toBe(groups.length);
        const outbound = given.connected.filter(({ direction }) => direction === "outbound").length;
        const free = chosen.filter(({ source }) => source !== "bootstrap").length;
        expect(free).toBeLessThanOrEqual(Math.max(0, 8 - outbound));
      }),
      { numRuns: 300, seed: 11 },
    );
  });
  it("is a quota of its own choice, however many have come in", () => {
    const flood = Array.from({ length: 500 }, (_, index) => ({
      id: `sybil${index}`,
      addresses: [addressOf("203.0.113.9", `sybil${index}`)],
      direction: "inbound" as const,
    }));
    const honest = Array.from({ length: 20 }, (_, index) => ({
      ...{ id: `honest${index}`, addresses: [addressOf(`20.${index}.0.1`, `honest${index}`)] },
      ...{ source: "kept" as const, seenMs: 1, lostMs: 0, failures: 0, nextMs: 0 },
    }));
    const given = { connected: flood, known: honest, self: "me", ...now, outboundPeers: 8, most: 16 };
    expect(chooseDials({ ...given, draw: () => 0 })).toHaveLength(8);
  });
  it("begins with those it was connected to before", () => {
    const all = (["heard", "anchor", "kept", "anchor"] as const).map((source, index) => ({
      ...{ id: `p${index}`, addresses: [addressOf(`20.${index}.0.1`, "x")], source },
      ...{ seenMs: 0, lostMs: 0, failures: 0, nextMs: 0 },
    }));
    const given = { connected: [], known: all, self: "me", ...now, outboundPeers: 2, most: 16 };
    expect(chooseDials({ ...given, draw: () => 0 }).map(({ id }) => id)).toEqual(["p1", "p3"]);
  });
  it("does not wait for a time that only a clock that was ahead has set", () => {
    const at = (nextMs: number): number => {
      const one: Known = {
        ...{ id: "p", addresses: [addressOf("20.0.0.1", "x")], source: "kept" },
        ...{ seenMs: 0, lostMs: 0, failures: 1, nextMs },
      };
      const given = { connected: [], known: [one], self: "me", ...now, outboundPeers: 2, most: 16 };
      return chooseDials({ ...given, draw: () => 0 }).length;
    };
    expect([1, 2, 1_001, 1_002, 86_400_000].map(at)).toEqual([1, 0, 0, 1, 1]);
  });
  it("counts private addresses to no group", () => {
    expect(["/ip4/10.1.2.3/tcp/1", "/ip4/192.168.0.9/tcp/1", "/ip6/fd00::1/tcp/1"].flatMap(groupsOf)).toEqual(
      [],
    );
    expect(groupsOf("/ip4/203.0.113.9/tcp/1")).toEqual(["203.0"]);
    expect(groupsOf("/ip6/2001:db8:1::1/tcp/1")).toEqual(["2001:db8"]);
  });
});

describe("the book of peers", () => {
  it("is bounded, and a flood of invented peers pushes out nobody real", () => {
    const book = new PeerBook();
    book.learn(addressOf("20.0.0.1", "boot"), "bootstrap");
    for (let index = 0; index < 50; index += 1) {
      book.told(`real${index}`, [addressOf("20.0.0.2", `real${index}`)], 1);
    }
    for (let index = 0; index < 5 * limits.knownPeers; index += 1) {
      book.learn(addressOf("203.0.113.9", `invented${index}`), "heard");
    }
    expect(book.size).toBe(limits.knownPeers);
    expect(book.get("boot")).toBeDefined();
    for (let index = 0; index < 50; index += 1) expect(book.get(`real${index}`)).toBeDefined();
  });
  it("waits longer with every failure, up to the most, and forgets who was only named", () => {
    const book = new PeerBook();
    book.learn(addressOf("20.0.0.1", "boot"), "bootstrap");
    book.learn(addressOf("20.0.0.1", "named"), "heard");
    const pauses: number[] = [];
    for (let turn = 0; turn < 12; turn += 1) {
      book.failed("boot", 0, 10_000, 1);
      book.failed("named", 0, 10_000, 1);
      pauses.push(book.get("boot")?.nextMs ?? 0);
    }
    expect(pauses).toEqual([...pauses].sort((a, b) => a - b));
    expect(pauses.at(-1)).toBe(10_000);
    expect(book.get("named")).toBeUndefined();
    book.lost("boot", 0);
    book.failed("boot", 0, 10_000, 1);
    expect(book.get("boot")?.nextMs).toBe(limits.redialMs);
  });
  it("takes addresses from nobody but the peer itself", () => {
    const book = new PeerBook();
    book.told("a", [addressOf("20.0.0.1", "a"), addressOf("203.0.113.9", "somebody-else")], 1);
    expect(book.get("a")?.addresses).toEqual([addressOf("20.0.0.1", "a")]);
    book.learn(addressOf("203.0.113.9", "a"), "heard");
    expect(book.get("a")?.addresses[0]).toBe(addressOf("20.0.0.1", "a"));
  });
  it("is kept over a restart, anchors first", () => {
    using database = openDatabase(":memory:");
    const store = openPeerStore(database);
    const kept = (id: string, seenMs: number, isAnchor: boolean) => ({
      ...{ id, seenMs, isAnchor },
      addresses: [addressOf("20.0.0.1", id), addressOf("20.0.0.2", id)],
    });
    store.save([kept("old", 1, false)]);
    const peers = [kept("a", 5, false), kept("b", 3, true)];
    store.save(peers);
    expect(openPeerStore(database).load()).toEqual([peers[1], peers[0]]);
  });
});
