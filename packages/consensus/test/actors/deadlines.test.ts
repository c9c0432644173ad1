/**
 * Deadlines of large miners: when windows are, how sectors spread over them, what a tick has to read, and what
 * a proof costs.
 */
import type { Address, CID, Epoch } from "@holdfast/base";
import { createdAddress, epoch, filToAtto, nonce, sectorId } from "@holdfast/base";
import {
  builtinAddresses,
  genesisMinerAddress,
  isFrozen,
  missedProofFee,
  type NetworkParams,
  nextJudgementAfter,
  nextWindowOf,
  proofGas,
  provingOffset,
  readDeadline,
  readDeadlines,
  readElectionFacts,
  readMinerState,
  readPower,
  readSectors,
  sealSnarks,
  usualGas,
  vanillaClasses,
  windowAt,
  windowPostSnarks,
} from "@holdfast/consensus";
import { findProfile, postPublicInputs, type SectorClass, sealPublicInputs } from "@holdfast/proofs";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { carol, goodProof, hash32, pledge, testParams, World } from "./world.ts";

const minerAt = (index: number): Address => createdAddress(builtinAddresses(1).init, nonce(index));

/** Parameters that a genesis would accept. */
const anyParams = fc
  .record({
    deadlines: fc.integer({ min: 2, max: 6 }),
    length: fc.integer({ min: 3, max: 12 }),
    window: fc.nat({ max: 11 }),
    cutoff: fc.nat({ max: 3 }),
  })
  .map(({ deadlines, length, window, cutoff }): NetworkParams => {
    const proofWindowEpochs = 1 + (window % length);
    const most = length * (deadlines - 1) - proofWindowEpochs - 1;
    return {
      ...testParams,
      provingPeriodEpochs: deadlines * length,
      deadlinesPerPeriod: deadlines,
      proofWindowEpochs: most < 0 ? 1 : proofWindowEpochs,
      declarationCutoffEpochs: Math.max(0, Math.min(cutoff, most)),
    };
  });

/** The start of every window up to an epoch, by what the words say. */
function windowsUntil(
  params: NetworkParams,
  miner: Address,
  until: number,
): { index: number; start: number }[] {
  const { provingPeriodEpochs: period, deadlinesPerPeriod: count } = params;
  const found: { index: number; start: number }[] = [];
  for (let periodStart = provingOffset(params, miner) - period; periodStart <= until; periodStart += period) {
    for (let index = 0; index < count; index++) {
      const start = periodStart + (index * period) / count;
      if (start >= 0) found.push({ index, start });
    }
  }
  return found;
}

describe("windows", () => {
  it("come in turn, are judged after they close, and freeze their deadline", () => {
    fc.assert(
      fc.property(anyParams, fc.nat({ max: 50 }), fc.nat({ max: 200 }), (params, number, at) => {
        const [miner, height] = [minerAt(number), epoch(at)];
        const { proofWindowEpochs: length, declarationCutoffEpochs: cutoff } = params;
        const windows = windowsUntil(params, miner, at + 2 * params.provingPeriodEpochs);
        const current = windows.findLast(({ start }) => start < at);
        expect(windowAt(params, miner, height) ?? undefined).toEqual(
          current && { ...current, lastEpoch: current.start + length, judgedAt: current.start + length + 1 },
        );
        const judged = windows.map(({ start }) => start + length + 1).find((judgedAt) => judgedAt > at);
        expect(nextJudgementAfter(params, miner, height)).toBe(judged);
        const indices = Array.from({ length: params.deadlinesPerPeriod }, (_, index) => index);
        for (const index of indices) {
          const own = windows.filter((window) => window.index === index);
          const next = own.find(({ start }) => start >= at);
          expect(nextWindowOf(params, miner, index, height)).toMatchObject(next ?? {});
          const frozen = own.some(({ start }) => start - cutoff <= at && at <= start + length);
          expect(isFrozen(params, miner, index, height)).toBe(frozen);
        }
        expect(indices.every((index) => isFrozen(params, miner, index, height))).toBe(false);
      }),
      { numRuns: 300 },
    );
  });

  it("of different miners are spread over the period", () => {
    const offsets = Array.from({ length: 60 }, (_, index) => provingOffset(testParams, minerAt(index)));
    expect(new Set(offsets).size).toBeGreaterThan(testParams.provingPeriodEpochs / 2);
  });
});

const sectorCount = 400;
const deadlines = 8;
const large = {
  sectorClasses: vanillaClasses([1024, 2048, 16_384]),
  provingPeriodEpochs: 80,
  deadlinesPerPeriod: deadlines,
  proofWindowEpochs: 6,
  partitionSectors: 16,
  ticketLookbackEpochs: 60,
};
const sizes = [1024, 2048, 16_384] as const;

/** A miner of the genesis with sectors of three sizes, and numbers far apart. */
function largeWorld(): World {
  const sectors = Array.from({ length: sectorCount }, (_, i) => ({
    sectorId: sectorId(i * 37),
    sectorBytes: sizes[i % 3] ?? 1024,
    commD: hash32(`commD ${i}`),
    commR: hash32(`commR ${i}`),
    commRStar: hash32(`commR* ${i}`),
  }));
  return new World({ params: large, genesisMiner: { sectors, balance: filToAtto(500n) } });
}
const miner = genesisMinerAddress(1, 0);
const view = (world: World) => readMinerState(world.store, world.state, miner);
const nextHeight = (world: World): Epoch => epoch(world.height + 1);

/** Proves partitions of the open deadline, by default all. */
function prove(world: World, partitions?: readonly number[], skipped: readonly number[] = []) {
  const window = windowAt(world.params, miner, nextHeight(world));
  const at = { index: window?.index ?? 0, height: nextHeight(world) };
  const deadline = readDeadline(world.store, world.state, world.params, miner, at);
  return world.send(carol, miner, "miner.submitPost", {
    windowStart: window?.start ?? epoch(0),
    partitions: partitions ?? deadline.partitions.map(({ index }) => index),
    skipped: skipped.map((id) => sectorId(id)),
    proof: goodProof,
  });
}

describe("a miner with several hundred sectors of mixed sizes", () => {
  const world = largeWorld();
  const all = readSectors(world.store, world.state, miner);
  const bytes = all.reduce((sum, { sectorBytes }) => sum + BigInt(sectorBytes), 0n);

  it("has them spread evenly over its deadlines, in partitions of the network's size", () => {
    const found = readDeadlines(world.store, world.state, world.params, miner, epoch(1));
    expect(found.map(({ sectors }) => sectors.length)).toEqual(
      Array(deadlines).fill(sectorCount / deadlines),
    );
    for (const { index, sectors, partitions } of found) {
      expect(partitions.map((partition) => partition.sectors.length)).toEqual([16, 16, 16, 2]);
      expect(partitions.flatMap((partition) => partition.sectors)).toEqual(sectors);
      expect(sectors.every((sector) => sector.deadlineIndex === index)).toBe(true);
    }
  });

  it("proves each deadline in its window, keeps all its power, and each sector is proven once a period", () => {
    for (let turn = 0; turn < deadlines; turn++) {
      world.mineTo(nextWindowStart(world));
      // Two messages: the partitions of one deadline need not be proven together.
      expect(prove(world, [0, 2]).exitCode).toBe(0);
      expect(prove(world, [1, 3]).exitCode).toBe(0);
      world.mineTo(world.height + large.proofWindowEpochs);
      expect(view(world).power).toBe(bytes);
    }
    const proven = world.verifier.posts.flatMap(({ sectors }) => sectors.map((sector) => sector.sectorId));
    expect(proven.toSorted((a, b) => a - b)).toEqual(all.map((sector) => sector.sectorId));
    expect(view(world)).toMatchObject({ burnt: 0n, pledge: BigInt(sectorCount) * pledge });
    world.money();
  });

  it("loses for a missed window the power of that deadline only, and reads its sectors only", () => {
    world.mineTo(nextWindowStart(world));
    const index = windowAt(world.params, miner, nextHeight(world))?.index ?? 0;
    const members = all.filter((sector) => sector.deadlineIndex === index);
    const lost = members.reduce((sum, { sectorBytes }) => sum + BigInt(sectorBytes), 0n);
    world.mineTo(world.height + large.proofWindowEpochs);
    expect(view(world).power).toBe(bytes);
    const reads = countReads(world, () => world.mineTo(world.height + 1));
    expect(view(world).power).toBe(bytes - lost);
    expect(readPower(world.store, world.state)).toBe(bytes - lost);
    expect(view(world).burnt).toBe(BigInt(members.length) * missedProofFee(pledge));
    const everything = countReads(world, () => void readSectors(world.store, world.state, miner));
    // A sector is at most a few nodes of the tree; the paths of neighbours are shared.
    expect(reads).toBeLessThan(4 * members.length + 60);
    expect(everything).toBeGreaterThan(sectorCount);
    world.money();
  });

  it("wins blocks with its healthy sectors only", () => {
    world.mineTo(nextWindowStart(world));
    const index = windowAt(world.params, miner, nextHeight(world))?.index ?? 0;
    const [first] = readSectors(world.store, world.state, miner).filter(
      (sector) => sector.deadlineIndex === index,
    );
    const id = first?.sectorId ?? sectorId(0);
    expect(prove(world, undefined, [id]).exitCode).toBe(0);
    const facts = readElectionFacts(world.store, world.state, miner);
    const provable = facts?.readProvableSectors() ?? [];
    const sectors = readSectors(world.store, world.state, miner);
    const healthy = sectors.filter(({ faultySince }) => faultySince === null);
    expect(healthy.length).toBe(sectorCount - sectorCount / deadlines - 1);
    expect(provable.map((sector) => sector.sectorId)).toEqual(healthy.map((sector) => sector.sectorId));
    expect(facts?.power).toBe(provable.reduce((sum, { sectorBytes }) => sum + BigInt(sectorBytes), 0n));
  });
});

/** Start of the next window of whichever deadline. */
function nextWindowStart({ params, height }: World): Epoch {
  const starts = Array.from(
    { length: deadlines },
    (_, index) => nextWindowOf(params, miner, index, height).start,
  );
  return epoch(Math.min(...starts));
}

/** Objects that are read from the store meanwhile. */
function countReads(world: World, work: () => void): number {
  const { store } = world;
  const get = store.get.bind(store);
  let count = 0;
  store.get = (cid: CID) => {
    count += 1;
    return get(cid);
  };
  work();
  store.get = get;
  return count;
}

describe("the price of SNARKs", () => {
  const keys = { seal: new Uint8Array(8), window: new Uint8Array(8), winning: new Uint8Array(8) };
  const profile = findProfile("zigzag-poseidon-2KiB");
  if (profile === undefined) throw new RangeError("the table has the profile");
  const snark: SectorClass = { sectorBytes: 2048, profile: profile.id, proofMode: "groth16", keys };
  const params = { sectorClasses: [...vanillaClasses([1024]), snark] };

  it("counts them, and the public inputs of their circuits", () => {
    const { nodes, challengesPerProof, sectorsPerProof, windowChallenges, sealChallenges } = profile;
    const challenge = {
      rootBefore: 0n,
      rootAfter: 0n,
      plainNode: 0n,
      header: 0n,
      first: true,
      node: 0,
      parents: [],
    };
    const shape = { nodes, challengesPerProof, keyDerivation: "poseidon" } as const;
    const inputs = sealPublicInputs(shape, 0n, Array(challengesPerProof).fill(challenge)).length;
    const snarks = sealChallenges.reduce((sum, count) => sum + count, 0) / challengesPerProof;
    expect(sealSnarks(params, 2048)).toEqual({ snarks, publicInputs: snarks * inputs });
    const sector = { root: 0n, indices: Array<number>(windowChallenges).fill(0) };
    const postShape = { nodes, sectorsPerProof, challengesPerSector: windowChallenges };
    const perProof = postPublicInputs(postShape, Array(sectorsPerProof).fill(sector)).length;
    const sectors = [2048, 1024, 2048, 2048].map((sectorBytes) => ({ sectorBytes }));
    expect(windowPostSnarks(params, sectors)).toEqual({ snarks: 2, publicInputs: 2 * perProof });
  });

  it("is nothing for the vanilla form and for sizes that there are not", () => {
    const none = { snarks: 0, publicInputs: 0 };
    expect(sealSnarks(params, 1024)).toEqual(none);
    expect(sealSnarks(params, 4096)).toEqual(none);
    expect(windowPostSnarks(params, [{ sectorBytes: 1024 }])).toEqual(none);
    expect(proofGas(usualGas, "seal", 3000)).toBe(usualGas.sealBase + 3 * usualGas.sealKib);
  });

  it("is dearest for the first of a proof", () => {
    const { snarkFirst, snarkFurther, snarkPublicInput } = usualGas;
    const vanilla = proofGas(usualGas, "post", 100);
    const one = proofGas(usualGas, "post", 100, { snarks: 1, publicInputs: 3 });
    expect(one).toBe(vanilla + snarkFirst + 3 * snarkPublicInput);
    const four = proofGas(usualGas, "post", 100, { snarks: 4, publicInputs: 0 });
    expect(four).toBe(vanilla + snarkFirst + 3 * snarkFurther);
  });

  it("is charged before the verifier is asked", () => {
    const world = new World({ params: { ...params, proofWindowEpochs: 8 } });
    const given = [{ sectorBytes: 2048 }, { sectorBytes: 1024 }];
    const gas = given.map(({ sectorBytes }, i) => {
      const ticketEpoch = epoch(world.height);
      const id = sectorId(i);
      const commitments = { commD: hash32("d"), commR: hash32("r"), commRStar: hash32("r*") };
      const expiration = epoch(world.height + 300);
      const preCommit = { sectorId: id, sectorBytes, ...commitments, ticketEpoch, expiration };
      const value = filToAtto(1n);
      expect(world.send(carol, miner, "miner.preCommitSector", preCommit, { value }).exitCode).toBe(0);
      world.mineTo(world.height + world.params.sealChallengeDelayEpochs);
      return world.send(carol, miner, "miner.commitSector", { sectorId: id, proof: goodProof }).gasUsed;
    });
    const { snarks, publicInputs } = sealSnarks(params, 2048);
    const { snarkFirst, snarkFurther, snarkPublicInput } = usualGas;
    const price = snarkFirst + snarkFurther * (snarks - 1) + snarkPublicInput * publicInputs;
    expect((gas[0] ?? 0) - (gas[1] ?? 0)).toBeGreaterThan(price - 20_000);
    expect((gas[0] ?? 0) - (gas[1] ?? 0)).toBeLessThan(price + 20_000);
  });
});
