/**
 * A network that has lost all its power: the election counts what is faulty until more is proven than is not, so that
 * the miners can come back, and none of them takes the chain by being the first.
 */
import { filToAtto } from "@holdfast/base";
import { readElectionFacts, readPower, readPowerTable, readStandstill } from "@holdfast/consensus";
import { describe, expect, it } from "vitest";
import { createMinerWorld, type MinerWorld } from "./miner-world.ts";
import { World } from "./world.ts";

const sector = 1024n;

const standstill = ({ store, state }: World) => readStandstill(store, state);
const power = ({ store, state }: World) => readPower(store, state);
/** Of the election, in sectors. */
const voiceOf = (m: MinerWorld) => readPowerTable(m.world.store, m.world.state).powerOf(m.miner) / sector;
const allVoices = ({ store, state }: World) => readPowerTable(store, state).total / sector;

/** Three miners with three sectors, one and one. */
function threeMiners() {
  const world = new World({ params: { preCommitExpiryEpochs: 39, maxSectorLifetimeEpochs: 5_000 } });
  const [big, small, other] = [0, 1, 2].map(() => createMinerWorld(world, filToAtto(10n)));
  if (big === undefined || small === undefined || other === undefined) throw new RangeError("three miners");
  for (const id of [0, 1, 2]) big.addSector(id);
  small.addSector(0);
  other.addSector(0);
  return { world, big, small, other };
}

/** Nobody proves anything any more. */
function sleepUntilStill(world: World): void {
  for (let rounds = 0; standstill(world) === null && rounds < 60; rounds += 1) world.mineTo(world.height + 1);
}

/** Announces and proves all sectors of a miner, deadline by deadline. */
function comeBack(m: MinerWorld): void {
  const ids = m.sectors().map(({ sectorId }) => sectorId);
  for (const id of ids) {
    while (m.declareRecovery([id]).exitCode !== 0) m.world.mineTo(m.world.height + 1);
  }
  for (const home of new Set(ids.map((id) => m.home(id)))) m.proveHome(home);
}

describe("a network without power", () => {
  it("counts what is faulty, in the shares of before, and every sector may be drawn", () => {
    const { world, big, small, other } = threeMiners();
    expect(standstill(world)).toBeNull();
    sleepUntilStill(world);
    expect(power(world)).toBe(0n);
    expect(standstill(world)).toBe(world.height);
    expect([big, small, other].map(voiceOf)).toEqual([3n, 1n, 1n]);
    expect(allVoices(world)).toBe(5n);
    const facts = readElectionFacts(world.store, world.state, big.miner);
    expect(facts).toMatchObject({ power: 3n * sector, totalPower: 5n * sector });
    expect(facts?.readProvableSectors().map(({ sectorId }) => sectorId)).toEqual([0, 1, 2]);
    world.money();
  });

  it("gives who is the first to come back no more than its share, and goes on as before with the majority", () => {
    const { world, big, small, other } = threeMiners();
    sleepUntilStill(world);
    const since = standstill(world);
    comeBack(small);
    expect(small.view.power).toBe(sector);
    // By power alone all blocks would be its own, and nobody else's proof in any of them.
    expect(power(world)).toBe(sector);
    expect([small, big, other].map(voiceOf)).toEqual([1n, 3n, 1n]);
    expect(standstill(world)).toBe(since);
    // Two of five: still not.
    comeBack(other);
    expect(standstill(world)).toBe(since);
    comeBack(big);
    expect(standstill(world)).toBeNull();
    const healthy = [big, small, other].map(({ view }) => view.power / sector);
    expect([big, small, other].map(voiceOf)).toEqual(healthy);
    expect(allVoices(world)).toBe(power(world) / sector);
    world.money();
  });

  it("counts sectors that are given up no longer, and ends with them", () => {
    const { world, big, small, other } = threeMiners();
    sleepUntilStill(world);
    comeBack(small);
    expect(standstill(world)).not.toBeNull();
    // Fourteen faulty judgements later.
    for (let period = 0; big.sectors().length + other.sectors().length > 0 && period < 20; period += 1) {
      small.proveHome();
      world.mineTo(world.height + 10);
    }
    expect(big.view).toMatchObject({ faulty: 0n, power: 0n });
    expect(standstill(world)).toBeNull();
    expect([small, big, other].map(voiceOf)).toEqual([1n, 0n, 0n]);
    world.money();
  });
});
