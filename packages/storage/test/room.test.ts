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
      async (there, coming, sectors) => {
        const maxBytes = sectors * peakBytes + 100;
        const { storage } = await simStorage(files.next(), { maxBytes, maxStagedSectors: 100 });
        for (const [at, userBytes] of there.entries())
          await storage.addPiece(pieceOf(`there ${at}`, userBytes)).catch(() => undefined);
        // The largest first, as they are laid out.
        const pieces = coming
          .toSorted((a, b) => b - a)
          .map((userBytes, at) => pieceOf(`new ${at}`, userBytes));
        const refusal = await storage.refusal(pieces.map(({ paddedBytes }) => paddedBytes));
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
    await fc.assert(law, { numRuns: 60 });
  });

  it("counts idle space as free, and promises nothing", async () => {
    const { storage } = await simStorage(files.next(), { maxBytes: 2 * peakBytes, disk: new SimDisk() });
    const [room] = await storage.volumes.idle.rooms();
    const share = { reservedBytes: room?.roomBytes ?? 0, usedBytes: room?.roomBytes ?? 0, fileCount: 1 };
    await storage.volumes.idle.setShare(room?.volumeId ?? -1, share);
    const before = await storage.usage();
    expect(await storage.refusal([sectorBytes, sectorBytes])).toBe(undefined);
    expect((await storage.refusal([sectorBytes, sectorBytes, sectorBytes]))?.code).toBe("storage/full");
    expect(await storage.usage()).toEqual(before);
    await storage.close();
  });
});
