/** The files of a seal: each byte of `aux` at its place, its last part also in the files of tree and replica. */
import { SimDisk } from "@holdfast/base/testing";
import { auxLengthOf, layerTreeLength, padUser, sectorProfile } from "@holdfast/proofs";
import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { ReplicateJob } from "../src/pool/jobs.ts";
import { fileSource, SealFiles, stagedInput } from "../src/pool/seal-files.ts";
import { identity, pieceOf } from "./support.ts";

const profile = sectorProfile(2 ** 20);
const aux = new Uint8Array(auxLengthOf(profile));
new Uint32Array(aux.buffer).forEach((_zero, i, words) => {
  words[i] = Math.imul(i + 1, 0x9e3779b1);
});

const job = {
  classes: [],
  sectorBytes: profile.sectorBytes,
  identity: { ...identity, sectorId: 1, ticket: new Uint8Array(32), commD: new Uint8Array(32) },
  stagedPath: "staged/1",
  ranges: [
    { startUserBytes: 0, userBytes: 300 },
    { startUserBytes: 508, userBytes: 1000 },
  ],
  replicaPath: "work/sealed",
  treePath: "work/tree",
  auxPath: "work/aux",
} as unknown as ReplicateJob;

/** `aux` in parts of any length, in any order. */
const parts = fc
  .tuple(fc.uniqueArray(fc.nat({ max: aux.length / 32 - 1 }), { maxLength: 6 }), fc.nat())
  .map(([cuts, turn]) => {
    const ends = [...new Set([0, ...cuts, aux.length / 32])].sort((a, b) => a - b).map((node) => node * 32);
    const all = ends.slice(1).map((end, i) => [ends[i] as number, end] as const);
    return [...all.slice(turn % all.length), ...all.slice(0, turn % all.length)];
  });

describe("the files of a seal", () => {
  it("hold what was written, in whatever parts", async () => {
    await fc.assert(
      fc.asyncProperty(parts, async (all) => {
        const disk = new SimDisk();
        await using files = await SealFiles.create(disk, job, profile);
        await Promise.all(all.map(([from, to]) => files.write(from, aux.subarray(from, to))));
        await files.sync();
        const start = aux.length - layerTreeLength(profile);
        for (const [path, from, to] of [
          ["work/aux", 0, aux.length],
          ["work/tree", start, aux.length],
          ["work/sealed", start, start + profile.sectorBytes],
        ] as const) {
          const found = (await disk.readFile(path)) ?? new Uint8Array(0);
          expect(Buffer.compare(found, aux.subarray(from, to))).toBe(0);
        }
        await using file = await disk.open("work/aux", "read");
        const source = fileSource(file);
        expect(await source.read(640, 64)).toEqual(aux.slice(640, 704));
        expect(await files.read(aux.length - 32, 64)).toEqual(aux.slice(-32));
      }),
      { numRuns: 15, seed: 5 },
    );
  }, 20_000);

  it("say when the disk is full in the midst of it, and are closed then", async () => {
    const disk = new SimDisk({ capacityBytes: aux.length });
    const files = await SealFiles.create(disk, job, profile);
    await expect(files.write(0, aux)).rejects.toMatchObject({ code: "disk/full" });
    await files[Symbol.asyncDispose]();
    await expect(files.write(0, aux.subarray(0, 32))).rejects.toMatchObject({ code: "disk/closed" });
  });
});

describe("staged data", () => {
  it("are the pieces at their places, zeros around them", async () => {
    const disk = new SimDisk();
    const staged = pieceOf("a", 1508).bytes;
    await disk.writeFile("staged/1", staged);
    await using file = await disk.open("staged/1", "read");
    const chunks = [new Uint8Array(1024), new Uint8Array(1024)];
    const whole = new Uint8Array(2048);
    for (const [i, chunk] of chunks.entries()) {
      await stagedInput(file, job).read(i * 1024, chunk);
      whole.set(chunk, i * 1024);
    }
    const user = new Uint8Array(2032);
    user.set(staged.subarray(0, 300));
    user.set(staged.subarray(508, 1508), 508);
    expect(whole).toEqual(padUser(user));
    const none = new Uint8Array(1024);
    await stagedInput(undefined, job).read(0, none);
    expect(none.every((byte) => byte === 0)).toBe(true);
  });

  it("that are cut are a missing file", async () => {
    const disk = new SimDisk();
    await disk.writeFile("staged/1", new Uint8Array(900));
    await using file = await disk.open("staged/1", "read");
    await expect(stagedInput(file, job).read(0, new Uint8Array(2048))).rejects.toMatchObject({
      code: "storage/missing-file",
    });
  });
});
