/** Addresses: the vectors of the original, both spellings, and the names of typing errors. */
import * as base from "@holdfast/base";
import {
  type Address,
  accountAddress,
  addressBytes,
  addressFromBytes,
  addressHash,
  addressNetwork,
  addressOf,
  createdAddress,
  equalBytes,
  f1Text,
  fromHex,
  inspectAddress,
  nonce,
  parseAddress,
  seedAddress,
  toHex,
  zeroAddress,
} from "@holdfast/base";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { accepts, type BaseModule, codeOf, readVectors, withMutant } from "./support.ts";

interface Invalid {
  readonly text: string;
  readonly error: string;
  readonly why: string;
}
const seeds = readVectors<{
  seeds: { seed: string; hash: string; mainnet: string; testnet?: string }[];
  hashes: { seed: string; hash: string }[];
  zero: { mainnet: string };
  invalid: Invalid[];
}>("address/seed.json");
const edges = readVectors<{
  valid: { hash: string; mainnet: string; testnet: string }[];
  invalid: Invalid[];
}>("address/edges.json");
const f1 = readVectors<{
  keys: { publicKey: string; t1: string }[];
  texts: string[];
  k1: { publicKey: string; hash: string };
  invalid: Invalid[];
}>("address/f1.json");
const created = readVectors<{ cases: { creator: string; nonce: number; created: string }[] }>(
  "address/created.json",
);

const hash20 = fc.uint8Array({ minLength: 20, maxLength: 20 });
const network = fc.constantFrom(0 as const, 1 as const);

describe("the address of the network", () => {
  it.each(seeds.seeds)("of the seed $seed is the original's", ({ seed, hash, mainnet, testnet }) => {
    const address = seedAddress(0, seed);
    expect(address).toBe(mainnet);
    expect(toHex(addressHash(address))).toBe(hash);
    if (testnet !== undefined) expect(seedAddress(1, seed)).toBe(testnet);
    expect(parseAddress(mainnet)).toBe(mainnet);
    expect(parseAddress(mainnet.toUpperCase())).toBe(mainnet);
  });

  it.each(seeds.hashes)("hashes $seed as the original", ({ seed, hash }) => {
    expect(toHex(addressHash(seedAddress(1, seed)))).toBe(hash);
  });

  it("prints 20 zero bytes in 29 characters", () => {
    expect(zeroAddress(0)).toBe(seeds.zero.mainnet);
    expect(addressBytes(zeroAddress(0))).toEqual(new Uint8Array(22));
  });

  it.each(edges.valid)("prints and reads the hash $hash", ({ hash, mainnet, testnet }) => {
    expect(addressOf(0, fromHex(hash))).toBe(mainnet);
    expect(addressOf(1, fromHex(hash))).toBe(testnet);
    expect(toHex(addressHash(parseAddress(mainnet)))).toBe(hash);
    expect(toHex(addressBytes(parseAddress(testnet)))).toBe(`0100${hash}`);
  });

  it.each([...seeds.invalid, ...edges.invalid])("refuses $text: $why", ({ text, error }) => {
    expect(codeOf(() => parseAddress(text))).toBe(error);
  });

  it("belongs to one network", () => {
    const address = seedAddress(1, "satoshi");
    expect(parseAddress(address, { network: 1 })).toBe(address);
    expect(codeOf(() => parseAddress(address, { network: 0 }))).toBe("address/wrong-network");
    expect(codeOf(() => parseAddress(f1Text(address), { network: 0 }))).toBe("address/wrong-network");
  });

  it.each(created.cases)("of an actor made with nonce $nonce", (one) => {
    expect(createdAddress(parseAddress(one.creator), nonce(one.nonce))).toBe(one.created);
  });

  it("refuses binary forms that are not its own", () => {
    const bytes = addressBytes(seedAddress(0, "satoshi"));
    expect(codeOf(() => addressFromBytes(bytes.subarray(1)))).toBe("address/bad-bytes");
    expect(codeOf(() => addressFromBytes(new Uint8Array(23)))).toBe("address/bad-bytes");
    expect(codeOf(() => addressFromBytes(bytes.with(0, 2)))).toBe("address/unknown-network");
    expect(codeOf(() => addressFromBytes(bytes.with(1, 1)))).toBe("address/unknown-version");
  });
});

describe("Filecoin's spelling of an account", () => {
  it.each(f1.keys)("is $t1", ({ publicKey, t1 }) => {
    const address = accountAddress(1, fromHex(publicKey));
    expect(f1Text(address)).toBe(t1);
    expect(parseAddress(t1)).toBe(address);
    expect(parseAddress(t1.toUpperCase())).toBe(address);
    expect(f1Text(accountAddress(0, fromHex(publicKey)))).toBe(`f${t1.slice(1)}`);
  });

  it.each(f1.texts)("reads %s and prints it again", (text) => {
    expect(f1Text(parseAddress(text))).toBe(text);
  });

  it("has the hash of the key", () => {
    expect(toHex(addressHash(accountAddress(0, fromHex(f1.k1.publicKey))))).toBe(f1.k1.hash);
    expect(codeOf(() => accountAddress(0, fromHex(f1.k1.publicKey).subarray(0, 33)))).toBe(
      "address/bad-public-key",
    );
    expect(codeOf(() => accountAddress(0, new Uint8Array(65)))).toBe("address/bad-public-key");
  });

  it.each(f1.invalid)("refuses $text: $why", ({ text, error }) => {
    expect(codeOf(() => parseAddress(text))).toBe(error);
  });
});

describe("inspecting", () => {
  it("shows the parts and both spellings", () => {
    expect(inspectAddress("fcq5hwf2usu422kmeavuln3xsnpf7j2qytrgrdpf")).toEqual({
      network: 0,
      version: 0,
      hash: "052ee4ab90e554ab6f3d673f389a130a7d25008b",
      text: "fcq5hwf2usu422kmeavuln3xsnpf7j2qytrgrdpf",
      f1: "f1auxojk4q4vkkw3z5m47trgqtbj6skaelkhn2kcq",
    });
  });
});

/** Every hash survives every spelling, and no other text has the same meaning. */
function roundTrips(module: BaseModule): void {
  const zeroHeavy = fc
    .tuple(fc.integer({ min: 0, max: 20 }), hash20)
    .map(([zeros, hash]) => hash.fill(0, 0, zeros));
  fc.assert(
    fc.property(network, fc.oneof(hash20, zeroHeavy), (net, hash) => {
      const address = module.addressOf(net, hash);
      expect(module.addressNetwork(address)).toBe(net);
      expect(equalBytes(module.addressHash(address), hash)).toBe(true);
      expect(module.addressFromBytes(module.addressBytes(address))).toBe(address);
      expect(module.parseAddress(address)).toBe(address);
      expect(module.parseAddress(module.f1Text(address))).toBe(address);
    }),
    { numRuns: 500 },
  );
}

/** BIP-173: up to three wrong characters are always found; a text is either canonical or refused. */
function findsTypingErrors(module: BaseModule): void {
  const alphabet = "qpzry9x8gf2tvdw0s3jn54khce6mua7l";
  const typo = fc.record({ at: fc.nat(40), character: fc.constantFrom(...alphabet) });
  fc.assert(
    fc.property(network, hash20, fc.array(typo, { minLength: 1, maxLength: 3 }), (net, hash, typos) => {
      const address: Address = module.addressOf(net, hash);
      const characters = Array.from(address);
      for (const { at, character } of typos) {
        if (at >= 2 && at < characters.length) characters[at] = character;
      }
      const typed = characters.join("");
      expect(accepts(() => module.parseAddress(typed))).toBe(typed === address);
    }),
    { numRuns: 1000 },
  );
}

describe("for all hashes", () => {
  it("every spelling is read back", () => roundTrips(base));
  it("typing errors are found", () => findsTypingErrors(base));
  it("any text is an address or an error of this family", () => {
    const piece = fc.constantFrom("fc", "tf", "f1", "t1", "F", "q", "p", "1", "é", " ", "\u212a", "7", "zz");
    const text = fc.oneof(
      fc.string(),
      fc.array(piece, { maxLength: 25 }).map((parts) => parts.join("")),
    );
    fc.assert(
      fc.property(text, (typed) => {
        if (accepts(() => parseAddress(typed))) expect(addressNetwork(parseAddress(typed))).toBeLessThan(2);
        else expect(codeOf(() => parseAddress(typed))).toMatch(/^address\//);
      }),
      { numRuns: 1000 },
    );
  });

  it("a planted fault in the checksum is noticed", async () => {
    await withMutant("address-text.ts", "if (top & 8) sum ^= 0x3d4233dd;", "", (mutant) => {
      expect(() => {
        for (const { mainnet } of seeds.seeds) mutant.parseAddress(mainnet);
      }).toThrow();
    });
    await withMutant(
      "address-text.ts",
      "...digitsAndChecksum]) === 1",
      "...digitsAndChecksum]) > 0",
      (mutant) => {
        expect(() => findsTypingErrors(mutant)).toThrow();
      },
    );
  });

  it("5-bit regrouping instead of base-x is noticed", async () => {
    const fault = "  return [...new Array<number>(zeroBytes).fill(0), ...reversed.reverse()];";
    const right =
      "  while (reversed.at(-1) === 0) reversed.pop();\n  return [...new Array<number>(zeroBytes)";
    await withMutant("address-text.ts", `${right}.fill(0), ...reversed.reverse()];`, fault, (mutant) => {
      expect(mutant.seedAddress(0, "satoshi")).toBe(seeds.seeds[0]?.mainnet);
      expect(() => roundTrips(mutant)).toThrow();
    });
  });
});
