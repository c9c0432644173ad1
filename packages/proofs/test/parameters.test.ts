/**
 * Files of parameters: names that follow from the circuit, keys and descriptions that come back as they went, and
 * decoders that refuse everything that is not the one encoding.
 */
import { rawCid, toHex, utf8Bytes, utf8Text } from "@holdfast/base";
import {
  checkProvingKey,
  decodeManifest,
  decodeMeta,
  decodeProvingKey,
  decodeVerifyingKey,
  describeParameters,
  digestsOf,
  encodeManifest,
  encodeMeta,
  encodeProvingKey,
  encodeVerifyingKey,
  isCircuitId,
  isFileOf,
  isParameterFileName,
  type ManifestEntry,
  manifestEntry,
  matchesEntry,
  type ParametersMeta,
  parameterFileKinds,
  parameterFileName,
  parameterId,
  prove,
  r1csDigest,
  verifyProof,
} from "@holdfast/proofs";
import { bls12_381 } from "@noble/curves/bls12-381.js";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { entropyOf, plantedSystem, productSystem, provenProduct } from "./groth16-fixtures.ts";
import { codeOf, smallOrderPoint } from "./groth16-oracle.ts";

const { r1cs, provingKey, vk, witness, inputs, proof } = await provenProduct();
const id = "product{factors: 3}";

const point = smallOrderPoint();
const wild = new Uint8Array(96);
const { x, y } = point.toAffine();
wild.set(Buffer.from(x.toString(16).padStart(96, "0") + y.toString(16).padStart(96, "0"), "hex"));
const compressedInfinity = new Uint8Array(96).with(0, 0xc0);
const otherG1 = bls12_381.G1.Point.BASE.multiply(7n).toBytes(false);
const otherG2 = bls12_381.G2.Point.BASE.multiply(7n).toBytes(false);

function withBytes(bytes: Uint8Array, at: number, part: Uint8Array): Uint8Array {
  const changed = bytes.slice();
  changed.set(part, at);
  return changed;
}

describe("names", () => {
  it("follow from the id and the constraints", () => {
    const name = parameterId(id, r1cs);
    expect(name).toMatch(/^v1-product-[0-9a-f]{64}$/);
    expect(parameterId(id, productSystem())).toBe(name);
    expect(parameterId("product{factors: 4}", r1cs)).not.toBe(name);
    expect(parameterId(id, plantedSystem(1, { rows: 3, inputs: 2, hidden: 4 }).r1cs)).not.toBe(name);
    for (const kind of parameterFileKinds)
      expect(isParameterFileName(parameterFileName(name, kind))).toBe(true);
  });

  it("come from ids of circuits only", () => {
    for (const bad of [
      "",
      "Product",
      "product{",
      "product}x",
      "../product",
      "a b",
      'a{"}',
      "a{\\}",
      "a{\n}",
    ]) {
      expect(isCircuitId(bad)).toBe(false);
      expect(codeOf(() => parameterId(bad, r1cs))).toBe("parameters/bad-circuit-id");
    }
    expect(isCircuitId("zigzag-seal{nodes: 64; challenges: 1; key: poseidon}")).toBe(true);
  });
});

describe("verifying keys", () => {
  const bytes = encodeVerifyingKey(vk);

  it("come back as they went, also when they were read before, and a reader cannot spoil another's", () => {
    expect(bytes.length).toBe(48 + 3 * 96 + 4 + 3 * 48);
    const first = decodeVerifyingKey(bytes);
    expect(first).toEqual(vk);
    first?.ic.fill(0);
    expect(decodeVerifyingKey(bytes)).toEqual(vk);
    expect(verifyProof(decodeVerifyingKey(bytes) ?? provingKey.verifyingKey, inputs, proof)).toBe(true);
  });

  it("have one length and finite points of the subgroups", () => {
    for (const length of [0, 47, 335, 336, 339, 340, bytes.length - 1]) {
      expect(decodeVerifyingKey(bytes.subarray(0, length))).toBe(undefined);
    }
    expect(decodeVerifyingKey(new Uint8Array([...bytes, 0]))).toBe(undefined);
    expect(decodeVerifyingKey(bytes.with(339, 4))).toBe(undefined);
    expect(decodeVerifyingKey(bytes.with(336, 0xff))).toBe(undefined);
    expect(decodeVerifyingKey(withBytes(bytes.subarray(0, 340), 336, new Uint8Array(4)))).toBe(undefined);
    for (const at of [0, 48, 144, 240]) {
      expect(decodeVerifyingKey(withBytes(bytes, at, compressedInfinity))).toBe(undefined);
    }
    expect(decodeVerifyingKey(withBytes(bytes, 340, compressedInfinity.subarray(0, 48)))).toBe(undefined);
    const flag = 2n * y > bls12_381.fields.Fp.ORDER ? 0xa0 : 0x80;
    const outside = wild.slice(0, 48);
    outside[0] = (outside[0] ?? 0) | flag;
    expect(decodeVerifyingKey(withBytes(bytes, 0, outside))).toBe(undefined);
  });

  it("a changed byte makes it none, or one under which the proof does not hold", () => {
    fc.assert(
      fc.property(fc.nat(bytes.length - 1), fc.integer({ min: 1, max: 255 }), (at, flip) => {
        const changed = decodeVerifyingKey(bytes.with(at, (bytes[at] ?? 0) ^ flip));
        if (changed !== undefined) expect(verifyProof(changed, inputs, proof)).toBe(false);
      }),
      { numRuns: 60 },
    );
  });
});

describe("proving keys", () => {
  const bytes = encodeProvingKey(provingKey);

  it("come back as they went and prove", () => {
    const decoded = decodeProvingKey(bytes);
    expect(decoded).toEqual(provingKey);
    if (decoded === undefined) return;
    expect(prove(decoded, r1cs, witness, entropyOf("proof"))).toEqual(proof);
    expect(checkProvingKey(decoded, r1cs)).toEqual({ ok: true });
  });

  it("have one length, magic and version, and counts that fit", () => {
    for (let length = 0; length < bytes.length; length += 97) {
      expect(decodeProvingKey(bytes.subarray(0, length))).toBe(undefined);
    }
    expect(decodeProvingKey(new Uint8Array([...bytes, 0]))).toBe(undefined);
    for (const at of [0, 7, 11, 51, 55, 59, 63]) {
      expect(decodeProvingKey(bytes.with(at, (bytes[at] ?? 0) ^ 1))).toBe(undefined);
    }
    for (const at of [44, 48, 52, 56, 60]) expect(decodeProvingKey(bytes.with(at, 0xff))).toBe(undefined);
    // One public input more is one witness variable less: as long, but not of this circuit.
    const shifted = decodeProvingKey(bytes.with(47, 3));
    if (shifted === undefined) throw new Error("the lengths fit");
    expect(checkProvingKey(shifted, r1cs)).toEqual({ ok: false, check: "sizes" });
    expect(codeOf(() => prove(shifted, r1cs, witness, entropyOf("x")))).toBe("groth16/bad-key");
    expect(codeOf(() => encodeProvingKey({ ...provingKey, h: provingKey.h.subarray(96) }))).toBe(
      "groth16/bad-key",
    );
  });

  it("are checked before they are trusted", () => {
    const g1 = (name: "a" | "bG1" | "l" | "h", put: Uint8Array) => ({
      ...provingKey,
      [name]: withBytes(provingKey[name], 0, put),
    });
    const { r1cs: other, witness: its } = plantedSystem(1, { rows: 3, inputs: 2, hidden: 4 });
    expect(checkProvingKey(provingKey, other)).toEqual({ ok: false, check: "circuit" });
    const relabelled = { ...provingKey, circuitDigest: r1csDigest(other) };
    expect(checkProvingKey(relabelled, other)).toEqual({ ok: false, check: "sizes" });
    expect(codeOf(() => prove(relabelled, other, its, entropyOf("x")))).toBe("groth16/bad-key");
    for (const name of ["a", "bG1", "l", "h"] as const) {
      expect(checkProvingKey(g1(name, wild), r1cs)).toEqual({ ok: false, check: "subgroup" });
    }
    const bG2 = provingKey.bG2.with(100, 1);
    expect(checkProvingKey({ ...provingKey, bG2 }, r1cs)).toEqual({ ok: false, check: "subgroup" });
    expect(checkProvingKey(g1("bG1", otherG1), r1cs)).toEqual({ ok: false, check: "b" });
    const bent = { ...provingKey, bG2: withBytes(provingKey.bG2, 0, otherG2) };
    expect(checkProvingKey(bent, r1cs)).toEqual({ ok: false, check: "b" });
    expect(checkProvingKey({ ...provingKey, betaG1: otherG1 }, r1cs)).toEqual({ ok: false, check: "beta" });
    expect(checkProvingKey({ ...provingKey, deltaG1: otherG1 }, r1cs)).toEqual({ ok: false, check: "delta" });
    const infinity = new Uint8Array(96).with(0, 0x40);
    expect(checkProvingKey({ ...provingKey, deltaG1: infinity }, r1cs)).toEqual({
      ok: false,
      check: "infinity",
    });
    const unsound = { ...provingKey, verifyingKey: { ...vk, alphaG1: wild } };
    expect(checkProvingKey(unsound, r1cs)).toEqual({ ok: false, check: "verifying-key" });
  });
});

describe("descriptions", () => {
  const files = { params: encodeProvingKey(provingKey), vk: encodeVerifyingKey(vk), transcript: null };
  const meta = describeParameters(id, r1cs, files, { how: "setup" });
  const made = {
    how: "ceremony",
    phase1: ["Ada", "Bernard Łoś"],
    phase2: ["beacon"],
    lastHash: "ab".repeat(32),
  } as const;
  const whole: ParametersMeta = { ...meta, transcript: digestsOf(entropyOf("transcript")), made };
  const edited = (edit: (text: string) => string): Uint8Array => utf8Bytes(edit(utf8Text(encodeMeta(whole))));

  it("come back as they went and know their files", () => {
    expect(decodeMeta(encodeMeta(meta))).toEqual(meta);
    expect(decodeMeta(encodeMeta(whole))).toEqual(whole);
    expect(meta).toMatchObject({ publicCount: 2, variableCount: 7, constraintCount: 3, domainSize: 8 });
    expect(meta.r1csDigest).toBe(toHex(r1csDigest(r1cs)));
    expect(isFileOf(meta.params, files.params)).toBe(true);
    expect(isFileOf(meta.params, files.vk)).toBe(false);
    expect(isFileOf(meta.vk, files.vk.with(9, (files.vk[9] ?? 0) ^ 1))).toBe(false);
  });

  it("are refused with other fields, values or forms", () => {
    expect(decodeMeta(edited((text) => text))).toEqual(whole);
    const edits: ((text: string) => string)[] = [
      () => "",
      () => "null",
      () => "[]",
      () => "{}",
      (text) => text.slice(0, -3),
      (text) => text.replace('"circuitId"', '"circuitID"'),
      (text) => text.replace("{", '{"extra": 1,'),
      (text) => text.replace("{", '{"publicCount": 3,'),
      (text) => text.replace("{", '{"__proto__": {},'),
      (text) => text.replace('"publicCount": 2', '"publicCount": 2.5'),
      (text) => text.replace('"publicCount": 2', '"publicCount": -2'),
      (text) => text.replace('"publicCount": 2', '"publicCount": "2"'),
      (text) => text.replace("parameters 1", "parameters 2"),
      (text) => text.replace(meta.r1csDigest, meta.r1csDigest.toUpperCase()),
      (text) => text.replace(meta.vk.sha256, meta.vk.sha256.slice(2)),
      (text) => text.replace('"ceremony"', '"setup"'),
      (text) => text.replace('"ceremony"', '"magic"'),
      (text) => text.replace('"Ada"', '""'),
      (text) => text.replace('"Ada"', '"A\\u0064a"'),
      (text) => text.replace('"Ada"', "7"),
      (text) => text.replace(id, "../product"),
      (text) => text + " ".repeat(300_000),
    ];
    for (const edit of edits) {
      const bytes = edited(edit);
      expect(codeOf(() => decodeMeta(bytes))).toBe("parameters/malformed-meta");
    }
    expect(codeOf(() => decodeMeta(new Uint8Array([0xff])))).toBe("parameters/malformed-meta");
    const unnamed: ParametersMeta = { ...whole, made: { ...made, phase1: [] } };
    expect(codeOf(() => encodeMeta(unnamed))).toBe("parameters/malformed-meta");
  });
});

describe("parameters.json", () => {
  const file = encodeVerifyingKey(vk);
  const name = parameterFileName(parameterId(id, r1cs), "vk");
  const entry = manifestEntry(file, rawCid(file).toString(), 1024);
  const era = `v10-zigzag-proof-of-replication-${"6f".repeat(32)}`;
  const manifest = new Map<string, ManifestEntry>([
    [name, entry],
    [era, { ...entry, sectorBytes: 0 }],
  ]);
  const edited = (edit: (text: string) => string): Uint8Array =>
    utf8Bytes(edit(utf8Text(encodeManifest(manifest))));

  it("comes back as it went, in the order of names, and knows its files", () => {
    expect(decodeManifest(encodeManifest(manifest))).toEqual(manifest);
    expect(encodeManifest(new Map([...manifest].toReversed()))).toEqual(encodeManifest(manifest));
    expect(decodeManifest(encodeManifest(new Map())).size).toBe(0);
    expect(matchesEntry(entry, file)).toBe(true);
    expect(matchesEntry(entry, file.with(0, 0))).toBe(false);
    expect(matchesEntry(entry, file.subarray(1))).toBe(false);
  });

  it("refuses a document that is deeper than any of ours, without going down", () => {
    const deep = utf8Bytes("[".repeat(60_000) + "]".repeat(60_000));
    expect(() => decodeManifest(deep)).toThrow(
      expect.objectContaining({ code: "parameters/malformed-manifest" }),
    );
  });

  it("refuses names that leave the folder, and entries of another form", () => {
    for (const bad of [
      "../x",
      "/etc/passwd",
      name.toUpperCase(),
      `${name}.exe`,
      `${name}/x`,
      "",
      "__proto__",
    ]) {
      expect(isParameterFileName(bad)).toBe(false);
      const broken = new Map([[bad, entry]]);
      expect(codeOf(() => encodeManifest(broken))).toBe("parameters/malformed-manifest");
    }
    const edits: ((text: string) => string)[] = [
      () => "[]",
      () => '"',
      (text) => text.replace('"cid"', '"Cid"'),
      (text) => text.replace('"cid"', '"more": 1, "cid"'),
      (text) => text.replace('"cid"', '"cid": "bafy", "cid"'),
      (text) => text.replace(entry.cid, "bafybad"),
      (text) => text.replace(entry.cid, "cid with spaces"),
      (text) => text.replace(entry.digest, entry.digest.slice(0, 32)),
      (text) => text.replace(`"sizeBytes": ${file.length}`, '"sizeBytes": 0'),
      (text) => text.replace(`"sizeBytes": ${file.length}`, '"sizeBytes": 1e15'),
      (text) => text.replace('"sectorBytes": 1024', '"sectorBytes": null'),
      (text) => text.replace(name, era),
      (text) => `${text}{}`,
      (text) => text + " ".repeat(1_100_000),
    ];
    for (const edit of edits) {
      const bytes = edited(edit);
      expect(codeOf(() => decodeManifest(bytes))).toBe("parameters/malformed-manifest");
    }
  });
});
