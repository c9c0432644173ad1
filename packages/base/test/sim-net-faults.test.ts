/** Delays, partitions and lost connections of the simulated network, and that one seed gives one history. */
import { concatBytes, equalBytes, type PeerId, toHex, utf8Bytes, type WireStream } from "@holdfast/base";
import {
  codeOf,
  drainMicrotasks,
  SeededRandom,
  SimClock,
  SimNet,
  type SimNetOptions,
  type SimWire,
} from "@holdfast/base/testing";
import fc from "fast-check";
import { describe, expect, it } from "vitest";

const bytes = utf8Bytes("hello");
const addressOf = (wire: SimWire): string => wire.addresses()[0] ?? "";

function network(options: Partial<SimNetOptions> = {}) {
  const clock = new SimClock(0);
  const net = new SimNet({ seed: "faults", clock, ...options });
  const wires = ["ann", "bob", "cat", "dan"].map((name) => net.createWire(name));
  const [ann, bob, cat, dan] = wires as [SimWire, SimWire, SimWire, SimWire];
  /** Lets as much time pass as the promise needs. */
  const soon = <T>(promise: Promise<T>): Promise<T> => clock.settle(promise, { limitMs: 60_000 });
  const stream = async (from: SimWire, to: SimWire): Promise<[WireStream, WireStream]> => {
    const there = Promise.withResolvers<WireStream>();
    const remove = to.handle("/test/1.0.0", async (incoming) => there.resolve(incoming));
    const here = await soon(from.open(to.self, "/test/1.0.0"));
    remove();
    return [here, await soon(there.promise)];
  };
  return { clock, net, wires, ann, bob, cat, dan, soon, stream };
}

async function readAll(stream: WireStream): Promise<Uint8Array> {
  const parts: Uint8Array[] = [];
  for (;;) {
    const part = await stream.read();
    if (part === undefined) return concatBytes(...parts);
    parts.push(part);
  }
}

describe("delays", () => {
  it("take the time they are given: a round trip to connect, one to open, one way for bytes", async () => {
    const { clock, ann, bob, soon, stream } = network({ delayMs: 50 });
    await soon(ann.connect(addressOf(bob)));
    expect(clock.nowMs()).toBe(100);
    const [here, there] = await stream(ann, bob);
    expect(clock.nowMs()).toBe(200);
    await soon(here.write(bytes));
    expect(clock.nowMs()).toBe(200);
    await soon(there.read());
    expect(clock.nowMs()).toBe(250);
  });
  it("grow with what a line carries: bytes wait for those before them, and lost packets are sent again", async () => {
    const took = async (packetLossRatio: number): Promise<number> => {
      const rate = { bytesPerSecond: 100_000, packetLossRatio };
      const { clock, ann, bob, soon, stream } = network({ delayMs: 50, rate, windowBytes: 1_000_000 });
      await soon(ann.connect(addressOf(bob)));
      const [here, there] = await stream(ann, bob);
      const startMs = clock.nowMs();
      for (let part = 0; part < 25; part += 1) await soon(here.write(new Uint8Array(20_000).fill(part)));
      await soon(here.closeWrite());
      expect((await soon(readAll(there))).length).toBe(500_000);
      return clock.nowMs() - startMs;
    };
    expect(await took(0)).toBe(5_050);
    // Of 350 packets some 17 are lost, each for 200 ms.
    const lossy = await took(0.05);
    expect(lossy).toBeGreaterThan(6_000);
    expect(lossy).toBeLessThan(14_000);
    expect(await took(0.05)).toBe(lossy);
  });
  it("can differ between pairs", async () => {
    const { clock, ann, bob, cat, soon } = network({
      delayMs: (from, to) => (from === "cat" || to === "cat" ? 300 : 10),
    });
    await soon(ann.connect(addressOf(bob)));
    expect(clock.nowMs()).toBe(20);
    await soon(ann.connect(addressOf(cat)));
    expect(clock.nowMs()).toBe(620);
  });
  it("make one connection of two dials that cross", async () => {
    const { ann, bob, soon } = network({ delayMs: 50 });
    const events: string[] = [];
    ann.onPeer((event) => events.push(event));
    await soon(
      Promise.all([ann.connect(addressOf(bob)), bob.connect(addressOf(ann)), ann.connect(addressOf(bob))]),
    );
    expect([ann.peers().length, bob.peers().length, events.length]).toEqual([1, 1, 1]);
  });
});

describe("a partition", () => {
  it("cuts the connections between its groups, and only those", async () => {
    const { net, ann, bob, cat, dan, soon, stream } = network();
    for (const [from, to] of [
      [ann, bob],
      [bob, cat],
      [cat, dan],
    ] as const)
      await soon(from.connect(addressOf(to)));
    const [here] = await stream(bob, cat);
    const read = codeOf(here.read());
    net.partition([["ann", "bob"]]); // cat and dan are the others
    expect(await soon(read)).toBe("wire/stream-aborted");
    const peersOf = (wire: SimWire) => wire.peers().map(({ id }) => id as string);
    expect([ann, bob, cat, dan].map(peersOf)).toEqual([["bob"], ["ann"], ["dan"], ["cat"]]);
    expect(await soon(codeOf(bob.connect(addressOf(cat))))).toBe("wire/unreachable");
    expect(await soon(codeOf(bob.open(cat.self, "/test/1.0.0")))).toBe("wire/unreachable");
    net.heal();
    expect(peersOf(cat)).toEqual(["dan"]);
    await soon(bob.connect(addressOf(cat)));
    expect(peersOf(cat)).toEqual(["dan", "bob"]);
  });
  it("can hold everything back until it heals", async () => {
    const { net, clock, ann, bob, soon, stream } = network({ delayMs: 5 });
    await soon(ann.connect(addressOf(bob)));
    const [here, there] = await stream(ann, bob);
    net.partition([["ann"], ["bob"]], "stall");
    await soon(here.write(bytes));
    let arrived: Uint8Array | undefined;
    const read = there.read().then((part) => {
      arrived = part;
    });
    await clock.advance(3_600_000);
    expect([arrived, ann.peers().length]).toEqual([undefined, 1]);
    net.heal();
    await soon(read);
    expect(arrived).toEqual(bytes);
  });
});

describe("a lost connection", () => {
  it("is reported on both sides at once, and what was under way is lost", async () => {
    const { net, ann, bob, soon, stream, clock } = network({ delayMs: 20 });
    await soon(ann.connect(addressOf(bob)));
    const [here, there] = await stream(ann, bob);
    await soon(here.write(bytes));
    net.disconnect("ann", "bob");
    expect([ann.peers(), bob.peers()]).toEqual([[], []]);
    expect(await soon(codeOf(there.read()))).toBe("wire/stream-aborted");
    await clock.advance(1_000);
    const [again] = await stream(ann, bob); // the address is known: a new connection is made
    expect(again.peer).toBe(bob.self);
  });
  it("comes by itself where the network loses connections, and cuts cleanly", async () => {
    let cut = 0;
    for (let seed = 0; seed < 40; seed++) {
      const { ann, bob, soon, stream } = network({ seed, lossRatio: 0.02, windowBytes: 1_000 });
      await soon(ann.connect(addressOf(bob)));
      try {
        const [here, there] = await stream(ann, bob);
        const sent = new SeededRandom(seed).bytes(20_000);
        const all = here.write(sent).then(() => here.closeWrite());
        const [received] = await soon(Promise.all([readAll(there), all]));
        expect(equalBytes(received, sent)).toBe(true);
      } catch (error) {
        cut++;
        expect(["wire/stream-aborted", "wire/unreachable"]).toContain((error as { code?: string }).code);
        expect([ann.peers(), bob.peers()]).toEqual([[], []]);
      }
    }
    expect(cut).toBeGreaterThan(5);
    expect(cut).toBeLessThan(40);
  });
  it("lets a peer come back under its name", async () => {
    const { net, ann, bob, soon } = network();
    await soon(ann.connect(addressOf(bob)));
    await bob[Symbol.asyncDispose]();
    await drainMicrotasks();
    const again = net.createWire("bob");
    await soon(ann.connect(addressOf(again)));
    expect(again.peers().map(({ id }) => id as string)).toEqual(["ann"]);
    expect(() => net.createWire("bob")).toThrow("one live wire");
  });
});

describe("gossip", () => {
  it("forgets a message after its time, and then delivers it again", async () => {
    const { clock, ann, bob, soon } = network({ seenTtlMs: 1_000 });
    await soon(ann.connect(addressOf(bob)));
    let heard = 0;
    bob.subscribe("t", () => {
      heard++;
      return "accept";
    });
    const publish = async (): Promise<void> => {
      await ann.publish("t", utf8Bytes("again"));
      await clock.advance(1);
    };
    await publish();
    await publish();
    expect(heard).toBe(1);
    await clock.advance(1_000);
    await publish();
    expect(heard).toBe(2);
  });
  it("stops listening to a neighbour that sends rubbish", async () => {
    const { ann, bob, cat, soon } = network();
    await soon(ann.connect(addressOf(bob)));
    await soon(cat.connect(addressOf(bob)));
    const heard: string[] = [];
    bob.subscribe("t", (message, from) => {
      heard.push(from);
      return message[0] === 0 ? "reject" : "accept";
    });
    for (let i = 0; i < 30; i++) await ann.publish("t", new Uint8Array([0, i]));
    await drainMicrotasks();
    const patience = heard.length; // one more may have been under way
    expect(patience === 16 || patience === 17).toBe(true);
    expect([bob.rejectsOf(ann.self), bob.rejectsOf(cat.self)]).toEqual([patience, 0]);
    await ann.publish("t", new Uint8Array([1]));
    await cat.publish("t", new Uint8Array([2]));
    await drainMicrotasks();
    expect(heard.slice(patience)).toEqual(["cat"]);
  });
  it("reaches everybody in any connected network, once", async () => {
    const edges = fc.uniqueArray(fc.tuple(fc.nat(6), fc.nat(6)), {
      maxLength: 15,
      selector: ([a, b]) => `${a} ${b}`,
    });
    await fc.assert(
      fc.asyncProperty(edges, fc.nat(6), fc.nat(1_000), async (extra, publisher, seed) => {
        const clock = new SimClock(0);
        const net = new SimNet({ seed, clock, delayMs: 3, jitterMs: 20 });
        const wires = Array.from({ length: 7 }, (_, i) => net.createWire(`peer${i}`));
        const random = new SeededRandom(seed);
        const tree = wires.slice(1).map((_, i) => [i + 1, random.below(i + 1)] as const);
        for (const [a, b] of [...tree, ...extra]) {
          const [from, to] = [wires[a], wires[b]];
          if (from === undefined || to === undefined || from === to) continue;
          await clock.settle(from.connect(addressOf(to)), { limitMs: 1_000 });
        }
        const heard = wires.map(() => 0);
        for (const [i, wire] of wires.entries()) {
          wire.subscribe("t", () => {
            heard[i] = (heard[i] ?? 0) + 1;
            return "accept";
          });
        }
        await wires[publisher]?.publish("t", bytes);
        await clock.advance(1_000);
        expect(heard).toEqual(wires.map((_, i) => (i === publisher ? 0 : 1)));
      }),
      { numRuns: 30 },
    );
  });
});

describe("one seed", () => {
  /** Everything that happens in a busy network, as text. */
  async function history(seed: number): Promise<string[]> {
    const { clock, net, wires } = network({ seed, delayMs: 10, jitterMs: 30, lossRatio: 0.01 });
    const log: string[] = [];
    const note = (text: string): void => void log.push(`${clock.nowMs()} ${text}`);
    for (const wire of wires) {
      wire.onPeer((event, peer) => note(`${wire.self} ${event} ${peer}`));
      wire.subscribe("t", (message, from) => {
        note(`${wire.self} hears ${toHex(message)} from ${from}`);
        return "accept";
      });
      wire.handle("/test/1.0.0", async (stream) => {
        for (;;) {
          const part = await stream.read();
          if (part === undefined) break;
          note(`${wire.self} reads ${part.length} from ${stream.peer}`);
        }
      });
    }
    const random = new SeededRandom(seed);
    const act = async (): Promise<void> => {
      const [from, to] = [random.pick(wires), random.pick(wires)];
      await from.connect(addressOf(to));
      await from.publish("t", random.bytes(4));
      const stream = await from.open(to.self, "/test/1.0.0");
      await stream.write(random.bytes(random.below(3_000)));
      await stream.closeWrite();
    };
    for (let i = 0; i < 25; i++) {
      act().catch((error: unknown) => note(String((error as { code?: PeerId }).code)));
      if (i === 12) net.partition([["ann", "bob"]]);
      if (i === 16) net.heal();
      await clock.advance(random.below(60));
    }
    await clock.advance(1_000);
    return log;
  }
  it("gives one history, and another seed another one", async () => {
    const histories = [];
    for (const seed of [1, 2, 3, 1, 2, 3]) histories.push(await history(seed));
    expect(histories.slice(0, 3)).toEqual(histories.slice(3));
    expect(new Set(histories.map((log) => log.join("\n"))).size).toBe(3);
    for (const log of histories) expect(log.length).toBeGreaterThan(20);
  });
});
