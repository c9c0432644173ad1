/**
 * Whether a node can be dialled, and where it dials itself. It learns the first by being dialled, and whoever dials
 * knocks at the door of who asked, rarely; peers cannot have it knock at doors of its own local network.
 */
import { once } from "node:events";
import { createServer } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import { encodeCbor, encodeVarint, type PeerId, silentLogger } from "@holdfast/base";
import { codeOf, SeededRandom, SimClock } from "@holdfast/base/testing";
import { identify } from "@libp2p/identify";
import { noise } from "@libp2p/noise";
import { tcp } from "@libp2p/tcp";
import { yamux } from "@libp2p/yamux";
import { multiaddr } from "@multiformats/multiaddr";
import { createLibp2p } from "libp2p";
import { afterEach, describe, expect, it } from "vitest";
import { realClock } from "../../src/clock.ts";
import { limits } from "../../src/limits.ts";
import { Bans } from "../../src/net/bans.ts";
import { dialBackProtocol } from "../../src/net/dial-back.ts";
import { Gate } from "../../src/net/gate.ts";
import { type NetNeeds, type NetWire, openLibp2pWire } from "../../src/net/index.ts";
import { ByteMeter } from "../../src/net/meter.ts";

const random = new SeededRandom("reach");
const open: AsyncDisposable[] = [];
afterEach(async () => {
  await Promise.all(open.splice(0).map((one) => one[Symbol.asyncDispose]()));
});

async function wire(
  announce: readonly string[] = [],
  clock = realClock(),
  around: Pick<NetNeeds, "addressesOf"> = {},
): Promise<NetWire> {
  const made = await openLibp2pWire(
    { clock, logger: silentLogger, limits: { ...limits, dialBackAfterMs: 10 }, ...around },
    { privateKey: random.bytes(32), listen: ["/ip4/127.0.0.1/tcp/0"], announce },
  );
  open.push(made);
  return made;
}
const addressOf = (made: NetWire): string => made.addresses()[0] ?? "";
async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await sleep(5);
}

describe("a node that asks to be dialled", () => {
  it("learns that it can be: it sees the connection come in", async () => {
    const [asks, serves] = [await wire(), await wire()];
    await asks.connect(addressOf(serves));
    await until(() => asks.control.dialBacks().length > 0);
    const port = Number(addressOf(asks).split("/")[4]);
    expect(asks.control.dialBacks()).toMatchObject([{ peer: serves.self, port, reached: true }]);
    expect(serves.control.dialBacks()).toEqual([]); // it has dialled nobody who could tell
    await until(() => serves.control.peers().length === 1);
    expect(asks.peers().map(({ id, direction }) => [id, direction])).toEqual([[serves.self, "outbound"]]);
  });

  it("learns that it cannot be, where nothing listens at the address that it announces", async () => {
    const [asks, serves] = [await wire(["/ip4/127.0.0.1/tcp/1"]), await wire()];
    await asks.connect(addressOf(serves));
    await until(() => asks.control.dialBacks().length > 0);
    expect(asks.control.dialBacks()).toMatchObject([{ peer: serves.self, port: 1, reached: false }]);
  });

  it("does not believe a peer that says it came and did not", async () => {
    const liar = await createLibp2p({
      addresses: { listen: ["/ip4/127.0.0.1/tcp/0"] },
      transports: [tcp()],
      connectionEncrypters: [noise()],
      streamMuxers: [yamux()],
      services: { identify: identify() },
    });
    open.push({ [Symbol.asyncDispose]: async () => liar.stop() });
    let asked = 0;
    await liar.handle(dialBackProtocol, async (stream) => {
      asked += 1;
      const said = encodeCbor([0]); // "reached"
      stream.send(Uint8Array.of(...encodeVarint(said.length), ...said));
      await stream.close();
    });
    const asks = await wire();
    await asks.connect(String(liar.getMultiaddrs()[0]));
    await until(() => asked > 0);
    await sleep(50);
    expect(asks.control.dialBacks()).toEqual([]);
  });

  it("is served again at once when the clock of who serves was ahead and is right again", async () => {
    let aheadMs = 86_400_000;
    const real = realClock();
    const serves = await wire([], { ...real, nowMs: () => real.nowMs() + aheadMs });
    const asks = await wire(["/ip4/127.0.0.1/tcp/1"]);
    await asks.connect(addressOf(serves));
    await until(() => asks.control.dialBacks().length > 0);
    aheadMs = 0;
    const stream = await asks.open(serves.self, dialBackProtocol);
    const question = encodeCbor([1]);
    await stream.write(Uint8Array.of(...encodeVarint(question.length), ...question));
    await stream.closeWrite();
    expect((await stream.read())?.at(-1)).toBe(1); // tried, not refused
  });

  it("has one machine dialled, its own, once: more questions are refused and nobody is knocked at", async () => {
    let knocks = 0;
    const server = createServer((socket) => {
      knocks += 1;
      socket.on("error", () => undefined).destroy();
    }).listen(0, "127.0.0.1");
    await once(server, "listening");
    const at = server.address();
    const port = typeof at === "object" && at !== null ? at.port : 0;
    const [asks, serves] = [await wire(["/ip4/127.0.0.1/tcp/1"]), await wire()];
    await asks.connect(addressOf(serves));
    await until(() => asks.control.dialBacks().length > 0);
    const other = await wire(["/ip4/127.0.0.1/tcp/1"]);
    await other.connect(addressOf(serves));
    const ask = async (from: NetWire): Promise<number | undefined> => {
      const stream = await from.open(serves.self, dialBackProtocol);
      const question = encodeCbor([port]);
      await stream.write(Uint8Array.of(...encodeVarint(question.length), ...question));
      await stream.closeWrite();
      return (await stream.read())?.at(-1);
    };
    // Before its own first question has been asked, the other one asks for a port of somebody else's program.
    const answers = [await ask(other), await ask(other), await ask(other), await ask(asks)];
    expect(answers.filter((answer) => answer === 1).length).toBeLessThanOrEqual(1);
    expect(answers.filter((answer) => answer === 2).length).toBeGreaterThanOrEqual(3);
    expect(knocks).toBeLessThanOrEqual(1);
    server.close();
  });
});

describe("a peer that is not connected", () => {
  it("is reached at the addresses under which somebody here knows it, also if some are out of date", async () => {
    const serves = await wire();
    serves.handle("/test/1.0.0", (stream) => stream.closeWrite());
    const gone = `/ip4/127.0.0.1/tcp/1/p2p/${serves.self}`;
    const addressesOf = (peer: PeerId) => (peer === serves.self ? [gone, addressOf(serves)] : []);
    const asks = await wire([], realClock(), { addressesOf });
    const stream = await asks.open(serves.self, "/test/1.0.0");
    expect(await stream.read()).toBe(undefined);
    const stranger = await wire();
    await expect(stranger.open(serves.self, "/test/1.0.0")).rejects.toMatchObject({
      code: "wire/unreachable",
    });
  });
});

describe("addresses that others name", () => {
  it("of local networks are dialled by nobody but who was told to by name, however libp2p came by them", async () => {
    const gate = new Gate({
      bans: new Bans({ clock: new SimClock(), most: 1 }),
      meter: new ByteMeter(),
      limits,
      connectionsWith: () => 0,
      makeRoom: async () => true,
    });
    const denied = (address: string): boolean => gate.denyDialMultiaddr(multiaddr(address));
    expect(
      ["/ip4/10.0.0.1/tcp/22", "/ip4/127.0.0.1/tcp/1", "/ip4/169.254.169.254/tcp/80"].map(denied),
    ).toEqual([...[true, true, true]]);
    expect(denied("/ip4/9.9.9.9/tcp/1")).toBe(false);
    await gate.named(multiaddr("/ip4/10.0.0.1/tcp/22"), async () => undefined);
    expect([denied("/ip4/10.0.0.1/tcp/7"), denied("/ip4/10.0.0.2/tcp/7")]).toEqual([false, true]);
    await gate.named(multiaddr("/dns4/miner-1/tcp/1"), async () => {
      expect(denied("/ip4/172.18.0.3/tcp/1")).toBe(false);
    });
    expect(denied("/ip4/172.18.0.3/tcp/1")).toBe(true);
  });

  it("that a peer says are its own are not dialled either when it has gone", async () => {
    const [victim, peer] = [await wire(), await wire(["/ip4/10.255.255.1/tcp/22"])];
    await peer.connect(addressOf(victim));
    await until(() => victim.peers()[0]?.addresses[0]?.startsWith("/ip4/10.255.255.1/") === true);
    await victim.disconnect(peer.self);
    await until(() => victim.peers().length === 0);
    expect(await codeOf(victim.open(peer.self as PeerId, "/t/1.0.0"))).toBe("wire/unreachable");
  });
});
