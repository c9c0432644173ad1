/** Sectors that close while pieces are on their way into them. */
import { codeOf } from "@holdfast/base/testing";
import { afterAll, describe, expect, it } from "vitest";
import { pieceOf, scratch, simStorage } from "./support.ts";

const files = scratch();
afterAll(() => files.remove());

describe("closing a sector", () => {
  it("by request gives up the half piece of a sender that is cut off meanwhile", async () => {
    const { storage } = await simStorage(files.next(), { partBytes: 1 });
    await storage.addPiece(pieceOf("b", 508));
    const { bytes, ...half } = pieceOf("a", 254);
    const stop = new AbortController();
    const { promise: isHere, resolve: here } = Promise.withResolvers<void>();
    const from = async function* () {
      yield bytes.subarray(0, 100);
      here();
      await new Promise(() => undefined);
    };
    const adding = codeOf(storage.addPiece({ ...half, source: { from } }, stop.signal));
    await isHere;
    const closing = storage.sealAllStagedSectors();
    await new Promise(setImmediate);
    stop.abort();
    expect(await adding).toBe("storage/cancelled");
    expect(await closing).toEqual([1]);
    expect((await storage.addPiece(pieceOf("a", 254))).sectorId).toBe(2);
    await storage.close();
  });
});
