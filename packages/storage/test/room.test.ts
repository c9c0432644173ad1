/** Whether pieces would have room, said before they come: as if they came, but for idle space, which makes way. */
import { HoldfastError } from "@holdfast/base";
import { SimDisk } from "@holdfast/base/testing";
import { defaultClasses, maxUserBytes } from "@holdfast/proofs";
import { footprint } from "@holdfast/storage";
import fc from "fast-check";
import { afterAll, describe, expect, it } from "vitest";
import { pieceOf, scratch, sectorBytes, simStorage } from "./support.ts";

const files = scratch();
afterAll(() => files.remove());
const { peakBytes } = footprint(defaultClasses, sectorBytes, true);

describe("a storage that is asked whether it takes pieces", () => {
  it("says what would come of it, whatever is in it", async () => {
    const size = fc.integer({ min: 1, max: maxUserBytes(sectorBytes) });
    const sizes = fc.array(size, { minLength: 1, maxLength: 6 });
    const law = fc.asyncProperty(
      sizes,
      sizes,
      fc.integer({ min: 1, max: 8 }),
      fc.constantFrom(1, 2, 3, 512),
      async (there, coming, sectors, maxPiecesPerSector) => {
        const maxBytes = sectors * peakBytes + 100;
        const bounds = { maxBytes, maxStagedSectors: 100, maxPiecesPerSector };
        const { storage } = await simStorage(files.next(), bounds);
        for (const [at, userBytes] of there.entries())
          await storage.addPiece(pieceOf(`there ${at}`, userBytes)).catch(() => undefined);
        // The largest first, as they are laid out.
        const pieces = coming
          .toSorted((a, b) => b - a)
          .map((userBytes, at) => pieceOf(`new ${at}`, userBytes));
        const counts = new Map<number, number>();
        for (const { paddedBytes } of pieces) counts.set(paddedBytes, (counts.get(paddedBytes) ?? 0) + 1);
        const refusal = await storage.refusal(counts);
        let failed: string | undefined;
        for (const piece of pieces) {
          await storage.addPiece(piece).catch((error: unknown) => {
            failed ??= error instanceof HoldfastError ? error.code : String(error);
          });
        }
        expect(refusal?.code).toBe(failed);
        await storage.close();
      },
    );
    await fc.assert(law, { numRuns: 100 });
  });

  it("reckons pieces beyond number by their sizes, and lays no more into a sector than it takes", async () => {
    const [tiny, half] = [128, sectorBytes / 2];
    const pieces = new Map([
      [tiny, 3_000],
      [half, 1],
    ]);
    const need = async (maxPiecesPerSector: number): Promise<number> => {
      for (let sectors = 1; ; sectors *= 2) {
        const maxBytes = sectors * peakBytes;
        const { storage } = await simStorage(files.next(), { maxBytes, maxPiecesPerSector });
        const refusal = await storage.refusal(pieces);
        await storage.close();
        if (refusal === undefined) return sectors;
      }
    };
    const perSector = sectorBytes / tiny;
    const least = (sectors: number) => 2 ** Math.ceil(Math.log2(sectors));
    expect(await need(512)).toBe(least(Math.ceil((3_000 + perSector / 2) / perSector)));
    // The first has the half and one more.
    expect(await need(2)).toBe(least(1 + Math.ceil(2_999 / 2)));
  });

  it("counts idle space as free, and promises nothing", async () => {
    const { storage } = await simStorage(files.next(), { maxBytes: 2 * peakBytes, disk: new SimDisk() });
    const [room] = await storage.volumes.idle.rooms();
    const share = { reservedBytes: room?.roomBytes ?? 0, usedBytes: room?.roomBytes ?? 0, fileCount: 1 };
    await storage.volumes.idle.setShare(room?.volumeId ?? -1, share);
    const before = await storage.usage();
    expect(await storage.refusal(new Map([[sectorBytes, 2]]))).toBe(undefined);
    expect((await storage.refusal(new Map([[sectorBytes, 3]])))?.code).toBe("storage/full");
    expect(await storage.usage()).toEqual(before);
    await storage.close();
  });
});
