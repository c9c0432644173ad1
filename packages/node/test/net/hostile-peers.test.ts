/**
 * Peers that misbehave towards the wire itself, over real sockets: connections that never say who they are,
 * streams without end, floods of gossip, frames that are too long. Each is bounded, counted, and in the end banned,
 * also after a restart; and honest peers notice nothing of it.
 */
import { spawn } from "node:child_process";
import { connect } from "node:net";
import { createInterface } from "node:readline";
import { setTimeout as sleep } from "node:timers/promises";
import { c, encodeVarint, type GossipVerdict, type PeerId, silentLogger } from "@holdfast/base";
import { codeOf, SeededRandom } from "@holdfast/base/testing";
import { afterEach, describe, expect, it } from "vitest";
import { realClock } from "../../src/clock.ts";
import { type Database, openDatabase } from "../../src/database.ts";
import { FrameReader } from "../../src/framing.ts";
import { limits } from "../../src/limits.ts";
import { type NetLimits, type NetWire, openBanStore, openLibp2pWire } from "../../src/net/index.ts";

const random = new SeededRandom("hostile peers");
const open: AsyncDisposable[] = [];
afterEach(async () => {
  for (const one of open.splice(0).reverse()) await one[Symbol.asyncDispose]();
});

interface WireOptions {
  readonly database?: Database;
  readonly seed?: Uint8Array;
  readonly listen?: string;
  readonly changed?: Partial<NetLimits>;
}

async function wire({ database, seed, listen, changed }: WireOptions = {}): Promise<NetWire> {
  const made = await openLibp2pWire(
    {
      clock: realClock(),
      logger: silentLogger,
      limits: { ...limits, ...changed },
      ...(database === undefined ? {} : { bans: openBanStore(database) }),
    },
    {
      privateKey: seed ?? random.bytes(32),
      listen: [listen ?? "/ip4/127.0.0.1/tcp/0"],
      gossipHeartbeatMs: 100,
      topics: ["/t"],
    },
  );
  open.push(made);
  return made;
}
const addressOf = (made: NetWire): string => made.addresses()[0] ?? "";
const portOf = (made: NetWire): number => Number(addressOf(made).split("/")[4]);
async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await sleep(5);
}
const isBanned = (by: NetWire, peer: NetWire): boolean =>
  by.control.bans().some(({ subject, by: how }) => subject === peer.self && how === "score");

/** Whoever dials may believe for a moment that it is in: that it is banned is known when it has said who it is. */
async function expectRefused(from: NetWire, by: NetWire): Promise<void> {
  await from.connect(addressOf(by)).catch(() => undefined);
  await until(() => from.peers().every(({ id }) => id !== by.self));
  expect(by.peers().map(({ id }) => id)).not.toContain(from.self);
}

describe("a peer that misbehaves", () => {
  it("opens more streams than one may: the rest are refused, and it is banned", async () => {
    const [victim, attacker, honest] = [
      await wire(),
      await wire({ changed: { streamsPerProtocol: 10_000 } }),
      await wire(),
    ];
    victim.handle("/slow/1.0.0", async (stream) => void (await stream.read()));
    await attacker.connect(addressOf(victim));
    await honest.connect(addressOf(victim));
    const tries: Promise<unknown>[] = [];
    for (let turn = 0; turn < 400 && !isBanned(victim, attacker); turn += 1) {
      tries.push(attacker.open(victim.self, "/slow/1.0.0").catch(() => undefined));
      if (turn % 20 === 19) await sleep(20);
    }
    await until(() => isBanned(victim, attacker));
    await Promise.all(tries);
    await until(() => victim.peers().every(({ id }) => id !== attacker.self));
    await expectRefused(attacker, victim);
    const stream = await honest.open(victim.self, "/slow/1.0.0");
    await stream.write(new Uint8Array(1));
    expect(isBanned(victim, honest)).toBe(false);
  });

  it("floods gossip: what is over its share is not examined, and it is banned", async () => {
    const victim = await wire({ changed: { gossipBurst: 50, gossipMessagesPerSecond: 1 } });
    const [attacker, honest] = [await wire(), await wire()];
    let examined = 0;
    const fromHonest: number[] = [];
    victim.subscribe("/t", (bytes, from): GossipVerdict => {
      if (from === attacker.self) examined += 1;
      else fromHonest.push(bytes[0] ?? 0);
      return "accept";
    });
    for (const peer of [attacker, honest]) {
      peer.subscribe("/t", () => "ignore");
      await peer.connect(addressOf(victim));
    }
    for (let at = 0; !isBanned(victim, attacker); at += 1) {
      const bytes = random.bytes(16);
      await attacker.publish("/t", bytes);
      if (at % 50 === 0) await sleep(10);
    }
    expect(examined).toBeLessThanOrEqual(60);
    await until(() => victim.peers().every(({ id }) => id !== attacker.self));
    while (!fromHonest.includes(7)) {
      await honest.publish("/t", Uint8Array.of(7, ...random.bytes(8)));
      await sleep(50);
    }
    expect(isBanned(victim, honest)).toBe(false);
  });

  it("sends frames that are too long: each ends its stream, some ban it, also over a restart", async () => {
    using database = openDatabase(":memory:");
    const seed = random.bytes(32);
    const victim = await wire({ database, seed });
    victim.handle("/frame/1.0.0", async (stream) => {
      await new FrameReader(stream).readMessage(c.uint());
    });
    const attacker = await wire();
    await attacker.connect(addressOf(victim));
    for (let turn = 0; turn < 20 && !isBanned(victim, attacker); turn += 1) {
      try {
        const stream = await attacker.open(victim.self, "/frame/1.0.0");
        await stream.write(encodeVarint(limits.frameBytes + 1));
        await stream.read();
      } catch {
        // cut, as it should be
      }
    }
    expect(isBanned(victim, attacker)).toBe(true);
    await victim[Symbol.asyncDispose]();
    const again = await wire({ database, seed });
    expect(isBanned(again, attacker)).toBe(true);
    await expectRefused(attacker, again);
    expect(await codeOf(again.connect(addressOf(attacker)))).toBe("wire/unreachable");
    again.control.unban(attacker.self);
    await attacker.connect(addressOf(again));
  });
});

describe("a list that people's bans fill", () => {
  it("has no place for who misbehaves: it is cut off all the same, and nobody else is", async () => {
    const victim = await wire({ changed: { bans: 1 } });
    await victim.control.ban("203.0.113.9", { reason: "r", forMs: undefined });
    victim.handle("/frame/1.0.0", async (stream) => {
      await new FrameReader(stream).readMessage(c.uint());
    });
    const [attacker, honest] = [await wire(), await wire()];
    for (const peer of [attacker, honest]) await peer.connect(addressOf(victim));
    const isHere = (peer: NetWire): boolean => victim.peers().some(({ id }) => id === peer.self);
    for (let turn = 0; turn < 20 && isHere(attacker); turn += 1) {
      try {
        const stream = await attacker.open(victim.self, "/frame/1.0.0");
        await stream.write(encodeVarint(limits.frameBytes + 1));
        await stream.read();
      } catch {
        // cut, as it should be
      }
    }
    await until(() => !isHere(attacker));
    expect(isHere(honest)).toBe(true);
    expect(victim.control.bans().map(({ subject }) => subject)).toEqual(["203.0.113.9"]);
    expect(victim.control.scores()[0]?.peerId).toBe(attacker.self);
  });
});

/** A process of its own, whose memory is not the victim's. Every address of 127/8 but the first is another machine. */
const attackProgram = `
const { connect } = require("node:net");
const port = Number(process.argv[1]);
const sockets = [];
(async () => {
  for (let made = 0; made < 10000; made += 500) {
    await Promise.all(Array.from({ length: 500 }, (_, index) => new Promise((done) => {
      const socket = connect({ host: "127.0.0.1", port, localAddress: "127.0." + (1 + index % 50) + ".1" });
      sockets.push(socket.on("connect", done).on("error", done));
    })));
    console.log(made + 500);
  }
  setInterval(() => undefined, 1000);
})();
`;

describe("connections that never say who they are", () => {
  it("10,000 of them in some seconds leave memory bounded, and an honest peer comes in beside them", async () => {
    const victim = await wire({ listen: "/ip4/0.0.0.0/tcp/0" });
    const port = portOf(victim);
    let mostHalfOpen = 0;
    let beforeBytes = 0;
    const attacker = spawn(process.execPath, ["-e", attackProgram, String(port)]);
    open.push({
      [Symbol.asyncDispose]: async () => {
        attacker.kill("SIGKILL");
      },
    });
    for await (const line of createInterface({ input: attacker.stdout })) {
      mostHalfOpen = Math.max(mostHalfOpen, victim.control.counts().halfOpen);
      // What the first ones need (code that is compiled, a heap that finds its size) is no leak.
      if (line === "4000") beforeBytes = process.memoryUsage().rss;
      if (line === "10000") break;
    }
    // libp2p's deadline of each refused one lives for ten seconds: that many are in memory at most.
    expect(process.memoryUsage().rss - beforeBytes).toBeLessThan(192 * 2 ** 20);
    expect(mostHalfOpen).toBeLessThanOrEqual(limits.pendingConnections);
    attacker.kill("SIGKILL");
    await until(() => victim.control.counts().halfOpen === 0);
    const honest = await wire();
    await honest.connect(`/ip4/127.0.0.1/tcp/${port}/p2p/${victim.self}`);
    await until(() => victim.peers().length === 1);
  });

  it("one machine has a few places and leaves the others to others", async () => {
    const victim = await wire({
      listen: "/ip4/0.0.0.0/tcp/0",
      changed: { connectionsPerHostPerSecond: 10_000 },
    });
    const port = portOf(victim);
    const sockets = Array.from({ length: 40 }, () => {
      const socket = connect({ host: "127.0.0.1", port, localAddress: "127.0.9.9" });
      return socket.on("error", () => undefined);
    });
    await until(() => sockets.filter(({ destroyed, closed }) => destroyed || closed).length >= 32);
    expect(victim.control.counts().halfOpen).toBeLessThanOrEqual(limits.pendingConnectionsPerMachine);
    const honest = await wire();
    await honest.connect(`/ip4/127.0.0.1/tcp/${port}/p2p/${victim.self}`);
    for (const socket of sockets) socket.destroy();
  });
});

describe("bans by hand", () => {
  it("a range: its connections end, it comes in no more, until the ban is lifted", async () => {
    using database = openDatabase(":memory:");
    const victim = await wire({ database });
    const peer = await wire();
    await peer.connect(addressOf(victim));
    await until(() => victim.peers().length === 1);
    await victim.control.ban("127.0.0.0/8", { reason: "a test", forMs: 3_600_000 });
    await until(() => victim.peers().length === 0);
    await expectRefused(peer, victim);
    expect(await codeOf(victim.connect(addressOf(peer)))).toBe("wire/unreachable");
    expect(victim.control.bans()).toMatchObject([
      { subject: "127.0.0.0/8", kind: "range", by: "person", reason: "a test" },
    ]);
    victim.control.unban("127.0.0.0/8");
    await peer.connect(addressOf(victim));
  });
  it("end in time, are bounded, and name what is wrong", async () => {
    const victim = await wire({ changed: { bans: 3 } });
    const forever = { reason: "r", forMs: undefined };
    await victim.control.ban("203.0.113.9", { reason: "r", forMs: 1 });
    await until(() => victim.control.bans().length === 0);
    for (const subject of ["203.0.113.9", "2001:DB8::/32", peerName])
      await victim.control.ban(subject, forever);
    expect(victim.control.bans().map(({ subject }) => subject)).toEqual([
      "203.0.113.9",
      "2001:db8::/32",
      peerName,
    ]);
    expect(await codeOf(victim.control.ban("203.0.113.10", forever))).toBe("net/too-many-bans");
    for (const wrong of ["", "somebody", "203.0.113.0/33", "203.0.113.0/0", "1.2.3.4/8/9", "fe80::1%eth0"]) {
      expect(await codeOf(victim.control.ban(wrong, forever)), wrong).toBe("net/bad-subject");
    }
    expect(() => victim.control.unban("203.0.113.77")).toThrow("is not banned");
  });
});

const peerName = "12D3KooWD3eckifWpRn9wQpMG9R9hX3sD158z7EqHWmweQAJU5SA" as PeerId;

describe("what a person sees of a peer", () => {
  it("is its direction, agent, protocols, bytes and latency", async () => {
    const [a, b] = [await wire(), await wire()];
    b.handle("/echo/1.0.0", async (stream) => {
      for (let part = await stream.read(); part !== undefined; part = await stream.read())
        await stream.write(part);
      await stream.closeWrite();
    });
    await a.connect(addressOf(b));
    const stream = await a.open(b.self, "/echo/1.0.0");
    await stream.write(new Uint8Array(100_000));
    await stream.closeWrite();
    while ((await stream.read()) !== undefined);
    expect(await a.control.ping(b.self)).toBeGreaterThanOrEqual(0);
    await until(() => a.control.peers()[0]?.agent === "holdfast");
    const [peer] = a.control.peers();
    expect(peer).toMatchObject({ id: b.self, direction: "outbound" });
    expect(peer?.protocols).toContain("/echo/1.0.0");
    expect(peer?.receivedBytes).toBeGreaterThan(100_000);
    expect(peer?.sentBytes).toBeGreaterThan(100_000);
    await until(() => a.control.observed().length > 0);
    expect(a.control.observed()).toEqual([{ address: "127.0.0.1", peers: 1 }]);
    expect(await codeOf(a.control.ping(peerName))).toBe("net/not-connected");
  });
});
