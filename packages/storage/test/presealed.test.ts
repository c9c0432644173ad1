/** Sectors of a genesis: sealed elsewhere, committed from the start, refused when they are not what they say. */
import { codeOf } from "@holdfast/base/testing";
import { defaultClasses } from "@holdfast/proofs";
import { presealSector } from "@holdfast/storage";
import { afterAll, describe, expect, it } from "vitest";
import { filesOn, identity, prover, scratch, sectorBytes, seedAt, simStorage, ticketAt } from "./support.ts";

const files = scratch();
afterAll(() => files.remove());

describe("presealed sectors", () => {
  const preseal = (sectorId: number) =>
    presealSector(prover, { classes: defaultClasses, sectorId, sectorBytes, ticket: ticketAt(0), identity });

  it("are committed from the start, prove spacetime, and keep their ids for themselves", async () => {
    const { storage, disk } = await simStorage(files.next());
    const [one, five] = [await preseal(1), await preseal(5)];
    await storage.importPresealed(one);
    await storage.importPresealed(five);
    await storage.importPresealed(one);
    expect(
      (await storage.listSectors()).map(({ sectorId, state, origin }) => [sectorId, state, origin]),
    ).toEqual([
      [1, "committed", "presealed"],
      [5, "committed", "presealed"],
    ]);
    const { proven, faults } = await storage.generatePost("winning", seedAt(1), [5, 1]);
    expect({ proven, faults }).toEqual({ proven: [5, 1], faults: [] });
    expect(await storage.addCommittedCapacity()).toBe(6);
    expect(await filesOn(disk)).toEqual(["cache/1-1/tree", "cache/5-1/tree", "sealed/1-1", "sealed/5-1"]);
    await storage.close();
  });

  it("are refused when they are not what they say", async () => {
    const { storage, disk } = await simStorage(files.next());
    const good = await preseal(1);
    const cut = { ...good, replica: good.replica.subarray(1) };
    const wrongRoot = { ...good, commR: (await preseal(2)).commR };
    for (const bad of [cut, wrongRoot, { ...good, replicaTree: new Uint8Array(9) }]) {
      expect(await codeOf(storage.importPresealed(bad))).toBe("storage/bad-sector");
    }
    await storage.importPresealed(good);
    const other = { ...(await preseal(2)), sectorId: 1 };
    expect(await codeOf(storage.importPresealed(other))).toBe("storage/sector-conflict");
    disk.fault = (operation) => (operation === "rename" ? "full" : undefined);
    expect(await codeOf(storage.importPresealed(await preseal(3)))).toBe("disk/full");
    disk.fault = () => undefined;
    expect(await storage.listSectors()).toHaveLength(1);
    expect((await storage.audit()).orphans).toEqual([]);
    await storage.importPresealed(await preseal(3));
    await storage.close();
  });
});
