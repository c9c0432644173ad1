/** CAR streams that are made to cost (GHSA-9x4h-8wgm-8xfg): what they claim is checked before it is read. */
import { cidOfCbor, encodeCbor, encodeVarint } from "@holdfast/base";
import { codeOf } from "@holdfast/base/testing";
import { describe, expect, it } from "vitest";
import { carHeader, readCar } from "../src/car.ts";

const mebibyte = 1_048_576;
const claim = 512 * mebibyte;

/** A stream that would go on for as long as the claim, and counts what is taken of it. */
function endless(start: Uint8Array) {
  const taken = { bytes: 0 };
  async function* source(): AsyncGenerator<Uint8Array> {
    yield start;
    while (taken.bytes < claim) {
      taken.bytes += mebibyte;
      yield new Uint8Array(mebibyte);
    }
  }
  return { source: source(), taken };
}
async function readAll(source: AsyncIterable<Uint8Array>): Promise<void> {
  const { blocks } = await readCar(source);
  for await (const _ of blocks);
}
const problem = (source: AsyncIterable<Uint8Array>): Promise<unknown> => codeOf(readAll(source));

describe("a CAR stream", () => {
  it("that claims half a gibibyte is refused by its length, unread", async () => {
    const header = endless(encodeVarint(claim));
    expect(await problem(header.source)).toBe("car/too-long");
    expect(header.taken.bytes).toBe(0);
    const head = carHeader(cidOfCbor(new Uint8Array([0xa0])));
    const section = endless(Uint8Array.from([...head, ...encodeVarint(claim)]));
    expect(await problem(section.source)).toBe("car/too-long");
    expect(section.taken.bytes).toBe(0);
  });

  it("whose root is a map with the names of a CID has no root", async () => {
    const header = encodeCbor({ roots: [{ multihash: new Uint8Array(34) }], version: 1 });
    const car = Uint8Array.from([...encodeVarint(header.length), ...header]);
    expect(await problem(endless(car).source)).toBe("car/malformed");
  });

  it("with a length that never ends is refused, and one that ends too early named", async () => {
    const bomb = endless(new Uint8Array(16).fill(0xff));
    expect(await problem(bomb.source)).toMatch(/^car\//);
    expect(bomb.taken.bytes).toBe(0);
    const head = carHeader(cidOfCbor(new Uint8Array([0xa0])));
    async function* cut(): AsyncGenerator<Uint8Array> {
      yield head.subarray(0, head.length - 1);
    }
    expect(await problem(cut())).toBe("car/truncated");
  });
});
