/** One sector from its first piece to its end, and everything that a caller may do wrong on the way. */
import { assert, equalBytes, sectorId as sectorIdOf } from "@holdfast/base";
import { codeOf } from "@holdfast/base/testing";
import { createVerifier, defaultClasses, verifyPieceInclusion } from "@holdfast/proofs";
import { type SealEvent, type Storage, sectorMoves } from "@holdfast/storage";
import { afterAll, describe, expect, it } from "vitest";
import {
  filesOn,
  identity,
  miner,
  networkId,
  pieceOf,
  reaches,
  readAll,
  scratch,
  sealTo,
  sectorBytes,
  seedAt,
  simStorage,
  ticketAt,
} from "./support.ts";

const files = scratch();
afterAll(() => files.remove());
const verifier = createVerifier();

async function sealStatement(storage: Storage, sectorId: number, proof: Uint8Array) {
  const { commitments, ticket } = await storage.getSector(sectorId);
  assert(commitments !== null && ticket !== null, "the sector is sealed");
  const { commD, commR, commRStar } = commitments;
  const sealed = { networkId, miner, sectorId: sectorIdOf(sectorId), ticket: ticket.bytes, commD };
  return { classes: defaultClasses, sectorBytes, identity: sealed, commR, commRStar, seed: seedAt(9), proof };
}

describe("the life of a sector", () => {
  it("goes from a piece to a proof that the chain's verifier accepts", async () => {
    const { storage, disk } = await simStorage(files.next());
    const piece = pieceOf("a", 300);
    const stored = await storage.addPiece(piece);
    expect(stored).toMatchObject({ pieceKey: "a", offsetPaddedBytes: 0, paddedBytes: 512 });
    const { sectorId } = stored;
    expect(await storage.getSector(sectorId)).toMatchObject({
      state: "staging",
      pieceCount: 1,
      filledPaddedBytes: 512,
    });
    expect(await storage.sealAllStagedSectors()).toEqual([sectorId]);
    expect((await storage.nextToSeal())?.sectorId).toBe(sectorId);
    await sealTo(storage, sectorId, "proved");
    expect(await storage.nextToSeal()).toBe(undefined);
    const proof = await storage.readSealProof(sectorId);
    expect(verifier.verifySeal(await sealStatement(storage, sectorId, proof))).toBe(true);
    expect(await filesOn(disk)).toEqual(
      ["aux", "proof", "tree"]
        .map((name) => `cache/${sectorId}-1/${name}`)
        .concat(`sealed/${sectorId}-1`, `staged/${sectorId}-1`),
    );
    await storage.confirmCommitted(sectorId);
    expect(await filesOn(disk)).toEqual([
      `cache/${sectorId}-1/tree`,
      `sealed/${sectorId}-1`,
      `unsealed/${sectorId}-1`,
    ]);
    expect(await readAll(storage.readPiece("a"))).toEqual(Buffer.from(piece.bytes));
    expect(equalBytes(await storage.readPieceFromSealedSector("a"), piece.bytes)).toBe(true);
    const inclusion = await storage.provePieceInclusion("a");
    expect(verifyPieceInclusion(inclusion)).toBe(true);
    expect((await storage.audit()).orphans).toEqual([]);
    await storage.dropSector(sectorId);
    expect(await filesOn(disk)).toEqual([]);
    expect(await storage.getPiece("a")).toBe(undefined);
    expect((await storage.getSector(sectorId)).state).toBe("removed");
    await storage.close();
  });

  it("proves spacetime for pieces and for capacity alike, with winning and window challenges", async () => {
    const { storage } = await simStorage(files.next());
    const { sectorId } = await storage.addPiece(pieceOf("a", 100));
    await storage.sealAllStagedSectors();
    const empty = await storage.addCommittedCapacity();
    for (const id of [sectorId, empty]) await sealTo(storage, id, "committed");
    const sectors = (await storage.listSectors()).map(({ sectorId: id, commitments }) => ({
      sectorId: sectorIdOf(id),
      sectorBytes,
      commR: commitments?.commR ?? new Uint8Array(),
    }));
    for (const kind of ["window", "winning"] as const) {
      const { proof, proven, faults } = await storage.generatePost(kind, seedAt(3), [sectorId, empty]);
      expect({ proven, faults }).toEqual({ proven: [sectorId, empty], faults: [] });
      expect(
        verifier.verifyPost({ classes: defaultClasses, kind, seed: seedAt(3), miner, sectors, proof }),
      ).toBe(true);
      expect(
        verifier.verifyPost({ classes: defaultClasses, kind, seed: seedAt(4), miner, sectors, proof }),
      ).toBe(false);
    }
    await storage.close();
  });

  it("reads pieces when the plain copy is gone, or was never kept", async () => {
    const { storage, disk } = await simStorage(files.next(), { keepUnsealed: false });
    const [a, b] = [pieceOf("a", 127), pieceOf("b", 250)];
    const { sectorId } = await storage.addPiece(a);
    await storage.addPiece(b);
    await storage.sealAllStagedSectors();
    await sealTo(storage, sectorId, "proved");
    expect(await disk.sizeBytes(`staged/${sectorId}-1`)).toBeDefined();
    await storage.confirmCommitted(sectorId);
    expect(await filesOn(disk)).toEqual([`cache/${sectorId}-1/tree`, `sealed/${sectorId}-1`]);
    for (const { pieceKey, bytes } of [a, b]) {
      expect(equalBytes(await storage.readPieceFromSealedSector(pieceKey), bytes)).toBe(true);
      const part = await readAll(storage.readPiece(pieceKey, { offset: 10, length: 99 }));
      expect(equalBytes(part, bytes.subarray(10, 109))).toBe(true);
      expect(await storage.verifyPiece(pieceKey)).toMatchObject({ intact: true });
    }
    await storage.close();
  });

  it("takes faults, recovery and expiry as the chain tells them, each word once", async () => {
    const { storage } = await simStorage(files.next());
    const sectorId = await storage.addCommittedCapacity();
    await sealTo(storage, sectorId, "committed");
    await storage.confirmCommitted(sectorId);
    await storage.markFaulty(sectorId, "missed a proof");
    await storage.markFaulty(sectorId, "missed a proof");
    expect((await storage.generatePost("window", seedAt(1), [sectorId])).proven).toEqual([sectorId]);
    await storage.markRecovered(sectorId);
    await storage.markExpired(sectorId);
    await storage.markExpired(sectorId);
    expect(await codeOf(storage.generatePost("window", seedAt(1), [sectorId]))).toBe(
      "storage/no-provable-sector",
    );
    expect(await codeOf(storage.markFaulty(sectorId, "too late"))).toBe("storage/wrong-state");
    await storage.dropSector(sectorId);
    await storage.dropSector(sectorId);
    const moves = await history(storage);
    expect(moves.map((event) => event.to)).toEqual([
      "closing",
      "sealing",
      "sealed",
      "proving",
      "proved",
      "committed",
      "faulty",
      "committed",
      "expired",
      "removed",
    ]);
    await storage.close();
  });

  it("starts a seal again with a new ticket when the chain has not taken it", async () => {
    const { storage } = await simStorage(files.next());
    const { sectorId } = await storage.addPiece(pieceOf("a", 300));
    await storage.sealAllStagedSectors();
    await sealTo(storage, sectorId, "sealed");
    const first = (await storage.getSector(sectorId)).commitments;
    await storage.restartSeal(sectorId, "the ticket is too old");
    expect(await storage.getSector(sectorId)).toMatchObject({
      state: "closing",
      commitments: null,
      ticket: null,
    });
    await storage.startSeal(sectorId, ticketAt(77), identity);
    await reaches(storage, sectorId, "sealed");
    const second = (await storage.getSector(sectorId)).commitments;
    expect(second?.commD).toEqual(first?.commD);
    expect(second?.commR).not.toEqual(first?.commR);
    expect((await storage.audit()).orphans).toEqual([]);
    await storage.close();
  });

  it("calls a running seal off when its sector is dropped", async () => {
    const { storage, disk } = await simStorage(files.next());
    const sectorId = await storage.addCommittedCapacity();
    await storage.startSeal(sectorId, ticketAt(1), identity);
    await storage.dropSector(sectorId);
    await storage.whenIdle(sectorId);
    expect((await storage.getSector(sectorId)).state).toBe("removed");
    expect(await filesOn(disk)).toEqual([]);
    await storage.close();
  });
});

describe("a caller who does the wrong thing", () => {
  it("hears which state a step needs", async () => {
    const { storage } = await simStorage(files.next());
    const { sectorId } = await storage.addPiece(pieceOf("a", 300));
    const wrong = "storage/wrong-state";
    expect(await codeOf(storage.startSeal(sectorId, ticketAt(1), identity))).toBe(wrong);
    expect(await codeOf(storage.proveSeal(sectorId, seedAt(1)))).toBe(wrong);
    expect(await codeOf(storage.readSealProof(sectorId))).toBe(wrong);
    expect(await codeOf(storage.confirmCommitted(sectorId))).toBe(wrong);
    expect(await codeOf(storage.retrySector(sectorId))).toBe(wrong);
    expect(await codeOf(storage.restartSeal(sectorId, "?"))).toBe(wrong);
    expect(await codeOf(storage.markFaulty(sectorId, "?"))).toBe(wrong);
    expect(await codeOf(storage.provePieceInclusion("a"))).toBe("storage/not-sealed");
    expect(await codeOf(storage.readPieceFromSealedSector("a"))).toBe("storage/not-sealed");
    expect((await storage.getSector(sectorId)).state).toBe("staging");
    await storage.close();
  });

  it("hears of sectors and pieces that are not there, and of tickets of the wrong length", async () => {
    const { storage } = await simStorage(files.next());
    const unknown = "storage/unknown-sector";
    expect(await codeOf(storage.getSector(99))).toBe(unknown);
    expect(await codeOf(storage.dropSector(99))).toBe(unknown);
    expect(await codeOf(storage.generatePost("window", seedAt(1), [99]))).toBe(unknown);
    expect(await codeOf(readAll(storage.readPiece("none")))).toBe("storage/unknown-piece");
    expect(await codeOf(storage.dropPiece("none"))).toBe("storage/unknown-piece");
    const sectorId = await storage.addCommittedCapacity();
    const short = { epoch: 1, bytes: new Uint8Array(31) };
    expect(await codeOf(storage.startSeal(sectorId, short, identity))).toBe("storage/bad-sector");
    await storage.close();
  });

  it("finds a closed storage closed, twice", async () => {
    const { storage } = await simStorage(files.next());
    await storage.addPiece(pieceOf("a", 10));
    await Promise.all([storage.close(), storage.close()]);
    const closed = "storage/closed";
    expect(await codeOf(storage.addPiece(pieceOf("b", 10)))).toBe(closed);
    expect(await codeOf(readAll(storage.readPiece("a")))).toBe(closed);
    expect(await codeOf(storage.sealAllStagedSectors())).toBe(closed);
    expect(await codeOf(storage.addCommittedCapacity())).toBe(closed);
    expect(await codeOf(storage.listSectors())).toBe(closed);
    expect(await codeOf(storage.cursorOf("x"))).toBe(closed);
    expect(await codeOf(storage.audit())).toBe(closed);
    for await (const event of storage.events(0)) expect(event).toBe(undefined);
  });
});

describe("the table of states", () => {
  it("leads every state to removed, and out of removed nowhere", () => {
    for (const [from, to] of Object.entries(sectorMoves)) {
      expect(to.includes("removed")).toBe(from !== "removed");
    }
  });
});

async function history(storage: Storage): Promise<SealEvent[]> {
  const stop = new AbortController();
  const seen: SealEvent[] = [];
  for await (const event of storage.events(0, stop.signal)) {
    seen.push(event);
    if (event.to === "removed") stop.abort();
  }
  return seen;
}
