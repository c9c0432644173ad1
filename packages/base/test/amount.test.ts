/** Amounts, sizes and durations as people type them, and the LEB128 numbers of the original. */
import * as base from "@holdfast/base";
import {
  type AttoFil,
  byteCount,
  decodeSigned,
  decodeUnsigned,
  encodeSigned,
  encodeUnsigned,
  encodeVarint,
  filText,
  formatBytes,
  formatDuration,
  formatFil,
  fromHex,
  parseBytes,
  parseDurationMs,
  parseFil,
  toHex,
  VarintReader,
} from "@holdfast/base";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { accepts, type BaseModule, codeOf, readVectors, withMutant } from "./support.ts";

const leb = readVectors<{
  signed: { value: string; hex: string }[];
  unsigned: { value: string; hex: string }[];
  invalidSigned: { hex: string; error: string }[];
  invalidUnsigned: { hex: string; error: string }[];
}>("amount/leb128.json");
const fil = readVectors<{
  valid: { text: string; atto: string; plain: string }[];
  invalid: { text: string; error: string }[];
  printed: { atto: string; plain: string }[];
}>("amount/fil.json");

describe("FIL", () => {
  it.each(fil.valid)("$text is $atto attoFIL", ({ text, atto, plain }) => {
    const amount = parseFil(text);
    expect(amount).toBe(BigInt(atto));
    expect(filText(amount)).toBe(plain);
    expect(formatFil(amount)).toBe(`${plain} FIL`);
  });
  it.each(fil.invalid)("$text is $error", ({ text, error }) => {
    expect(codeOf(() => parseFil(text))).toBe(error);
  });
  it.each(fil.printed)("$atto attoFIL are $plain", ({ atto, plain }) => {
    expect(filText(BigInt(atto) as AttoFil)).toBe(plain);
  });
  it("is read as it is printed, for all amounts", () => {
    fc.assert(
      fc.property(fc.bigInt({ min: 0n, max: 2n ** 128n - 1n }), (amount) => {
        expect(parseFil(filText(amount as AttoFil))).toBe(amount);
        expect(parseFil(formatFil(amount as AttoFil))).toBe(amount);
        expect(parseFil(`${amount}attoFIL`)).toBe(amount);
      }),
    );
  });
  it("is an amount or an error of this family, for all texts", () => {
    const piece = fc.constantFrom(
      "1",
      "0",
      ".",
      "-",
      "+",
      "FIL",
      "atto",
      " ",
      "e",
      "_",
      "٣",
      "999999999999999",
    );
    const text = fc.oneof(
      fc.string(),
      fc.array(piece).map((parts) => parts.join("")),
    );
    fc.assert(
      fc.property(text, (typed) => {
        for (const parse of [parseFil, parseBytes, parseDurationMs]) {
          if (!accepts(() => parse(typed))) expect(codeOf(() => parse(typed))).toMatch(/^amount\//);
        }
      }),
      { numRuns: 500 },
    );
  });
});

describe("sizes", () => {
  it.each([
    ["123", 123],
    ["0", 0],
    ["10GiB", 10 * 2 ** 30],
    ["10 gib", 10 * 2 ** 30],
    ["5MB", 5_000_000],
    ["1.5KiB", 1536],
    ["2kB", 2000],
    ["1PiB", 2 ** 50],
    ["7B", 7],
  ])("%s is %d bytes", (text, bytes) => {
    expect(parseBytes(text)).toBe(bytes);
  });
  it.each([
    ["1.5", "amount/too-precise"],
    ["0.1KiB", "amount/too-precise"],
    ["10G", "amount/malformed"],
    ["GiB", "amount/malformed"],
    ["-1KiB", "amount/negative"],
    ["10000PiB", "amount/overflow"],
  ])("%s is %s", (text, error) => {
    expect(codeOf(() => parseBytes(text))).toBe(error);
  });
  it.each([
    [0, "0 B"],
    [1023, "1023 B"],
    [1024, "1 KiB"],
    [1536, "1.5 KiB"],
    [2 ** 30 * 10, "10 GiB"],
    [2 ** 20 - 1, "1 MiB"],
    [266_338_304, "254 MiB"],
  ])("%d bytes are %s", (bytes, text) => {
    expect(formatBytes(byteCount(bytes))).toBe(text);
  });
});

describe("durations", () => {
  it.each([
    ["30d", 2_592_000_000],
    ["1h30m", 5_400_000],
    ["1h 30m", 5_400_000],
    ["100ms", 100],
    ["1.5h", 5_400_000],
    ["2w1d", 1_296_000_000],
    ["0s", 0],
  ])("%s is %d ms", (text, ms) => {
    expect(parseDurationMs(text)).toBe(ms);
  });
  it.each([
    ["", "amount/malformed"],
    ["30", "amount/malformed"],
    ["1m1h", "amount/malformed"],
    ["1s1s", "amount/malformed"],
    ["1y", "amount/malformed"],
    ["-1d", "amount/negative"],
    ["0.5ms", "amount/too-precise"],
    ["99999999999999d", "amount/overflow"],
  ])("%s is %s", (text, error) => {
    expect(codeOf(() => parseDurationMs(text))).toBe(error);
  });
  it("are read as they are printed", () => {
    expect(formatDuration(5_400_000)).toBe("1h30m");
    expect(formatDuration(0)).toBe("0s");
    fc.assert(
      fc.property(fc.nat(Number.MAX_SAFE_INTEGER), (ms) => {
        expect(parseDurationMs(formatDuration(ms))).toBe(ms);
      }),
    );
  });
});

/** One number has one encoding, and only that is read. */
function isCanonical(module: BaseModule): void {
  const forms = [
    [module.encodeSigned, module.decodeSigned, fc.bigInt({ min: -(2n ** 130n), max: 2n ** 130n })],
    [module.encodeUnsigned, module.decodeUnsigned, fc.bigInt({ min: 0n, max: 2n ** 130n })],
  ] as const;
  // Mostly continuation bytes and their borders, so that redundant groups come up.
  const group = fc.constantFrom(0x80, 0xff, 0x81, 0xc0, 0xbf, 0, 1, 0x3f, 0x40, 0x7f);
  for (const [encode, decode, numbers] of forms) {
    fc.assert(
      fc.property(numbers, (value) => {
        const bytes = encode(value);
        expect(decode(bytes)).toEqual({ value, length: bytes.length });
      }),
    );
    fc.assert(
      fc.property(fc.array(group, { maxLength: 6 }), (groups) => {
        const bytes = Uint8Array.from(groups);
        if (!accepts(() => decode(bytes))) return;
        const { value, length } = decode(bytes);
        expect(encode(value)).toEqual(bytes.slice(0, length));
      }),
      { numRuns: 1000 },
    );
  }
}

describe("LEB128", () => {
  it.each(leb.signed)("signed $value is $hex", ({ value, hex }) => {
    expect(toHex(encodeSigned(BigInt(value)))).toBe(hex);
    expect(decodeSigned(fromHex(hex)).value).toBe(BigInt(value));
  });
  it.each(leb.unsigned)("unsigned $value is $hex", ({ value, hex }) => {
    expect(toHex(encodeUnsigned(BigInt(value)))).toBe(hex);
    expect(decodeUnsigned(fromHex(hex)).value).toBe(BigInt(value));
  });
  it.each(leb.invalidSigned)("signed '$hex' is $error", ({ hex, error }) => {
    expect(codeOf(() => decodeSigned(fromHex(hex)))).toBe(error);
  });
  it.each(leb.invalidUnsigned)("unsigned '$hex' is $error", ({ hex, error }) => {
    expect(codeOf(() => decodeUnsigned(fromHex(hex)))).toBe(error);
  });
  it("is canonical", () => isCanonical(base));
  it("a decoder that takes redundant groups is noticed", async () => {
    const file = "leb128.ts";
    const unsigned = "if (length > 1 && bytes[length - 1] === 0) throw";
    await withMutant(file, unsigned, "if (false) throw", (mutant) => {
      expect(() => isCanonical(mutant)).toThrow();
    });
    await withMutant(file, "if (signBelow === negative) throw", "if (false) throw", (mutant) => {
      expect(() => isCanonical(mutant)).toThrow();
    });
  });

  it("frames: varints come byte by byte, one after the other", () => {
    fc.assert(
      fc.property(fc.array(fc.nat(Number.MAX_SAFE_INTEGER)), (numbers) => {
        const reader = new VarintReader();
        const read = numbers.flatMap((value) => [...encodeVarint(value)]).map((byte) => reader.push(byte));
        expect(read.filter((value) => value !== undefined)).toEqual(numbers);
      }),
    );
    const feed = (hex: string) => () => {
      const reader = new VarintReader();
      for (const byte of fromHex(hex)) reader.push(byte);
    };
    expect(codeOf(feed("8000"))).toBe("codec/non-minimal");
    expect(codeOf(feed("ffffffffffffff7f"))).toBe("codec/number-too-long");
    expect(codeOf(feed("ffffffffffffffff"))).toBe("codec/number-too-long");
  });
});
