/** Decoded pieces that are kept within a quota, on a simulated disk. */
import { silentLogger } from "@holdfast/base";
import { SeededRandom, SimDisk } from "@holdfast/base/testing";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { openUnsealed } from "../src/unsealed-pieces.ts";

const pieceBytes = 3_000;
const contents = new Map(
  Array.from({ length: 6 }, (_, index) => [
    `deal/${index}`,
    new SeededRandom(`piece ${index}`).bytes(pieceBytes),
  ]),
);

function world(quotaBytes: number, disk = new SimDisk()) {
  const decoded: string[] = [];
  let [plain, gate]: [string | undefined, Promise<void>] = [undefined, Promise.resolve()];
  const storage = {
    hasPlainCopy: async (pieceKey: string) => pieceKey === plain,
    async *readPiece(pieceKey: string, range: { offset?: number; length?: number } = {}) {
      decoded.push(pieceKey);
      await gate;
      const bytes = contents.get(pieceKey);
      if (bytes === undefined) throw new Error("no such piece");
      const { offset = 0, length = bytes.length - offset } = range;
      yield bytes.slice(offset, offset + length);
    },
  };
  const open = () => openUnsealed({ disk, folder: "unsealed", quotaBytes }, storage, silentLogger);
  return {
    ...{ decoded, disk, open },
    setPlain: (pieceKey: string) => {
      plain = pieceKey;
    },
    setGate: (next: Promise<void>) => {
      gate = next;
    },
  };
}

async function bytesOf(source: AsyncIterable<Uint8Array>): Promise<Uint8Array> {
  const parts: Uint8Array[] = [];
  for await (const part of source) parts.push(part);
  return new Uint8Array(Buffer.concat(parts));
}

describe("pieces without a plain copy", () => {
  it("are decoded once for all who read them at a time, then read from the disk, also after a restart", async () => {
    const { open, decoded, disk, setGate } = world(100_000);
    const pieces = open();
    const gate = Promise.withResolvers<void>();
    setGate(gate.promise);
    const reads = [0, 100, 2_999].map((offset) => bytesOf(pieces.read("deal/1", { offset, length: 1 })));
    gate.resolve();
    expect((await Promise.all(reads)).map(([byte]) => byte)).toEqual(
      [0, 100, 2_999].map((offset) => contents.get("deal/1")?.[offset]),
    );
    await expect.poll(() => disk.list("unsealed")).toHaveLength(1);
    expect(await bytesOf(pieces.read("deal/1"))).toEqual(contents.get("deal/1"));
    expect(await bytesOf(open().read("deal/1", { offset: 5, length: 7 }))).toEqual(
      contents.get("deal/1")?.slice(5, 12),
    );
    expect(decoded).toEqual(["deal/1"]);
  });

  it("are decoded again for who finds their file gone between the look and the opening", async () => {
    const disk = new SimDisk();
    let beforeOpen = async (): Promise<void> => undefined;
    const slow = new Proxy(disk, {
      get(target, name) {
        if (name === "open") {
          return async (path: string, mode: "read") => {
            await beforeOpen();
            return target.open(path, mode);
          };
        }
        const value: unknown = Reflect.get(target, name);
        return typeof value === "function" ? value.bind(target) : value;
      },
    });
    const { open, decoded } = world(pieceBytes, slow);
    const pieces = open();
    await bytesOf(pieces.read("deal/1"));
    await expect.poll(() => disk.list("unsealed")).toHaveLength(1);
    const [before] = await disk.list("unsealed");
    // There is room for one: another piece takes its place while the reader opens its file.
    beforeOpen = async () => {
      beforeOpen = async () => undefined;
      await bytesOf(pieces.read("deal/2"));
      await expect.poll(async () => (await disk.list("unsealed")).includes(before ?? "")).toBe(false);
    };
    expect(await bytesOf(pieces.read("deal/1", { offset: 5, length: 7 }))).toEqual(
      contents.get("deal/1")?.slice(5, 12),
    );
    expect(decoded).toEqual(["deal/1", "deal/2", "deal/1"]);
  });

  it("are read again after the disk could not be listed once", async () => {
    const disk = new SimDisk();
    let isBroken = true;
    const failing = new Proxy(disk, {
      get(target, name) {
        if (name === "list" && isBroken) return () => Promise.reject(new Error("too many open files"));
        const value: unknown = Reflect.get(target, name);
        return typeof value === "function" ? value.bind(target) : value;
      },
    });
    const pieces = world(100_000, failing).open();
    await expect(bytesOf(pieces.read("deal/1"))).rejects.toThrow("too many");
    isBroken = false;
    expect(await bytesOf(pieces.read("deal/1"))).toEqual(contents.get("deal/1"));
  });

  it("never take more than the quota, whatever is read in whatever order, and every read is right", async () => {
    const read = fc.record({
      index: fc.integer({ min: 0, max: 5 }),
      offset: fc.integer({ min: 0, max: pieceBytes }),
      length: fc.integer({ min: 0, max: 500 }),
    });
    await fc.assert(
      fc.asyncProperty(
        fc.array(read, { maxLength: 25 }),
        fc.integer({ min: 0, max: 5 }),
        async (reads, fit) => {
          const quotaBytes = fit * pieceBytes + 10;
          const { open, disk } = world(quotaBytes);
          const pieces = open();
          for (const { index, offset, length } of reads) {
            const taken = Math.min(length, pieceBytes - offset);
            const found = await bytesOf(pieces.read(`deal/${index}`, { offset, length: taken }));
            expect(found).toEqual(contents.get(`deal/${index}`)?.slice(offset, offset + taken));
            let onDisk = 0;
            for (const name of await disk.list("unsealed"))
              onDisk += (await disk.sizeBytes(`unsealed/${name}`)) ?? 0;
            expect(onDisk).toBeLessThanOrEqual(quotaBytes);
          }
        },
      ),
      { numRuns: 30, seed: 11 },
    );
  });

  it("make room by who was read longest ago, and one with a plain copy is not kept at all", async () => {
    const { open, decoded, setPlain } = world(2 * pieceBytes);
    const pieces = open();
    const read = async (index: number): Promise<void> => {
      await bytesOf(pieces.read(`deal/${index}`));
      for (let turn = 0; turn < 20; turn++) await Promise.resolve();
    };
    for (const index of [0, 1, 0, 2, 0]) await read(index);
    expect(decoded).toEqual(["deal/0", "deal/1", "deal/2"]);
    await read(1);
    expect(decoded).toHaveLength(4);
    setPlain("deal/5");
    await read(5);
    expect(await pieces.usedBytes()).toBe(2 * pieceBytes);
  });
});
