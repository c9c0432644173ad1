/** Taking pieces: what is refused and why, where pieces go, when sectors close, and limits of space. */
import { writeFileSync } from "node:fs";
import { equalBytes } from "@holdfast/base";
import { codeOf, type DiskOperation, SimClock, SimDisk } from "@holdfast/base/testing";
import { commP, defaultClasses, layoutPieces } from "@holdfast/proofs";
import { footprint, type NewPiece, openNodeDisk, openStorage } from "@holdfast/storage";
import { afterAll, describe, expect, it } from "vitest";
import {
  allFiles,
  bytesOf,
  chunked,
  filesOn,
  pieceOf,
  prover,
  readAll,
  scratch,
  sealTo,
  sectorBytes,
  simStorage,
} from "./support.ts";

const files = scratch();
afterAll(() => files.remove());

describe("a piece that is refused", () => {
  const cases: readonly [string, string, (piece: ReturnType<typeof pieceOf>) => NewPiece][] = [
    [
      "has other bytes than its commP says",
      "storage/piece-mismatch",
      (p) => ({ ...p, source: chunked(bytesOf("x", 300)) }),
    ],
    ["ends too early", "storage/short-piece", (p) => ({ ...p, source: chunked(p.bytes.subarray(0, 299)) })],
    ["is empty", "storage/short-piece", (p) => ({ ...p, source: new Uint8Array(0) })],
    ["goes on too long", "storage/long-piece", (p) => ({ ...p, source: chunked(new Uint8Array(301)) })],
    [
      "is larger than a sector",
      "storage/piece-too-large",
      (p) => ({ ...p, userBytes: 1017, paddedBytes: 2048 }),
    ],
    ["has no user bytes", "storage/bad-piece", (p) => ({ ...p, userBytes: 0 })],
    ["has half a byte", "storage/bad-piece", (p) => ({ ...p, userBytes: 10.5 })],
    ["has a padded size that is no power of two", "storage/bad-piece", (p) => ({ ...p, paddedBytes: 384 })],
    ["has a padded size that is too small", "storage/bad-piece", (p) => ({ ...p, paddedBytes: 256 })],
    ["has a commP of 31 bytes", "storage/bad-piece", (p) => ({ ...p, commP: p.commP.subarray(1) })],
    ["has no key", "storage/bad-piece-key", (p) => ({ ...p, pieceKey: "" })],
    ["has a key of 257 bytes", "storage/bad-piece-key", (p) => ({ ...p, pieceKey: `${"é".repeat(128)}x` })],
    [
      "comes from a file that is not there",
      "disk/not-found",
      (p) => ({ ...p, source: { nativePath: "/none/such" } }),
    ],
  ];
  it.each(cases)("because it %s leaves nothing behind: %s", async (_why, code, spoil) => {
    const { storage } = await simStorage(files.next());
    const good = pieceOf("a", 300);
    expect(await codeOf(storage.addPiece(spoil(good)))).toBe(code);
    expect(await storage.listPieces()).toEqual([]);
    const stored = await storage.addPiece(pieceOf("a", 300));
    expect(stored.offsetPaddedBytes).toBe(0); // its slot is free again
    expect(equalBytes(await readAll(storage.readPiece("a")), good.bytes)).toBe(true);
    expect((await storage.audit()).orphans).toEqual([]);
    await storage.close();
  });

  it("because its source fails gives the source's own error", async () => {
    const { storage } = await simStorage(files.next());
    const failure = new TypeError("the peer went away");
    const source = (async function* () {
      yield new Uint8Array(10);
      throw failure;
    })();
    await expect(storage.addPiece({ ...pieceOf("a", 300), source })).rejects.toBe(failure);
    await storage.close();
  });

  it("because its caller gives up does not wait for a silent source", async () => {
    const { storage } = await simStorage(files.next());
    const stop = new AbortController();
    const adding = storage.addPiece({ ...pieceOf("a", 300), source: silent() }, stop.signal);
    stop.abort();
    expect(await codeOf(adding)).toBe("storage/cancelled");
    const closing = storage.addPiece({ ...pieceOf("a", 300), source: silent() });
    await Promise.resolve();
    await storage.close();
    expect(await codeOf(closing)).toBe("storage/closed");
  });
});

describe("the same key", () => {
  it("with the same piece answers the same and does not touch the source", async () => {
    const { storage } = await simStorage(files.next());
    const first = await storage.addPiece(pieceOf("a", 300));
    expect(await storage.addPiece({ ...pieceOf("a", 300), source: silent() })).toEqual(first);
    expect(await storage.listPieces()).toEqual([first]);
    await storage.close();
  });

  it("with another piece is refused", async () => {
    const { storage } = await simStorage(files.next());
    await storage.addPiece(pieceOf("a", 300));
    const other = { ...pieceOf("b", 300), pieceKey: "a" };
    expect(await codeOf(storage.addPiece(other))).toBe("storage/piece-conflict");
    await storage.close();
  });

  it("from two callers at once is written once; when the first fails the second has its turn", async () => {
    const { storage } = await simStorage(files.next());
    const bad = { ...pieceOf("a", 300), source: chunked(bytesOf("x", 300)) };
    const results = await Promise.all([
      codeOf(storage.addPiece(bad)),
      codeOf(storage.addPiece(pieceOf("a", 300))),
      codeOf(storage.addPiece({ ...pieceOf("a", 300), source: silent() })),
    ]);
    expect(results).toEqual(["storage/piece-mismatch", "no error", "no error"]);
    expect(await storage.listPieces()).toHaveLength(1);
    await storage.close();
  });

  it("is free again after the piece was dropped, in a staged and in a sealed sector", async () => {
    const { storage, disk } = await simStorage(files.next());
    const a = await storage.addPiece(pieceOf("a", 300));
    await storage.addPiece(pieceOf("b", 200));
    await storage.dropPiece("a");
    expect(await storage.addPiece(pieceOf("a", 300))).toMatchObject({ ...a, addedMs: expect.anything() });
    await storage.sealAllStagedSectors();
    await sealTo(storage, a.sectorId, "committed");
    await storage.dropPiece("a");
    expect(await codeOf(readAll(storage.readPiece("a")))).toBe("storage/unknown-piece");
    const again = await storage.addPiece(pieceOf("a", 300));
    expect(again.sectorId).not.toBe(a.sectorId);
    expect(await storage.getSector(a.sectorId)).toMatchObject({ pieceCount: 1, filledPaddedBytes: 768 });
    await storage.dropPiece("b"); // the last one: its plain copy has no reader any more
    expect(await filesOn(disk)).not.toContain(`unsealed/${a.sectorId}`);
    await storage.close();
  });
});

describe("where pieces go", () => {
  it("takes bytes, streams, files of the system, and pieces that are padded beyond their need", async () => {
    const { storage } = await simStorage(files.next(), { sectorBytes: 4096 });
    const bytes = bytesOf("all", 500);
    const nativePath = files.next();
    writeFileSync(nativePath, bytes);
    const { commitment } = commP(bytes);
    const wide = layoutPieces([{ commitment, paddedBytes: 512 }], 1024).commD;
    const piece = { commP: commitment, paddedBytes: 512, userBytes: 500 };
    await storage.addPiece({ ...piece, pieceKey: "bytes", source: bytes });
    await storage.addPiece({ ...piece, pieceKey: "stream", source: chunked(bytes) });
    await storage.addPiece({ ...piece, pieceKey: "file", source: { nativePath } });
    await storage.addPiece({ ...piece, pieceKey: "wide", source: bytes, commP: wide, paddedBytes: 1024 });
    await storage.sealAllStagedSectors();
    await sealTo(storage, 1, "committed");
    for (const { pieceKey } of await storage.listPieces()) {
      expect(equalBytes(await storage.readPieceFromSealedSector(pieceKey), bytes)).toBe(true);
    }
    await storage.close();
  });

  it("fills holes with what fits best and keeps large ones for large pieces", async () => {
    const { storage } = await simStorage(files.next(), { sectorBytes: 2048 });
    const at = async (key: string, userBytes: number) =>
      (await storage.addPiece(pieceOf(key, userBytes))).offsetPaddedBytes;
    expect(await at("a", 127)).toBe(0);
    expect(await at("b", 254)).toBe(256);
    expect(await at("c", 100)).toBe(128); // the small hole, not the large rest
    expect(await at("d", 1016)).toBe(1024);
    expect(await at("e", 127)).toBe(512);
    await storage.dropPiece("b");
    expect(await at("f", 250)).toBe(256); // 256 free at 256, 128 at 640, 256 at 768
    await storage.dropPiece("a");
    await storage.dropPiece("c"); // 256 free at 0
    expect(await at("g", 127)).toBe(640); // not the first hole but the smallest
    await storage.close();
  });

  it("closes a sector when it is full, and the fullest when a piece fits nowhere", async () => {
    const { storage } = await simStorage(files.next(), { maxStagedSectors: 2 });
    const stateOf = async (id: number) => (await storage.getSector(id)).state;
    await storage.addPiece(pieceOf("full", 1016));
    expect(await stateOf(1)).toBe("closing");
    await storage.addPiece(pieceOf("b", 500)); // 2: 512 of 1024
    await storage.addPiece(pieceOf("c", 700)); // 3: full
    await storage.addPiece(pieceOf("d", 200)); // 2: 768
    await storage.addPiece(pieceOf("e", 400)); // 4: 512
    expect(await Promise.all([2, 3, 4].map(stateOf))).toEqual(["staging", "closing", "staging"]);
    await storage.addPiece(pieceOf("f", 900)); // 5 takes it; 2 was fuller than 4
    expect(await Promise.all([2, 4, 5].map(stateOf))).toEqual(["closing", "staging", "closing"]);
    expect((await storage.nextToSeal())?.sectorId).toBe(1);
    await storage.close();
  });

  it("closes a sector with as many pieces as it may have", async () => {
    const { storage } = await simStorage(files.next(), { maxPiecesPerSector: 2 });
    for (const key of ["a", "b", "c"]) await storage.addPiece(pieceOf(key, 10));
    expect((await storage.listSectors()).map(({ state, pieceCount }) => [state, pieceCount])).toEqual([
      ["closing", 2],
      ["staging", 1],
    ]);
    await storage.close();
  });

  it.each([
    { minFillPercent: 60, maxUnfilledSectors: 3, first: "closing" },
    { minFillPercent: 90, maxUnfilledSectors: 3, first: "staging" },
    { minFillPercent: 90, maxUnfilledSectors: 2, first: "closing" },
  ])(
    "closes none below $minFillPercent % for another, up to $maxUnfilledSectors of them",
    async ({ first, ...given }) => {
      const { storage } = await simStorage(files.next(), { maxStagedSectors: 1, ...given });
      await storage.addPiece(pieceOf("a", 100)); // 1: 128 of 1024
      await storage.addPiece(pieceOf("b", 500)); // 1: 640
      await storage.addPiece(pieceOf("c", 500)); // 2: 512
      await storage.addPiece(pieceOf("d", 1_000)); // 3, which is full
      expect((await storage.listSectors()).map(({ state }) => state)).toEqual([first, "staging", "closing"]);
      await storage.close();
    },
  );

  it("waits with closing for the pieces on their way", async () => {
    const { storage } = await simStorage(files.next());
    await storage.addPiece(pieceOf("a", 10));
    const { source, go } = gated(pieceOf("b", 300).bytes);
    const adding = storage.addPiece({ ...pieceOf("b", 300), source });
    await new Promise(setImmediate);
    const closing = storage.sealAllStagedSectors();
    const other = await storage.addPiece(pieceOf("c", 10));
    expect(other.sectorId).toBe(2); // the closing one takes no more
    expect((await storage.getSector(1)).state).toBe("staging");
    expect(await codeOf(storage.dropSector(1))).toBe("storage/sector-busy");
    go();
    await adding;
    expect(await closing).toEqual([1]);
    expect(await storage.getSector(1)).toMatchObject({ state: "closing", pieceCount: 2 });
    await storage.close();
  });

  it("closes what waits for half a piece when that begins anew elsewhere", async () => {
    const { storage } = await simStorage(files.next(), { maxStagedSectors: 1, partBytes: 1 });
    await storage.addPiece(pieceOf("b", 254));
    const { bytes, ...half } = pieceOf("a", 508);
    const stop = new AbortController();
    const from = async function* () {
      yield bytes.subarray(0, 100);
      stop.abort();
    };
    expect(await codeOf(storage.addPiece({ ...half, source: { from } }, stop.signal))).toBe(
      "storage/cancelled",
    );
    await storage.addPiece(pieceOf("c", 1_016)); // fits nowhere: the fullest one is to close
    expect((await storage.getSector(1)).state).toBe("staging");
    expect((await storage.addPiece(pieceOf("a", 508))).sectorId).toBe(3);
    expect((await storage.getSector(1)).state).toBe("closing");
  });
});

describe("space", () => {
  it("is reserved for the whole life of a sector when it opens", async () => {
    const { peakBytes, restBytes } = footprint(defaultClasses, sectorBytes, true);
    const { storage, disk } = await simStorage(files.next(), { maxBytes: 2 * peakBytes });
    await storage.addPiece(pieceOf("a", 1016));
    await storage.addPiece(pieceOf("b", 1016));
    expect(await codeOf(storage.addPiece(pieceOf("c", 10)))).toBe("storage/full");
    expect(await codeOf(storage.addCommittedCapacity())).toBe("storage/full");
    await sealTo(storage, 1, "proved");
    const used = async (id: number) =>
      (await allFiles(storage))
        .filter(({ owner }) => owner.kind === "sector" && owner.sectorId === id)
        .reduce((sum, file) => sum + file.sizeBytes, 0);
    expect(await used(1)).toBeLessThanOrEqual(peakBytes);
    await storage.confirmCommitted(1);
    expect(await used(1)).toBeLessThanOrEqual(restBytes);
    expect(await storage.usage()).toMatchObject({ reservedBytes: peakBytes + restBytes, sectorCount: 2 });
    await storage.dropSector(2);
    await storage.addPiece(pieceOf("c", 10));
    expect((await filesOn(disk)).length).toBeGreaterThan(0);
    await storage.close();
  });

  it("is what real seals need, for every small profile", async () => {
    for (const size of [1024, 2048, 4096, 16_384]) {
      const { storage, disk } = await simStorage(files.next(), { sectorBytes: size });
      const id = await storage.addCommittedCapacity();
      await sealTo(storage, id, "proved");
      let bytes = 0;
      for (const file of await filesOn(disk)) bytes += (await disk.sizeBytes(file)) ?? 0;
      expect(bytes).toBeLessThanOrEqual(footprint(defaultClasses, size, true).peakBytes);
      await storage.close();
    }
  });

  it("refuses a piece when the volume is full, loses nothing and goes on when there is space", async () => {
    const disk = new SimDisk({ capacityBytes: 40_000 });
    const { storage } = await simStorage(files.next(), { disk });
    await storage.addPiece(pieceOf("a", 300));
    disk.capacityBytes = 400;
    expect(await codeOf(storage.addPiece(pieceOf("b", 500)))).toBe("storage/full");
    expect(await codeOf(storage.addPiece(pieceOf("c", 900)))).toBe("storage/full");
    expect((await storage.listPieces()).map((piece) => piece.pieceKey)).toEqual(["a"]);
    disk.capacityBytes = 100_000;
    await storage.addPiece(pieceOf("b", 500));
    expect(await storage.verifyPiece("a")).toMatchObject({ intact: true });
    await storage.close();
  });

  it("fails a seal that finds the volume full with a code, and seals on retry", async () => {
    const disk = new SimDisk({ capacityBytes: 100_000 });
    const { storage } = await simStorage(files.next(), { disk });
    await storage.addPiece(pieceOf("a", 1016));
    disk.capacityBytes = 3_000;
    await sealTo(storage, 1, "sealed");
    expect(await storage.getSector(1)).toMatchObject({
      state: "failed",
      failure: { during: "sealing", code: "disk/full" },
    });
    expect((await storage.audit()).orphans).toEqual([]);
    disk.capacityBytes = 100_000;
    await storage.retrySector(1);
    await sealTo(storage, 1, "committed");
    expect(equalBytes(await storage.readPieceFromSealedSector("a"), pieceOf("a", 1016).bytes)).toBe(true);
    await storage.close();
  });
});

describe("an input/output error", () => {
  it.each(["open", "writeAt", "sync", "sizeBytes"] as const)(
    "in %s loses the piece and nothing else",
    async (broken) => {
      const { storage, disk } = await simStorage(files.next());
      await storage.addPiece(pieceOf("a", 300));
      disk.fault = (operation: DiskOperation) => (operation === broken ? "io" : undefined);
      expect(await codeOf(storage.addPiece(pieceOf("b", 300)))).toBe("disk/io");
      disk.fault = () => undefined;
      expect((await storage.listPieces()).map((piece) => piece.pieceKey)).toEqual(["a"]);
      await storage.addPiece(pieceOf("b", 300));
      for (const key of ["a", "b"]) expect(await storage.verifyPiece(key)).toMatchObject({ intact: true });
      await storage.close();
    },
  );

  it.each(["writeAt", "sync", "rename", "readAt"] as const)(
    "in %s fails the seal, and a retry heals it",
    async (broken) => {
      const { storage, disk } = await simStorage(files.next());
      await storage.addPiece(pieceOf("a", 1016));
      disk.fault = (operation) => (operation === broken ? "io" : undefined);
      await sealTo(storage, 1, "sealed");
      expect((await storage.getSector(1)).failure).toMatchObject({ during: "sealing", code: "disk/io" });
      disk.fault = () => undefined;
      await storage.retrySector(1);
      await sealTo(storage, 1, "sealed");
      disk.fault = (operation, path) => (operation === "open" && path.endsWith("aux") ? "io" : undefined);
      await storage.proveSeal(1, new Uint8Array(32));
      await storage.whenIdle(1);
      expect((await storage.getSector(1)).failure).toMatchObject({ during: "proving", code: "disk/io" });
      disk.fault = () => undefined;
      await storage.retrySector(1);
      expect((await storage.getSector(1)).state).toBe("sealed");
      await storage.close();
    },
  );
});

describe("a real disk", () => {
  it("holds the same storage", async () => {
    const disk = openNodeDisk(files.next());
    const storage = await openStorage({
      disk,
      dbPath: files.next(),
      prover,
      clock: new SimClock(),
      sectorBytes,
    });
    const pieces = ["a", "b", "c"].map((key) => pieceOf(key, 120));
    await Promise.all(pieces.map((piece) => storage.addPiece(piece)));
    await storage.sealAllStagedSectors();
    await sealTo(storage, 1, "committed");
    for (const { pieceKey, bytes } of pieces) {
      expect(equalBytes(await readAll(storage.readPiece(pieceKey)), bytes)).toBe(true);
    }
    const kinds = (await allFiles(storage)).map((file) => file.owner.kind);
    expect(kinds).toEqual(["sector", "sector", "sector"]);
    await storage.close();
  });
});

/** A source that never says anything. */
function silent(): AsyncIterable<Uint8Array> {
  return { [Symbol.asyncIterator]: () => ({ next: () => new Promise(() => undefined) }) };
}

/** A source that waits for its signal after the first byte. */
function gated(bytes: Uint8Array): { source: AsyncIterable<Uint8Array>; go: () => void } {
  const gate = Promise.withResolvers<void>();
  const source = (async function* () {
    yield bytes.subarray(0, 1);
    await gate.promise;
    yield bytes.subarray(1);
  })();
  return { source, go: () => gate.resolve() };
}
