/**
 * Frames survive any cutting of the stream into chunks; a stream that lies about a length, stops in the middle
 * or takes too long fails with its own code. A reader that takes a chunk for a frame is caught by the property.
 */
import {
  type Cancel,
  c,
  concatBytes,
  encodeVarint,
  type PeerId,
  toHex,
  type WireStream,
} from "@holdfast/base";
import { codeOf, SimClock } from "@holdfast/base/testing";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { FrameReader, sendFrame, sendMessage, withDeadline } from "../src/framing.ts";

/** A stream that gives these chunks and remembers what is done to it. */
function streamOf(chunks: readonly Uint8Array[], end: "closed" | "open" = "closed") {
  const left = [...chunks];
  const written: Uint8Array[] = [];
  const aborts: Error[] = [];
  const stream: WireStream = {
    peer: "peer" as PeerId,
    protocol: "/test/1.0.0",
    write: async (bytes) => void written.push(...(bytes instanceof Uint8Array ? [bytes] : bytes)),
    read: (signal?: Cancel) => {
      const chunk = left.shift();
      if (chunk !== undefined || end === "closed") return Promise.resolve(chunk);
      return new Promise((_, reject) => {
        signal?.addEventListener("abort", () => reject(signal.reason), { once: true });
      });
    },
    closeWrite: () => Promise.resolve(),
    abort: (reason) => void aborts.push(reason),
  };
  return { stream, written, aborts };
}

/** Cuts bytes at the given points, which may fall together (empty chunks) or outside. */
function cut(bytes: Uint8Array, points: readonly number[]): Uint8Array[] {
  const sorted = [0, ...points.map((point) => point % (bytes.length + 1)), bytes.length].sort(
    (a, b) => a - b,
  );
  return sorted.slice(1).map((to, index) => bytes.slice(sorted[index], to));
}

type ReadNext = (stream: WireStream) => () => Promise<Uint8Array | undefined>;

const frames = fc.array(
  fc.oneof(fc.uint8Array({ maxLength: 5 }), fc.uint8Array({ minLength: 126, maxLength: 300 })),
  { maxLength: 8 },
);

/** What was sent comes back, frame by frame, however the stream is cut. */
async function comesBack(
  makeNext: ReadNext,
  sent: readonly Uint8Array[],
  points: readonly number[],
): Promise<boolean> {
  const { stream: sender, written } = streamOf([]);
  for (const frame of sent) await sendFrame(sender, frame);
  const next = makeNext(streamOf(cut(concatBytes(...written), points)).stream);
  const back: Uint8Array[] = [];
  for (let frame = await next(); frame !== undefined; frame = await next()) back.push(frame);
  return JSON.stringify(back.map(toHex)) === JSON.stringify(sent.map(toHex));
}

const ours: ReadNext = (stream) => {
  const reader = new FrameReader(stream);
  return () => reader.read();
};

describe("frames", () => {
  it("come back as they were sent, however the stream is cut", async () => {
    await fc.assert(
      fc.asyncProperty(frames, fc.array(fc.nat(3000), { maxLength: 20 }), (sent, points) =>
        comesBack(ours, sent, points),
      ),
      { numRuns: 500 },
    );
  });

  it.each<[string, ReadNext]>([
    ["takes a chunk for a frame", (stream) => async () => (await stream.read())?.subarray(1)],
    ["forgets what it read ahead", (stream) => () => new FrameReader(stream).read().catch(() => undefined)],
  ])("a reader that %s is caught", async (_, broken) => {
    const property = fc.asyncProperty(frames, fc.array(fc.nat(3000), { maxLength: 20 }), (sent, points) =>
      comesBack(broken, sent, points),
    );
    expect((await fc.check(property, { numRuns: 500 })).failed).toBe(true);
  });

  it("stop at any point in the middle of a frame: truncated; between two: the end", async () => {
    await fc.assert(
      fc.asyncProperty(fc.uint8Array({ minLength: 1, maxLength: 300 }), fc.nat(400), async (frame, at) => {
        const bytes = concatBytes(encodeVarint(frame.length), frame);
        const kept = bytes.slice(0, at % bytes.length);
        const next = ours(streamOf([kept]).stream);
        if (kept.length === 0) expect(await next()).toBe(undefined);
        else expect(await codeOf(next())).toBe("net/truncated");
      }),
    );
  });

  it("over the limit end the stream before a byte of them is taken", async () => {
    for (const claimed of [262_145, 2 ** 32, 2 ** 50]) {
      const { stream, aborts } = streamOf([encodeVarint(claimed)], "open");
      expect(await codeOf(new FrameReader(stream).read())).toBe("net/frame-too-large");
      expect(aborts.map((error) => (error as { code?: string }).code)).toEqual(["net/frame-too-large"]);
    }
    const { stream } = streamOf([concatBytes(encodeVarint(262_144), new Uint8Array(262_144))]);
    expect((await new FrameReader(stream).read())?.length).toBe(262_144);
    const small = streamOf([concatBytes(encodeVarint(11), new Uint8Array(11))]);
    expect(await codeOf(new FrameReader(small.stream, 10).read())).toBe("net/frame-too-large");
  });

  it("are refused where their length is no varint", async () => {
    const { stream } = streamOf([new Uint8Array(12).fill(0xff)], "open");
    expect(await codeOf(new FrameReader(stream).read())).toMatch(/^(codec|net)\//);
  });

  it("carry messages of a codec and nothing else", async () => {
    const codec = c.tuple("Point", { x: c.uint(), y: c.uint() });
    const { stream, written } = streamOf([]);
    await sendMessage(stream, codec, { x: 1, y: 2 });
    expect(await new FrameReader(streamOf(written).stream).readMessage(codec)).toEqual({ x: 1, y: 2 });
    const other = streamOf([new Uint8Array([2, 0x81, 1])]);
    expect(await codeOf(new FrameReader(other.stream).readMessage(codec))).toMatch(/^codec\//);
  });
});

describe("a deadline", () => {
  const options = { timeoutMs: 1000, protocol: "/test/1.0.0" };
  const forever = (signal: AbortSignal) => new FrameReader(streamOf([], "open").stream).read(signal);

  it("ends a wait with its own code, and leaves no timer when the work is done before", async () => {
    const clock = new SimClock(0);
    const code = codeOf(withDeadline(clock, options, forever));
    await clock.advance(999);
    await clock.advance(1);
    expect(await code).toBe("net/timeout");
    expect(await withDeadline(clock, options, async () => 7)).toBe(7);
    expect(clock.pendingTimers).toBe(0);
  });

  it("gives way to the caller's own signal", async () => {
    const clock = new SimClock(0);
    const outer = new AbortController();
    const work = withDeadline(clock, { ...options, outer: outer.signal }, forever);
    outer.abort("enough");
    await expect(work).rejects.toBe("enough");
    await expect(withDeadline(clock, { ...options, outer: outer.signal }, forever)).rejects.toBe("enough");
  });
});
