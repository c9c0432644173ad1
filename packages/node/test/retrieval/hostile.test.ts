/**
 * Providers that lie, break and stall. Whatever they send, the client keeps nothing that is not a part of the
 * file, says what they did, and gets the file from an honest one.
 */
import { type CID, concatBytes, type PeerId, rawCid, utf8Bytes } from "@holdfast/base";
import { codeOf } from "@holdfast/base/testing";
import { createLink, createNode, encode as encodeNode } from "@ipld/dag-pb";
import { describe, expect, it } from "vitest";
import { carHeader, carSectionHead, readCar, writeCar } from "../../src/car.ts";
import { limits } from "../../src/limits.ts";
import {
  chunkBytes,
  codesOf,
  collect,
  dagPbCid,
  expectSameBytes,
  listOf,
  type Script,
  sampleFile,
  scriptedProvider,
  streamOf,
  World,
} from "./support.ts";

const sample = await sampleFile("hostile", 6 * chunkBytes + 1_000);
const other = await sampleFile("another file", 3 * chunkBytes);
const { root, bytes, car } = sample;
const carBlocks = await listOf((await readCar(streamOf(car))).blocks);
const headerBytes = carHeader(root).length;

type Act = (script: Script) => Promise<void>;

interface Outcome {
  readonly codes: readonly string[];
  readonly from: readonly string[];
}

/** The evil provider answers first, the honest one a little later. */
async function withHonestOne(act: Act, announced = car.length): Promise<Outcome> {
  const slow = (from: PeerId, to: PeerId): number => ([from, to].some((peer) => peer === "honest") ? 20 : 1);
  const world = new World({ delayMs: slow });
  const evil = await world.wire("evil");
  scriptedProvider(evil, announced, act);
  const honest = await world.node("honest");
  await honest.retrieval.importFile(streamOf(bytes));
  const client = await world.node("client");
  const fetched = client.retrieval.ensureLocal(root, [evil.self, honest.peer]);
  const { failures, from } = await world.run(fetched);
  expectSameBytes(await collect((await client.retrieval.readFile(root)).bytes), bytes);
  expect((await listOf(client.blocks.list())).length).toBe(carBlocks.length);
  expect(failures.every(({ peer }) => peer === evil.self)).toBe(true);
  return { codes: codesOf(failures), from: from.map(({ peer }) => peer) };
}

/** With nobody else the fetch ends, in bounded time, and what is kept belongs to the file. */
async function alone(act: Act, announced = car.length): Promise<{ code: string; asked: number }> {
  const world = new World();
  const evil = await world.wire("evil");
  const { skips } = scriptedProvider(evil, announced, act);
  const client = await world.node("client");
  const code = await codeOf(world.run(client.retrieval.ensureLocal(root, [evil.self])));
  expect(await client.retrieval.hasLocal(root)).toBe(false);
  const good = new Set(carBlocks.map(({ cid }) => cid.toString()));
  for await (const cid of client.blocks.list()) expect(good.has(cid.toString())).toBe(true);
  await world.run(client.retrieval[Symbol.asyncDispose]());
  return { code, asked: skips.length };
}

const section = (cid: CID, block: Uint8Array): Uint8Array =>
  concatBytes(carSectionHead(cid, block.length), block);
const sections = (from: number, to: number): Uint8Array =>
  concatBytes(...carBlocks.slice(from, to).map(({ cid, bytes }) => section(cid, bytes)));
const leaf = (index: number) => carBlocks[index] ?? { cid: root, bytes: new Uint8Array(0) };

/** Sends this in place of the stream, with an honest marker. */
const sending =
  (stream: (skipBytes: number) => Uint8Array, announced = car.length): Act =>
  async (script) => {
    const sent = stream(script.request.skipBytes);
    await script.answer(announced);
    await script.chunks(sent);
    await script.end(sent.length);
    await script.stream.closeWrite();
  };

const corrupted = Uint8Array.from(leaf(3).bytes, (byte, i) => (i === 100_000 ? byte ^ 1 : byte));

/** What a provider does, and what it is called. Those that break rules are asked once, the others again. */
const evilActs: readonly {
  name: string;
  act: Act;
  code: string;
  announced?: number;
  isTransient?: boolean;
}[] = [
  {
    name: "sends a block with one wrong bit",
    act: sending(() => concatBytes(sections(0, 3), section(leaf(3).cid, corrupted), sections(4, 99))),
    code: "car/corrupt",
  },
  {
    name: "sends a good block in the wrong place",
    act: sending(() => concatBytes(sections(0, 2), sections(3, 4), sections(2, 3), sections(4, 99))),
    code: "retrieval/unwanted-block",
  },
  {
    name: "sends another file",
    act: sending(() => other.car.subarray(headerBytes), car.length),
    code: "retrieval/unwanted-block",
  },
  {
    name: "sends a block of its own, correctly named",
    act: sending(() => concatBytes(sections(0, 2), section(rawCid(corrupted), corrupted), sections(2, 99))),
    code: "retrieval/unwanted-block",
  },
  {
    name: "repeats a block for ever",
    announced: Number.MAX_SAFE_INTEGER,
    act: async (script) => {
      await script.answer(Number.MAX_SAFE_INTEGER);
      for (;;) await script.chunks(sections(0, 1));
    },
    code: "retrieval/unwanted-block",
  },
  {
    name: "sends a section without end",
    announced: Number.MAX_SAFE_INTEGER,
    act: async (script) => {
      await script.answer(Number.MAX_SAFE_INTEGER);
      await script.chunks(Uint8Array.of(0xff, 0xff, 0xff, 0x7f));
      for (;;) await script.chunks(new Uint8Array(65_536));
    },
    code: "car/too-long",
  },
  {
    name: "ends in order, but too early",
    act: sending(() => sections(0, 3)),
    code: "retrieval/bad-stream",
  },
  {
    name: "announces less, and sends that",
    act: sending((skip) => car.subarray(skip, 400_000), 400_000),
    announced: 400_000,
    code: "car/truncated",
  },
  {
    name: "ends in the middle of a block",
    act: sending(() => sections(0, 3).subarray(0, 300_000)),
    code: "retrieval/bad-stream",
  },
  {
    name: "counts its bytes wrongly",
    act: async (script) => {
      await script.answer(car.length);
      await script.chunks(sections(0, 3));
      await script.end(7);
    },
    code: "retrieval/bad-stream",
  },
  {
    name: "announces a stream that is shorter than what the client has",
    act: (script) => script.answer(10),
    code: "retrieval/bad-stream",
  },
  {
    name: "sends empty frames",
    act: async (script) => {
      await script.answer(car.length);
      for (;;) await script.frame({ kind: "chunk", data: new Uint8Array(0) });
    },
    code: "retrieval/bad-stream",
  },
  {
    name: "sends something that is no frame",
    act: async (script) => {
      await script.answer(car.length);
      await script.stream.write(Uint8Array.of(3, 0xf7, 0xf7, 0xf7));
    },
    code: "codec/unsupported",
  },
  {
    name: "sends a frame that is too large",
    act: async (script) => {
      await script.answer(car.length);
      await script.stream.write(Uint8Array.of(0xff, 0xff, 0xff, 0x7f));
    },
    code: "net/frame-too-large",
  },
  {
    name: "cannot go on",
    act: async (script) => {
      await script.answer(car.length);
      await script.chunks(sections(0, 2));
      await script.frame({ kind: "failed", message: "the sector is damaged" });
    },
    code: "retrieval/refused",
  },
  {
    name: "closes the stream in the middle as if that were the end",
    act: async (script) => {
      await script.answer(car.length);
      if (script.request.skipBytes === headerBytes) await script.chunks(sections(0, 2));
      await script.stream.closeWrite();
    },
    code: "retrieval/cut",
    isTransient: true,
  },
  {
    name: "falls silent after the answer",
    act: async (script) => {
      await script.answer(car.length);
      await new Promise(() => undefined);
    },
    code: "retrieval/stalled",
    isTransient: true,
  },
  { name: "never answers", act: () => new Promise(() => undefined), code: "net/timeout", isTransient: true },
];

describe("a provider that", () => {
  it.each(evilActs)("$name is found out, and another one gives the file", async (evil) => {
    const { codes, from } = await withHonestOne(evil.act, evil.announced);
    expect(new Set(codes)).toEqual(new Set([evil.code]));
    expect(from).toContain("honest");
  });
  it.each(evilActs)("$name cannot do harm when there is nobody else", async (evil) => {
    const { code, asked } = await alone(evil.act, evil.announced);
    expect(code).toBe("retrieval/no-provider");
    if (evil.isTransient === true) expect(asked).toBeGreaterThan(1);
    else expect(asked).toBe(1);
  });

  it("drips is left after a while although something moves", async () => {
    const drip: Act = async (script) => {
      await script.answer(car.length);
      for (const byte of car.subarray(script.request.skipBytes)) {
        await script.frame({ kind: "chunk", data: Uint8Array.of(byte) });
        await dripPause();
      }
    };
    const world = new World();
    let dripPause = (): Promise<void> => world.clock.sleep(limits.retrievalIdleMs / 2);
    const evil = await world.wire("drip");
    scriptedProvider(evil, car.length, drip);
    const client = await world.node("client");
    const startMs = world.clock.nowMs();
    const failed = client.retrieval.ensureLocal(root, [evil.self]);
    await expect(world.run(failed)).rejects.toMatchObject({
      data: { reasons: expect.stringContaining("nothing moved") },
    });
    dripPause = () => new Promise(() => undefined);
    const tookMs = world.clock.nowMs() - startMs;
    expect(tookMs).toBeLessThan(limits.retrievalAttempts * (limits.retrievalBlockMs + 10_000));
  });

  it("is not there is tried again a few times, with pauses that grow", async () => {
    const world = new World();
    const client = await world.node("client");
    const asked: number[] = [];
    const away = await world.wire("away");
    away.handle("/fil/retrieval/free/0.0.0", async (stream) => {
      asked.push(world.clock.nowMs());
      stream.abort(new Error("no"));
    });
    expect(await codeOf(world.run(client.retrieval.ensureLocal(root, [away.self])))).toBe(
      "retrieval/no-provider",
    );
    expect(asked.length).toBe(limits.retrievalAttempts);
    const pauses = asked.slice(1).map((atMs, i) => atMs - (asked[i] ?? 0));
    expect(pauses[0]).toBeGreaterThanOrEqual(limits.retrievalRetryMs);
    expect(pauses[1]).toBeGreaterThanOrEqual(2 * limits.retrievalRetryMs);
  });

  it("gives a text with control characters cannot paint on the terminal", async () => {
    const act: Act = async (script) => {
      await script.answer(car.length);
      await script.frame({ kind: "failed", message: "\u001b[2Jyour files are gone\u0007" });
    };
    const world = new World();
    const evil = await world.wire("evil");
    scriptedProvider(evil, car.length, act);
    const client = await world.node("client");
    const failed = world.run(client.retrieval.ensureLocal(root, [evil.self]));
    const error = await failed.catch((caught: Error) => caught.message);
    expect(error).toContain("your files are gone");
    expect(String(error).includes("\u001b")).toBe(false);
  });
});

describe("a tree that lies", () => {
  it("is refused as a whole, and no provider is blamed for it", async () => {
    const block = utf8Bytes("ten bytes.");
    // UnixFS: a file of 11 bytes with one part of 11 bytes, which has 10.
    const message = Uint8Array.of(0x08, 2, 0x18, 11, 0x20, 11);
    const inner = encodeNode(createNode(message, [createLink("", 0, rawCid(block))]));
    const liar = dagPbCid(inner);
    const stream = writeCar(liar, [
      { cid: liar, bytes: inner },
      { cid: rawCid(block), bytes: block },
    ]);
    const world = new World();
    const provider = await world.wire("provider");
    scriptedProvider(provider, stream.length, async (script) => {
      const rest = stream.subarray(script.request.skipBytes);
      await script.answer(stream.length);
      await script.chunks(rest);
      await script.end(rest.length);
    });
    const client = await world.node("client");
    const failed = client.retrieval.ensureLocal(liar, [provider.self]);
    expect(await codeOf(world.run(failed))).toBe("retrieval/not-a-file");
    expect(await client.retrieval.deleteFile(liar)).toBe(true);
    expect(await client.blocks.usedBytes()).toBe(0);
  });
});
