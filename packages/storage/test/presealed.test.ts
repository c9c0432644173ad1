/** Sectors of a genesis: sealed elsewhere, committed from the start, refused when they are not what they say. */
import { sectorId as sectorIdOf } from "@holdfast/base";
import { codeOf } from "@holdfast/base/testing";
import { zigzag } from "@holdfast/proofs";
import { sectorProfile } from "@holdfast/proofs/verify";
import type { PresealedSector } from "@holdfast/storage";
import { afterAll, describe, expect, it } from "vitest";
import {
  filesOn,
  identity,
  miner,
  networkId,
  scratch,
  sectorBytes,
  seedAt,
  simStorage,
  ticketAt,
} from "./support.ts";

const files = scratch();
afterAll(() => files.remove());

describe("presealed sectors", () => {
  function preseal(sectorId: number): PresealedSector {
    const profile = sectorProfile(sectorBytes);
    const { data, commD } = zigzag.preproc(new Uint8Array(0), profile);
    const ticket = ticketAt(0);
    const bound = { networkId, miner, sectorId: sectorIdOf(sectorId), ticket: ticket.bytes, commD };
    const { replica, replicaTree, commR, commRStar } = zigzag.replicate(profile, bound, data);
    return { sectorId, sectorBytes, ticket, identity, commD, commR, commRStar, replica, replicaTree };
  }

  it("are committed from the start, prove spacetime, and keep their ids for themselves", async () => {
    const { storage, disk } = await simStorage(files.next());
    const [one, five] = [preseal(1), preseal(5)];
    await storage.importPresealed(one);
    await storage.importPresealed(five);
    await storage.importPresealed(one);
    expect(storage.listSectors().map(({ sectorId, state, origin }) => [sectorId, state, origin])).toEqual([
      [1, "committed", "presealed"],
      [5, "committed", "presealed"],
    ]);
    const { proven, faults } = await storage.generatePost("winning", seedAt(1), [5, 1]);
    expect({ proven, faults }).toEqual({ proven: [5, 1], faults: [] });
    expect(await storage.addCommittedCapacity()).toBe(6);
    expect(await filesOn(disk)).toEqual(["cache/1/tree", "cache/5/tree", "sealed/1", "sealed/5"]);
    await storage.close();
  });

  it("are refused when they are not what they say", async () => {
    const { storage, disk } = await simStorage(files.next());
    const good = preseal(1);
    const cut = { ...good, replica: good.replica.subarray(1) };
    const wrongRoot = { ...good, commR: preseal(2).commR };
    for (const bad of [cut, wrongRoot, { ...good, replicaTree: new Uint8Array(9) }]) {
      expect(await codeOf(storage.importPresealed(bad))).toBe("storage/bad-sector");
    }
    await storage.importPresealed(good);
    const other = { ...preseal(2), sectorId: 1 };
    expect(await codeOf(storage.importPresealed(other))).toBe("storage/sector-conflict");
    disk.fault = (operation) => (operation === "rename" ? "full" : undefined);
    expect(await codeOf(storage.importPresealed(preseal(3)))).toBe("disk/full");
    disk.fault = () => undefined;
    expect(storage.listSectors()).toHaveLength(1);
    expect((await storage.audit()).orphans).toEqual([]);
    await storage.importPresealed(preseal(3));
    await storage.close();
  });
});
