/** The simulated wire keeps the promises of the seam, with and without delays; broken ones fail its suite. */
import type { PeerId, Wire, WireStream } from "@holdfast/base";
import {
  drainMicrotasks,
  failures,
  runSuite,
  SimClock,
  SimNet,
  type SimNetOptions,
  type WiresUnderTest,
  wireSuite,
} from "@holdfast/base/testing";
import { describe, expect, it } from "vitest";

const names = ["ann", "bob", "cat"];

function simulated(
  options: Omit<SimNetOptions, "seed" | "clock">,
  shown: (wire: Wire) => Wire = (same) => same,
): (count: number) => WiresUnderTest {
  return (count) => {
    const clock = new SimClock();
    const net = new SimNet({ seed: "suite", clock, ...options });
    return {
      wires: names.slice(0, count).map((name) => shown(net.createWire(name))),
      settle: options.delayMs === undefined ? drainMicrotasks : () => clock.advance(200),
      deadAddress: "/sim/nobody",
      strangePeer: "stranger" as PeerId,
      overfullBytes: 400_000,
    };
  };
}

describe("without delays", () => wireSuite({ describe, it, expect }, simulated({})));
describe("with delays that vary", () =>
  wireSuite({ describe, it, expect }, simulated({ delayMs: 30, jitterMs: 40 })));
describe("with a tiny window", () => wireSuite({ describe, it, expect }, simulated({ windowBytes: 1_000 })));

describe("the wire suite", () => {
  /** A stream with changed methods. */
  const streamWith = (stream: WireStream, changes: Partial<WireStream>): WireStream => ({
    peer: stream.peer,
    protocol: stream.protocol,
    write: (bytes, signal) => stream.write(bytes, signal),
    read: (signal) => stream.read(signal),
    closeWrite: () => stream.closeWrite(),
    abort: (reason) => stream.abort(reason),
    ...changes,
  });
  /** A wire whose streams are changed, on both sides. */
  const withStreams =
    (change: (stream: WireStream) => Partial<WireStream>) =>
    (wire: Wire): Partial<Wire> => ({
      open: async (peer, protocol, signal) => {
        const stream = await wire.open(peer, protocol, signal);
        return streamWith(stream, change(stream));
      },
      handle: (protocol, handler) =>
        wire.handle(protocol, (stream) => handler(streamWith(stream, change(stream)))),
    });
  const broken: Record<string, (wire: Wire) => Partial<Wire>> = {
    "swaps neighbouring pieces": withStreams((stream) => {
      const held: Uint8Array[] = [];
      return {
        read: async (signal) => {
          const [first] = held;
          if (first !== undefined) return held.shift();
          const next = await stream.read(signal);
          if (next === undefined || next.length < 1_000) return next;
          held.push(next.slice(0, 500));
          return next.slice(500);
        },
      };
    }),
    "loses a byte in ten thousand": withStreams((stream) => ({
      write: (bytes, signal) =>
        stream.write(
          bytes instanceof Uint8Array && bytes.length > 10_000 ? bytes.subarray(1) : bytes,
          signal,
        ),
    })),
    "buffers without a bound": withStreams((stream) => ({
      write: async (bytes, signal) => {
        stream.write(bytes, signal).catch(() => undefined);
      },
    })),
    "never tells that the other side has ended": withStreams((stream) => ({
      read: async (signal) => (await stream.read(signal)) ?? new Promise<undefined>(() => undefined),
    })),
    "drops what is unsent when it closes": withStreams((stream) => {
      let closed = false;
      return {
        write: async (bytes, signal) => {
          await drainMicrotasks();
          if (!closed) await stream.write(bytes, signal);
        },
        closeWrite: () => {
          closed = true;
          return stream.closeWrite();
        },
      };
    }),
    "ends quietly instead of aborting": withStreams((stream) => ({
      abort: () => void stream.closeWrite(),
    })),
    "loses the bytes of a read that was called off": withStreams((stream) => ({
      read: async (signal) => {
        if (signal === undefined) return stream.read();
        const bytes = stream.read();
        bytes.catch(() => undefined);
        return new Promise((resolve, reject) => {
          if (signal.aborted) reject(signal.reason);
          signal.addEventListener("abort", () => reject(signal.reason));
          bytes.then(resolve, reject);
        });
      },
    })),
    "accepts every protocol": (wire) => ({
      open: (peer, protocol, signal) =>
        wire.open(peer, protocol === "/none/1.0.0" ? "/test/1.0.0" : protocol, signal),
    }),
    "delivers a message to its publisher": (wire) => {
      const handlers: ((bytes: Uint8Array, from: PeerId) => unknown)[] = [];
      return {
        subscribe: (topic, handler) => {
          handlers.push(handler);
          return wire.subscribe(topic, handler);
        },
        publish: async (topic, bytes) => {
          for (const handler of handlers) handler(bytes, wire.self);
          await wire.publish(topic, bytes);
        },
      };
    },
    "forwards whatever it hears": (wire) => ({
      subscribe: (topic, handler) =>
        wire.subscribe(topic, (bytes, from) => {
          Promise.resolve(bytes)
            .then((same) => handler(same, from))
            .catch(() => undefined);
          return "accept";
        }),
    }),
    "forwards nothing": (wire) => ({
      subscribe: (topic, handler) =>
        wire.subscribe(topic, async (bytes, from) => {
          await handler(bytes, from);
          return "ignore" as const;
        }),
    }),
    "delivers everything twice": (wire) => ({
      subscribe: (topic, handler) =>
        wire.subscribe(topic, async (bytes, from) => {
          await handler(bytes, from);
          return handler(bytes, from);
        }),
    }),
    "mixes the topics up": (wire) => ({
      publish: (_topic, bytes) => wire.publish("t", bytes),
      subscribe: (_topic, handler) => wire.subscribe("t", handler),
    }),
    "goes on listening after the end of a subscription": (wire) => ({
      subscribe: (topic, handler) => {
        wire.subscribe(topic, handler);
        return () => undefined;
      },
    }),
    "reports no disconnections": (wire) => ({
      onPeer: (listener) =>
        wire.onPeer((event, peer) => (event === "connect" ? listener(event, peer) : undefined)),
    }),
    "dials in spite of an aborted signal": (wire) => ({ connect: (address) => wire.connect(address) }),
    "hides why it cannot connect": (wire) => ({
      connect: (address, signal) =>
        wire
          .connect(address, signal)
          .catch((error: unknown) => Promise.reject(new TypeError("failed", { cause: error }))),
    }),
    "says inbound of everything": (wire) => ({
      peers: () => wire.peers().map((peer) => ({ ...peer, direction: "inbound" })),
    }),
  };
  const faulty = (wire: Wire, change: (wire: Wire) => Partial<Wire>): Wire => ({
    self: wire.self,
    addresses: () => wire.addresses(),
    peers: () => wire.peers(),
    connect: (address, signal) => wire.connect(address, signal),
    disconnect: (peer) => wire.disconnect(peer),
    open: (peer, protocol, signal) => wire.open(peer, protocol, signal),
    handle: (protocol, handler) => wire.handle(protocol, handler),
    publish: (topic, bytes) => wire.publish(topic, bytes),
    subscribe: (topic, handler) => wire.subscribe(topic, handler),
    onPeer: (listener) => wire.onPeer(listener),
    [Symbol.asyncDispose]: () => wire[Symbol.asyncDispose](),
    ...change(wire),
  });
  for (const [fault, change] of Object.entries(broken)) {
    it(`canary: catches a wire that ${fault}`, async () => {
      const make = simulated({}, (wire) => faulty(wire, change));
      const results = await runSuite(expect, (tools) => wireSuite(tools, make));
      expect(failures(results).length).toBeGreaterThan(0);
    });
  }
  it("passes the wire that the canaries are made of", async () => {
    const make = simulated({}, (wire) => faulty(wire, () => ({})));
    expect(failures(await runSuite(expect, (tools) => wireSuite(tools, make)))).toEqual([]);
  });
});
