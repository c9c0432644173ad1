/** CAR files in and out, of both versions, and those that are made to cost. */
import { type CID, concatBytes, encodeCbor, encodeVarint, parseCid, rawCid } from "@holdfast/base";
import { codeOf } from "@holdfast/base/testing";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { carHeader, carSectionHead } from "../../src/car.ts";
import { readAnyCar } from "../../src/car-v2.ts";
import { limits } from "../../src/limits.ts";
import { memoryBlocks } from "../../src/retrieval/index.ts";
import { collect, expectSameBytes, listOf, localRetrieval, randomBytes, streamOf } from "./support.ts";

const small = { chunkBytes: 1_000 };

async function sample() {
  const bytes = randomBytes("cars", 9_500);
  const files = localRetrieval();
  const { root } = await files.importFile(streamOf(bytes), small);
  return {
    bytes,
    files,
    root,
    v1: await collect(files.carStream(root)),
    v2: await collect(files.carV2Stream(root)),
  };
}
async function imported(car: Uint8Array) {
  const blocks = memoryBlocks();
  const files = localRetrieval(blocks);
  const made = await files.importCar(streamOf(car, 777));
  return { files, made, blocks };
}
const section = (cid: CID, bytes: Uint8Array): Uint8Array =>
  concatBytes(carSectionHead(cid, bytes.length), bytes);

describe("a CAR file", () => {
  it("of either version is imported, and what comes out is what went in", async () => {
    const { bytes, root, v1, v2 } = await sample();
    for (const [version, car] of [
      [1, v1],
      [2, v2],
    ] as const) {
      const { files, made } = await imported(car);
      expect(made).toMatchObject({ version, leftOut: 0 });
      expect(made.roots.map((one) => [one.root.toString(), one.sizeBytes])).toEqual([
        [root.toString(), bytes.length],
      ]);
      expectSameBytes(await collect((await files.readFile(root)).bytes), bytes);
      expectSameBytes(await collect(files.carStream(root)), v1);
      expect(await files.localFile(root)).toMatchObject({ imported: true, complete: true });
    }
  });

  it("of version 2 has an index that finds every block, in the layout of go-car", async () => {
    const { v1, v2 } = await sample();
    const view = new DataView(v2.buffer, v2.byteOffset, v2.length);
    const [at, length, indexAt] = [27, 35, 43].map((place) => Number(view.getBigUint64(place, true)));
    expect([at, length, indexAt]).toEqual([51, v1.length, 51 + v1.length]);
    expectSameBytes(v2.subarray(51, 51 + v1.length), v1);
    const index = v2.subarray(indexAt);
    const read = new DataView(index.buffer, index.byteOffset, index.length);
    // Codec 0x0401; one hash function, SHA-256; one width, 32 bytes of digest and 8 of place.
    expect([...index.subarray(0, 2)]).toEqual([0x81, 0x08]);
    expect(read.getInt32(2, true)).toBe(1);
    expect(read.getBigUint64(6, true)).toBe(0x12n);
    expect([read.getInt32(14, true), read.getUint32(18, true)]).toEqual([1, 40]);
    const count = Number(read.getBigUint64(22, true)) / 40;
    const places: string[] = [];
    for (let entry = 0; entry < count; entry++) {
      const place = 30 + 40 * entry;
      const digest = index.subarray(place, place + 32);
      const offset = Number(read.getBigUint64(place + 32, true));
      // A section is its length in at most two bytes here, the CID, the block.
      const head = v1.subarray(offset, offset + 6);
      const cidAt = offset + ((head[0] ?? 0 >= 0x80) ? 2 : 1);
      expectSameBytes(v1.subarray(cidAt + 4, cidAt + 36), digest);
      places.push(Buffer.from(digest).toString("hex"));
    }
    expect(places).toEqual([...places].sort());
    expect(count).toBe((await listOf((await readAnyCar(streamOf(v1), 1)).blocks)).length);
    expect(30 + 40 * count).toBe(index.length);
  });

  it("of several roots keeps each, and nothing that none of them leads to", async () => {
    const [one, two, stray] = [randomBytes(1, 300), randomBytes(2, 300), randomBytes(3, 300)];
    const [first, second] = [rawCid(one), rawCid(two)];
    const identity = parseCid("bafkqaaa");
    const car = concatBytes(
      carHeader(first, second),
      ...[section(first, one), section(rawCid(stray), stray), section(second, two), section(first, one)],
      section(identity, new Uint8Array(0)),
    );
    const { made, blocks } = await imported(car);
    expect(made.roots.map(({ root }) => root.toString())).toEqual([first, second].map(String));
    expect(made).toMatchObject({ blocks: 2, leftOut: 3 });
    expect(await blocks.usedBytes()).toBe(600);
  });

  it("whose root is not whole, or that is damaged, leaves nothing behind", async () => {
    const { v1 } = await sample();
    const blocks = memoryBlocks();
    const files = localRetrieval(blocks);
    const cut = v1.subarray(0, v1.length - 1_045);
    expect(await codeOf(files.importCar(streamOf(cut)))).toMatch(
      /^(retrieval\/missing-block|car\/truncated)$/,
    );
    const flipped = v1.slice();
    flipped[v1.length - 10] = (flipped[v1.length - 10] ?? 0) ^ 1;
    expect(await codeOf(files.importCar(streamOf(flipped)))).toBe("car/corrupt");
    expect([await blocks.usedBytes(), (await files.files()).length]).toEqual([0, 0]);
  });
});

describe("the reader of CAR files", () => {
  /** What a reader knows of it. */
  const read = async (car: Uint8Array): Promise<string> => {
    const { roots, blocks } = await readAnyCar(streamOf(car, 64), limits.carRoots);
    const cids = (await listOf(blocks)).map(({ cid }) => cid.toString());
    return [...roots.map(String), "blocks", ...cids].join(" ");
  };

  it("takes any bytes for a CAR or refuses them with a code", async () => {
    await fc.assert(
      fc.asyncProperty(fc.uint8Array({ maxLength: 300 }), async (bytes) => {
        const code = await codeOf(read(bytes)).catch(() => "fine");
        expect(code).toMatch(/^(no error|fine|(car|codec|cid|base)\/)/);
      }),
      { seed: 3, numRuns: 500 },
    );
  });

  it("finds every change of one byte of a stream, in both versions", async () => {
    const { v1, v2 } = await sample();
    const whole = await read(v1);
    expect(await read(v2)).toBe(whole);
    await fc.assert(
      fc.asyncProperty(
        fc.boolean(),
        fc.nat(),
        fc.integer({ min: 1, max: 255 }),
        async (isSecond, place, flip) => {
          const car = (isSecond ? v2 : v1).slice();
          const at = (isSecond ? 51 : 0) + (place % v1.length);
          car[at] = (car[at] ?? 0) ^ flip;
          const result = await read(car).catch((error: { code?: string }) => error.code ?? String(error));
          // Refused; or a root or block has another name, which whoever wants a tree sees.
          if (!result.includes(" ")) expect(result).toMatch(/^(car|codec|cid|base)\//);
          expect(result).not.toBe(whole);
        },
      ),
      { seed: 4, numRuns: 300 },
    );
  });
});

describe("a CAR bomb", () => {
  const root = rawCid(new Uint8Array(3));
  const refused = async (...parts: readonly Uint8Array[]): Promise<unknown> => {
    const blocks = memoryBlocks();
    const code = await codeOf(localRetrieval(blocks).importCar(streamOf(concatBytes(...parts))));
    expect(await blocks.usedBytes()).toBe(0);
    return code;
  };
  const pragma = Uint8Array.of(0x0a, 0xa1, 0x67, 0x76, 0x65, 0x72, 0x73, 0x69, 0x6f, 0x6e, 0x02);
  const header = (at: bigint, length: bigint, indexAt: bigint): Uint8Array => {
    const view = new DataView(new ArrayBuffer(40));
    view.setBigUint64(16, at, true);
    view.setBigUint64(24, length, true);
    view.setBigUint64(32, indexAt, true);
    return new Uint8Array(view.buffer);
  };

  it("of too many roots, of a header or section that claims too much, of sections of nothing is refused", async () => {
    const many = Array.from({ length: limits.carRoots + 1 }, (_, index) => rawCid(Uint8Array.of(index, 1)));
    expect(await refused(carHeader(...many))).toMatch(/^car\/(malformed|too-long)$/);
    expect(await refused(encodeVarint(2 ** 33), new Uint8Array(64))).toBe("car/too-long");
    expect(await refused(carHeader(root), encodeVarint(2 ** 32))).toBe("car/too-long");
    expect(await refused(carHeader(root), new Uint8Array(1_000))).toBe("car/malformed");
  });

  it("of version 2 that points outside of itself, or holds another version 2, is refused", async () => {
    const far = 2n ** 60n;
    expect(await refused(pragma, header(far, 10n, 0n))).toBe("car/malformed");
    expect(await refused(pragma, header(10n, 10n, 0n))).toBe("car/malformed");
    expect(await refused(pragma, header(51n + 2_000_000n, 10n, 0n))).toBe("car/malformed");
    expect(await refused(pragma, header(51n, 1_000n, 60n))).toBe("car/malformed");
    expect(await refused(pragma, header(51n, 51n, 0n), pragma, header(51n, 10n, 0n))).toBe("car/malformed");
    const v1 = carHeader(root);
    expect(await refused(pragma, header(51n, BigInt(v1.length + 5), 0n), v1, new Uint8Array(2))).toMatch(
      /^car\//,
    );
  });

  it("of blocks whose CIDs hold their bytes, or of other codecs, costs no space", async () => {
    const cbor = encodeCbor({ link: root });
    const { made, blocks } = await imported(
      concatBytes(
        carHeader(rawCid(cbor)),
        section(rawCid(cbor), cbor),
        section(parseCid("bafkqaaa"), new Uint8Array(0)),
      ),
    );
    expect(made).toMatchObject({ blocks: 1, leftOut: 1 });
    expect(await blocks.usedBytes()).toBe(cbor.length);
  });
});
