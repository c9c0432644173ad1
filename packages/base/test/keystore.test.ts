/** Keys at rest: what goes in comes out, and every way to fail has its own code. */
import {
  blake2b256,
  defaultScryptCost,
  fromHex,
  generateKey,
  installCryptoKernel,
  type KeyInfo,
  maxKeystoreBytes,
  nobleKernel,
  openKeys,
  openSecret,
  sealKeys,
  sealSecret,
  toHex,
  utf8Bytes,
  utf8Text,
} from "@holdfast/base";
import { codeOf, SeededRandom } from "@holdfast/base/testing";
import fc from "fast-check";
import { describe, expect, it } from "vitest";

const cost = { n: 64, r: 8, p: 1 }; // weak on purpose: the tests run hundreds of derivations
const random = new SeededRandom("keystore");
const options = { random, cost };
const machineKey = random.bytes(32);
const keys: KeyInfo[] = [generateKey("secp256k1", random), generateKey("bls", random)];

interface File {
  format: string;
  version: number;
  kdf: { name: string; n?: number; r?: number; p?: number; salt: string; [field: string]: unknown };
  cipher: { name: string; nonce: string };
  check: string;
  ciphertext: string;
  checksum: string;
  [field: string]: unknown;
}
const fieldsOf = (file: Uint8Array): File => JSON.parse(utf8Text(file)) as File;
const fileOf = (fields: unknown): Uint8Array => utf8Bytes(JSON.stringify(fields));

/** The file with a change, and with the checksum that fits: what an attacker would write. */
function forged(file: Uint8Array, change: (fields: File) => void): Uint8Array {
  const fields = fieldsOf(file);
  change(fields);
  const { kdf, cipher, check, ciphertext } = fields;
  const steps = kdf.name === "scrypt" ? `${kdf.n},${kdf.r},${kdf.p}` : "";
  const header = `holdfast-keystore;1;${[kdf.name, steps, kdf.salt, cipher.nonce, check].join(";")}`;
  const hex = Buffer.from(ciphertext, "base64").toString("hex");
  fields.checksum = toHex(blake2b256(utf8Bytes(`${header};${hex}`)).slice(0, 8));
  return fileOf(fields);
}
const flipHex = (text: string): string => `${text.startsWith("0") ? "1" : "0"}${text.slice(1)}`;

describe("a keystore", () => {
  it("gives the keys back to the passphrase and to the machine key", async () => {
    expect(await openKeys(await sealKeys(keys, "correct horse", options), "correct horse")).toEqual(keys);
    expect(await openKeys(await sealKeys(keys, machineKey, options), machineKey)).toEqual(keys);
    expect(await openKeys(await sealKeys([], "p", options), "p")).toEqual([]);
  });
  it("gives any bytes back, and shows none of them", async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.uint8Array({ maxLength: 500 }),
        fc.oneof(fc.string({ minLength: 1, unit: "grapheme" }), fc.constant(machineKey)),
        async (plaintext, secret) => {
          const file = await sealSecret(plaintext, secret, options);
          expect(await openSecret(file, secret)).toEqual(plaintext);
          if (plaintext.length >= 8) expect(toHex(file)).not.toContain(toHex(plaintext));
        },
      ),
      { numRuns: 50 },
    );
  });
  it("never seals twice alike", async () => {
    const [a, b] = [await sealKeys(keys, "p", options), await sealKeys(keys, "p", options)];
    expect(fieldsOf(a).ciphertext).not.toBe(fieldsOf(b).ciphertext);
    expect(fieldsOf(a).kdf.salt).not.toBe(fieldsOf(b).kdf.salt);
  });
  it("takes a passphrase for the same however the keyboard composed it", async () => {
    const file = await sealKeys(keys, "caf\u00e9", options);
    expect(await openKeys(file, "cafe\u0301")).toEqual(keys);
  });
  it("spends the usual cost on a passphrase unless told otherwise", async () => {
    const restore = installCryptoKernel({
      scrypt: (password, salt, given, length) => {
        expect(given).toEqual(defaultScryptCost);
        return nobleKernel.scrypt(password, salt, cost, length);
      },
    });
    const file = await sealKeys(keys, "p", { random });
    restore();
    expect(fieldsOf(file).kdf).toMatchObject({ name: "scrypt", n: 131_072, r: 8, p: 1 });
  });
});

describe("a keystore that does not open", () => {
  it("refuses a wrong passphrase, a wrong key, and the wrong kind of secret", async () => {
    const file = await sealKeys(keys, "right", options);
    const machine = await sealKeys(keys, machineKey, options);
    expect(await codeOf(openKeys(file, "wrong"))).toBe("keystore/wrong-passphrase");
    expect(await codeOf(openKeys(file, "right "))).toBe("keystore/wrong-passphrase");
    expect(await codeOf(openKeys(machine, random.bytes(32)))).toBe("keystore/wrong-passphrase");
    expect(await codeOf(openKeys(machine, "right"))).toBe("keystore/wrong-secret-kind");
    expect(await codeOf(openKeys(file, machineKey))).toBe("keystore/wrong-secret-kind");
    expect(await codeOf(sealKeys(keys, "", options))).toBe("keystore/empty-passphrase");
    expect(await codeOf(openKeys(file, ""))).toBe("keystore/empty-passphrase");
  });
  it("tells damage from tampering", async () => {
    for (const secret of ["right", machineKey]) {
      const file = await sealKeys(keys, secret, options);
      const flipCipher = (fields: File): void => {
        const first = fields.ciphertext.startsWith("A") ? "B" : "A";
        fields.ciphertext = first + fields.ciphertext.slice(1);
      };
      const damaged = fieldsOf(file);
      flipCipher(damaged);
      expect(await codeOf(openKeys(fileOf(damaged), secret))).toBe("keystore/damaged");
      expect(await codeOf(openKeys(forged(file, flipCipher), secret))).toBe("keystore/tampered");
      const shortened = forged(file, (fields) => {
        fields.ciphertext = "";
      });
      expect(await codeOf(openKeys(shortened, secret))).toBe("keystore/tampered");
      const nonce = forged(file, (fields) => {
        fields.cipher.nonce = flipHex(fields.cipher.nonce);
      });
      expect(await codeOf(openKeys(nonce, secret))).toBe("keystore/tampered");
      // A changed salt or check is the same to us as a wrong passphrase.
      const salt = forged(file, (fields) => {
        fields.kdf.salt = flipHex(fields.kdf.salt);
      });
      expect(await codeOf(openKeys(salt, secret))).toBe("keystore/wrong-passphrase");
      const check = forged(file, (fields) => {
        fields.check = flipHex(fields.check);
      });
      expect(await codeOf(openKeys(check, secret))).toBe("keystore/wrong-passphrase");
      expect(
        await openKeys(
          forged(file, () => undefined),
          secret,
        ),
      ).toEqual(keys);
    }
  });
  it("notices every single changed byte", async () => {
    const file = await sealKeys(keys.slice(0, 1), machineKey, options);
    const unnoticed: number[] = [];
    for (let at = 0; at < file.length; at++) {
      const changed = file.slice();
      changed[at] = (changed[at] ?? 0) ^ 1;
      const opened = await openSecret(changed, machineKey).catch(() => undefined);
      if (opened !== undefined) unnoticed.push(at);
    }
    // Only white space may change without harm: a blank becomes "!" and no JSON, so there is none.
    expect(unnoticed).toEqual([]);
  });
  it("refuses a version of another release", async () => {
    const fields = fieldsOf(await sealKeys(keys, "p", options));
    fields.version = 2;
    fields.cipher = { name: "something newer", nonce: "" };
    expect(await codeOf(openKeys(fileOf(fields), "p"))).toBe("keystore/unknown-version");
  });
  it("refuses a file that is too long, unread", async () => {
    expect(await codeOf(openKeys(new Uint8Array(maxKeystoreBytes + 1), "p"))).toBe("keystore/too-long");
    expect(await codeOf(sealSecret(new Uint8Array(maxKeystoreBytes), machineKey, options))).toBe(
      "keystore/too-long",
    );
  });
  it("refuses a cost that would burn the machine, and derives nothing then", async () => {
    const file = await sealKeys(keys, "p", options);
    const restore = installCryptoKernel({
      scrypt: () => expect.fail("nothing is derived"),
    });
    const withCost = (changes: object): Uint8Array =>
      forged(file, (fields) => Object.assign(fields.kdf, changes));
    for (const changes of [{ n: 2 ** 40 }, { n: 2 ** 19 }, { r: 2 ** 30 }, { p: 5 }, { p: 2 ** 31 }]) {
      expect(await codeOf(openKeys(withCost(changes), "p")), JSON.stringify(changes)).toBe(
        "keystore/cost-too-high",
      );
    }
    for (const changes of [
      { n: 1 },
      { n: 0 },
      { n: 100 },
      { n: -4 },
      { n: 1.5 },
      { r: 0 },
      { p: "1" },
      { n: null },
    ]) {
      expect(await codeOf(openKeys(withCost(changes), "p")), JSON.stringify(changes)).toBe(
        "keystore/malformed",
      );
    }
    restore();
  });
  it("refuses what is no keystore", async () => {
    const file = fieldsOf(await sealKeys(keys, "p", options));
    const { check: _check, ...withoutCheck } = file;
    const cases: [string, Uint8Array][] = [
      ["nothing", new Uint8Array(0)],
      ["no text", fromHex("ff00ff")],
      ["no JSON", utf8Bytes("hello")],
      ["an array", fileOf([])],
      ["null", fileOf(null)],
      ["another format", fileOf({ ...file, format: "ethereum" })],
      ["no version", fileOf({ ...file, version: "1" })],
      ["a missing field", fileOf(withoutCheck)],
      ["one field more", fileOf({ ...file, comment: "hi" })],
      ["one field more in kdf", fileOf({ ...file, kdf: { ...file.kdf, extra: 1 } })],
      ["another cipher", fileOf({ ...file, cipher: { ...file.cipher, name: "rot13" } })],
      ["another kdf", fileOf({ ...file, kdf: { ...file.kdf, name: "md5" } })],
      ["a short salt", fileOf({ ...file, kdf: { ...file.kdf, salt: "00" } })],
      ["a nonce in capitals", fileOf({ ...file, cipher: { ...file.cipher, nonce: "AB".repeat(24) } })],
      ["no base64", fileOf({ ...file, ciphertext: "?" })],
    ];
    for (const [name, bytes] of cases)
      expect(await codeOf(openKeys(bytes, "p")), name).toBe("keystore/malformed");
  });
  it("refuses sealed bytes that are no keys", async () => {
    const contents = [
      "",
      "[]",
      "{}",
      '{"keys":7}',
      '{"keys":[7]}',
      '{"keys":[{"type":"x","privateKey":""}]}',
    ];
    for (const content of [...contents, '{"keys":[{"type":"bls","privateKey":"AAAA"}]}']) {
      const file = await sealSecret(utf8Bytes(content), machineKey, options);
      expect(await codeOf(openKeys(file, machineKey)), content).toBe("keystore/malformed");
    }
  });
});
