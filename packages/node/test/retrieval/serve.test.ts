/** The provider's side: what it answers, what it sends, and what it does not put up with. */
import {
  type CID,
  concatBytes,
  decode,
  encode,
  encodeCbor,
  encodeVarint,
  type WireStream,
} from "@holdfast/base";
import { codeOf, codeThrown } from "@holdfast/base/testing";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { FrameReader, sendFrame, sendMessage } from "../../src/framing.ts";
import { limits } from "../../src/limits.ts";
import {
  answerCodec,
  type CarSource,
  frameCodec,
  framedParts,
  readFrame,
  requestCodec,
  retrievalProtocol,
  retrievalStatus,
} from "../../src/retrieval/index.ts";
import {
  chunkBytes,
  collect,
  expectSameBytes,
  randomBytes,
  type SimNode,
  sampleFile,
  streamOf,
  World,
} from "./support.ts";

type Request = Parameters<typeof requestCodec.toCbor>[0];

interface Received {
  readonly status: number;
  readonly carBytes: number;
  readonly fileBytes: number | null;
  readonly bytes: Uint8Array;
  /** Kinds of the frames that are no chunks. */
  readonly rest: readonly string[];
}

/** Asks as a client would, and takes everything that comes. */
async function ask(
  from: SimNode,
  to: SimNode,
  request: Partial<Request> & { payload: CID },
): Promise<Received> {
  const stream = await from.wire.open(to.peer, retrievalProtocol);
  await sendMessage(stream, requestCodec, { skipBytes: 0, maxBytes: 0, statOnly: false, ...request });
  const reader = new FrameReader(stream);
  const answer = await reader.readMessage(answerCodec);
  if (answer === undefined) throw new Error("no answer");
  const parts: Uint8Array[] = [];
  const rest: string[] = [];
  for (;;) {
    const frame = await reader.readMessage(frameCodec);
    if (frame === undefined) break;
    if (frame.kind === "chunk") parts.push(frame.data);
    else rest.push(frame.kind === "end" ? `end ${frame.sentBytes}` : frame.kind);
  }
  return { ...answer, bytes: concatBytes(...parts), rest };
}

async function pair(
  sources: readonly CarSource[] = [],
): Promise<{ world: World; client: SimNode; provider: SimNode }> {
  const world = new World();
  const provider = await world.node("provider", { sources });
  const client = await world.node("client");
  return { world, client, provider };
}

describe("a provider", () => {
  it("sends the CAR stream of a local file from any offset, and says where it ends", async () => {
    const { world, client, provider } = await pair();
    const bytes = randomBytes("served", 5 * chunkBytes + 77);
    const { root, carBytes } = await provider.retrieval.importFile(streamOf(bytes));
    const car = await collect(provider.retrieval.carStream(root));
    const offsets = fc.record({
      skip: fc.integer({ min: 0, max: carBytes }),
      max: fc.integer({ min: 0, max: carBytes }),
    });
    await fc.assert(
      fc.asyncProperty(offsets, async ({ skip, max }) => {
        const request = { payload: root, skipBytes: skip, maxBytes: max };
        const received = await world.run(ask(client, provider, request));
        const expected = car.subarray(skip, max === 0 ? undefined : skip + max);
        expect(received).toMatchObject({
          status: retrievalStatus.success,
          carBytes,
          fileBytes: bytes.length,
        });
        expectSameBytes(received.bytes, expected);
        expect(received.rest).toEqual([`end ${expected.length}`]);
      }),
      { numRuns: 40 },
    );
  });

  it("answers a question without sending bytes", async () => {
    const { world, client, provider } = await pair();
    const { root, carBytes } = await provider.retrieval.importFile(streamOf(randomBytes(1, 1_000)));
    const received = await world.run(ask(client, provider, { payload: root, statOnly: true }));
    expect(received).toMatchObject({ status: retrievalStatus.success, carBytes, fileBytes: 1_000, rest: [] });
    expect(received.bytes.length).toBe(0);
  });

  it("refuses an offset beyond the end and a file that it does not have", async () => {
    const { world, client, provider } = await pair();
    const { root, carBytes } = await provider.retrieval.importFile(streamOf(randomBytes(1, 1_000)));
    const beyond = await world.run(ask(client, provider, { payload: root, skipBytes: carBytes + 1 }));
    expect(beyond).toMatchObject({ status: retrievalStatus.failure, rest: [] });
    const { root: other } = await sampleFile("other", 10);
    const missing = await world.run(ask(client, provider, { payload: other }));
    expect(missing).toMatchObject({ status: retrievalStatus.notFound, rest: [] });
  });

  it("serves what other rooms have, and reads the size of the file from it", async () => {
    const { root, car, bytes } = await sampleFile("in a sector", 3 * chunkBytes);
    let closed = 0;
    const source: CarSource = {
      open: async (payload) =>
        payload.equals(root)
          ? {
              carBytes: car.length,
              async *read(offset) {
                try {
                  yield* streamOf(car.subarray(offset), 1_016);
                } finally {
                  closed++;
                }
              },
            }
          : undefined,
    };
    const { world, client, provider } = await pair([{ open: async () => undefined }, source]);
    const received = await world.run(ask(client, provider, { payload: root, skipBytes: 100_000 }));
    expect(received).toMatchObject({ carBytes: car.length, fileBytes: bytes.length });
    expectSameBytes(received.bytes, car.subarray(100_000));
    expect(closed).toBe(2);
  });

  it("says so when its source fails half-way or is shorter than announced", async () => {
    const { root, car } = await sampleFile("broken sector", 3 * chunkBytes);
    for (const fails of [true, false]) {
      const source: CarSource = {
        open: async () => ({
          carBytes: car.length,
          async *read(offset) {
            yield* streamOf(car.subarray(offset, 500_000));
            if (fails) throw new Error("a secret path of the operator");
          },
        }),
      };
      const { world, client, provider } = await pair([source]);
      const received = await world.run(ask(client, provider, { payload: root }));
      expect(received.rest).toEqual(["failed"]);
      expect(received.bytes.length).toBeLessThan(car.length);
    }
  });

  it("answers an error of its sources without details of the inside", async () => {
    const source: CarSource = { open: () => Promise.reject(new Error("/home/alice/secret")) };
    const { world, client, provider } = await pair([source]);
    const { root } = await sampleFile("secret", 10);
    const received = await world.run(ask(client, provider, { payload: root }));
    expect(received.status).toBe(retrievalStatus.failure);
    expect(JSON.stringify(received)).not.toContain("alice");
  });

  it("serves a bounded number of streams to one peer, and more when they are done", async () => {
    const { world, client, provider } = await pair();
    const bytes = randomBytes("busy", 4 * chunkBytes);
    const { root } = await provider.retrieval.importFile(streamOf(bytes));
    const request = { payload: root, skipBytes: 0, maxBytes: 0, statOnly: false };
    const held: WireStream[] = [];
    for (let i = 0; i < limits.retrievalServedPerPeer; i++) {
      const stream = await world.run(client.wire.open(provider.peer, retrievalProtocol));
      await world.run(sendMessage(stream, requestCodec, request));
      held.push(stream);
    }
    await world.advance(10);
    const refused = await world.run(ask(client, provider, { payload: root }));
    expect(refused.status).toBe(retrievalStatus.busy);
    for (const stream of held) stream.abort(new Error("done"));
    await world.advance(10);
    const served = await world.run(ask(client, provider, { payload: root }));
    expect(served.status).toBe(retrievalStatus.success);
  });

  it("does not wait for ever: neither for a request nor for somebody to take the bytes", async () => {
    const { world, client, provider } = await pair();
    const { root } = await provider.retrieval.importFile(streamOf(randomBytes("slow", 9 * chunkBytes)));
    const silent = await world.run(client.wire.open(provider.peer, retrievalProtocol));
    const lazy = await world.run(client.wire.open(provider.peer, retrievalProtocol));
    const request = { payload: root, skipBytes: 0, maxBytes: 0, statOnly: false };
    await world.run(sendMessage(lazy, requestCodec, request));
    await world.advance(limits.requestTimeoutMs + 2 * limits.retrievalIdleMs);
    expect(await codeOf(world.run(drained(silent)))).toBe("wire/stream-aborted");
    expect(await codeOf(world.run(drained(lazy)))).toBe("wire/stream-aborted");
  });

  it("does not wait for ever for a source of its own, and ends in time when it is disposed of", async () => {
    const { root, car } = await sampleFile("hanging", 3 * chunkBytes);
    let closed = 0;
    const source: CarSource = {
      open: async () => ({
        carBytes: car.length,
        read: (offset) => ({
          [Symbol.asyncIterator]: () => {
            const stream = streamOf(car.subarray(offset, offset + 200_000));
            return {
              async next() {
                const next = await stream.next();
                return next.done === true ? new Promise<never>(() => undefined) : next;
              },
              async return() {
                closed++;
                return { done: true, value: undefined };
              },
            };
          },
        }),
      }),
    };
    const { world, client, provider } = await pair([source]);
    const request = { payload: root, skipBytes: 1, maxBytes: 0, statOnly: false };
    const hanging = await world.run(client.wire.open(provider.peer, retrievalProtocol));
    await world.run(sendMessage(hanging, requestCodec, request));
    expect(await codeOf(world.run(drained(hanging)))).toBe("wire/stream-aborted");
    const another = await world.run(client.wire.open(provider.peer, retrievalProtocol));
    await world.run(sendMessage(another, requestCodec, request));
    await world.advance(5);
    await world.run(provider.retrieval[Symbol.asyncDispose](), 10);
    expect(closed).toBeGreaterThanOrEqual(2);
  });

  it("survives nonsense", async () => {
    const { world, client, provider } = await pair();
    const nonsense = fc.uint8Array({ minLength: 1, maxLength: 200 });
    await fc.assert(
      fc.asyncProperty(nonsense, async (bytes) => {
        const stream = await world.run(client.wire.open(provider.peer, retrievalProtocol));
        await world.run(sendFrame(stream, bytes));
        await stream.closeWrite();
        await world.run(drained(stream).catch(() => undefined));
      }),
      { numRuns: 50 },
    );
    const { root } = await provider.retrieval.importFile(streamOf(randomBytes(1, 100)));
    const received = await world.run(ask(client, provider, { payload: root }));
    expect(received.status).toBe(retrievalStatus.success);
  });

  it("stops serving when it is disposed of", async () => {
    const { world, client, provider } = await pair();
    const { root } = await provider.retrieval.importFile(streamOf(randomBytes(1, 9 * chunkBytes)));
    const stream = await world.run(client.wire.open(provider.peer, retrievalProtocol));
    const request = { payload: root, skipBytes: 0, maxBytes: 0, statOnly: false };
    await world.run(sendMessage(stream, requestCodec, request));
    await world.advance(5);
    await world.run(provider.retrieval[Symbol.asyncDispose]());
    expect(await codeOf(world.run(drained(stream)))).toBe("wire/stream-aborted");
    const again = world.run(client.wire.open(provider.peer, retrievalProtocol));
    expect(await codeOf(again)).toBe("wire/protocol-unsupported");
  });
});

describe("the frames of the protocol", () => {
  const frames = fc.oneof(
    fc.uint8Array({ maxLength: 300 }).map((data) => ({ kind: "chunk" as const, data })),
    fc.constantFrom(23, 24, 255, 256, 65_535, 65_536).map((length) => ({
      kind: "chunk" as const,
      data: new Uint8Array(length).fill(7),
    })),
    fc.nat().map((sentBytes) => ({ kind: "end" as const, sentBytes })),
    fc.string().map((message) => ({ kind: "failed" as const, message })),
  );
  it("are written and read without copies just as the codec does it", () => {
    fc.assert(
      fc.property(frames, (frame) => {
        const encoded = encode(frameCodec, frame);
        expectSameBytes(
          concatBytes(...framedParts(frame)),
          concatBytes(encodeVarint(encoded.length), encoded),
        );
        const read = readFrame(encoded);
        if (read.kind !== "chunk" || frame.kind !== "chunk") expect(read).toEqual(frame);
        else expectSameBytes(read.data, frame.data);
      }),
      { numRuns: 300 },
    );
  });
  it("are refused in every other form", () => {
    fc.assert(
      fc.property(frames, fc.nat(), fc.integer({ min: 1, max: 255 }), (frame, at, change) => {
        const bytes = Uint8Array.from(encode(frameCodec, frame));
        const place = at % Math.min(bytes.length, 14);
        bytes[place] = (bytes[place] ?? 0) ^ change;
        const accepted = codeThrown(() => readFrame(bytes));
        expect(accepted).toBe(codeThrown(() => decode(frameCodec, bytes, { maxBytes: limits.frameBytes })));
      }),
      { numRuns: 500 },
    );
  });
  it("fit into their limit with the largest chunk", () => {
    const data = new Uint8Array(limits.retrievalChunkBytes);
    expect(encode(frameCodec, { kind: "chunk", data }).length).toBeLessThanOrEqual(limits.frameBytes);
    const tooLong = encodeCbor(["chunk", [new Uint8Array(limits.retrievalChunkBytes + 1)]]);
    expect(codeThrown(() => readFrame(tooLong))).toBe("codec/out-of-range");
  });
});

async function drained(stream: WireStream): Promise<void> {
  while ((await stream.read()) !== undefined);
}
