/** A miner's CAR stream is checked while it is sent: rot is healed on its way or ends it, and nobody gets it. */
import type { CID } from "@holdfast/base";
import { concatBytes } from "@holdfast/base";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { FrameReader, sendMessage } from "../../src/framing.ts";
import {
  answerCodec,
  type CarSource,
  frameCodec,
  requestCodec,
  retrievalProtocol,
} from "../../src/retrieval/index.ts";
import {
  collect,
  expectSameBytes,
  localRetrieval,
  type SimNode,
  sampleFile,
  streamOf,
  World,
} from "./support.ts";

/** The stream lies in pieces of so many bytes, so that sections lie in two of them: each is doubted for itself. */
const pieceBytes = 150;

interface Copy {
  readonly root: CID;
  readonly good: Uint8Array;
  /** What lies there now. */
  bytes: Uint8Array;
  hasReplica: boolean;
  readonly doubts: number[];
}

async function rotting(): Promise<{ world: World; provider: SimNode; client: SimNode; copy: Copy }> {
  const { bytes } = await sampleFile("rotting", 3_000);
  const files = localRetrieval();
  const { root } = await files.importFile(streamOf(bytes), { chunkBytes: 200 });
  const good = await collect(files.carStream(root));
  const copy: Copy = { root, good, bytes: good, hasReplica: true, doubts: [] };
  const car = {
    carBytes: good.length,
    async *read(offset: number, length = good.length - offset) {
      for (let at = offset; at < offset + length; at += 97)
        yield copy.bytes.slice(at, Math.min(at + 97, offset + length));
    },
    doubt: async (offset: number, length: number) => {
      copy.doubts.push(offset);
      const from = offset - (offset % pieceBytes);
      const to = Math.ceil((offset + length) / pieceBytes) * pieceBytes;
      const healed = concatBytes(
        copy.bytes.subarray(0, from),
        good.subarray(from, to),
        copy.bytes.subarray(to),
      );
      if (copy.hasReplica) copy.bytes = healed;
      return copy.hasReplica;
    },
  };
  const source: CarSource = {
    open: async (cid) => (cid.equals(root) ? car : undefined),
    payloads: () => [root],
  };
  const world = new World();
  const provider = await world.node("provider", { sources: [source] });
  const client = await world.node("client");
  await world.run(provider.retrieval.indexed());
  return { world, provider, client, copy };
}

async function ask(from: SimNode, to: SimNode, payload: CID, skipBytes: number) {
  const stream = await from.wire.open(to.peer, retrievalProtocol);
  await sendMessage(stream, requestCodec, { payload, skipBytes, maxBytes: 0, statOnly: false });
  const reader = new FrameReader(stream);
  await reader.readMessage(answerCodec);
  const parts: Uint8Array[] = [];
  for (;;) {
    const frame = await reader.readMessage(frameCodec);
    if (frame === undefined) throw new Error("the stream ended without a word");
    if (frame.kind !== "chunk") return { bytes: concatBytes(...parts), end: frame.kind };
    parts.push(frame.data);
  }
}

const flipped = (bytes: Uint8Array, at: number): Uint8Array => bytes.with(at, (bytes[at] ?? 0) ^ 0x10);

/** In front of a SHA-256: no hash covers it. */
const isCodec = (bytes: Uint8Array, at: number): boolean =>
  bytes[at - 1] === 1 &&
  [0x55, 0x70].includes(bytes[at] ?? 0) &&
  bytes[at + 1] === 0x12 &&
  bytes[at + 2] === 0x20;

describe("a stream of a miner's pieces", () => {
  it("comes whole from any offset, and costs no doubt while nothing is wrong", async () => {
    const { world, provider, client, copy } = await rotting();
    const asked = fc.asyncProperty(fc.nat(copy.good.length), async (skip) => {
      const { bytes, end } = await world.run(ask(client, provider, copy.root, skip));
      expect(end).toBe("end");
      expectSameBytes(bytes, copy.good.subarray(skip));
    });
    await fc.assert(asked, { numRuns: 30 });
    expect(copy.doubts).toEqual([]);
  });

  it("is healed on its way wherever it has rotted, if its source has it besides", async () => {
    const { world, provider, client, copy } = await rotting();
    const asked = fc.asyncProperty(
      fc.nat(copy.good.length - 1),
      fc.nat(copy.good.length),
      async (at, skip) => {
        fc.pre(!isCodec(copy.good, at));
        copy.bytes = flipped(copy.good, at);
        const { bytes, end } = await world.run(ask(client, provider, copy.root, skip));
        expect(end).toBe("end");
        expectSameBytes(bytes, copy.good.subarray(skip));
      },
    );
    await fc.assert(asked, { numRuns: 60 });
    expect(copy.doubts.length).toBeGreaterThan(0);
  });

  it("ends before what has rotted where nothing better is left", async () => {
    const { world, provider, client, copy } = await rotting();
    copy.hasReplica = false;
    const at = Math.floor(copy.good.length / 2);
    copy.bytes = flipped(copy.good, at);
    const { bytes, end } = await world.run(ask(client, provider, copy.root, 0));
    expect(end).toBe("failed");
    expect(copy.doubts).toHaveLength(1);
    expect(bytes.length).toBeLessThanOrEqual(at);
    expectSameBytes(bytes, copy.good.subarray(0, bytes.length));
    // Who goes on behind it gets the rest.
    const rest = await world.run(ask(client, provider, copy.root, at + 300));
    expectSameBytes(rest.bytes, copy.good.subarray(at + 300));
  });
});
