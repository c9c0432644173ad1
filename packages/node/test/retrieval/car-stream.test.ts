/** The CAR stream of a file: any offset, any cut into pieces, and trees that nobody should follow. */
import { type CID, cidFromBytes, concatBytes, equalBytes, rawCid, sha256 } from "@holdfast/base";
import { codeOf, SeededRandom } from "@holdfast/base/testing";
import { createLink, createNode, encode as encodeNode } from "@ipld/dag-pb";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { readCar } from "../../src/car.ts";
import { limits } from "../../src/limits.ts";
import {
  dagBlocks,
  type FileBlocks,
  memoryBlocks,
  pieceSlices,
  planCar,
  streamCar,
  type WalkLimits,
} from "../../src/retrieval/index.ts";
import { collect, dagPbCid, listOf, localRetrieval, randomBytes, streamOf, whyItFails } from "./support.ts";

/** Random content with repeated stretches, so that some blocks occur more than once. */
function repetitive(seed: number, sizeBytes: number): Uint8Array {
  const random = new SeededRandom(seed);
  const patterns = Array.from({ length: 5 }, () => random.bytes(32));
  return concatBytes(
    ...Array.from({ length: Math.ceil(sizeBytes / 32) }, () =>
      random.chance(0.5) ? random.pick(patterns) : random.bytes(32),
    ),
  ).subarray(0, sizeBytes);
}

const files = fc.record({ seed: fc.integer(), sizeBytes: fc.integer({ min: 1, max: 20_000 }) });

type StreamFrom = (blocks: FileBlocks, root: CID, skipBytes: number) => AsyncIterable<Uint8Array>;

/** From every offset the stream is the rest of the whole one. */
function offsetProperty(streamFrom: StreamFrom): Promise<void> {
  return fc.assert(
    fc.asyncProperty(files, fc.double({ min: 0, max: 1, noNaN: true }), async ({ seed, sizeBytes }, part) => {
      const blocks = memoryBlocks();
      const source = streamOf(repetitive(seed, sizeBytes), 999);
      const { root, carBytes } = await localRetrieval(blocks).importFile(source, { chunkBytes: 32 });
      const whole = await collect(streamFrom(blocks, root, 0));
      if (whole.length !== carBytes) throw new Error("another length than announced");
      const offset = Math.round(part * carBytes);
      const rest = await collect(streamFrom(blocks, root, offset));
      if (!equalBytes(rest, whole.subarray(offset))) throw new Error(`another stream from ${offset} on`);
    }),
    { numRuns: 120, seed: 7 },
  );
}

describe("a CAR stream", () => {
  const honest: StreamFrom = async function* (blocks, root, skipBytes) {
    yield* streamCar(blocks, await planCar(blocks, root), skipBytes);
  };

  it("can begin at any offset", () => offsetProperty(honest));

  it("canary: an offset that is off by one inside a block is noticed", async () => {
    const broken: StreamFrom = async function* (blocks, root, skipBytes) {
      const plan = await planCar(blocks, root);
      const { carOffset } = plan.section(Math.max(0, plan.sectionAt(skipBytes)));
      const isInBlock = skipBytes - carOffset > 40;
      yield* streamCar(blocks, plan, isInBlock ? skipBytes - 1 : skipBytes);
    };
    expect(await whyItFails(offsetProperty(broken))).toMatch("another stream from");
  });

  it("canary: a walk that writes a block at every visit is noticed", async () => {
    const broken: StreamFrom = async function* (blocks, root, skipBytes) {
      const whole = await collect(honest(blocks, root, 0));
      const { blocks: once } = await readCar(streamOf(whole));
      const first = await listOf(once);
      const again = first.at(-1);
      yield concatBytes(whole, again === undefined ? new Uint8Array(0) : again.bytes).subarray(skipBytes);
    };
    expect(await whyItFails(offsetProperty(broken))).toMatch("another length");
  });

  it("holds every block once, parents before children, and nothing else", async () => {
    const blocks = memoryBlocks();
    const { root } = await localRetrieval(blocks).importFile(streamOf(repetitive(1, 30_000)), {
      chunkBytes: 32,
    });
    const car = await readCar(honest(blocks, root, 0));
    const read = await listOf(car.blocks);
    expect(car.root.equals(root)).toBe(true);
    expect(read[0]?.cid.equals(root)).toBe(true);
    const names = read.map(({ cid }) => cid.toString());
    expect(new Set(names).size).toBe(names.length);
    const kept = (await listOf(blocks.list())).map(String);
    expect(names.toSorted()).toEqual(kept.toSorted());
    const walked = (await listOf(dagBlocks(blocks, root))).map(({ cid }) => cid.toString());
    expect(walked).toEqual(names);
  });

  it("is the concatenation of its pieces, all of them full but the last", async () => {
    await fc.assert(
      fc.asyncProperty(files, fc.integer({ min: 1, max: 5_000 }), async ({ seed, sizeBytes }, pieceBytes) => {
        const retrieval = localRetrieval();
        const source = streamOf(repetitive(seed, sizeBytes));
        const { root, carBytes } = await retrieval.importFile(source, { chunkBytes: 64 });
        const slices = pieceSlices(carBytes, pieceBytes).slice(0, 40);
        for (const { index, offsetBytes, userBytes } of slices) {
          expect(offsetBytes).toBe(index * pieceBytes);
          if (offsetBytes + userBytes < carBytes) expect(userBytes).toBe(pieceBytes);
        }
        const all = pieceSlices(carBytes, pieceBytes);
        expect(all.reduce((sum, { userBytes }) => sum + userBytes, 0)).toBe(carBytes);
        const whole = await collect(retrieval.carStream(root));
        for (const { offsetBytes, userBytes } of slices) {
          const from = await collect(retrieval.carStream(root, { skipBytes: offsetBytes }));
          const piece = from.subarray(0, userBytes);
          expect(equalBytes(piece, whole.subarray(offsetBytes, offsetBytes + userBytes))).toBe(true);
        }
      }),
      { numRuns: 25 },
    );
  });

  it("does not read leaves to find an offset", async () => {
    const blocks = memoryBlocks();
    const { root } = await localRetrieval(blocks).importFile(streamOf(randomBytes(1, 64_000)), {
      chunkBytes: 64,
    });
    let reads = 0;
    const counting = {
      get: (cid: CID) => {
        reads++;
        return blocks.get(cid);
      },
    };
    const plan = await planCar(counting, root);
    expect(plan.blockCount).toBe(1_000 + 6 + 1);
    expect(reads).toBe(7);
    const rest = streamCar(counting, plan, plan.carBytes - 30);
    expect((await collect(rest)).length).toBe(30);
    expect(reads).toBe(8);
  });

  it("refuses an offset beyond the end, and names a missing block", async () => {
    const blocks = memoryBlocks();
    const retrieval = localRetrieval(blocks);
    const { root, carBytes } = await retrieval.importFile(streamOf(randomBytes(2, 1_000)), {
      chunkBytes: 100,
    });
    expect(await codeOf(collect(retrieval.carStream(root, { skipBytes: carBytes + 1 })))).toBe(
      "retrieval/bad-offset",
    );
    expect((await collect(retrieval.carStream(root, { skipBytes: carBytes }))).length).toBe(0);
    await blocks.delete(rawCid(randomBytes(2, 1_000).subarray(300, 400)));
    expect(await codeOf(collect(retrieval.carStream(root)))).toBe("retrieval/missing-block");
  });
});

interface FakeNode {
  readonly links: readonly { readonly cid: CID; readonly claimedBytes: number }[];
  readonly kind?: number;
  readonly fileBytes?: number;
}

/** Puts a dag-pb block with a UnixFS message that says whatever the test wants. */
async function putNode(blocks: FileBlocks, { links, kind = 2, fileBytes }: FakeNode): Promise<CID> {
  const varint = (value: number): number[] =>
    value < 128 ? [value] : [(value % 128) + 128, ...varint(Math.floor(value / 128))];
  const total = fileBytes ?? links.reduce((sum, { claimedBytes }) => sum + claimedBytes, 0);
  const message = [
    0x08,
    kind,
    0x18,
    ...varint(total),
    ...links.flatMap((l) => [0x20, ...varint(l.claimedBytes)]),
  ];
  const node = createNode(
    Uint8Array.from(message),
    links.map(({ cid }) => createLink("", 0, cid)),
  );
  const bytes = encodeNode(node);
  const cid = dagPbCid(bytes);
  await blocks.put(cid, bytes);
  return cid;
}

describe("a tree that nobody should follow", () => {
  const leaf = new Uint8Array(10).fill(1);
  const small: WalkLimits = { blocks: 50, depth: 10, pendingLinks: 100 };
  const prepared = async (): Promise<FileBlocks> => {
    const blocks = memoryBlocks();
    await blocks.put(rawCid(leaf), leaf);
    return blocks;
  };
  const refusal = async (blocks: FileBlocks, root: CID, bounds?: WalkLimits): Promise<string> => {
    const codes = [
      await codeOf(listOf(dagBlocks(blocks, root, bounds))),
      await codeOf(planCar(blocks, root, bounds)),
    ];
    expect(new Set(codes).size).toBe(1);
    return codes[0] ?? "";
  };
  /** Each level twice the one below: 2^levels leaves on a handful of blocks. */
  const doubled = async (blocks: FileBlocks, levels: number): Promise<CID> => {
    let link = { cid: rawCid(leaf), claimedBytes: leaf.length };
    for (let level = 0; level < levels; level++) {
      const cid = await putNode(blocks, { links: [link, link] });
      link = { cid, claimedBytes: 2 * link.claimedBytes };
    }
    return link.cid;
  };

  const lengthened = async (blocks: FileBlocks, levels: number): Promise<CID> => {
    let cid = rawCid(leaf);
    for (let level = 1; level < levels; level++) {
      cid = await putNode(blocks, { links: [{ cid, claimedBytes: leaf.length }] });
    }
    return cid;
  };

  it("is refused if it is too deep", async () => {
    const blocks = await prepared();
    expect(await refusal(blocks, await doubled(blocks, 12), small)).toBe("retrieval/dag-too-big");
    expect(await refusal(blocks, await lengthened(blocks, limits.dagDepth))).toBe("no error");
    expect(await refusal(blocks, await lengthened(blocks, limits.dagDepth + 1))).toBe(
      "retrieval/dag-too-big",
    );
  });
  it("costs its blocks and not its leaves if it is doubled over and over", async () => {
    const blocks = await prepared();
    const root = await doubled(blocks, 30);
    const plan = await planCar(blocks, root);
    expect(plan.blockCount).toBe(31);
    expect(plan.fileBytes).toBe(10 * 2 ** 30);
    const { bytes } = await localRetrieval(blocks).readFile(root, 10 * 2 ** 30 - 25);
    expect((await collect(bytes)).length).toBe(25);
  });
  it("is refused if it has too many blocks or links", async () => {
    const blocks = await prepared();
    const files = localRetrieval(blocks);
    const { root } = await files.importFile(streamOf(randomBytes(3, 6_000)), { chunkBytes: 100 });
    expect(await refusal(blocks, root, small)).toBe("retrieval/dag-too-big");
    const wide = await putNode(blocks, {
      links: Array.from({ length: 101 }, () => ({ cid: rawCid(leaf), claimedBytes: 10 })),
    });
    expect(await refusal(blocks, wide, small)).toBe("retrieval/dag-too-big");
    expect(await refusal(blocks, wide)).toBe("no error");
  });
  it("is refused if a size in it is wrong", async () => {
    const blocks = await prepared();
    const half = await putNode(blocks, { links: [{ cid: rawCid(leaf), claimedBytes: 10 }] });
    const wrong = [
      await putNode(blocks, { links: [{ cid: half, claimedBytes: 11 }] }),
      await putNode(blocks, { links: [{ cid: half, claimedBytes: 10 }], fileBytes: 11 }),
      await putNode(blocks, {
        links: [
          { cid: half, claimedBytes: 10 },
          { cid: half, claimedBytes: 12 },
        ],
      }),
    ];
    for (const root of wrong) expect(await refusal(blocks, root)).toBe("retrieval/not-a-file");
    // Of a leaf only reading it tells.
    const lies = await putNode(blocks, { links: [{ cid: rawCid(leaf), claimedBytes: 9 }] });
    expect(await codeOf(listOf(dagBlocks(blocks, lies)))).toBe("retrieval/not-a-file");
    const plan = await planCar(blocks, lies);
    expect(await codeOf(collect(streamCar(blocks, plan)))).toBe("retrieval/not-a-file");
    const read = await localRetrieval(blocks).readFile(lies);
    expect(await codeOf(collect(read.bytes))).toBe("retrieval/not-a-file");
  });
  it("is refused if it is no UnixFS, or a kind of it that is neither file, folder nor link", async () => {
    const blocks = await prepared();
    const metadata = await putNode(blocks, { links: [], kind: 3 });
    expect(await refusal(blocks, metadata)).toBe("retrieval/not-a-file");
    const junk = Uint8Array.of(0xff, 0xff, 0xff);
    const notPb = dagPbCid(junk);
    await blocks.put(notPb, junk);
    expect(await refusal(blocks, notPb)).toBe("retrieval/not-a-file");
  });
  it("is refused if a block is of another kind or hash", async () => {
    const blocks = await prepared();
    const json = cidFromBytes(concatBytes(Uint8Array.of(1, 0x80, 0x04, 0x12, 32), sha256(leaf)));
    const inTheMiddle = await putNode(blocks, { links: [{ cid: json, claimedBytes: 10 }] });
    expect(await refusal(blocks, inTheMiddle)).toBe("retrieval/unsupported-cid");
    expect(await refusal(blocks, json)).toBe("retrieval/unsupported-cid");
  });
  it("never makes the reader of a UnixFS message fail in another way", async () => {
    await fc.assert(
      fc.asyncProperty(fc.uint8Array({ maxLength: 60 }), async (data) => {
        const blocks = memoryBlocks();
        const bytes = encodeNode(createNode(data, []));
        const cid = dagPbCid(bytes);
        await blocks.put(cid, bytes);
        expect(["no error", "retrieval/not-a-file"]).toContain(await refusal(blocks, cid));
      }),
      { numRuns: 500 },
    );
  });
});
