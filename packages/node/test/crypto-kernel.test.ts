/** The native kernel gives the known answers and agrees with noble; no back end is a silent fallback. */
import { readFileSync } from "node:fs";
import { type CryptoKernel, installCryptoKernel, nobleKernel } from "@holdfast/base";
import { type CryptoVectors, cryptoSuite } from "@holdfast/base/testing";
import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { agreesWithReference, kernelSample, kernelSampleKey, knownAnswers } from "../src/kernel-answers.ts";
import { buildNativeKernel, installNativeKernels } from "../src/kernels.ts";
import { rememberingBls } from "../src/verdicts.ts";

const vectors = Object.fromEntries(
  ["hashes", "accounts", "signatures", "bls"].map((name) => [
    name,
    JSON.parse(readFileSync(new URL(`../../../vectors/crypto/${name}.json`, import.meta.url), "utf8")),
  ]),
) as unknown as CryptoVectors;

const { functions, backends } = await buildNativeKernel();
const native: CryptoKernel = { ...nobleKernel, ...functions };

describe("the native kernel", () => {
  let restore: () => void;
  beforeAll(() => {
    restore = installCryptoKernel(functions);
  });
  afterAll(() => restore());

  cryptoSuite({ describe, it, expect }, vectors);

  it("is native where a binary is shipped, and not a JavaScript fallback", () => {
    const shipped = ["linux x64", "darwin arm64", "win32 x64"].includes(
      `${process.platform} ${process.arch}`,
    );
    expect(backends).toEqual({
      secp: shipped ? "native" : "noble",
      bls: "native",
      blake2b: "wasm",
      sha256: "native",
      scrypt: "native",
      chacha: "native",
    });
    const missing = Object.keys(nobleKernel).filter((name) => !(name in functions));
    expect(missing).toEqual(shipped ? [] : ["secpPublicKey", "secpSign", "secpRecover"]);
  });
  it("is not taken where it disagrees with the reference", () => {
    expect(agreesWithReference(functions)).toBe(true);
    for (const name of Object.keys(nobleKernel) as (keyof CryptoKernel)[]) {
      // OpenSSL is part of Node, and a verdict is no bytes to compare.
      if (name === "blsVerify" || name === "scrypt" || name === "sha256") continue;
      expect(agreesWithReference({ [name]: () => new Uint8Array(32) }), name).toBe(false);
      expect(agreesWithReference({ [name]: () => undefined }), name).toBe(false);
    }
  });
});

describe("the kernels of proofs", () => {
  it("are compiled ones everywhere unless others are asked for, and say so", async () => {
    const asked = process.env.HOLDFAST_KERNELS || undefined;
    const { proofs } = await installNativeKernels();
    expect(proofs.sha256Pairs).toMatch(/^(native|reference)$/);
    // Native where somebody has built it.
    expect(asked === undefined ? ["native", "wasm"] : [asked]).toContain(proofs.poseidon);
    expect(proofs.curve).toBe(proofs.poseidon);
    if (asked === undefined) expect(proofs.reason !== undefined).toBe(proofs.poseidon === "wasm");
  });
});

describe("the known answers", () => {
  it("are those of the reference", () => {
    expect(nobleKernel.sha256(kernelSample)).toEqual(kernelSampleKey);
    for (const { name, ask, answer } of knownAnswers) expect(ask(nobleKernel), name).toEqual(answer);
  });
});

describe("remembered verdicts", () => {
  const key = nobleKernel.sha256(new Uint8Array([1]));
  const publicKey = native.blsPublicKey(key) ?? expect.fail("blst knows the key");
  const sign = (text: Uint8Array) => native.blsSign(key, text) ?? expect.fail("blst signs");

  it("ask once, and never answer for other inputs", () => {
    let asked = 0;
    const verify = rememberingBls((...inputs) => {
      asked += 1;
      return native.blsVerify(...inputs);
    });
    const text = new Uint8Array([1, 2, 3]);
    const signature = sign(text);
    for (let round = 0; round < 3; round += 1) {
      expect(verify(publicKey, text, signature)).toBe(true);
      expect(verify(publicKey, new Uint8Array([1, 2]), signature)).toBe(false);
      expect(verify(publicKey, text, sign(new Uint8Array([9])))).toBe(false);
      expect(verify(publicKey.with(47, (publicKey[47] ?? 0) ^ 1), text, signature)).toBe(false);
    }
    expect(asked).toBe(4);
  });
  it("keep inputs apart whose bytes are alike when joined", () => {
    const seen = new Set<string>();
    const verify = rememberingBls((...inputs) => seen.add(inputs.map((part) => part.length).join()) && false);
    const part = (length: number): Uint8Array => new Uint8Array(length);
    for (const [a, b, c] of [
      [3, 2, 1],
      [2, 3, 1],
      [1, 2, 3],
      [6, 0, 0],
      [0, 0, 6],
    ] as const) {
      verify(part(a), part(b), part(c));
    }
    expect(seen.size).toBe(5);
  });
});

describe("native and noble", () => {
  const bytes32 = fc.uint8Array({ minLength: 32, maxLength: 32 });
  const message = fc.uint8Array({ maxLength: 400 });

  it("hash alike", () => {
    fc.assert(
      fc.property(message, (bytes) => {
        for (const name of ["blake2b160", "blake2b256", "blake2s256", "sha256"] as const) {
          expect(native[name](bytes), name).toEqual(nobleKernel[name](bytes));
        }
      }),
      { numRuns: 300 },
    );
  });
  it("sign, recover and verify alike", () => {
    fc.assert(
      fc.property(bytes32, bytes32, (seed, digest) => {
        const key = nobleKernel.sha256(seed);
        const signature = nobleKernel.secpSign(digest, key) ?? expect.fail("noble signs");
        expect(native.secpSign(digest, key)).toEqual(signature);
        expect(native.secpPublicKey(key)).toEqual(nobleKernel.secpPublicKey(key));
        expect(native.secpRecover(digest, signature)).toEqual(nobleKernel.secpPublicKey(key));
      }),
      { numRuns: 40 },
    );
  });
  it("recover alike from random and damaged signatures", () => {
    const signature = fc.tuple(fc.uint8Array({ minLength: 64, maxLength: 64 }), fc.nat(1), fc.boolean());
    fc.assert(
      fc.property(bytes32, signature, (digest, [rs, v, small]) => {
        const bytes = new Uint8Array([...rs, v]);
        bytes[32] = (bytes[32] ?? 0) & 0x7f; // callers only pass a low S
        if (small) bytes.fill(0, 1, 32); // a small R is often no x of the curve
        expect(native.secpRecover(digest, bytes)).toEqual(nobleKernel.secpRecover(digest, bytes));
      }),
      { numRuns: 60 },
    );
  });
  it("know the same private keys", () => {
    const order = 0xfffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141n;
    const blsOrder = 0x73eda753299d7d483339d80809a1d80553bda402fffe5bfeffffffff00000001n;
    const edges = [
      0n,
      1n,
      blsOrder - 1n,
      blsOrder,
      blsOrder + 1n,
      order - 1n,
      order,
      order + 1n,
      2n ** 256n - 1n,
    ];
    for (const edge of edges) {
      const key = new Uint8Array(Buffer.from(edge.toString(16).padStart(64, "0"), "hex"));
      expect(native.secpPublicKey(key), `${edge}`).toEqual(nobleKernel.secpPublicKey(key));
      expect(native.blsPublicKey(key), `${edge}`).toEqual(nobleKernel.blsPublicKey(key));
      expect(native.blsSign(key, key), `${edge}`).toEqual(nobleKernel.blsSign(key, key));
      expect(native.secpSign(key, key), `${edge}`).toEqual(nobleKernel.secpSign(key, key));
    }
  });
  it("make the same BLS signatures and verdicts", () => {
    fc.assert(
      fc.property(bytes32, message, fc.nat(96 * 8 - 1), (seed, text, bit) => {
        const key = nobleKernel.sha256(seed);
        key[0] = 1; // below the order
        const publicKey = nobleKernel.blsPublicKey(key) ?? expect.fail("noble knows the key");
        const signature = native.blsSign(key, text) ?? expect.fail("blst signs");
        expect(native.blsPublicKey(key)).toEqual(publicKey);
        expect(signature).toEqual(nobleKernel.blsSign(key, text));
        expect([native, nobleKernel].map((k) => k.blsVerify(publicKey, text, signature))).toEqual([
          true,
          true,
        ]);
        const flipped = signature.slice();
        flipped[bit >> 3] = (flipped[bit >> 3] ?? 0) ^ (1 << (bit & 7));
        expect([native, nobleKernel].map((k) => k.blsVerify(publicKey, text, flipped))).toEqual([
          false,
          false,
        ]);
      }),
      { numRuns: 8 },
    );
  });
});
