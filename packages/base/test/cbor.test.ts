/** DAG-CBOR: canonical, bounded, and closed: whatever the bytes, a value or an error of this package. */
import * as base from "@holdfast/base";
import {
  type CborValue,
  CID,
  c,
  decode,
  decodeCbor,
  encodeCbor,
  fromHex,
  rawCid,
  toHex,
  utf8Bytes,
} from "@holdfast/base";
import * as dagCbor from "@ipld/dag-cbor";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { anyValue, encodeFaulty, type Fault, heads, libraryValue, mutated } from "./cbor-values.ts";
import { accepts, type BaseModule, codeOf, withMutant } from "./support.ts";

/** What is accepted encodes to the same bytes; what is refused is refused with an operating error. */
function isCanonical(module: BaseModule, numRuns: number): void {
  const check = (bytes: Uint8Array): void => {
    if (!accepts(() => module.decodeCbor(bytes))) return;
    expect(toHex(module.encodeCbor(module.decodeCbor(bytes)))).toBe(toHex(bytes));
  };
  fc.assert(fc.property(fc.uint8Array({ maxLength: 60 }), check), { numRuns, endOnFailure: module !== base });
  fc.assert(fc.property(mutated, check), { numRuns, endOnFailure: module !== base });
  fc.assert(fc.property(heads, check), { numRuns, endOnFailure: module !== base });
  const fault = fc.constantFrom<Fault>("width", "order", "repeat", "zero", "tag");
  const faulty = fc.tuple(anyValue, fault, fc.nat(4)).map((choice) => encodeFaulty(...choice));
  fc.assert(fc.property(faulty, check), { numRuns, endOnFailure: module !== base });
}

/** Values survive, and the public DAG-CBOR library writes and reads the same bytes. */
function agreesWithDagCbor(module: BaseModule, numRuns: number): void {
  fc.assert(
    fc.property(libraryValue, (value) => {
      const bytes = module.encodeCbor(value);
      expect(toHex(bytes)).toBe(toHex(dagCbor.encode(value)));
      expect(toHex(module.encodeCbor(module.decodeCbor(bytes)))).toBe(toHex(bytes));
    }),
    { numRuns, endOnFailure: module !== base },
  );
}

const encodings: readonly (readonly [hex: string, value: CborValue])[] = [
  ["00", 0],
  ["1818", 24],
  ["1b001fffffffffffff", Number.MAX_SAFE_INTEGER],
  ["1b0020000000000000", 2n ** 53n],
  ["1bffffffffffffffff", 2n ** 64n - 1n],
  ["20", -1],
  ["3b001ffffffffffffe", -Number.MAX_SAFE_INTEGER],
  ["3b001fffffffffffff", -(2n ** 53n)],
  ["3bffffffffffffffff", -(2n ** 64n)],
  ["60", ""],
  ["62c3bc", "ü"],
  ["f4", false],
  ["f5", true],
  ["f6", null],
  ["80", []],
  ["a0", {}],
  ["a2616202626161 01", { b: 2, aa: 1 }],
];

const refusals: readonly (readonly [hex: string, code: string | undefined, what: string])[] = [
  ["", "codec/truncated", "nothing"],
  ["18", "codec/truncated", "a head without its byte"],
  ["1800", "codec/non-minimal", "0 in two bytes"],
  ["1817", "codec/non-minimal", "23 in two bytes"],
  ["1900ff", "codec/non-minimal", "255 in three bytes"],
  ["1a0000ffff", "codec/non-minimal", "65535 in five bytes"],
  ["1b00000000ffffffff", "codec/non-minimal", "2^32 - 1 in nine bytes"],
  ["3818", undefined, "-25"],
  ["3817", "codec/non-minimal", "-24 in two bytes"],
  ["580100", "codec/non-minimal", "a length in two bytes"],
  ["1c", "codec/unsupported", "a reserved length"],
  ["1f", "codec/unsupported", "an indefinite integer"],
  ["5f4100ff", "codec/unsupported", "an indefinite byte string"],
  ["7f6161ff", "codec/unsupported", "an indefinite text"],
  ["9fff", "codec/unsupported", "an indefinite list"],
  ["bfff", "codec/unsupported", "an indefinite map"],
  ["f7", "codec/unsupported", "undefined"],
  ["f800", "codec/unsupported", "a simple value"],
  ["e0", "codec/unsupported", "a simple value"],
  ["f93c00", "codec/unsupported", "a float of 2 bytes"],
  ["fa3f800000", "codec/unsupported", "a float of 4 bytes"],
  ["fb3ff0000000000000", "codec/unsupported", "a float of 8 bytes"],
  ["ff", "codec/unsupported", "a break"],
  ["0000", "codec/trailing-bytes", "a byte after the end"],
  ["61ff", "base/invalid-utf8", "no UTF-8"],
  ["63eda080", "base/invalid-utf8", "a surrogate"],
  ["a10101", "codec/unsupported", "a number as a key"],
  ["a2616101616101", "codec/unsorted-keys", "a repeated key"],
  ["a2616201616101", "codec/unsorted-keys", "keys out of order"],
  ["a262616101616201", "codec/unsorted-keys", "the longer key first"],
  ["c100", "codec/unsupported", "a time"],
  ["c24101", "codec/unsupported", "a big number"],
  ["d82a00", "codec/unsupported", "a link that is a number"],
  ["d82a40", "codec/unsupported", "an empty link"],
  ["d82a4101", "codec/unsupported", "a link without the zero"],
  ["d82a4100", "cid/malformed", "a link to nothing"],
  ["d82a450001551200", undefined, "a CID with an empty digest"],
  ["d82a46000155120000", "cid/malformed", "a CID with a byte after its end"],
  ["d82a4600015512", "codec/truncated", "a link that ends too early"],
];

describe("canonical DAG-CBOR", () => {
  it("has floats of 64 bits alone, and only for who reads nodes of others", () => {
    const floats = (hex: string) => decodeCbor(fromHex(hex), { floats: true });
    expect(floats("82fb3ff8000000000000fbc010666666666666")).toEqual([1.5, -4.1]);
    expect(() => floats("f93e00")).toThrow(expect.objectContaining({ code: "codec/unsupported" }));
    expect(() => floats("fb7ff0000000000000")).toThrow(
      expect.objectContaining({ code: "codec/unsupported" }),
    );
    expect(() => floats("fb3ff800")).toThrow(expect.objectContaining({ code: "codec/truncated" }));
  });
  it("is what the public library writes", () => agreesWithDagCbor(base, 500));
  it("has one encoding for each value", () => isCanonical(base, 2000));
  it("gives values back", () => {
    fc.assert(
      fc.property(anyValue, (value) => {
        expect(decodeCbor(encodeCbor(value))).toEqual(value);
      }),
      { numRuns: 500 },
    );
  });
  it("is read as the public library reads it", () => {
    const plain = fc.oneof(mutated, heads, fc.uint8Array({ maxLength: 30 }));
    fc.assert(
      fc.property(plain, (bytes) => {
        // The library accepts floats and more; what we accept, it accepts with the same meaning.
        if (!accepts(() => decodeCbor(bytes)) || toHex(bytes).includes(toHex(utf8Bytes("bytes")))) return;
        expect(toHex(dagCbor.encode(dagCbor.decode(bytes)))).toBe(toHex(bytes));
      }),
      { numRuns: 2000 },
    );
  });

  it.each(encodings)("%s is a value", (hex, value) => {
    expect(decodeCbor(fromHex(hex.replace(" ", "")))).toEqual(value);
    expect(toHex(encodeCbor(value))).toBe(hex.replace(" ", ""));
  });

  it.each(refusals)("%s: %s (%s)", (hex, code) => {
    const run = () => decodeCbor(fromHex(hex));
    if (code === undefined) expect(toHex(encodeCbor(run()))).toBe(hex);
    else expect(codeOf(run)).toBe(code);
  });
});

describe("traps", () => {
  it("never takes a map for a link", () => {
    // A map whose "/" equals its "bytes" passes for a CID with libraries that look at the shape.
    const trap = { "/": "x", bytes: "x" };
    expect(decodeCbor(encodeCbor(trap))).toEqual(trap);
    expect(codeOf(() => decode(c.cid, encodeCbor(trap)))).toBe("codec/wrong-type");
    expect(decodeCbor(encodeCbor({ asCID: true, version: 1, multihash: null }))).not.toBeInstanceOf(CID);
  });
  it("keeps the key __proto__ a key", () => {
    const bytes = fromHex("a1695f5f70726f746f5f5fa1636162630 1".replace(" ", ""));
    const value = decodeCbor(bytes) as { readonly [key: string]: unknown };
    expect(Object.getPrototypeOf(value)).toBe(Object.prototype);
    expect(Object.keys(value)).toEqual(["__proto__"]);
    expect(toHex(encodeCbor(decodeCbor(bytes)))).toBe(toHex(bytes));
  });
  it("does not alias the input", () => {
    const bytes = encodeCbor(Uint8Array.of(1, 2, 3));
    const link = encodeCbor(rawCid(bytes));
    // slice() of a Buffer is a view, unlike slice() of its base class.
    for (const copy of [
      (from: Uint8Array) => new Uint8Array(from),
      (from: Uint8Array) => Buffer.from(from),
    ]) {
      const [first, second] = [copy(bytes), copy(link)];
      const values = [decodeCbor(first), decodeCbor(second)];
      first.fill(0);
      second.fill(0);
      expect(values.map((value) => toHex(encodeCbor(value)))).toEqual([toHex(bytes), toHex(link)]);
    }
  });
  it("refuses to write what it could not read", () => {
    const bad: unknown[] = [
      1.5,
      Number.NaN,
      Number.POSITIVE_INFINITY,
      2 ** 53,
      2n ** 64n,
      -(2n ** 64n) - 1n,
      undefined,
      () => 0,
    ];
    bad.push(Symbol("x"), new Map(), new Date(0), [undefined], { a: undefined });
    for (const value of bad) expect(codeOf(() => encodeCbor(value as CborValue))).toBe("codec/unencodable");
    expect(codeOf(() => encodeCbor("\ud800"))).toBe("base/invalid-utf8");
    const circle: CborValue[] = [];
    circle.push(circle);
    expect(codeOf(() => encodeCbor(circle))).toBe("codec/too-deep");
  });
});

describe("limits", () => {
  const nested = (depth: number, inner = "00") => fromHex("81".repeat(depth) + inner);
  it("of depth: 128 levels, no more, however deep the bomb", () => {
    expect(accepts(() => decodeCbor(nested(128)))).toBe(true);
    for (const depth of [129, 200, 100_000])
      expect(codeOf(() => decodeCbor(nested(depth)))).toBe("codec/too-deep");
    expect(codeOf(() => decodeCbor(fromHex(`${"a16161".repeat(200)}00`)))).toBe("codec/too-deep");
    expect(codeOf(() => decodeCbor(fromHex("d82a".repeat(100_000))))).toBe("codec/unsupported");
    expect(accepts(() => decodeCbor(nested(3), { maxDepth: 3 }))).toBe(true);
    expect(codeOf(() => decodeCbor(nested(4), { maxDepth: 3 }))).toBe("codec/too-deep");
  });
  it("of claimed lengths: refused before anything is allocated", () => {
    for (const head of ["5b", "7b", "9b", "bb", "db"]) {
      for (const length of ["7fffffffffffffff", "ffffffffffffffff", "0000000100000000", "001fffffffffffff"]) {
        expect(codeOf(() => decodeCbor(fromHex(head + length)))).toMatch(/^codec\/(truncated|unsupported)$/);
      }
    }
    for (const hex of ["5affffffff", "7affffffff00", "9affffffff00", "baffffffff6161"]) {
      expect(codeOf(() => decodeCbor(fromHex(hex)))).toBe("codec/truncated");
    }
    // A map of n entries needs 2n bytes.
    expect(codeOf(() => decodeCbor(fromHex("a2616100")))).toBe("codec/truncated");
  });
  it("of size and of members", () => {
    const list = encodeCbor(new Array<number>(1000).fill(0));
    expect(codeOf(() => decodeCbor(list, { maxBytes: 999 }))).toBe("codec/too-large");
    expect(codeOf(() => decodeCbor(list, { maxItems: 999 }))).toBe("codec/too-many-items");
    expect(accepts(() => decodeCbor(list, { maxItems: 1000 }))).toBe(true);
    expect(
      codeOf(() =>
        decodeCbor(
          encodeCbor([
            [1, 2],
            [3, 4],
          ]),
          { maxItems: 5 },
        ),
      ),
    ).toBe("codec/too-many-items");
    expect(codeOf(() => decodeCbor(new Uint8Array(2 ** 20 + 1)))).toBe("codec/too-large");
  });
});

describe("planted faults are noticed:", () => {
  const faults: [what: string, file: string, from: string, to: string][] = [
    ["longer forms accepted", "codec/decode.ts", "if (value < smallest) throw", "if (value < 0) throw"],
    ["64-bit forms of short numbers", "codec/decode.ts", "if (high === 0) throw", "if (high < 0) throw"],
    ["keys out of order", "codec/decode.ts", "compareKeys(before, keyBytes) >= 0", "false"],
    [
      "repeated keys",
      "codec/decode.ts",
      "compareKeys(before, keyBytes) >= 0",
      "compareKeys(before, keyBytes) > 0",
    ],
    ["links without the zero", "codec/decode.ts", "if (bytes[0] !== 0) throw", "if (bytes[0] === 99) throw"],
    ["other tags taken for links", "codec/decode.ts", "!== cidTag", "=== undefined"],
  ];
  it.each(faults)("%s", async (_what, file, from, to) => {
    await withMutant(file, from, to, (mutant) => expect(() => isCanonical(mutant, 3000)).toThrow());
  });
  it("keys sorted as text instead of by length", async () => {
    await withMutant(
      "codec/encode.ts",
      "a.length === b.length ? compareBytes(a, b) : a.length - b.length",
      "compareBytes(a, b)",
      (mutant) => expect(() => agreesWithDagCbor(mutant, 500)).toThrow(),
    );
  });
});
