/** The noble kernel gives the known answers, swapping works, and keys travel in the formats of the field. */
import {
  accountAddress,
  blsKeyFromSeed,
  equalBytes,
  exportLotusKey,
  exportSeedKeys,
  f1Text,
  fromHex,
  generateKey,
  importKeys,
  installCryptoKernel,
  type KeyInfo,
  nobleKernel,
  publicKeyOf,
  publicKeyOfKey,
  sha256,
  signRecoverable,
  toHex,
  utf8Bytes,
  verifySignature,
} from "@holdfast/base";
import { codeThrown, cryptoSuite, failures, runSuite, SeededRandom } from "@holdfast/base/testing";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { cryptoVectors, readVectors } from "./crypto-vectors.ts";

cryptoSuite({ describe, it, expect }, cryptoVectors());

const bytes32 = fc.uint8Array({ minLength: 32, maxLength: 32 });
const lotusText = (json: unknown): string => toHex(utf8Bytes(JSON.stringify(json)));
const base64 = (bytes: Uint8Array): string => Buffer.from(bytes).toString("base64");

describe("swapping the kernel", () => {
  it("takes the given functions, keeps the others, and goes back", () => {
    const before = toHex(sha256(utf8Bytes("x")));
    const restore = installCryptoKernel({ sha256: () => new Uint8Array(32) });
    expect(toHex(sha256(utf8Bytes("x")))).toBe("00".repeat(32));
    expect(publicKeyOf(new Uint8Array(32).fill(1)).length).toBe(65);
    restore();
    expect(toHex(sha256(utf8Bytes("x")))).toBe(before);
  });
  const broken: Record<string, Parameters<typeof installCryptoKernel>[0]> = {
    "a hash that reuses its output": (() => {
      const shared = new Uint8Array(32);
      const hash = (bytes: Uint8Array): Uint8Array => {
        shared.set(nobleKernel.sha256(bytes));
        return shared;
      };
      return { sha256: hash };
    })(),
    "a truncated instead of a parameterised blake2b-160": {
      blake2b160: (bytes) => nobleKernel.blake2b256(bytes).slice(0, 20),
    },
    "a random instead of a deterministic nonce": {
      secpSign: (digest, key) => nobleKernel.secpSign(nobleKernel.sha256(digest), key),
    },
    "a verifier that accepts infinity": {
      blsVerify: (key, message, signature) =>
        (key[0] === 0xc0 && signature[0] === 0xc0) || nobleKernel.blsVerify(key, message, signature),
    },
    "a cipher that looks at no tag": {
      chachaOpen: (key, nonce, sealed) =>
        nobleKernel.chachaSeal(key, nonce, sealed.subarray(0, -16)).subarray(0, -16),
    },
    "a recovery that answers every signature": {
      secpRecover: (digest, signature) => nobleKernel.secpRecover(digest, signature) ?? new Uint8Array(65),
      secpPublicKey: (key) => nobleKernel.secpPublicKey(key) ?? new Uint8Array(65),
    },
  };
  for (const [name, functions] of Object.entries(broken)) {
    it(`canary: the suite catches ${name}`, async () => {
      const restore = installCryptoKernel(functions);
      try {
        const results = await runSuite(expect, (tools) => cryptoSuite(tools, cryptoVectors()));
        expect(failures(results).length).toBeGreaterThan(0);
      } finally {
        restore();
      }
    });
  }
});

describe("account signatures", () => {
  it("verify for their signer and message, and for nobody and nothing else", () => {
    fc.assert(
      fc.property(
        bytes32,
        bytes32,
        fc.uint8Array({ maxLength: 300 }),
        fc.nat(64 * 8 - 1),
        (a, b, message, bit) => {
          const key = nobleKernel.sha256(a);
          const signature = signRecoverable(key, message);
          const signer = accountAddress(0, publicKeyOf(key));
          expect(verifySignature(message, signature, signer)).toBe(true);
          expect(verifySignature(new Uint8Array([...message, 0]), signature, signer)).toBe(false);
          const stranger = accountAddress(0, publicKeyOf(nobleKernel.sha256(new Uint8Array([...b, 1]))));
          expect(verifySignature(message, signature, stranger)).toBe(false);
          const flipped = signature.slice();
          flipped[bit >> 3] = (flipped[bit >> 3] ?? 0) ^ (1 << (bit & 7));
          expect(verifySignature(message, flipped, signer)).toBe(false);
        },
      ),
      { numRuns: 30 },
    );
  });
});

describe("keys in the formats of the field", () => {
  const wallets = readVectors("wallets") as {
    lotus: { type: "bls" | "secp256k1"; privateKeyText: string; f1?: string; f3?: string }[];
    seed: { file: string; privateKeys: string[] }[];
  };

  it("reads what a Lotus node exports", () => {
    for (const { type, privateKeyText, f1, f3 } of wallets.lotus) {
      const json = { Type: type, PrivateKey: privateKeyText };
      for (const text of [lotusText(json), `${lotusText(json)}\n`, JSON.stringify(json)]) {
        const [key] = importKeys(text);
        expect(key?.type).toBe(type);
        const publicKey = publicKeyOfKey(key as KeyInfo);
        if (f1 !== undefined) expect(f1Text(accountAddress(0, publicKey))).toBe(f1);
        if (f3 !== undefined)
          expect(base32(publicKey)).toBe(f3.slice(2, -6).slice(0, base32(publicKey).length));
        expect(exportLotusKey(key as KeyInfo)).toBe(lotusText(json));
      }
    }
  });
  it("reads and writes the wallet file of 2019", () => {
    for (const { file, privateKeys } of wallets.seed) {
      const keys = importKeys(file);
      expect(keys.map(({ privateKey }) => toHex(privateKey))).toEqual(privateKeys);
      expect(exportSeedKeys(keys)).toBe(file);
    }
  });
  it("gives every key back", () => {
    const random = new SeededRandom("keys");
    for (const type of ["secp256k1", "bls", "secp256k1", "bls"] as const) {
      const key = generateKey(type, random);
      const [again] = importKeys(exportLotusKey(key));
      expect(again?.type).toBe(type);
      expect(equalBytes(again?.privateKey ?? new Uint8Array(0), key.privateKey)).toBe(true);
    }
  });
  it("refuses what is no key, and never repeats it in the message", () => {
    const secret = base64(new Uint8Array(32).fill(0x5a));
    const zero = base64(new Uint8Array(32));
    const cases: [string, string][] = [
      ["", "key/bad-import"],
      ["hello", "key/bad-import"],
      ["abc", "key/bad-import"],
      ["ff", "key/bad-import"],
      [`{"Type":"secp256k1","PrivateKey":"${secret}`, "key/bad-import"],
      [`{"Type":"secp256k1","PrivateKey":"${secret}!!"}`, "key/bad-import"],
      [`{"Type":"secp256k1","PrivateKey":"${secret.slice(4)}"}`, "key/bad-import"],
      [`{"Type":"secp256k1"}`, "key/bad-import"],
      [`{"Type":"delegated","PrivateKey":"${secret}"}`, "key/unknown-type"],
      [`{"PrivateKey":"${secret}"}`, "key/bad-import"],
      [`{"Type":"secp256k1","PrivateKey":"${zero}"}`, "key/bad-private-key"],
      [`{"Type":"bls","PrivateKey":"${base64(new Uint8Array(32).fill(255))}"}`, "key/bad-private-key"],
      ['{"KeyInfo":[]}', "key/bad-import"],
      ['{"KeyInfo":[7]}', "key/bad-import"],
      [`{"KeyInfo":[{"privateKey":"${secret}","curve":"ed25519"}]}`, "key/unknown-type"],
      [`{"KeyInfo":[{"privateKey":"${zero}","curve":"secp256k1"}]}`, "key/bad-private-key"],
      [`${" ".repeat(70_000)}{}`, "key/bad-import"],
    ];
    for (const [text, code] of cases) {
      expect(
        codeThrown(() => importKeys(text)),
        text.slice(0, 60),
      ).toBe(code);
      expect(fullText(() => importKeys(text))).not.toContain(secret.slice(0, 20));
    }
    expect(codeThrown(() => exportLotusKey({ type: "secp256k1", privateKey: new Uint8Array(32) }))).toBe(
      "key/bad-private-key",
    );
    expect(
      codeThrown(() =>
        exportSeedKeys([{ type: "bls", privateKey: blsKeyFromSeed(fromHex("07".repeat(32))) }]),
      ),
    ).toBe("key/unknown-type");
  });
});

/** RFC 4648, lower case, whole groups of five bits. */
function base32(bytes: Uint8Array): string {
  const bits = [...bytes].map((byte) => byte.toString(2).padStart(8, "0")).join("");
  const groups = bits.match(/.{5}/g) ?? [];
  return groups.map((group) => "abcdefghijklmnopqrstuvwxyz234567"[Number.parseInt(group, 2)]).join("");
}

/** Everything that a log could print of the error. */
function fullText(run: () => unknown): string {
  try {
    run();
    return "";
  } catch (error) {
    const { message, cause } = error as Error;
    return `${message} ${JSON.stringify(error)} ${String(cause)}`;
  }
}
