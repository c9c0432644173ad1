/**
 * A seal that was cut off goes on behind the last layer that its store has: same bytes, same commitments, and nothing
 * of what was done is done again.
 */
import {
  auxLengthOf,
  boundTo,
  bytesInput,
  porepOf,
  runStepsPausing,
  type SealInput,
  type SealStore,
} from "@holdfast/proofs";
import { describe, expect, it } from "vitest";
import { bytes32, profileWithLayers, type Sector, sectorOf } from "./reference.ts";
import { sdrRow } from "./sdr-reference.ts";

const seed = bytes32(3);
const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

/** Takes bytes late, and keeps a picture of what it has whenever it hears of a layer. */
class PictureStore implements SealStore {
  readonly bytes: Uint8Array;
  readonly doneLayers: number;
  readonly pictures = new Map<number, Uint8Array>();
  writtenBytes = 0;

  constructor(bytes: Uint8Array, doneLayers: number) {
    this.bytes = bytes;
    this.doneLayers = doneLayers;
  }
  async write(offset: number, bytes: Uint8Array): Promise<void> {
    for (let turns = offset % 5; turns >= 0; turns -= 1) await turn();
    this.bytes.set(bytes, offset);
    this.writtenBytes += bytes.length;
  }
  async read(offset: number, length: number): Promise<Uint8Array> {
    await turn();
    return this.bytes.slice(offset, offset + length);
  }
  reached(layers: number): void {
    this.pictures.set(layers, this.bytes.slice());
  }
}

const kinds: readonly (readonly [string, Sector, readonly number[]])[] = [
  ["zigzag of one layer", sectorOf(profileWithLayers(1)), []],
  ["zigzag of two layers", sectorOf(profileWithLayers(2)), []],
  ["zigzag of five layers", sectorOf(profileWithLayers(5)), [1, 2, 3]],
  ["sdr of two layers", sectorOf(sdrRow(2048)), [1]],
  ["sdr of four layers", sectorOf(sdrRow(1024, 3, 4)), [1, 2, 3]],
];

describe.each(kinds)("%s", (_name, sector, told) => {
  const { profile, identity, data } = sector;
  const porep = porepOf(profile);
  const whole = porep.replicate(profile, identity, data);
  const seal = (store: SealStore, input: SealInput = bytesInput(data)) =>
    runStepsPausing(porep.sealSteps(profile, boundTo(identity), input, store), {}, turn);
  const fresh = () => new PictureStore(new Uint8Array(auxLengthOf(profile)), 0);
  const noInput: SealInput = {
    read: () => {
      throw new Error("what was read is not read again");
    },
  };

  it("tells of each layer once it has taken it", async () => {
    const store = fresh();
    await seal(store);
    expect([...store.pictures.keys()]).toEqual(told);
  });

  it("goes on after each of them, to the same end", async () => {
    const first = fresh();
    await seal(first);
    for (const [layers, picture] of first.pictures) {
      const store = new PictureStore(picture.slice(), layers);
      const { commD, commR, commRStar } = await seal(store, noInput);
      expect([commD, commR, commRStar]).toEqual([identity.commD, whole.commR, whole.commRStar]);
      expect(Buffer.compare(store.bytes, whole.aux)).toBe(0);
      expect([...store.pictures.keys()]).toEqual(told.filter((layer) => layer > layers));
      expect(store.writtenBytes).toBeLessThanOrEqual(whole.aux.length - layers * profile.sectorBytes);
    }
  });

  it("canary: a store that claims a layer that it has not is found out by the proof", async () => {
    if (told.length < 2) return;
    const first = fresh();
    await seal(first);
    const [[layers, picture] = [0, new Uint8Array()]] = first.pictures;
    const store = new PictureStore(picture.slice(), layers + 2);
    const { commR, commRStar } = await seal(store, noInput);
    const proof = porep.prove(profile, identity, store.bytes, seed);
    expect(porep.verify(profile, identity, { commR, commRStar }, seed, proof)).toBe(false);
  });
});
