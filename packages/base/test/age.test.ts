/** Encrypted files: byte for byte what the program age writes, and nothing else is ever taken for one. */
import {
  ageChunkBytes,
  ageHeaderPrefix,
  ageIdentityOfAccount,
  ageLayout,
  ageNonceBytes,
  agePayloadBytes,
  agePayloadKey,
  ageRecipientOf,
  ageSealedChunkBytes,
  concatBytes,
  equalBytes,
  fileSecretOfAccount,
  fromHex,
  isAgeHeaderOf,
  nobleKernel,
  openAgeChunk,
  parseAgeHeader,
  parseAgeIdentity,
  parseAgeRecipient,
  printAgeHeader,
  printAgeIdentity,
  printAgeRecipient,
  sealAgeChunk,
  sha256,
  toHex,
  unwrapAgeFileKey,
  utf8Bytes,
  utf8Text,
  wrapAgeFileKey,
} from "@holdfast/base";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { readVectors } from "./crypto-vectors.ts";

interface AgeVectors {
  readonly identities: { readonly [recipient: string]: string };
  readonly files: readonly {
    readonly plainBytes: number;
    readonly recipients: readonly string[];
    readonly drawn: readonly string[];
    readonly header: string;
    readonly sealedBytes: number;
    readonly sealedSha256: string;
    readonly sealed?: string;
  }[];
}
const { identities, files } = readVectors("age") as AgeVectors;

const pattern = (bytes: number): Uint8Array => Uint8Array.from({ length: bytes }, (_none, i) => 31 * i + 7);

interface Secrets {
  readonly fileKey: Uint8Array;
  readonly ephemerals: readonly Uint8Array[];
  readonly nonce: Uint8Array;
}

function seal(plain: Uint8Array, recipients: readonly Uint8Array[], secrets: Secrets): Uint8Array {
  const { fileKey, ephemerals, nonce } = secrets;
  const stanzas = recipients.map((recipient, i) =>
    wrapAgeFileKey(fileKey, recipient, ephemerals[i] ?? new Uint8Array(32).fill(1)),
  );
  const key = agePayloadKey(fileKey, nonce);
  const { chunks } = ageLayout(agePayloadBytes(plain.length));
  const parts = Array.from({ length: chunks }, (_none, i) =>
    sealAgeChunk(key, i, i === chunks - 1, plain.subarray(i * ageChunkBytes, (i + 1) * ageChunkBytes)),
  );
  return concatBytes(printAgeHeader(stanzas, fileKey), nonce, ...parts);
}

/** Errors as the parts'; `undefined` if it is not for this identity. */
function open(sealed: Uint8Array, identity: Uint8Array): Uint8Array | undefined {
  const header = parseAgeHeader(sealed);
  const fileKey = unwrapAgeFileKey(header.stanzas, identity);
  if (fileKey === undefined) return undefined;
  if (!isAgeHeaderOf(header, fileKey)) throw new TypeError("the header was changed");
  const nonce = sealed.subarray(header.lengthBytes, header.lengthBytes + ageNonceBytes);
  const payload = sealed.subarray(header.lengthBytes + ageNonceBytes);
  const { chunks } = ageLayout(payload.length);
  const key = agePayloadKey(fileKey, nonce);
  return concatBytes(
    ...Array.from({ length: chunks }, (_none, i) => {
      const part = payload.subarray(i * ageSealedChunkBytes, (i + 1) * ageSealedChunkBytes);
      return openAgeChunk(key, i, i === chunks - 1, part);
    }),
  );
}

function thrownBy(work: () => unknown): unknown {
  try {
    work();
  } catch (error) {
    return error;
  }
  return undefined;
}

const bytesOf = (length: number) => fc.uint8Array({ minLength: length, maxLength: length });
const secrets = fc.record({
  fileKey: bytesOf(16),
  ephemerals: fc.array(bytesOf(32), { minLength: 3, maxLength: 3 }),
  nonce: bytesOf(16),
});

describe("what age writes", () => {
  it("is written here to the byte, and read", () => {
    expect(files.length).toBeGreaterThan(5);
    for (const { plainBytes, recipients, drawn, header, sealedBytes, sealedSha256, sealed } of files) {
      const [fileKey = new Uint8Array(0), ...rest] = drawn.map(fromHex);
      const own = { fileKey, ephemerals: rest.slice(0, -1), nonce: rest.at(-1) ?? fileKey };
      const made = seal(pattern(plainBytes), recipients.map(parseAgeRecipient), own);
      expect(utf8Text(made.subarray(0, header.length))).toBe(header);
      expect(made.length).toBe(sealedBytes);
      expect(toHex(sha256(made))).toBe(sealedSha256);
      if (sealed !== undefined) expect(toHex(made)).toBe(sealed);
      for (const recipient of recipients) {
        const opened = open(made, parseAgeIdentity(identities[recipient] ?? ""));
        expect(equalBytes(opened ?? new Uint8Array(1), pattern(plainBytes))).toBe(true);
      }
    }
  });
  it("has keys in the same texts", () => {
    for (const [recipient, text] of Object.entries(identities)) {
      const identity = parseAgeIdentity(text);
      expect(printAgeIdentity(identity)).toBe(text);
      expect(parseAgeIdentity(text.toLowerCase())).toEqual(identity);
      expect(printAgeRecipient(ageRecipientOf(identity))).toBe(recipient);
    }
  });
});

describe("an encrypted file", () => {
  it("is for its recipients and for nobody else", () => {
    fc.assert(
      fc.property(
        secrets,
        bytesOf(32),
        bytesOf(32),
        fc.uint8Array({ maxLength: 300 }),
        (own, one, two, plain) => {
          const sealed = seal(plain, [ageRecipientOf(one)], own);
          expect(open(sealed, one)).toEqual(plain);
          const isOther = toHex(ageRecipientOf(two)) !== toHex(ageRecipientOf(one));
          if (isOther) expect(open(sealed, two)).toBe(undefined);
        },
      ),
      { numRuns: 20 },
    );
  });
  it("that is changed anywhere, cut or lengthened is never read as something else", () => {
    const identity = new Uint8Array(32).fill(5);
    const own = { fileKey: pattern(16), ephemerals: [], nonce: pattern(16) };
    const sealed = seal(pattern(70_000), [ageRecipientOf(identity)], own);
    const { lengthBytes } = parseAgeHeader(sealed);
    const read = (bytes: Uint8Array): Uint8Array | "refused" => {
      try {
        return open(bytes, identity) ?? "refused";
      } catch {
        return "refused";
      }
    };
    const change = fc.oneof(
      fc.record({ at: fc.nat(lengthBytes + 200), flip: fc.integer({ min: 1, max: 255 }) }),
      fc.record({ at: fc.nat(sealed.length - 1), flip: fc.integer({ min: 1, max: 255 }) }),
      fc.record({ at: fc.nat(sealed.length - 1), flip: fc.constant(0) }),
    );
    fc.assert(
      fc.property(change, ({ at, flip }) => {
        const bad = flip === 0 ? sealed.slice(0, at) : sealed.slice();
        if (flip !== 0) bad[at] = (bad[at] ?? 0) ^ flip;
        expect(read(bad)).toBe("refused");
      }),
      { numRuns: 40 },
    );
    expect(read(concatBytes(sealed, new Uint8Array(1)))).toBe("refused");
    expect(read(concatBytes(sealed, new Uint8Array(ageSealedChunkBytes)))).toBe("refused");
    // Two whole parts that change places, and a last part that is left out.
    const start = lengthBytes + ageNonceBytes;
    const long = seal(pattern(3 * ageChunkBytes), [ageRecipientOf(identity)], own);
    const part = (i: number): Uint8Array =>
      long.subarray(start + i * ageSealedChunkBytes, start + (i + 1) * ageSealedChunkBytes);
    expect(toHex(sha256(open(long, identity) ?? long))).toBe(toHex(sha256(pattern(3 * ageChunkBytes))));
    expect(read(concatBytes(long.subarray(0, start), part(1), part(0), part(2)))).toBe("refused");
    expect(read(concatBytes(long.subarray(0, start), part(0), part(1)))).toBe("refused");
  });
});

describe("a header", () => {
  const identity = new Uint8Array(32).fill(9);
  const fileKey = pattern(16);
  const stanza = wrapAgeFileKey(fileKey, ageRecipientOf(identity), new Uint8Array(32).fill(3));
  const ours = { type: "holdfast/1", args: ["file"], body: new Uint8Array(0) };
  const text = utf8Text(printAgeHeader([ours, stanza], fileKey));

  it("may have stanzas that others do not know, of bodies of any length", () => {
    for (const length of [0, 1, 47, 48, 49, 96, 200]) {
      const other = { type: "other", args: ["~a!", "b"], body: pattern(length) };
      const bytes = printAgeHeader([other, stanza], fileKey);
      const read = parseAgeHeader(concatBytes(bytes, pattern(100)));
      expect(read.stanzas).toEqual([other, stanza]);
      expect(read.lengthBytes).toBe(bytes.length);
      expect(isAgeHeaderOf(read, fileKey)).toBe(true);
      expect(isAgeHeaderOf(read, pattern(16).reverse())).toBe(false);
      expect(unwrapAgeFileKey(read.stanzas, identity)).toEqual(fileKey);
    }
    const prefix = ageHeaderPrefix("holdfast/1");
    expect(text.startsWith(utf8Text(prefix))).toBe(true);
  });
  const bad: readonly (readonly [string, string])[] = [
    ["another format", text.replace("v1", "v2")],
    ["no end", text.slice(0, -1)],
    ["no MAC", text.replace(/\n--- .*/, "\n---")],
    ["a short MAC", text.replace(/(\n--- .{20}).*/, "$1")],
    ["padding", text.replace(/(\n--- .*)/, "$1=")],
    ["nobody who can open it", `${text.split("\n")[0]}\n${text.split("\n").at(-2)}\n`],
    ["two spaces", text.replace("-> X", "->  X")],
    ["an arrow alone", text.replace("-> X25519", "->X25519")],
    ["carriage returns", text.replaceAll("\n", "\r\n")],
    ["a body of too long a line", text.replace(/(X25519 .*\n)/, `$1${"A".repeat(65)}\n`)],
    ["base64 with bits left over", text.replace(/(\n--- .{42})./, "$1B")],
    ["nothing", ""],
  ];
  for (const [name, given] of bad) {
    it(`is refused with ${name}`, () => {
      expect(thrownBy(() => parseAgeHeader(utf8Bytes(given)))).toMatchObject({ code: "age/malformed" });
    });
  }
  it("is bounded: in bytes and in stanzas", () => {
    const many = printAgeHeader(new Array(65).fill(ours), fileKey);
    expect(thrownBy(() => parseAgeHeader(many))).toMatchObject({ code: "age/malformed" });
    const long = printAgeHeader([{ ...ours, body: new Uint8Array(20_000) }], fileKey);
    expect(thrownBy(() => parseAgeHeader(long))).toMatchObject({ code: "age/malformed" });
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
        const glued = concatBytes(utf8Bytes("age-encryption.org/v1\n"), bytes);
        expect(thrownBy(() => parseAgeHeader(glued))).toMatchObject({ code: "age/malformed" });
      }),
      { numRuns: 100 },
    );
  });
  it("with a point of small order, or a key of another length, gives no key", () => {
    for (const share of ["A".repeat(43), `AQ${"A".repeat(41)}`]) {
      const evil = { ...stanza, args: [share] };
      expect(thrownBy(() => unwrapAgeFileKey([evil], identity))).toMatchObject({ code: "age/malformed" });
    }
    for (const evil of [
      { ...stanza, args: [] },
      { ...stanza, body: pattern(31) },
    ]) {
      expect(thrownBy(() => unwrapAgeFileKey([evil], identity))).toMatchObject({ code: "age/malformed" });
    }
    const weak = () => wrapAgeFileKey(fileKey, new Uint8Array(32), new Uint8Array(32).fill(3));
    expect(thrownBy(weak)).toMatchObject({ code: "age/bad-recipient" });
  });
});

describe("the keys of an account", () => {
  it("are the same for ever, and each is for one thing", () => {
    const key = new Uint8Array(32).fill(1);
    const identity = ageIdentityOfAccount(key);
    expect(printAgeIdentity(identity)).toMatchInlineSnapshot(
      `"AGE-SECRET-KEY-1E9TZQ702573EEVE8PTYD9ND98RWM29UUN2MQGN0M6L2CUDVSPNWQ4CM46J"`,
    );
    expect(toHex(fileSecretOfAccount(key, utf8Bytes("x")))).toMatchInlineSnapshot(
      `"798f2e38662a2b09437d01f814aeddbfecf8fbaccf1fb83212e0c57a122a03db"`,
    );
    expect(toHex(fileSecretOfAccount(key, utf8Bytes("y")))).not.toBe(
      toHex(fileSecretOfAccount(key, utf8Bytes("x"))),
    );
    expect(toHex(identity)).not.toBe(toHex(nobleKernel.sha256(key)));
  });
  it("are refused as texts with a lost or changed character", () => {
    const text = printAgeRecipient(ageRecipientOf(new Uint8Array(32).fill(2)));
    for (const wrong of [
      text.slice(1),
      text.slice(0, -1),
      `${text}q`,
      text.toUpperCase(),
      text.replace(/.$/, "b"),
      "",
    ]) {
      expect(
        thrownBy(() => parseAgeRecipient(wrong)),
        wrong,
      ).toMatchObject({ code: "age/bad-recipient" });
    }
    const secret = printAgeIdentity(new Uint8Array(32).fill(2));
    for (const wrong of [text, secret.slice(0, -1), `${secret.slice(0, -1)}q`]) {
      expect(
        thrownBy(() => parseAgeIdentity(wrong)),
        wrong,
      ).toMatchObject({ code: "age/bad-identity" });
    }
  });
});
