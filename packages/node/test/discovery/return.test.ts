/**
 * A peer that was lost and is back is connected again within seconds, whichever side dials: who stayed tries it often
 * for a while, who was killed dials whom it knew, also those that it had met only just before. Neither a peer that
 * answers no question nor an address that is out of date holds that up.
 */
import type { PeerId, Wire } from "@holdfast/base";
import { silentLogger } from "@holdfast/base";
import { SeededRandom, SimClock, SimNet } from "@holdfast/base/testing";
import { describe, expect, it } from "vitest";
import { openDatabase } from "../../src/database.ts";
import { PeerBook } from "../../src/discovery/book.ts";
import { type Discovery, openDiscovery, openPeerStore, peersProtocol } from "../../src/discovery/index.ts";
import { limits } from "../../src/limits.ts";

const soonMs = 5_000;

class World {
  readonly clock = new SimClock();
  readonly net = new SimNet({ seed: "return", clock: this.clock });
  readonly #open: Discovery[] = [];

  node(name: string, options: Partial<Parameters<typeof openDiscovery>[0]> = {}): Wire {
    const wire = this.net.createWire(name);
    const random = new SeededRandom(name);
    const needs = { wire, clock: this.clock, logger: silentLogger, random, bootstrap: [], ...options };
    this.#open.push(openDiscovery(needs));
    return wire;
  }
  async end(): Promise<void> {
    const ends = Promise.all(this.#open.map((one) => one[Symbol.asyncDispose]()));
    await this.clock.advance(60_000);
    await ends;
  }
  isThere(wire: Wire, peer: string): boolean {
    return wire.peers().some(({ id }) => id === peer);
  }
}

describe("a peer that comes back", () => {
  it("is dialled within seconds by who stayed, after any absence of some minutes", async () => {
    for (const awayMs of [1_000, 20_000, 61_000, 300_000, 590_000]) {
      const world = new World();
      const client = world.node("client", { bootstrap: ["/sim/miner"] });
      world.net.createWire("miner");
      await world.clock.advance(30_000);
      expect(world.isThere(client, "miner")).toBe(true);
      world.net.kill("miner");
      await world.clock.advance(awayMs);
      world.net.createWire("miner"); // it dials nobody
      await world.clock.advance(soonMs);
      expect(world.isThere(client, "miner"), `after ${awayMs} ms`).toBe(true);
      await world.end();
    }
  });

  it("dials whom it had met only just before it was killed", async () => {
    const world = new World();
    using database = openDatabase(":memory:");
    const store = openPeerStore(database);
    world.node("miner", { store });
    const client = world.net.createWire("client"); // it dials once and never again
    await client.connect("/sim/miner");
    await world.clock.advance(soonMs + 1_000);
    world.net.kill("miner");
    await world.clock.advance(1_000);
    world.node("miner", { store: openPeerStore(database) });
    await world.clock.advance(soonMs);
    expect(world.isThere(client, "miner")).toBe(true);
    await world.end();
  });

  it("is not waited for behind a peer that answers no question", async () => {
    const world = new World();
    const silent = world.net.createWire("silent");
    silent.handle(peersProtocol, () => new Promise(() => undefined));
    world.net.createWire("miner");
    const client = world.node("client", { bootstrap: ["/sim/silent", "/sim/miner"] });
    await world.clock.advance(30_000);
    world.net.kill("miner");
    await world.clock.advance(1_000); // the client is asking who is left
    world.net.createWire("miner");
    await world.clock.advance(soonMs);
    expect(world.isThere(client, "miner")).toBe(true);
    await world.end();
  });
});

describe("the pauses between two dials", () => {
  const addressOf = (port: number): string => `/ip4/127.0.0.1/tcp/${port}/p2p/peer`;
  const pausesOf = (book: PeerBook, fromMs: number): readonly number[] =>
    Array.from({ length: 12 }, () => {
      book.failed("peer", fromMs, 30_000, 1);
      return (book.get("peer")?.nextMs ?? 0) - fromMs;
    });

  it("are short for who was lost a while ago, and long for who was never reached or is long gone", () => {
    const book = new PeerBook();
    book.told("peer", [addressOf(1)], 1);
    expect(pausesOf(book, 1).at(-1)).toBe(30_000);
    book.lost("peer", 1);
    expect(Math.max(...pausesOf(book, 1))).toBe(limits.redialMissedMs);
    expect(Math.max(...pausesOf(book, limits.missedMs))).toBe(limits.redialMissedMs);
    expect(pausesOf(book, 1 + limits.missedMs).at(-1)).toBe(30_000);
  });

  it("end when another address of the peer is heard, of which the newest is kept", () => {
    const book = new PeerBook();
    book.told("peer", [1, 2, 3, 4].map(addressOf), 1);
    pausesOf(book, 1);
    book.learn(addressOf(2), "heard");
    expect(book.get("peer")?.nextMs).toBeGreaterThan(0);
    book.learn(addressOf(7), "heard");
    expect(book.get("peer")).toMatchObject({ nextMs: 0, addresses: [1, 2, 3, 7].map(addressOf) });
    expect(book.get("peer" as PeerId)?.failures).toBeGreaterThan(0);
  });
});
