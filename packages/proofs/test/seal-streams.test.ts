/**
 * Seals that stream: the bytes of sealing in memory, whatever takes and gives them and however slowly; failures of
 * sinks, sources and inputs come out as they are; memory that does not grow with the layers.
 */
import { concatBytes, utf8Bytes } from "@holdfast/base";
import {
  auxLengthOf,
  BufferStock,
  boundTo,
  bytesInput,
  bytesSource,
  createProver,
  defaultClasses,
  installAllocator,
  MemoryStore,
  maxUserBytes,
  nodeBytes,
  parseAux,
  porepOf,
  readNodes,
  runSteps,
  runStepsPausing,
  type SealInput,
  type SealStore,
  sectorProfile,
  userInput,
  Writes,
  zigzag,
} from "@holdfast/proofs";
import * as fc from "fast-check";
import { afterEach, describe, expect, it, vi } from "vitest";
import { bytes32, profileWithLayers, type Sector, sectorOf } from "./reference.ts";
import { sdrRow } from "./sdr-reference.ts";
import { holds, leavesOf } from "./vectors.ts";

const seed = bytes32(3);
const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

/** Takes bytes only when it says that it has them: who changes a buffer before that is found out. */
class SlowStore implements SealStore {
  readonly bytes: Uint8Array;
  readonly written: { readonly offset: number; readonly length: number }[] = [];

  constructor(length: number) {
    this.bytes = new Uint8Array(length);
  }

  async write(offset: number, bytes: Uint8Array): Promise<void> {
    this.written.push({ offset, length: bytes.length });
    for (let turns = this.written.length % 4; turns >= 0; turns -= 1) await turn();
    this.bytes.set(bytes, offset);
  }

  async read(offset: number, length: number): Promise<Uint8Array> {
    await turn();
    return this.bytes.slice(offset, offset + length);
  }
}

const slowInput = (data: Uint8Array): SealInput => ({
  read: async (offset, into) => {
    await turn();
    into.set(data.subarray(offset, offset + into.length));
  },
});

const kinds: readonly (readonly [string, Sector])[] = [
  ["zigzag of one layer", sectorOf(profileWithLayers(1))],
  ["zigzag of two layers", sectorOf(profileWithLayers(2))],
  ["zigzag of five layers", sectorOf(profileWithLayers(5))],
  ["sdr of two layers", sectorOf(sdrRow(2048))],
  ["sdr of four layers", sectorOf(sdrRow(1024, 3, 4))],
  ["sdr of eleven layers", sectorOf(sdrRow(1024, 3, 11))],
];

function sealInto({ profile, identity, data }: Sector, store: SealStore, input = slowInput(data)) {
  return runStepsPausing(
    porepOf(profile).sealSteps(profile, boundTo(identity), input, store),
    {},
    async () => {},
  );
}

describe.each(kinds)("%s", (_name, sector) => {
  const { profile, identity, data } = sector;
  const porep = porepOf(profile);
  const inMemory = porep.replicate(profile, identity, data);

  it("leaves the same bytes in a slow store, each written once", async () => {
    const store = new SlowStore(porep.auxLength(profile));
    const { commD, commR, commRStar } = await sealInto(sector, store);
    expect(Buffer.compare(store.bytes, inMemory.aux)).toBe(0);
    expect([commD, commR, commRStar]).toEqual([identity.commD, inMemory.commR, inMemory.commRStar]);
    let end = 0;
    for (const { offset, length } of store.written.toSorted((a, b) => a.offset - b.offset)) {
      expect(offset).toBe(end);
      end += length;
    }
    expect(end).toBe(store.bytes.length);
  });

  it("gives its buffers back when the last of its bytes were taken, and not before", async () => {
    const usedAgain = (...buffers: readonly Uint8Array[]): void => {
      for (const buffer of buffers) buffer.fill(0xa5);
    };
    const given = vi.spyOn(BufferStock.prototype, "giveBack").mockImplementation(usedAgain);
    try {
      const store = new SlowStore(porep.auxLength(profile));
      await sealInto(sector, store);
      expect(given).toHaveBeenCalled();
      expect(Buffer.compare(store.bytes, inMemory.aux)).toBe(0);
    } finally {
      given.mockRestore();
    }
  });

  it("is proven from a slow source as from memory", async () => {
    const store = new SlowStore(porep.auxLength(profile));
    store.bytes.set(inMemory.aux);
    const steps = porep.proveSteps(profile, identity, store, seed);
    const proof = await runStepsPausing(steps, {}, turn);
    expect(Buffer.compare(proof, porep.prove(profile, identity, inMemory.aux, seed))).toBe(0);
    expect(porep.verify(profile, identity, inMemory, seed, proof)).toBe(true);
  });

  it("fails with the error of its store at any write, and hears all failures", async () => {
    const writes = new SlowStore(porep.auxLength(profile));
    await sealInto(sector, writes);
    for (let failing = 1; failing <= writes.written.length; failing += 1) {
      const error = new Error(`write ${failing}`);
      let count = 0;
      const store = new SlowStore(porep.auxLength(profile));
      const broken: SealStore = {
        read: (offset, length) => store.read(offset, length),
        write: (offset, bytes) => {
          count += 1;
          if (count < failing) return store.write(offset, bytes);
          const reason = count === failing ? error : new Error("a later one");
          return turn().then(() => Promise.reject(reason));
        },
      };
      await expect(sealInto(sector, broken)).rejects.toBe(error);
    }
    await turn(); // a rejection that nobody hears would end the process now
  });

  it("stops at any step when it is cancelled, and writes nothing more", async () => {
    const shares: number[] = [];
    const count = { progress: (share: number) => void shares.push(share) };
    const steps = (store: SealStore) => porep.sealSteps(profile, boundTo(identity), bytesInput(data), store);
    await runStepsPausing(steps(new SlowStore(porep.auxLength(profile))), count, async () => {});
    for (let at = 1; at <= shares.length; at += 1) {
      const stop = new AbortController();
      const store = new SlowStore(porep.auxLength(profile));
      let done = 0;
      const progress = (): void => {
        done += 1;
        if (done === at) stop.abort(utf8Bytes("enough"));
      };
      const sealing = runStepsPausing(steps(store), { cancel: stop.signal, progress }, turn);
      if (at === shares.length)
        await sealing; // all was done when the word came
      else await expect(sealing).rejects.toEqual(utf8Bytes("enough"));
      const written = store.written.length;
      for (let turns = 0; turns < 8; turns += 1) await turn();
      expect(store.written).toHaveLength(written);
    }
  });

  it("finds that parts were exchanged, or that a buffer was used again too early", async () => {
    const own = sectorOf(profile, 2); // another replica in which every part is different
    const outcome = porepOf(profile).replicate(profile, own.identity, own.data);
    const { commR, commRStar, aux } = outcome;
    const last = porep.auxLength(profile) - profile.sectorBytes;
    const exchanged = aux.slice();
    exchanged.copyWithin(last - nodeBytes * 4, last - nodeBytes * 3, last - nodeBytes * 2); // one node off
    const hasty = new MemoryStore(porep.auxLength(profile));
    const later: (() => void)[] = [];
    await sealInto(
      own,
      {
        read: (offset, length) => hasty.read(offset, length).slice(),
        write: (offset, bytes) => {
          if (offset === 0) hasty.write(offset, bytes);
          later.push(() => hasty.write(offset, bytes)); // says that it has them, and looks only at the end
        },
      },
      bytesInput(own.data),
    );
    for (const take of later) take();
    expect(Buffer.compare(hasty.bytes, aux)).not.toBe(0);
    expect(Buffer.compare(exchanged, aux)).not.toBe(0);
    const proof = porep.prove(profile, own.identity, hasty.bytes, seed);
    expect(porep.verify(profile, own.identity, { commR, commRStar }, seed, proof)).toBe(false);
  });
});

describe("memory", () => {
  let restore = (): void => undefined;
  afterEach(() => restore());

  const allocatedBy = ({ profile, identity, data }: Sector): number => {
    let bytes = 0;
    restore = installAllocator((length) => {
      bytes += length;
      return new Uint8Array(length);
    });
    const store: SealStore = new MemoryStore(porepOf(profile).auxLength(profile));
    runSteps(porepOf(profile).sealSteps(profile, boundTo(identity), bytesInput(data), store));
    restore();
    return bytes;
  };

  it("is two layers and the rows of two trees, whatever the number of layers, and what SDR reads again", () => {
    for (const layers of [1, 3, 6]) {
      const sector = sectorOf(profileWithLayers(layers, 16_384));
      expect(allocatedBy(sector)).toBeLessThanOrEqual(2.3 * 16_384);
      expect(auxLengthOf(sector.profile)).toBeGreaterThan((layers + 2) * 16_384);
    }
    for (const layers of [2, 4, 8]) {
      // Of each layer but the last two a part is read again, here all of it: such a sector is smaller than a part.
      const readAgain = layers - 2;
      const most = (2.3 + readAgain) * 16_384;
      expect(allocatedBy(sectorOf(sdrRow(16_384, 3, layers)))).toBeLessThanOrEqual(most);
    }
  });
});

describe("the prover", () => {
  it("seals into a store and proves from it, and finds a wrong offset", async () => {
    const { profile, identity, data } = sectorOf(sectorProfile(2048));
    const request = { classes: defaultClasses, sectorBytes: 2048, identity };
    const prover = createProver({ pause: turn });
    const store = new SlowStore(auxLengthOf(profile));
    const commitments = await prover.seal({ ...request, input: slowInput(data), store });
    const proof = await prover.proveSeal({ ...request, ...commitments, aux: store, seed });
    expect(zigzag.verify(profile, identity, commitments, seed, proof)).toBe(true);
    const { layers } = parseAux(profile, store.bytes);
    const [first, second] = layers.map((tree) => tree.leaves);
    const kept = first?.slice() ?? new Uint8Array(0);
    first?.set(second ?? kept);
    second?.set(kept);
    await expect(prover.proveSeal({ ...request, ...commitments, aux: store, seed })).rejects.toMatchObject({
      code: "proofs/wrong-proof",
    });
  });

  it("names data that are not padded, or others than those of the identity", async () => {
    const { identity, data } = sectorOf(sectorProfile(2048));
    const store = new MemoryStore(auxLengthOf(sectorProfile(2048)));
    const request = { classes: defaultClasses, sectorBytes: 2048, identity, store };
    const unpadded = data.slice().fill(255, 64, 96);
    await expect(createProver().seal({ ...request, input: bytesInput(unpadded) })).rejects.toMatchObject({
      code: "proofs/not-padded",
      data: { node: 2 },
    });
    await expect(
      createProver().seal({ ...request, input: bytesInput(new Uint8Array(2048)) }),
    ).rejects.toMatchObject({
      code: "proofs/comm-d-mismatch",
    });
    const lost = new Error("the tape tore");
    const input = { read: () => Promise.reject(lost) };
    await expect(createProver().seal({ ...request, input })).rejects.toBe(lost);
  });
});

describe("input and nodes", () => {
  it("pads user bytes as they come, and fills up with zeros", () => {
    const { profile, data } = sectorOf(sectorProfile(4096));
    const capacity = maxUserBytes(4096);
    holds(
      fc.property(fc.nat({ max: capacity }), (userBytes) => {
        const user = leavesOf(128).subarray(0, userBytes);
        const padded = new Uint8Array(4096);
        const input = userInput((start, length) => user.subarray(start, start + length));
        for (let at = 0; at < 4096; at += 1024) void input.read(at, padded.subarray(at, at + 1024));
        expect(padded).toEqual(zigzag.preproc(user, profile).data);
      }),
      { numRuns: 50 },
    );
    expect(data).toHaveLength(4096);
  });

  it("reads the nodes that it is asked for, close ones at once", () => {
    const bytes = leavesOf(8192);
    holds(
      fc.property(fc.array(fc.nat({ max: 8191 }), { maxLength: 60 }), fc.nat({ max: 3 }), (nodes, spread) => {
        const offsets = nodes.map((node) => Math.floor(node / 8 ** spread) * nodeBytes);
        let reads = 0;
        const source = {
          read: (offset: number, length: number) => {
            reads += 1;
            expect(length).toBeLessThanOrEqual(65_536);
            return bytes.subarray(offset, offset + length);
          },
        };
        const nodeAt = runSteps(readNodes(source, offsets));
        for (const at of offsets) expect(nodeAt(at)).toEqual(bytes.slice(at, at + nodeBytes));
        expect(reads).toBeLessThanOrEqual(new Set(offsets).size);
        if (spread === 3 && offsets.length > 0) expect(reads).toBe(1);
      }),
      { numRuns: 100 },
    );
    expect(() => runSteps(readNodes(bytesSource(bytes.subarray(0, 100)), [0, 96]))).toThrow(
      expect.objectContaining({ code: "proofs/bad-length" }),
    );
  });

  it("a buffer is waited for, and the first failure is told to who waits next", async () => {
    const sunk: Uint8Array[] = [];
    const gates = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
    const writes = new Writes({
      write: (offset, bytes) => gates[offset]?.promise.then(() => void sunk.push(bytes)),
    });
    const [one, two] = [bytes32(1), bytes32(2)];
    writes.start(0, one);
    writes.start(1, two.subarray(1), two);
    gates[1]?.resolve();
    await runStepsPausing(writes.settle(two), {}, turn);
    expect(sunk).toEqual([two.subarray(1)]);
    gates[0]?.reject(new Error("torn"));
    await turn();
    await expect(runStepsPausing(writes.settle(two), {}, turn)).rejects.toThrow("torn");
    await expect(runStepsPausing(writes.settleAll(), {}, turn)).rejects.toThrow("torn");
    expect(concatBytes(...sunk)).toHaveLength(31);
  });
});
