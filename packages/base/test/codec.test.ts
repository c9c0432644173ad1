/** Codecs: values survive, limits hold in both directions, and no input fails in any other way. */
import type * as base from "@holdfast/base";
import {
  type AttoFil,
  attoFil,
  byteCount,
  type CborValue,
  c,
  decode,
  decodeCbor,
  encode,
  encodeCbor,
  epoch,
  fromHex,
  getObject,
  MemoryBlockstore,
  putObject,
  seedAddress,
  toHex,
  utf8Bytes,
} from "@holdfast/base";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { anyCid, anyValue, key } from "./cbor-values.ts";
import { accepts, codeOf } from "./support.ts";

const inner = c.tuple("inner", { flag: c.bool, name: c.text(10) });
const outer = c.tuple("outer", {
  id: c.uint(1000),
  signed: c.int,
  to: c.address,
  value: c.attoFil,
  big: c.bigUint(),
  link: c.cid,
  maybe: c.nullable(inner),
  data: c.bytes(8),
  seed: c.fixedBytes(4),
  at: c.epoch,
  size: c.byteCount,
  list: c.list(inner, 3),
  map: c.map(c.uint(), 3),
  shape: c.variant("shape", {
    dot: c.tuple("dot", {}),
    box: c.tuple("box", { width: c.uint(), height: c.uint() }),
  }),
  tag: c.literal("v1"),
  free: c.cbor,
});
type Outer = base.Decoded<typeof outer>;

const smallText = fc.string({ maxLength: 10 }).filter((text) => utf8Bytes(text).length <= 10);
const innerValue = fc.record({ flag: fc.boolean(), name: smallText });
const outerValue: fc.Arbitrary<Outer> = fc.record({
  id: fc.nat(1000),
  signed: fc.maxSafeInteger().filter((n) => Number.isSafeInteger(n)),
  to: fc.string().map((seed) => seedAddress(0, `x${seed.length}`)),
  value: fc.bigInt({ min: -(2n ** 128n) + 1n, max: 2n ** 128n - 1n }).map((n) => n as AttoFil),
  big: fc.bigInt({ min: 0n, max: 2n ** 256n - 1n }),
  link: anyCid,
  maybe: fc.option(innerValue),
  data: fc.uint8Array({ maxLength: 8 }),
  seed: fc.uint8Array({ minLength: 4, maxLength: 4 }),
  at: fc.nat().map(epoch),
  size: fc.nat().map(byteCount),
  list: fc.array(innerValue, { maxLength: 3 }),
  map: fc.array(fc.tuple(key, fc.nat()), { maxLength: 3 }).map((pairs) => new Map(pairs)),
  shape: fc.oneof(
    fc.constant({ kind: "dot" as const }),
    fc.record({ kind: fc.constant("box" as const), width: fc.nat(), height: fc.nat() }),
  ),
  tag: fc.constant("v1" as const),
  free: anyValue,
});

describe("codecs", () => {
  it("give values back and write tuples", () => {
    fc.assert(
      fc.property(outerValue, (value) => {
        const bytes = encode(outer, value);
        expect(decode(outer, bytes)).toEqual(value);
        expect(toHex(encode(outer, decode(outer, bytes)))).toBe(toHex(bytes));
        expect(decodeCbor(bytes)).toHaveLength(16);
      }),
      { numRuns: 300 },
    );
  });
  it("are canonical and closed under mutation", () => {
    const change = fc.array(fc.record({ at: fc.nat(), byte: fc.nat(255) }), { minLength: 1, maxLength: 2 });
    fc.assert(
      fc.property(outerValue, change, (value, changes) => {
        const bytes = encode(outer, value);
        for (const { at, byte } of changes) bytes[at % bytes.length] = byte;
        if (!accepts(() => decode(outer, bytes))) return;
        expect(toHex(encode(outer, decode(outer, bytes)))).toBe(toHex(bytes));
      }),
      { numRuns: 1000 },
    );
  });
  it("refuse every other shape with an error of this package", () => {
    const codecs: base.Codec<unknown>[] = [outer, inner, c.uint(), c.int, c.bool, c.text(3), c.bytes(3)];
    codecs.push(
      c.fixedBytes(2),
      c.cid,
      c.address,
      c.attoFil,
      c.bigUint(),
      c.nullable(inner),
      c.list(c.int, 2),
    );
    codecs.push(c.map(c.int, 2), c.literal(null), c.literal(7), c.epoch, c.variant("v", { inner }));
    fc.assert(
      fc.property(anyValue, fc.constantFrom(...codecs), (value, codec) => {
        const bytes = encodeCbor(value);
        if (!accepts(() => decode(codec, bytes))) return;
        expect(toHex(encode(codec, decode(codec, bytes)))).toBe(toHex(bytes));
      }),
      { numRuns: 3000 },
    );
  });
});

describe("single codecs", () => {
  it("write amounts as a sign and the shortest magnitude", () => {
    const hex = (value: bigint | number) => toHex(encode(c.attoFil, attoFil(value)));
    expect(hex(0)).toBe("40");
    expect(hex(1)).toBe("420001");
    expect(hex(-1)).toBe("420101");
    expect(hex(256)).toBe("43000100");
    expect(hex(10n ** 18n)).toBe("49000de0b6b3a7640000");
    for (const bad of [
      "4100",
      "4101",
      "420000",
      "43000001",
      "420201",
      `52${"00"}01${"00".repeat(16)}`,
      "01",
      "f6",
    ]) {
      expect(accepts(() => decode(c.attoFil, fromHex(bad)))).toBe(false);
    }
    expect(codeOf(() => encode(c.attoFil, attoFil(2n ** 128n)))).toBe("codec/out-of-range");
  });
  it("hold their limits in both directions", () => {
    const cases: [base.Codec<unknown>, unknown, string][] = [
      [c.uint(9) as base.Codec<unknown>, 10, "codec/out-of-range"],
      [c.uint() as base.Codec<unknown>, -1, "codec/out-of-range"],
      [c.text(3) as base.Codec<unknown>, "üü", "codec/out-of-range"],
      [c.bytes(1) as base.Codec<unknown>, new Uint8Array(2), "codec/out-of-range"],
      [c.fixedBytes(2) as base.Codec<unknown>, new Uint8Array(1), "codec/out-of-range"],
      [c.list(c.int, 1) as base.Codec<unknown>, [1, 2], "codec/too-many-items"],
      [c.literal("a") as base.Codec<unknown>, "b", "codec/out-of-range"],
    ];
    for (const [codec, value, code] of cases) {
      expect(codeOf(() => encode(codec, value))).toBe(code);
      expect(codeOf(() => decode(codec, encodeCbor(value as CborValue)))).toBe(code);
    }
    const two = new Map([
      ["a", 1],
      ["b", 2],
    ]);
    expect(codeOf(() => encode(c.map(c.int, 1), two))).toBe("codec/too-many-items");
    expect(codeOf(() => decode(c.map(c.int, 1), fromHex("a2616101616202")))).toBe("codec/too-many-items");
    expect(codeOf(() => encode(c.bigUint(1), 256n))).toBe("codec/out-of-range");
    expect(codeOf(() => decode(c.bigUint(), fromHex("4100")))).toBe("codec/out-of-range");
  });
  it("say where the wrong value is", () => {
    const bytes = encodeCbor([[true, 5]]);
    expect(() => decode(c.list(inner, 3), bytes)).toThrow("inner[][0].name is number 5, expected a text");
  });
});

describe("objects in a store", () => {
  it("come back, and a missing one is named", () => {
    const store = new MemoryBlockstore();
    const cid = putObject(store, inner, { flag: true, name: "x" });
    expect(getObject(store, inner, cid)).toEqual({ flag: true, name: "x" });
    expect(codeOf(() => getObject(new MemoryBlockstore(), inner, cid))).toBe("store/missing-block");
    expect(codeOf(() => getObject(store, c.uint(), cid))).toBe("codec/wrong-type");
  });
  it("are never larger than what can be read", () => {
    const store = new MemoryBlockstore();
    const codec = c.bytes(2 ** 21);
    expect(codeOf(() => putObject(store, codec, new Uint8Array(2 ** 20)))).toBe("codec/too-large");
    const cid = putObject(store, codec, new Uint8Array(2 ** 20 - 5));
    expect(getObject(store, codec, cid)).toHaveLength(2 ** 20 - 5);
    expect(store.blockCount).toBe(1);
  });
});
