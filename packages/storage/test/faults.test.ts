/** What fails beside the files: the database, and jobs that end when nobody wants them any more. */
import { DatabaseSync } from "node:sqlite";
import { codeOf } from "@holdfast/base/testing";
import type { Prover } from "@holdfast/proofs";
import { afterAll, describe, expect, it } from "vitest";
import {
  identity,
  pieceOf,
  prover,
  reaches,
  scratch,
  sealTo,
  seedAt,
  simStorage,
  ticketAt,
} from "./support.ts";

const files = scratch();
afterAll(() => files.remove());

describe("a database that fails", () => {
  /** Takes away the table of events, or gives it back, as a full volume would. */
  const hide = (dbPath: string, hidden: boolean) => {
    const [from, to] = hidden ? ["seal_events", "hidden"] : ["hidden", "seal_events"];
    const db = new DatabaseSync(dbPath);
    db.exec(`PRAGMA legacy_alter_table = ON; ALTER TABLE ${from} RENAME TO ${to}`);
    db.close();
  };

  it("refuses with a code and loses nothing", async () => {
    const { storage, dbPath } = await simStorage(files.next());
    await storage.addPiece(pieceOf("a", 300));
    hide(dbPath, true);
    expect(await codeOf(storage.addCommittedCapacity())).toBe("storage/database-failed");
    expect(await codeOf(storage.sealAllStagedSectors())).toBe("storage/database-failed");
    hide(dbPath, false);
    expect(await storage.sealAllStagedSectors()).toEqual([1]);
    expect(await storage.listSectors()).toHaveLength(1);
    await storage.close();
  });

  it("hears of a failed seal as soon as it is back", async () => {
    const { storage, dbPath, clock } = await simStorage(files.next());
    await storage.addCommittedCapacity();
    await storage.startSeal(1, ticketAt(1), identity);
    hide(dbPath, true);
    while (clock.pendingTimers === 0) await new Promise(setImmediate);
    expect((await storage.getSector(1)).state).toBe("sealing");
    await clock.advance(5_000);
    hide(dbPath, false);
    await clock.advance(5_000);
    expect(await storage.getSector(1)).toMatchObject({
      state: "failed",
      failure: { code: "storage/database-failed" },
    });
    await storage.retrySector(1);
    await sealTo(storage, 1, "committed");
    expect((await storage.audit()).orphans).toEqual([]);
    await storage.close();
  });
});

describe("a job that was called off and ends late", () => {
  it("changes nothing of its successor", async () => {
    const gates = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
    let seals = 0;
    const deaf: Prover = {
      ...prover,
      seal: async (request) => {
        const result = await prover.seal(request); // it hears no cancel
        await gates[seals++]?.promise;
        return result;
      },
    };
    const { storage } = await simStorage(files.next(), { prover: deaf });
    await storage.addCommittedCapacity();
    await storage.startSeal(1, ticketAt(1), identity);
    const restarting = storage.restartSeal(1, "another ticket");
    await storage.startSeal(1, ticketAt(2), identity);
    gates[0]?.resolve();
    await restarting;
    expect((await storage.getSector(1)).state).toBe("sealing");
    gates[1]?.resolve();
    await reaches(storage, 1, "sealed");
    const reference = await simStorage(files.next());
    await reference.storage.addCommittedCapacity();
    await reference.storage.startSeal(1, ticketAt(2), identity);
    await reaches(reference.storage, 1, "sealed");
    expect((await storage.getSector(1)).commitments).toEqual(
      (await reference.storage.getSector(1)).commitments,
    );
    expect(await storage.audit()).toMatchObject({ orphans: [], missing: [] });
    await storage.proveSeal(1, seedAt(1));
    expect(await reaches(storage, 1, "proved", "failed")).toMatchObject({ to: "proved" });
    await Promise.all([storage.close(), reference.storage.close()]);
  });
});
