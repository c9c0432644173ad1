/**
 * The files of a job that seals: each byte of `aux` at its place, its last part also in the files of tree and replica;
 * and the staged pieces as the prover gets them. The prover is a stand-in that writes what the test says.
 */
import { sectorId } from "@holdfast/base";
import { codeOf, SimDisk } from "@holdfast/base/testing";
import {
  auxLengthOf,
  defaultClasses,
  layerTreeLength,
  padUser,
  type SealSectorRequest,
  sectorProfile,
} from "@holdfast/proofs";
import { createInlineSealer } from "@holdfast/storage";
import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { identity, pieceOf, prover } from "./support.ts";

const profile = sectorProfile(2 ** 20);
const aux = new Uint8Array(auxLengthOf(profile));
new Uint32Array(aux.buffer).forEach((_zero, i, words) => {
  words[i] = Math.imul(i + 1, 0x9e3779b1);
});

/** A job whose prover does `work` with input and store. */
async function replicate(disk: SimDisk, work: (request: SealSectorRequest) => Promise<void>): Promise<void> {
  const commitments = { commR: new Uint8Array(32), commRStar: new Uint8Array(32) };
  const seal = async (request: SealSectorRequest) => {
    await work(request);
    return commitments;
  };
  await using sealer = createInlineSealer(disk, { ...prover, seal });
  const job = {
    classes: defaultClasses,
    sectorBytes: profile.sectorBytes,
    identity: {
      ...identity,
      sectorId: sectorId(1),
      ticket: new Uint8Array(32),
      commD: new Uint8Array(32),
    },
    stagedPath: (await disk.sizeBytes("staged/1")) === undefined ? null : "staged/1",
    ranges: [
      { startUserBytes: 0, userBytes: 300 },
      { startUserBytes: 508, userBytes: 1000 },
    ],
    replicaPath: "work/sealed",
    treePath: "work/tree",
    auxPath: "work/aux",
    resumePath: null,
  };
  await sealer.replicate(job, { signal: new AbortController().signal });
}

/** `aux` in parts of any length, in any order. */
const parts = fc
  .tuple(fc.uniqueArray(fc.nat({ max: aux.length / 32 - 1 }), { maxLength: 6 }), fc.nat())
  .map(([cuts, turn]) => {
    const ends = [...new Set([0, ...cuts, aux.length / 32])].sort((a, b) => a - b).map((node) => node * 32);
    const all = ends.slice(1).map((end, i) => [ends[i] as number, end] as const);
    return [...all.slice(turn % all.length), ...all.slice(0, turn % all.length)];
  });

describe("the files of a seal", () => {
  it("hold what was written, in whatever parts, and give it back", async () => {
    await fc.assert(
      fc.asyncProperty(parts, async (all) => {
        const disk = new SimDisk();
        await replicate(disk, async ({ store }) => {
          await Promise.all(all.map(([from, to]) => store.write(from, aux.subarray(from, to))));
          expect(await store.read(640, 64)).toEqual(aux.slice(640, 704));
          expect(await store.read(aux.length - 32, 64)).toEqual(aux.slice(-32));
        });
        const start = aux.length - layerTreeLength(profile);
        for (const [path, from, to] of [
          ["work/aux", 0, aux.length],
          ["work/tree", start, aux.length],
          ["work/sealed", start, start + profile.sectorBytes],
        ] as const) {
          const found = (await disk.readFile(path)) ?? new Uint8Array(0);
          expect(Buffer.compare(found, aux.subarray(from, to))).toBe(0);
        }
      }),
      { numRuns: 15, seed: 5 },
    );
  }, 20_000);

  it("say when the disk is full in the midst of it, and are closed then", async () => {
    const disk = new SimDisk({ capacityBytes: aux.length });
    let late: SealSectorRequest | undefined;
    const full = replicate(disk, async (request) => {
      late = request;
      await request.store.write(0, aux);
    });
    expect(await codeOf(full)).toBe("disk/full");
    expect(await codeOf(Promise.resolve(late?.store.write(0, aux.subarray(0, 32))))).toBe("disk/closed");
  });
});

describe("staged data", () => {
  /** The first two KiB of the data, in two chunks. */
  async function firstData(disk: SimDisk): Promise<Uint8Array> {
    const whole = new Uint8Array(2048);
    await replicate(disk, async ({ input }) => {
      for (let at = 0; at < 2048; at += 1024) await input.read(at, whole.subarray(at, at + 1024));
    });
    return whole;
  }

  it("are the pieces at their places, zeros around them", async () => {
    const disk = new SimDisk();
    const staged = pieceOf("a", 1508).bytes;
    await disk.writeFile("staged/1", staged);
    const user = new Uint8Array(2032);
    user.set(staged.subarray(0, 300));
    user.set(staged.subarray(508, 1508), 508);
    expect(await firstData(disk)).toEqual(padUser(user));
    expect(await firstData(new SimDisk())).toEqual(new Uint8Array(2048));
  });

  it("that are cut are a missing file", async () => {
    const disk = new SimDisk();
    await disk.writeFile("staged/1", new Uint8Array(900));
    expect(await codeOf(firstData(disk))).toBe("storage/missing-file");
  });
});
