/** Streams damaged in any way: the client ends with the right file or with an error, never with a wrong file. */
import { CID, concatBytes, equalBytes } from "@holdfast/base";
import { codeOf, SeededRandom } from "@holdfast/base/testing";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { readCar } from "../../src/car.ts";
import { type FileBlocks, memoryBlocks, type RetrievalNeeds } from "../../src/retrieval/index.ts";
import {
  collect,
  localRetrieval,
  sampleFile,
  scriptedProvider,
  streamOf,
  World,
  whyItFails,
} from "./support.ts";

interface Damage {
  readonly kind: "flip" | "drop" | "repeat" | "swap" | "insert";
  readonly at: number;
  readonly length: number;
}

const small = await (async () => {
  const { bytes } = await sampleFile("small", 3_000);
  const files = localRetrieval();
  const { root } = await files.importFile(streamOf(bytes), { chunkBytes: 200 });
  return { root, bytes, car: await collect(files.carStream(root)) };
})();

function damagedStream(stream: Uint8Array, { kind, at, length }: Damage): Uint8Array {
  const start = Math.floor(at * (stream.length - 1));
  const end = Math.min(stream.length, start + length);
  const [before, inside, after] = [
    stream.subarray(0, start),
    stream.subarray(start, end),
    stream.subarray(end),
  ];
  switch (kind) {
    case "flip":
      return concatBytes(
        before,
        Uint8Array.from(inside, (byte) => byte ^ 0x10),
        after,
      );
    case "drop":
      return concatBytes(before, after);
    case "repeat":
      return concatBytes(before, inside, inside, after);
    case "swap":
      return concatBytes(before, Uint8Array.from(inside).reverse(), after);
    case "insert":
      return concatBytes(before, new SeededRandom(length).bytes(length), inside, after);
  }
}

/** Whatever happens to a stream: the client ends with the right file or with an error, never with a wrong file. */
function damageProperty(needs: () => Partial<RetrievalNeeds>): Promise<void> {
  const damage = fc.record({
    kind: fc.constantFrom<Damage["kind"]>("flip", "drop", "repeat", "swap", "insert"),
    at: fc.double({ min: 0, max: 1, noNaN: true }),
    length: fc.integer({ min: 1, max: 300 }),
  });
  return fc.assert(
    fc.asyncProperty(fc.array(damage, { minLength: 1, maxLength: 3 }), async (damages) => {
      const world = new World();
      const provider = await world.wire("provider");
      scriptedProvider(provider, small.car.length, async (script) => {
        const whole = damages.reduce(damagedStream, small.car.subarray(script.request.skipBytes));
        await script.answer(script.request.skipBytes + whole.length);
        await script.chunks(whole);
        await script.end(whole.length);
      });
      const client = await world.node("client", needs());
      const code = await codeOf(world.run(client.retrieval.ensureLocal(small.root, [provider.self])));
      const isWhole = await client.retrieval.hasLocal(small.root);
      if ((code === "no error") !== isWhole) throw new Error(`${code}, but whole: ${isWhole}`);
      if (!isWhole) return;
      const read = await collect((await client.retrieval.readFile(small.root)).bytes);
      if (!equalBytes(read, small.bytes)) throw new Error("a wrong file was taken for the right one");
    }),
    { numRuns: 250, seed: 3 },
  );
}

/** Keeps whatever it is given. */
function credulousBlocks(): FileBlocks {
  const kept = new Map<string, Uint8Array>();
  return {
    ...memoryBlocks(),
    get: async (cid) => kept.get(cid.toString()),
    has: async (cid) => kept.has(cid.toString()),
    sizeBytes: async (cid) => kept.get(cid.toString())?.length,
    put: async (cid, block) => kept.size !== kept.set(cid.toString(), Uint8Array.from(block)).size,
  };
}

/** Cuts a stream into blocks and believes what is written on them. */
const credulousReader: typeof readCar = async (source) => {
  const stream = await collect(source);
  const varint = (at: number): { value: number; end: number } => {
    let value = 0;
    for (let scale = 1, end = at; ; scale *= 128) {
      const byte = stream[end++] ?? 0;
      value += (byte & 0x7f) * scale;
      if (byte < 0x80) return { value, end };
    }
  };
  async function* blocks() {
    const header = varint(0);
    for (let at = header.end + header.value; at < stream.length; ) {
      const { value, end } = varint(at);
      const [cid, block] = CID.decodeFirst(stream.subarray(end, end + value));
      at = end + value;
      yield { cid, bytes: block };
    }
  }
  return { root: small.root, blocks: blocks() };
};

describe("a damaged stream", () => {
  it("never becomes a wrong file", () => damageProperty(() => ({})));

  it("never becomes one with a reader that verifies nothing: blocks are checked when they are kept", () =>
    damageProperty(() => ({ readCar: credulousReader })));

  it("canary: a client that does not verify CIDs is noticed", async () => {
    const credulous = () => ({ readCar: credulousReader, blocks: credulousBlocks() });
    expect(await whyItFails(damageProperty(credulous))).toMatch("a wrong file was taken for the right one");
  });
});
