/** Values, and encodings with faults, for the tests of the codec. */
import { type CborValue, CID, cidOfCbor, decodeCbor, encodeCbor, rawCid, utf8Bytes } from "@holdfast/base";
import fc from "fast-check";

export const anyCid = fc
  .tuple(fc.uint8Array({ maxLength: 8 }), fc.boolean())
  .map(([bytes, ours]) => (ours ? cidOfCbor(bytes) : rawCid(bytes)));
const integer = fc.oneof(
  fc.maxSafeInteger(),
  fc.integer({ min: -300, max: 70_000 }),
  fc
    .bigInt({ min: -(2n ** 64n), max: 2n ** 64n - 1n })
    .map((n) => (n >= Number.MIN_SAFE_INTEGER && n <= Number.MAX_SAFE_INTEGER ? Number(n) : n)),
);
const anyText = fc.string({ unit: "binary", maxLength: 30 });
export const key = fc.oneof(
  anyText,
  fc.constantFrom("__proto__", "/", "bytes", "asCID", "constructor", "toString"),
);

/** Every kind of value, with the keys that have hurt other programs. */
const valueWithKeys = (keys: fc.Arbitrary<string>): fc.Arbitrary<CborValue> =>
  fc.letrec<{ value: CborValue }>((tie) => ({
    value: fc.oneof(
      { maxDepth: 4, withCrossShrink: true },
      integer,
      anyText,
      fc.boolean(),
      fc.constant(null),
      fc.uint8Array({ maxLength: 40 }),
      anyCid,
      fc.array(tie("value"), { maxLength: 6 }),
      fc.array(fc.tuple(keys, tie("value")), { maxLength: 6 }).map((pairs) => Object.fromEntries(pairs)),
    ),
  })).value;
export const anyValue = valueWithKeys(key);
/** The public library takes a map whose "/" equals its "bytes" for a CID and fails. */
export const libraryValue = valueWithKeys(key.filter((name) => name !== "bytes" && name !== "asCID"));

/** Encodings with a few bytes changed, removed or doubled. */
export const mutated = fc
  .tuple(
    anyValue,
    fc.array(fc.record({ at: fc.nat(), byte: fc.nat(255), how: fc.constantFrom("set", "cut", "add") }), {
      minLength: 1,
      maxLength: 3,
    }),
  )
  .map(([value, changes]) => {
    const bytes = [...encodeCbor(value)];
    for (const { at, byte, how } of changes) {
      const place = at % (bytes.length + 1);
      if (how === "set") bytes[place] = byte;
      else if (how === "cut") bytes.splice(place, 1);
      else bytes.splice(place, 0, byte);
    }
    return Uint8Array.from(bytes);
  });
/** Heads of every major type with every length form, so that short random inputs reach deep. */
export const heads = fc
  .array(
    fc.oneof(
      fc
        .integer({ min: 0, max: 7 })
        .chain((major) => fc.constantFrom(0, 1, 2, 23, 24, 25, 26, 27, 31).map((low) => (major << 5) | low)),
      fc.constantFrom(0, 1, 24, 255, 42),
    ),
    { maxLength: 14 },
  )
  .map((list) => Uint8Array.from(list));

/** An encoder with one fault, made at the `turn`-th place where this fault can be made; else canonical. */
export type Fault = "width" | "order" | "repeat" | "zero" | "tag";
export function encodeFaulty(value: CborValue, fault: Fault, turn: number): Uint8Array {
  const out: number[] = [];
  let turns = turn;
  const hit = (kind: Fault): boolean => kind === fault && turns-- === 0;
  const head = (canonical: Uint8Array, length: number): void => {
    const first = canonical[0] ?? 0;
    const short = first & 31;
    if (short === 27 || !hit("width")) {
      out.push(...canonical.subarray(0, length));
      return;
    }
    const argument = short < 24 ? [short] : [...canonical.subarray(1, length)];
    const next = short < 24 ? 1 : argument.length * 2;
    const width = turn % 2 === 0 ? next : 8;
    out.push((first & 0xe0) | (24 + Math.log2(width)));
    out.push(...new Array<number>(width - argument.length).fill(0), ...argument);
  };
  const headLength = (first: number): number => ((first & 31) < 24 ? 1 : 1 + 2 ** ((first & 31) - 24));
  const write = (item: CborValue): void => {
    const bytes = encodeCbor(item);
    const length = headLength(bytes[0] ?? 0);
    if (item instanceof CID) {
      out.push(...(hit("tag") ? [0xd7] : [0xd8, 42]));
      const link = [...bytes.subarray(2)];
      if (hit("zero")) link[2] = 1;
      out.push(...link);
    } else if (Array.isArray(item)) {
      head(bytes, length);
      for (const member of item as CborValue[]) write(member);
    } else if (typeof item === "object" && item !== null && !(item instanceof Uint8Array)) {
      const map = item as { readonly [name: string]: CborValue };
      const names = decodedKeys(bytes);
      if (names.length > 1 && hit("order")) names.reverse();
      else if (names.length > 1 && hit("repeat")) names[1] = names[0] ?? "";
      head(bytes, length);
      for (const name of names) {
        write(name);
        write(map[name] ?? null);
      }
    } else if (typeof item === "boolean" || item === null) {
      out.push(...bytes);
    } else {
      head(bytes, length);
      out.push(...bytes.subarray(length));
    }
  };
  write(value);
  return Uint8Array.from(out);
}

/** The keys of an encoded map in the order of the encoding. */
function decodedKeys(bytes: Uint8Array): string[] {
  return Object.entries(decodeCbor(bytes) as object)
    .map(([name]) => utf8Bytes(name))
    .sort((a, b) => a.length - b.length || Buffer.compare(a, b))
    .map((name) => new TextDecoder("utf-8", { ignoreBOM: true }).decode(name));
}
