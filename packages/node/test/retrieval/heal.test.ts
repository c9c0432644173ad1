/** A miner whose plain copy has rotted: who reads gets the right bytes, and the copy is made anew. */
import { SimDisk } from "@holdfast/base/testing";
import { describe, expect, it } from "vitest";
import { createNetwork } from "../../src/testing/index.ts";
import { chunkBytes, collect, expectSameBytes, randomBytes } from "./support.ts";

describe("a rotten plain copy of a deal's file", () => {
  it("costs its reader nothing, and is healed out of the replica by being read", async () => {
    const disks = new Map<string, SimDisk>();
    const diskOf = (name: string) => disks.set(name, new SimDisk()).get(name) ?? new SimDisk();
    await using net = await createNetwork({ miners: 1, seed: "rotten", sectorBytes: 262_144, diskOf });
    const bytes = randomBytes("kept", chunkBytes - 9_000);
    const { cid } = await net.put(bytes, { copies: 1 });
    const reader = net.nodes.find(({ role }) => role === "bootstrap");
    if (reader === undefined) throw new Error("no reader");
    await net.client.stop(); // it has a copy of its own
    // As mining says it when the commitment is final.
    for (const { storage } of net.miners) {
      for (const { sectorId } of (await storage?.listSectors({ states: ["proved"] })) ?? [])
        await storage?.confirmCommitted(sectorId);
    }
    const plainOf = async () => {
      for (const disk of disks.values())
        for (const name of await disk.list("unsealed")) return { disk, path: `unsealed/${name}` };
      return undefined;
    };
    const plain = await plainOf();
    if (plain === undefined) throw new Error("no plain copy");
    const { disk, path } = plain;
    const good = (await disk.readFile(path)) ?? new Uint8Array();
    await disk.writeFile(path, good.slice().fill(7, 5_000, 5_100));
    const { signal } = new AbortController();
    const opening = reader.node.files.openFile(cid.toString(), { offsetBytes: 0 }, signal);
    expectSameBytes(await net.settle(opening.then((opened) => collect(opened.bytes))), bytes);
    const isWhole = async () => Buffer.from(good).equals((await disk.readFile(path)) ?? new Uint8Array());
    for (let n = 0; n < 60 && !(await isWhole()); n += 1) await net.advance(1_000);
    expect(await isWhole()).toBe(true);
  });
});
