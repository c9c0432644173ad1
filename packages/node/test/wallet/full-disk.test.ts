/** A key that could not be written is no key: nobody learns its address, and the next try writes it. */
import { generateKey } from "@holdfast/base";
import { SeededRandom, SimDisk } from "@holdfast/base/testing";
import { describe, expect, it } from "vitest";
import { openWallet } from "../../src/wallet/index.ts";

describe("a wallet on a disk that refuses", () => {
  it("forgets the key that it could not write, and takes it at the next try", async () => {
    const random = new SeededRandom("wallet");
    const disk = new SimDisk();
    let refuses = true;
    const writeFile: SimDisk["writeFile"] = async (path, bytes) => {
      if (refuses) throw new TypeError("no space left");
      await disk.writeFile(path, bytes);
    };
    const flaky = new Proxy(disk, {
      get: (target, name) => {
        if (name === "writeFile") return writeFile;
        const value: unknown = Reflect.get(target, name, target);
        return typeof value === "function" ? value.bind(target) : value;
      },
    });
    const needs = { disk: flaky, secret: random.bytes(32), random, network: 1 } as const;
    const wallet = await openWallet(needs);
    const key = generateKey("secp256k1", random);
    await expect(wallet.importKey(key)).rejects.toThrow("no space left");
    expect(wallet.addresses()).toEqual([]);
    expect(wallet.defaultAddress()).toBeUndefined();
    refuses = false;
    await wallet.importKey(key);
    expect(wallet.addresses()).toHaveLength(1);
    expect((await openWallet(needs)).addresses()).toEqual(wallet.addresses());
  });
});
