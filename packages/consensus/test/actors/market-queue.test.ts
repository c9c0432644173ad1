/**
 * Several miners at once: whatever they do, the total of the power table is the sum of its entries, every
 * entry is what its miner says, and a miner that watches a deadline stands in the queue exactly once.
 */
import type { Address } from "@holdfast/base";
import { Amt, addressBytes, c, epoch, filToAtto, getObject, sectorId } from "@holdfast/base";
import {
  builtinAddresses,
  loadMinerList,
  loadMiners,
  loadQueue,
  type MarketState,
  marketStateCodec,
  readActor,
  readMinerState,
  readSectors,
} from "@holdfast/consensus";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { createMinerWorld, MinerWorld } from "./miner-world.ts";
import { createMiner, World, worker } from "./world.ts";

function marketOf({ store, state }: World): MarketState {
  const head = readActor(store, state, builtinAddresses(1).market)?.head;
  if (!head) throw new RangeError("the market has a state");
  return getObject(store, marketStateCodec, head);
}

function faultyBytes({ store, state }: World, miner: Address): bigint {
  const faulty = readSectors(store, state, miner).filter(({ faultySince }) => faultySince !== null);
  return faulty.reduce((sum, { sectorBytes }) => sum + BigInt(sectorBytes), 0n);
}

function checkTables(world: World): void {
  const { store, state } = world;
  const market = marketOf(world);
  const queued = new Map<Address, number[]>();
  for (const [at, root] of loadQueue(store, market).entries()) {
    for (const [, miner] of Amt.load(store, c.address, root).entries()) {
      queued.set(miner, [...(queued.get(miner) ?? []), at]);
    }
  }
  const miners = loadMiners(store, market);
  let total = 0n;
  let totalFaulty = 0n;
  for (const [index, address] of loadMinerList(store, market).entries()) {
    const entry = miners.get(addressBytes(address));
    const view = readMinerState(store, state, address);
    const { power, faulty, deadline } = view;
    expect(entry).toEqual({ index, power, faulty, deadline });
    expect(faulty).toBe(faultyBytes(world, address));
    expect(queued.get(address) ?? []).toEqual(view.deadline === null ? [] : [view.deadline]);
    if (view.deadline !== null) expect(view.deadline).toBeGreaterThan(world.height);
    total += power;
    totalFaulty += faulty;
  }
  expect(market.totalPower).toBe(total);
  expect(market.totalFaulty).toBe(totalFaulty);
  if (total > totalFaulty || totalFaulty === 0n) expect(market.standstillSince).toBeNull();
  else if (total === 0n) expect(market.standstillSince).not.toBeNull();
  expect(market.lastTick).toBe(world.height);
  world.money();
}

const step = fc.record({
  miner: fc.nat({ max: 3 }),
  action: fc.constantFrom("preCommit", "commit", "post", "fault", "recover", "wait", "skip"),
  sector: fc.nat({ max: 3 }),
  epochs: fc.integer({ min: 1, max: 25 }),
});

describe("power table and queue", () => {
  it("agree with the miners after any sequence of blocks", () => {
    fc.assert(
      fc.property(fc.array(step, { minLength: 10, maxLength: 40 }), (steps) => {
        const world = new World();
        const miners = Array.from({ length: 4 }, () => new MinerWorld(world, createMiner(world)));
        for (const { miner, action, sector, epochs } of steps) {
          const m = miners[miner];
          if (m === undefined) continue;
          const expiration = epoch(world.height + 60);
          if (action === "preCommit") m.preCommit(sector, { expiration });
          else if (action === "commit") m.commit(sector);
          else if (action === "post" && world.height > 20) m.post();
          else if (action === "fault") m.declareFaults([sector]);
          else if (action === "recover") m.declareRecovery([sector]);
          else if (action === "skip") world.skipTo(world.height + epochs);
          else world.mineTo(world.height + epochs);
          checkTables(world);
        }
      }),
      { numRuns: 25 },
    );
  });

  it("judges several miners of one epoch in one tick", () => {
    const world = new World({
      params: { provingPeriodEpochs: 10, proofWindowEpochs: 3, preCommitExpiryEpochs: 39 },
    });
    const miners = Array.from({ length: 12 }, () => createMinerWorld(world, filToAtto(2n)));
    for (const m of miners) m.preCommit(0);
    world.mineTo(world.height + 3);
    for (const m of miners) {
      world.send(worker, m.miner, "miner.commitSector", {
        sectorId: sectorId(0),
        proof: new Uint8Array([103, 111, 111, 100]),
      });
    }
    checkTables(world);
    expect(marketOf(world).totalPower).toBeGreaterThan(0n);
    world.mineTo(world.height + 20);
    checkTables(world);
    expect(marketOf(world).totalPower).toBe(0n);
  });
});
