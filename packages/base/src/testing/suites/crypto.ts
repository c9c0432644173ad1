/**
 * Every crypto kernel gives the known answers, and the same answer as every other one to malformed input.
 * The vectors (vectors/crypto/*.json) come from the caller, who can read files.
 */
import { accountAddress, addressHash, f1Text } from "../../address.ts";
import { fromHex, toHex, utf8Bytes } from "../../bytes.ts";
import {
  blake2b160,
  blake2b256,
  blake2s256,
  blsKeyFromSeed,
  blsPublicKey,
  blsSign,
  blsVerify,
  publicKeyOf,
  recoverPublicKey,
  sha256,
  signRecoverable,
  verifySignature,
} from "../../crypto/index.ts";
import { kernel } from "../../crypto/kernel.ts";
import { codeThrown, type SuiteTools } from "./tools.ts";

interface NamedDigest {
  readonly name: string;
  readonly input: string;
  readonly digest: string;
}

export interface CryptoVectors {
  readonly hashes: {
    readonly blake2b160: readonly { readonly text: string; readonly digest: string }[];
    readonly blake2b256: readonly NamedDigest[];
    readonly blake2s256: readonly NamedDigest[];
    readonly sha256: readonly NamedDigest[];
  };
  readonly accounts: {
    readonly keys: readonly {
      readonly name: string;
      readonly privateKey: string;
      readonly publicKey?: string;
      readonly addressHash: string;
      readonly address?: string;
      readonly f1?: string;
    }[];
    readonly publicKeys: readonly { readonly publicKey: string; readonly t1: string }[];
  };
  readonly signatures: { readonly vectors: readonly SignatureVector[] };
  readonly bls: {
    readonly vectors: readonly (SignatureVector & { readonly publicKey: string })[];
    readonly keygen: readonly { readonly seed: string; readonly privateKey: string }[];
  };
}

interface SignatureVector {
  readonly name?: string;
  readonly privateKey: string;
  readonly message: string;
  readonly signature: string;
}

const secpOrder = "fffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141";
const blsOrder = "73eda753299d7d483339d80809a1d80553bda402fffe5bfeffffffff00000001";

export function cryptoSuite(tools: SuiteTools, vectors: CryptoVectors): void {
  tools.describe("a crypto kernel", () => {
    hashCases(tools, vectors);
    accountCases(tools, vectors);
    malformedSecpCases(tools, vectors);
    blsCases(tools, vectors);
    scryptCases(tools);
    chachaCases(tools);
  });
}

function hashCases({ it, expect }: SuiteTools, { hashes }: CryptoVectors): void {
  it("hashes as the standards have it", async () => {
    for (const { text, digest } of hashes.blake2b160)
      expect(toHex(blake2b160(utf8Bytes(text))), text).toBe(digest);
    const each = (list: readonly NamedDigest[], hash: (bytes: Uint8Array) => Uint8Array): void => {
      for (const { name, input, digest } of list) expect(toHex(hash(fromHex(input))), name).toBe(digest);
    };
    each(hashes.blake2b256, blake2b256);
    each(hashes.blake2s256, blake2s256);
    each(hashes.sha256, sha256);
  });
  it("gives plain arrays that it does not touch again", async () => {
    for (const hash of [blake2b160, blake2b256, blake2s256, sha256]) {
      const first = hash(utf8Bytes("first"));
      const copy = toHex(first);
      hash(utf8Bytes("second"));
      expect(Object.getPrototypeOf(first) === Uint8Array.prototype).toBe(true);
      expect(toHex(first)).toBe(copy);
    }
  });
}

function accountCases({ it, expect }: SuiteTools, { accounts, signatures }: CryptoVectors): void {
  it("derives public keys and addresses", async () => {
    for (const key of accounts.keys) {
      const publicKey = publicKeyOf(fromHex(key.privateKey));
      const address = accountAddress(0, publicKey);
      if (key.publicKey !== undefined) expect(toHex(publicKey), key.name).toBe(key.publicKey);
      expect(toHex(addressHash(address)), key.name).toBe(key.addressHash);
      if (key.address !== undefined) expect(address).toBe(key.address);
      if (key.f1 !== undefined) expect(f1Text(address)).toBe(key.f1);
    }
    for (const { publicKey, t1 } of accounts.publicKeys) {
      expect(f1Text(accountAddress(1, fromHex(publicKey)))).toBe(t1);
    }
  });
  it("signs, recovers and verifies as go-filecoin and Lotus did", async () => {
    for (const { name, privateKey, message, signature } of signatures.vectors) {
      const [key, text, expected] = [fromHex(privateKey), fromHex(message), fromHex(signature)];
      expect(toHex(signRecoverable(key, text)), name).toBe(signature);
      const publicKey = publicKeyOf(key);
      expect(recoverPublicKey(text, expected), name).toEqual(publicKey);
      expect(verifySignature(text, expected, accountAddress(0, publicKey)), name).toBe(true);
      expect(verifySignature(text, expected, accountAddress(1, publicKey)), name).toBe(true);
    }
  });
  it("refuses bytes that are no private key", async () => {
    for (const bad of ["", "01", "00".repeat(32), "ff".repeat(32), secpOrder, "01".repeat(33)]) {
      expect(
        codeThrown(() => publicKeyOf(fromHex(bad))),
        bad,
      ).toBe("key/bad-private-key");
      expect(
        codeThrown(() => signRecoverable(fromHex(bad), utf8Bytes("m"))),
        bad,
      ).toBe("key/bad-private-key");
    }
  });
}

function malformedSecpCases({ it, expect }: SuiteTools, { signatures }: CryptoVectors): void {
  it("takes no malformed signature", async () => {
    const [vector] = signatures.vectors;
    if (vector === undefined) return;
    const good = fromHex(vector.signature);
    const message = fromHex(vector.message);
    const signer = accountAddress(0, publicKeyOf(fromHex(vector.privateKey)));
    const changed = (change: (bytes: Uint8Array) => void): Uint8Array => {
      const copy = good.slice();
      change(copy);
      return copy;
    };
    const bad: readonly [string, Uint8Array][] = [
      ["empty", new Uint8Array(0)],
      ["short", good.slice(0, 64)],
      ["long", new Uint8Array([...good, 0])],
      ["all zero", new Uint8Array(65)],
      ["all ones", new Uint8Array(65).fill(255)],
      ["R = 0", changed((s) => s.fill(0, 0, 32))],
      ["R = order", changed((s) => s.set(fromHex(secpOrder), 0))],
      ["S = 0", changed((s) => s.fill(0, 32, 64))],
      ["S = order", changed((s) => s.set(fromHex(secpOrder), 32))],
      ["the other V", changed((s) => s.set([1 - (good[64] ?? 0)], 64))],
      ["V = 2", changed((s) => s.set([2], 64))],
      ["V = 27", changed((s) => s.set([27], 64))],
      ["a bit of R", changed((s) => s.set([(good[5] ?? 0) ^ 1], 5))],
      ["a bit of S", changed((s) => s.set([(good[60] ?? 0) ^ 1], 60))],
      ["high S", highS(good)],
    ];
    for (const [name, signature] of bad)
      expect(verifySignature(message, signature, signer), name).toBe(false);
    expect(recoverPublicKey(message, highS(good))).toBe(undefined);
    expect(verifySignature(utf8Bytes("another message"), good, signer)).toBe(false);
    expect(verifySignature(message, good, signer)).toBe(true);
  });
}

/** The same signature in its other spelling: S → order − S, V → 1 − V. */
function highS(signature: Uint8Array): Uint8Array {
  const s = BigInt(`0x${secpOrder}`) - BigInt(`0x${toHex(signature.subarray(32, 64))}`);
  const twin = signature.slice();
  twin.set(fromHex(s.toString(16).padStart(64, "0")), 32);
  twin[64] = 1 - (signature[64] ?? 0);
  return twin;
}

function blsCases({ it, expect }: SuiteTools, { bls }: CryptoVectors): void {
  it("makes BLS keys, signatures and verdicts as blst and the Ethereum tests do", async () => {
    for (const { privateKey, publicKey, message, signature } of bls.vectors) {
      expect(toHex(blsPublicKey(fromHex(privateKey)))).toBe(publicKey);
      expect(toHex(blsSign(fromHex(privateKey), fromHex(message)))).toBe(signature);
      expect(blsVerify(fromHex(publicKey), fromHex(message), fromHex(signature))).toBe(true);
    }
    for (const { seed, privateKey } of bls.keygen)
      expect(toHex(blsKeyFromSeed(fromHex(seed)))).toBe(privateKey);
    expect(codeThrown(() => blsKeyFromSeed(new Uint8Array(31)))).toBe("key/seed-too-short");
  });
  it("refuses bytes that are no BLS private key", async () => {
    for (const bad of ["", "00".repeat(32), blsOrder, "ff".repeat(32), "01".repeat(48)]) {
      expect(
        codeThrown(() => blsPublicKey(fromHex(bad))),
        bad,
      ).toBe("key/bad-private-key");
      expect(
        codeThrown(() => blsSign(fromHex(bad), utf8Bytes("m"))),
        bad,
      ).toBe("key/bad-private-key");
    }
  });
  it("takes no malformed BLS signature or key", async () => {
    const [vector, other] = bls.vectors;
    if (vector === undefined || other === undefined) return;
    const [key, message, good] = [vector.publicKey, vector.message, vector.signature].map(fromHex);
    if (key === undefined || message === undefined || good === undefined) return;
    const infinityKey = new Uint8Array(48).fill(0xc0, 0, 1);
    const infinitySignature = new Uint8Array(96).fill(0xc0, 0, 1);
    const verdicts: readonly [string, boolean][] = [
      ["the key of another", blsVerify(fromHex(other.publicKey), message, good)],
      ["another message", blsVerify(key, utf8Bytes("another"), good)],
      ["the signature of another", blsVerify(key, message, fromHex(other.signature))],
      ["an empty signature", blsVerify(key, message, new Uint8Array(0))],
      ["a signature of zeros", blsVerify(key, message, new Uint8Array(96))],
      ["a signature of ones", blsVerify(key, message, new Uint8Array(96).fill(255))],
      ["the signature at infinity", blsVerify(key, message, infinitySignature)],
      ["everything at infinity", blsVerify(infinityKey, message, infinitySignature)],
      ["a short key", blsVerify(key.slice(0, 47), message, good)],
      ["a key without the compression bit", blsVerify(withFirst(key, (key[0] ?? 0) & 0x7f), message, good)],
      ["the negated signature", blsVerify(key, message, withFirst(good, (good[0] ?? 0) ^ 0x20))],
      ["a key outside the subgroup", blsVerify(outsideSubgroup, message, good)],
    ];
    for (const [name, verdict] of verdicts) expect(verdict, name).toBe(false);
  });
}

/** On the curve (x = 4 has a point), but not in the group of prime order. */
const outsideSubgroup = new Uint8Array(48).fill(0x80, 0, 1).fill(4, 47);

function withFirst(bytes: Uint8Array, first: number): Uint8Array {
  const copy = bytes.slice();
  copy[0] = first;
  return copy;
}

function scryptCases({ it, expect }: SuiteTools): void {
  it("derives keys as RFC 7914 §12 has it", async () => {
    const derived = await kernel.scrypt(
      utf8Bytes("password"),
      utf8Bytes("NaCl"),
      { n: 1024, r: 8, p: 16 },
      64,
    );
    expect(toHex(derived)).toBe(
      "fdbabe1c9d3472007856e7190d01e9fe7c6ad7cbc8237830e77376634b373162" +
        "2eaf30d92e22a3886ff109279d9830dac727afb94a83ee6d8360cbdfa2cc0640",
    );
  });
}

/** Numbers from `first` up. */
const counting = (first: number, count: number): Uint8Array =>
  Uint8Array.from({ length: count }, (_none, i) => first + i);

function chachaCases({ it, expect }: SuiteTools): void {
  const key = counting(0, 32);
  const nonce = fromHex("000000000000004a00000000");
  const plain = utf8Bytes(
    "Ladies and Gentlemen of the class of '99: If I could offer you only one tip for the future, sunscreen would be it.",
  );
  it("seals as RFC 8439 §2.4.2 and §2.8 have it", async () => {
    expect(toHex(kernel.chachaSeal(key, nonce, plain))).toBe(
      "6e2e359a2568f98041ba0728dd0d6981e97e7aec1d4360c20a27afccfd9fae0bf91b65c5524733ab8f593dabcd62b3571639d624e6515" +
        "2ab8f530c359f0861d807ca0dbf500d6a6156a38e088a22b65e52bc514d16ccf806818ce91ab77937365af90bbf74a35be6b40b8ee" +
        "df2785e42874d81db63fcb189a03121ae0ac72a3f1f36",
    );
  });
  it("opens what it sealed and nothing else, into plain arrays", async () => {
    for (const length of [0, 1, 63, 64, 65, 1000]) {
      const text = counting(7, length);
      const sealed = kernel.chachaSeal(key, nonce, text);
      const opened = kernel.chachaOpen(key, nonce, sealed);
      expect(opened).toEqual(text);
      for (const bytes of [sealed, opened]) {
        expect(Object.getPrototypeOf(bytes) === Uint8Array.prototype).toBe(true);
      }
      for (const at of [0, length >> 1, sealed.length - 1]) {
        const changed = sealed.slice();
        changed[at] = (changed[at] ?? 0) ^ 1;
        expect(kernel.chachaOpen(key, nonce, changed)).toBe(undefined);
      }
      expect(kernel.chachaOpen(key, counting(0, 12), sealed)).toBe(undefined);
      expect(kernel.chachaOpen(counting(1, 32), nonce, sealed)).toBe(undefined);
    }
  });
}
