/**
 * The wire over real sockets of this machine: the compliance suite of the seam, and what a simulation cannot
 * show: bulk, limits, ports in use, addresses, bootstrap and clean ends.
 */
import { createServer } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import { equalBytes, type PeerId, silentLogger, type Wire } from "@holdfast/base";
import { codeOf, SeededRandom, type WiresUnderTest, wireSuite } from "@holdfast/base/testing";
import { afterEach, describe, expect, it } from "vitest";
import { realClock } from "../src/clock.ts";
import { limits } from "../src/limits.ts";
import { type Libp2pWireOptions, type NetLimits, openLibp2pWire } from "../src/net/index.ts";

const random = new SeededRandom("wires");
const loopback = "/ip4/127.0.0.1/tcp/0";
const open: Wire[] = [];

async function wire(
  options: Partial<Libp2pWireOptions> = {},
  changed: Partial<NetLimits> = {},
): Promise<Wire> {
  const needs = { clock: realClock(), logger: silentLogger, limits: { ...limits, ...changed } };
  const made = await openLibp2pWire(needs, {
    privateKey: random.bytes(32),
    listen: [loopback],
    gossipHeartbeatMs: 100,
    ...options,
  });
  open.push(made);
  return made;
}
afterEach(async () => {
  await Promise.all(open.splice(0).map((made) => made[Symbol.asyncDispose]()));
});

const addressOf = (made: Wire): string => made.addresses()[0] ?? "";
const strangePeer = "12D3KooWD3eckifWpRn9wQpMG9R9hX3sD158z7EqHWmweQAJU5SA" as PeerId;

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const address = server.address();
  await new Promise((resolve) => server.close(resolve));
  return address !== null && typeof address === "object" ? address.port : 0;
}

async function wires(count: number): Promise<WiresUnderTest> {
  const made = await Promise.all(Array.from({ length: count }, () => wire()));
  return {
    wires: made,
    settle: () => sleep(10),
    deadAddress: `/ip4/127.0.0.1/tcp/${await freePort()}/p2p/${strangePeer}`,
    strangePeer,
    overfullBytes: 32 * 1_048_576,
    dispose: async () => {
      await Promise.all(made.map((one) => one[Symbol.asyncDispose]()));
    },
  };
}

describe("libp2p", () => {
  wireSuite({ describe, it, expect }, wires);
});

async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await sleep(5);
}

describe("the libp2p wire", () => {
  it("carries 64 MiB intact", async () => {
    const [a, b] = [await wire(), await wire()];
    const sent = random.bytes(64 * 1_048_576);
    const received = new Uint8Array(sent.length);
    const done = Promise.withResolvers<number>();
    b.handle("/bulk/1.0.0", async (stream) => {
      let at = 0;
      for (let part = await stream.read(); part !== undefined; part = await stream.read()) {
        received.set(part, at);
        at += part.length;
      }
      done.resolve(at);
      await stream.closeWrite();
    });
    const stream = await a.open(await a.connect(addressOf(b)), "/bulk/1.0.0");
    await stream.write(sent);
    await stream.closeWrite();
    expect(await done.promise).toBe(sent.length);
    expect(equalBytes(received, sent)).toBe(true);
    expect(await stream.read()).toBe(undefined);
  });

  it("carries many writes in their order, in one array or in several", async () => {
    const [a, b] = [await wire(), await wire()];
    const sums: number[] = [];
    const order: number[] = [];
    const done = Promise.withResolvers<void>();
    b.handle("/sum/1.0.0", async (stream) => {
      for (let part = await stream.read(); part !== undefined; part = await stream.read()) {
        for (const byte of part) {
          sums[byte] = (sums[byte] ?? 0) + 1;
          if (order.at(-1) !== byte) order.push(byte);
        }
      }
      done.resolve();
    });
    const stream = await a.open(await a.connect(addressOf(b)), "/sum/1.0.0");
    for (let i = 0; i < 40; i++) {
      const bytes = new Uint8Array(50_000).fill(i);
      // Of any lengths: shorter and longer than what goes over the connection at once, and empty.
      const cut = (i * 1_663) % 50_000;
      const parts = [bytes.subarray(0, cut), bytes.subarray(cut, cut), bytes.subarray(cut)];
      await stream.write(i % 2 === 0 ? bytes : parts);
    }
    await stream.write([
      new Uint8Array(150_000).fill(40),
      new Uint8Array(1).fill(41),
      new Uint8Array(70_000).fill(42),
    ]);
    await stream.closeWrite();
    await done.promise;
    expect(sums).toEqual([...Array(40).fill(50_000), 150_000, 1, 70_000]);
    expect(order).toEqual(sums.map((_, index) => index));
  });

  it("names the port that is taken", async () => {
    const a = await wire();
    const taken = addressOf(a).replace(/\/p2p\/.*/, "");
    expect(await codeOf(wire({ listen: [taken] }))).toBe("net/port-in-use");
    await expect(wire({ listen: [taken] })).rejects.toMatchObject({ data: { address: expect.any(String) } });
  });

  it("says what is wrong with addresses and keys", async () => {
    expect(await codeOf(wire({ listen: ["/ip4/192.0.2.1/tcp/0"] }))).toBe("net/cannot-listen");
    expect(await codeOf((await wire()).connect("/ip4/127.0.0.1/udp/1"))).toBe("wire/bad-address");
    expect(await codeOf(wire({ privateKey: new Uint8Array(31) }))).toBe("net/bad-key");
  });

  it("is the same peer for the same key", async () => {
    const key = random.bytes(32);
    const first = await wire({ privateKey: key });
    await first[Symbol.asyncDispose]();
    expect((await wire({ privateKey: key })).self).toBe(first.self);
  });

  it("does not dial itself, nor a peer that is not who its address says", async () => {
    const [a, b] = [await wire(), await wire()];
    expect(await codeOf(a.connect(addressOf(a)))).toBe("wire/unreachable");
    const wrong = addressOf(b).replace(/\/p2p\/.*/, `/p2p/${strangePeer}`);
    expect(await codeOf(a.connect(wrong))).toBe("wire/unreachable");
    expect(a.peers()).toEqual([]);
  });

  it("knows where an inbound peer listens, and reaches it again by its id", async () => {
    const [a, b] = [await wire(), await wire()];
    await a.connect(addressOf(b));
    await until(() => b.peers()[0]?.addresses[0] === addressOf(a));
    await b.disconnect(a.self);
    await until(() => a.peers().length === 0);
    a.handle("/again/1.0.0", (stream) => stream.closeWrite());
    expect(await (await b.open(a.self, "/again/1.0.0")).read()).toBe(undefined);
  });

  it("holds its limits: streams of a protocol, connections", async () => {
    const few = { streamsPerProtocol: 3, connections: 1 };
    const [a, b, c] = [await wire({}, few), await wire({}, few), await wire()];
    b.handle("/few/1.0.0", async (stream) => void (await stream.read()));
    const peer = await a.connect(addressOf(b));
    for (let i = 0; i < 3; i++) await a.open(peer, "/few/1.0.0");
    expect(await codeOf(a.open(peer, "/few/1.0.0"))).toBe("net/too-many-streams");
    await c.connect(addressOf(b)).catch(() => undefined);
    await until(() => c.peers().length === 0);
    expect(b.peers().map(({ id }) => id)).toEqual([a.self]);
  });

  it("gives up on who does not answer, in time", async () => {
    const silent = createServer((socket) => socket.on("error", () => undefined).resume());
    await new Promise<void>((resolve) => silent.listen(0, "127.0.0.1", resolve));
    const address = silent.address();
    const port = address !== null && typeof address === "object" ? address.port : 0;
    const a = await wire({}, { dialTimeoutMs: 200 });
    expect(await codeOf(a.connect(`/ip4/127.0.0.1/tcp/${port}/p2p/${strangePeer}`))).toBe("wire/unreachable");
    await new Promise((resolve) => silent.close(resolve));
  });

  it("finds peers through peers under Kademlia", async () => {
    const [a, b, c] = [await wire({ kad: true }), await wire({ kad: true }), await wire({ kad: true })];
    await a.connect(addressOf(b));
    await c.connect(addressOf(b));
    c.handle("/found/1.0.0", (stream) => stream.closeWrite());
    let stream = await a.open(c.self, "/found/1.0.0").catch(() => undefined);
    while (stream === undefined) {
      await sleep(20); // until the table of b knows c
      stream = await a.open(c.self, "/found/1.0.0").catch(() => undefined);
    }
    expect(await stream.read()).toBe(undefined);
  });

  it("takes nothing more from a neighbour that passes on what is rejected", async () => {
    const [a, b] = [await wire(), await wire()];
    let heard = 0;
    b.subscribe("t", () => {
      heard++;
      return "reject";
    });
    a.subscribe("t", () => "accept");
    await a.connect(addressOf(b));
    let unheard = 0;
    let published = 0;
    for (; unheard < 10 && published < 1000; published++) {
      const before = heard;
      await a.publish("t", new Uint8Array([published >> 8, published & 255]));
      await sleep(20);
      unheard = heard > before || heard === 0 ? 0 : unheard + 1;
    }
    expect(heard).toBeGreaterThan(3);
    expect(published).toBeLessThan(1000);
  });

  it("ends in good time with streams open, and leaves no handle behind", async () => {
    const before = process.getActiveResourcesInfo().filter((name) => /TCP/.test(name)).length;
    const made = await Promise.all(Array.from({ length: 4 }, () => wire({ kad: true })));
    for (const one of made) one.handle("/idle/1.0.0", async (stream) => void (await stream.read()));
    for (const from of made) {
      for (const to of made)
        if (from !== to) await from.open(await from.connect(addressOf(to)), "/idle/1.0.0");
    }
    const startedMs = performance.now();
    await Promise.all(made.map((one) => one[Symbol.asyncDispose]()));
    const tookMs = performance.now() - startedMs;
    await until(() => process.getActiveResourcesInfo().filter((name) => /TCP/.test(name)).length <= before);
    expect(tookMs).toBeLessThan(5_000); // 1 s on a quiet machine
  });
});
