/** What is hashed in the node's own thread leaves turns to everybody else in it, and is left when it is called off. */
import { equalBytes } from "@holdfast/base";
import { codeOf, SimClock, SimDisk } from "@holdfast/base/testing";
import { openStorage, type SealingPool, type Storage } from "@holdfast/storage";
import { afterAll, describe, expect, it } from "vitest";
import { identity, pieceOf, reaches, scratch, ticketAt } from "./support.ts";

const files = scratch();
afterAll(() => files.remove());

const userBytes = 5 * 2 ** 20;
const sectorBytes = 8 * 2 ** 20;

/** Seals nothing, and gives the bytes of a piece back as they were. */
function pretended(bytes: Uint8Array, disk: SimDisk, onExtracted: () => void): SealingPool {
  const byte = new Uint8Array(32).fill(1);
  return {
    threadCount: 0,
    sealerFor: () => ({
      async replicate({ replicaPath, treePath, auxPath }) {
        for (const path of [replicaPath, treePath, auxPath]) await disk.writeFile(path, byte);
        return { commR: byte, commRStar: byte };
      },
      prove: async () => undefined,
      async extract() {
        onExtracted();
        return bytes;
      },
      post: async () => ({ proof: null, proven: [], faults: [] }),
      async [Symbol.asyncDispose]() {},
    }),
    async [Symbol.asyncDispose]() {},
  };
}

async function sealed(onExtracted: () => void): Promise<Storage> {
  const disk = new SimDisk();
  const piece = pieceOf("a", userBytes);
  const prover = pretended(piece.bytes, disk, onExtracted);
  const options = { disk, dbPath: files.next(), clock: new SimClock(), sectorBytes };
  const storage = await openStorage({ ...options, prover });
  const { sectorId } = await storage.addPiece({ ...piece, source: piece.bytes });
  await storage.sealStagedSector(sectorId);
  await storage.startSeal(sectorId, ticketAt(1), identity);
  expect(await reaches(storage, sectorId, "sealed", "failed")).toMatchObject({ to: "sealed" });
  return storage;
}

describe("a piece out of a replica", () => {
  it("is checked in parts, between which others have their turns", async () => {
    let turns = 0;
    let next: NodeJS.Immediate | undefined;
    const turn = (): void => {
      turns += 1;
      next = setImmediate(turn);
    };
    await using storage = await sealed(() => turn());
    const bytes = await storage.readPieceFromSealedSector("a");
    clearImmediate(next);
    expect(equalBytes(bytes, pieceOf("a", userBytes).bytes)).toBe(true);
    expect(turns).toBeGreaterThanOrEqual(5);
  });

  it("is left where it is when nobody wants it any more", async () => {
    const stop = new AbortController();
    await using storage = await sealed(() => setImmediate(() => stop.abort(new Error("not wanted"))));
    expect(await codeOf(storage.readPieceFromSealedSector("a", stop.signal))).toContain("not wanted");
  });
});
