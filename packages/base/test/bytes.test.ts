/** Bytes, text and content ids. */
import {
  bigEndian,
  CID,
  cidFromBytes,
  cidOfCbor,
  compareBytes,
  concatBytes,
  equalBytes,
  fromHex,
  littleEndian,
  minimalBigEndian,
  parseCid,
  rawCid,
  readBigEndian,
  readLittleEndian,
  toHex,
  utf8Bytes,
  utf8Text,
  verifyCid,
} from "@holdfast/base";
import fc from "fast-check";
import { base36 } from "multiformats/bases/base36";
import { base58btc } from "multiformats/bases/base58";
import { describe, expect, it } from "vitest";
import { accepts, codeOf } from "./support.ts";

const bytes = fc.uint8Array({ maxLength: 40 });

describe("text", () => {
  it("is encoded as the platform does", () => {
    const encoder = new TextEncoder();
    fc.assert(
      fc.property(fc.string({ unit: "binary" }), (text) => {
        expect(utf8Bytes(text)).toEqual(encoder.encode(text));
        expect(utf8Text(utf8Bytes(text))).toBe(text);
      }),
      { numRuns: 500 },
    );
  });
  it("is decoded exactly when the platform's strict decoder does", () => {
    const decoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });
    const edge = fc.constantFrom(
      0xc0,
      0xc1,
      0xc2,
      0xdf,
      0xe0,
      0xed,
      0xef,
      0xf0,
      0xf4,
      0xf5,
      0x80,
      0x8f,
      0x90,
      0x9f,
      0xa0,
      0xbf,
      0x41,
    );
    const input = fc.oneof(
      bytes,
      fc.array(edge, { maxLength: 6 }).map((list) => Uint8Array.from(list)),
    );
    const platform = (given: Uint8Array): string | undefined => {
      try {
        return decoder.decode(given);
      } catch {
        return undefined;
      }
    };
    fc.assert(
      fc.property(input, (given) => {
        const expected = platform(given);
        if (expected === undefined) expect(codeOf(() => utf8Text(given))).toBe("base/invalid-utf8");
        else expect(utf8Text(given)).toBe(expected);
      }),
      { numRuns: 3000 },
    );
  });
  it("has no lone surrogates", () => {
    for (const text of ["\ud800", "a\udc00", "\ud800x", "é\udfff"]) {
      expect(codeOf(() => utf8Bytes(text))).toBe("base/invalid-utf8");
    }
  });
});

describe("numbers and hexadecimal", () => {
  it("are read as they are written", () => {
    fc.assert(
      fc.property(bytes, fc.bigInt({ min: 0n, max: 2n ** 96n - 1n }), (some, value) => {
        expect(fromHex(toHex(some))).toEqual(some);
        expect(fromHex(toHex(some).toUpperCase())).toEqual(some);
        expect(readBigEndian(bigEndian(value, 12))).toBe(value);
        expect(readLittleEndian(littleEndian(value, 12))).toBe(value);
        expect(readBigEndian(minimalBigEndian(value))).toBe(value);
        expect(minimalBigEndian(value)[0]).not.toBe(0);
      }),
    );
    expect(toHex(bigEndian(258, 4))).toBe("00000102");
    expect(toHex(littleEndian(258, 4))).toBe("02010000");
    expect(minimalBigEndian(0n)).toEqual(new Uint8Array(0));
    expect(() => bigEndian(256, 1)).toThrow("broken invariant");
    expect(() => bigEndian(-1, 1)).toThrow("broken invariant");
  });
  it("refuses what is not hexadecimal", () => {
    for (const text of ["0", "0g", "zz", "0x00", " 00", "00é0", "@0", "`0", "/0", ":0"]) {
      expect(codeOf(() => fromHex(text))).toBe("codec/bad-hex");
    }
  });
  it("compare and join as lists of bytes", () => {
    fc.assert(
      fc.property(bytes, bytes, (a, b) => {
        expect(Math.sign(compareBytes(a, b))).toBe(Buffer.compare(a, b));
        expect(equalBytes(a, b)).toBe(Buffer.compare(a, b) === 0);
        expect(concatBytes(a, b)).toEqual(Uint8Array.from([...a, ...b]));
      }),
    );
  });
});

describe("content ids", () => {
  const content = utf8Bytes("hello");
  it("name objects and raw leaves as IPFS does", () => {
    // The raw block "hello" (SHA-256 2cf24dba…), as every IPFS program names it.
    expect(rawCid(content).toString()).toBe("bafkreibm6jg3ux5qumhcn2b3flc3tyu6dmlb4xa7u5bf44yegnrjhc4yeq");
    // The empty HAMT of Filecoin's actors: 824080.
    expect(cidOfCbor(fromHex("824080")).toString()).toBe(
      "bafy2bzaceamp42wmmgr2g2ymg46euououzfyck7szknvfacqscohrvaikwfay",
    );
  });
  it("are read in every usual base", () => {
    const cid = rawCid(content);
    for (const text of [cid.toString(), cid.toString(base58btc), cid.toString(base36)]) {
      expect(parseCid(text).equals(cid)).toBe(true);
    }
    const zero = "QmT5NvUtoM5nWFfrQdVrFtvGfKFmG7AHE8P34isapyhCxX";
    expect(parseCid(zero).toString()).toBe(zero);
    expect(cidFromBytes(parseCid(zero).bytes).version).toBe(0);
  });
  it("verify their content", () => {
    for (const cid of [
      rawCid(content),
      cidOfCbor(content),
      cidFromBytes(fromHex("015500056 8656c6c6f".replace(" ", ""))),
    ]) {
      expect(verifyCid(cid, content)).toBe(true);
      expect(verifyCid(cid, utf8Bytes("hellp"))).toBe(false);
      expect(verifyCid(cid, new Uint8Array(0))).toBe(false);
    }
    const sha512 = cidFromBytes(concatBytes(fromHex("01551340"), new Uint8Array(64)));
    expect(verifyCid(sha512, content)).toBe(false);
  });
});

describe("content ids that are none", () => {
  it.each([
    "",
    "b",
    "bafkrei",
    "not a cid",
    "QmT5NvUtoM5nWFfrQdVrFtvGfKFmG7AHE8P34isapyhCx",
    "bafkreibm6jg3ux5qumhcn2b3flc3tyu6dmlb4xa7u5bf44yegnrjhc4yer",
    `b${"a".repeat(600)}`,
  ])("refuse the text '%s'", (text) => {
    expect(codeOf(() => parseCid(text))).toBe("cid/malformed");
  });
  it.each([
    ["", "nothing"],
    ["01", "a version alone"],
    ["02551200", "another version"],
    ["8100551200", "a version of two bytes"],
    ["01d500120100", "a codec of two bytes instead of one"],
    ["0155928000 00", "a hash code in a longer form"],
    ["01551281", "an unfinished length"],
    ["0155120200", "a digest that is too short"],
    ["015512010000", "a byte after the end"],
    [`01550081 01${"00".repeat(129)}`, "an identity digest of 129 bytes"],
    [`1220${"00".repeat(33)}`, "version 0 with 33 bytes"],
    ["01ffffffffff0f1200", "a codec beyond all codecs"],
  ])("refuse the bytes %s: %s", (hex) => {
    expect(codeOf(() => cidFromBytes(fromHex(hex.replace(" ", ""))))).toBe("cid/malformed");
  });
  it("have one binary form", () => {
    const edge = fc.constantFrom(0x00, 0x01, 0x02, 0x12, 0x20, 0x55, 0x71, 0x80, 0x81, 0xff, 0x92);
    const input = fc.array(edge, { maxLength: 12 }).map((list) => Uint8Array.from([0x01, ...list]));
    fc.assert(
      fc.property(input, (given) => {
        if (!accepts(() => cidFromBytes(given))) return;
        const cid = cidFromBytes(given);
        expect(cid.bytes).toEqual(given);
        expect(CID.parse(cid.toString()).equals(cid)).toBe(true);
      }),
      { numRuns: 5000 },
    );
  });
});
