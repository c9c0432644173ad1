/** A miner takes no deal that it cannot seal by its start, nor one that makes another late; and refuses no other. */
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { missedStart, type SealDemand } from "../../src/market/miner/backlog.ts";
import { SealDues } from "../../src/market/miner/seal-dues.ts";
import { activationEpochs, leastSealEpochs, startByFor } from "../../src/market/terms.ts";
import { noise, sectorBytes, testParams, World } from "./support/world.ts";

const params = testParams({ roundMs: 10_000, preCommitExpiryEpochs: 60 });
const roundMs = 1_000;
const restRounds = 12;

interface Seal {
  readonly startBy: number;
  left: number;
}

/** One worker over a queue that gives the nearest start first, round by round; each seal takes so many rounds. */
class Yard {
  readonly late: string[] = [];
  taken = 0;
  readonly #rounds: number;
  readonly #waiting: Seal[] = [];
  #running: Seal | undefined;

  constructor(rounds: number) {
    this.#rounds = rounds;
  }

  propose(sectors: number, startBy: number, height: number): void {
    const wish = { startBy, ms: sectors * this.#rounds * roundMs };
    const place = { height, roundMs, parallel: 1, restRounds };
    if (missedStart(wish, this.#demands(), place) !== undefined) return;
    this.taken += 1;
    for (let one = 0; one < sectors; one += 1) this.#waiting.push({ startBy, left: this.#rounds });
  }

  #demands(): SealDemand[] {
    const all = this.#running === undefined ? this.#waiting : [this.#running, ...this.#waiting];
    return all.map((one) => {
      return { startBy: one.startBy, ms: this.#rounds * roundMs, isBegun: one === this.#running };
    });
  }

  round(height: number): void {
    this.#waiting.sort((a, b) => a.startBy - b.startBy);
    this.#running ??= this.#waiting.shift();
    const seal = this.#running;
    if (seal === undefined) return;
    seal.left -= 1;
    if (seal.left > 0) return;
    this.#running = undefined;
    if (height + 1 + restRounds > seal.startBy) this.late.push(`due ${seal.startBy}, done ${height + 1}`);
  }
}

describe("what a backlog allows", () => {
  const deal = fc.record({
    gap: fc.nat({ max: 60 }),
    sectors: fc.integer({ min: 1, max: 12 }),
    window: fc.integer({ min: restRounds + 1, max: 400 }),
  });

  it("is never more than one worker has sealed in time, whatever comes", () => {
    const law = fc.property(
      fc.array(deal, { maxLength: 30 }),
      fc.integer({ min: 1, max: 20 }),
      (deals, rounds) => {
        const yard = new Yard(rounds);
        let height = 0;
        for (const { gap, sectors, window } of deals) {
          for (const until = height + gap; height < until; height += 1) yard.round(height);
          yard.propose(sectors, height + window, height);
        }
        for (const until = height + 1_000; height < until; height += 1) yard.round(height);
        expect(yard.late).toEqual([]);
      },
    );
    fc.assert(law, { numRuns: 1_000 });
  });

  const place = { height: 100, roundMs, parallel: 2, restRounds };
  const sector = (startBy: number, isBegun = false) => ({ startBy, ms: 10_000, isBegun });

  it("is what ends before the start, with a quarter more, by all workers", () => {
    // 16 sectors of 10 s by two workers: 80 rounds, and a quarter; then the way to the chain.
    const before = Array.from({ length: 15 }, () => sector(150));
    expect(missedStart(sector(212), before, place)).toBe(undefined);
    expect(missedStart(sector(211), before, place)).toEqual({ startBy: 211, readyAt: 212 });
    expect(missedStart(sector(211), before, { ...place, parallel: 3 })).toBe(undefined);
  });

  it("leaves a small deal its turn before a large one that has time, and not if that would be late for it", () => {
    const large = Array.from({ length: 260 }, (_, at) => sector(1_420, at === 0));
    expect(missedStart(sector(140), large, place)).toBe(undefined);
    // Six rounds are all that the large one can spare.
    const tight = large.map((one) => ({ ...one, startBy: 1_418 }));
    expect(missedStart({ startBy: 160, ms: 12_000 }, tight, place)).toBe(undefined);
    expect(missedStart({ startBy: 160, ms: 14_000 }, tight, place)).toEqual({
      startBy: 1_418,
      readyAt: 1_419,
    });
    // One that is late anyway holds nobody up.
    const lost = large.map((one) => ({ ...one, startBy: 1_000 }));
    expect(missedStart({ startBy: 160, ms: 14_000 }, lost, place)).toBe(undefined);
  });
});

it("one worker has time for a deal of 2 GiB in 260 sectors, at half a minute each, and not at a whole one", () => {
  const sectors = 260;
  const size = { paddedBytes: sectors * 2 ** 23, durationEpochs: 100_000, isCarried: false };
  const network = testParams({ roundMs: 10_000 });
  const startBy = startByFor(network, 100, size);
  const place = { height: 100, roundMs: 10_000, parallel: 1, restRounds: leastSealEpochs(network) };
  expect(missedStart({ startBy, ms: sectors * 30_000 }, [], place)).toBe(undefined);
  expect(missedStart({ startBy, ms: sectors * 60_000 }, [], place)).toMatchObject({ startBy });
});

describe("a miner with a backlog", () => {
  async function worldOf(secondsASector: number): Promise<World> {
    const world = await World.create({ miners: 2, params });
    const miner = world.miner(0);
    const sealSpeed = async () => ({ parallel: 1, msFor: () => secondsASector * 1_000 });
    await world.reopenMiner(miner, { ...miner.needs, sealSpeed });
    return world;
  }
  const asked = { carBytes: 3_000, durationEpochs: 900 };

  it("is passed over for that, before anything is paid, and asked again when it has sealed what waits", async () => {
    const rounds = activationEpochs(params, 4 * sectorBytes) - leastSealEpochs(params);
    // Two deals of so many sectors have time, with a quarter more; a third one has not.
    const sectors = Math.ceil(4_096 / sectorBytes);
    await using world = await worldOf((rounds * 10) / (2.5 * 1.25 * sectors));
    const start = async (seed: number) => {
      const cid = await world.import(noise(3_000, seed));
      await world.settle(world.client.market.startPut({ cid, copies: 1, durationEpochs: 900 }));
    };
    world.miner(0).seals = false;
    await start(1);
    await start(2);
    await world.until(async () => (await world.miner(0).market.deals()).length === 2, 100);
    const [terms] = await world.settle(world.client.market.terms(asked));
    expect(terms).toMatchObject({ isWilling: false, code: "deal/no-time-to-seal" });
    const job = await world.put(await world.import(noise(3_000, 3)));
    expect(job).toMatchObject({ state: "done", copies: [{ miner: world.miner(1).address }] });
    world.miner(0).seals = true;
    await world.until(
      async () => (await world.miner(0).market.deals()).every(({ state }) => state === "active"),
      300,
    );
    const [again] = await world.settle(world.client.market.terms(asked));
    expect(again).toMatchObject({ isWilling: true });
  });
});

describe("the dues of sectors", () => {
  it("are those of the most urgent deal that goes on", async () => {
    await using world = await World.create({ miners: 1, params });
    const told: (readonly [number, number | null])[] = [];
    const storage = { setDue: (id: number, dueMs: number | null) => void told.push([id, dueMs]) };
    const { chain, clock } = world.miner(0).needs;
    const dues = new SealDues({ chain, clock, storage: storage as never });
    const at = (rounds: number) => world.clock.nowMs() + rounds * params.roundMs;
    const seen = (rounds: number, state = "closing") => {
      dues.see(7, { startBy: world.height + rounds, sectorBytes, state });
    };
    seen(50);
    seen(80);
    seen(40, "sealing");
    expect(told).toEqual([
      [7, at(50)],
      [7, at(40)],
    ]);
    expect(dues.unsealed()).toEqual([{ startBy: world.height + 40, sectorBytes, state: "sealing" }]);
    dues.forget(7);
    seen(80, "sealed");
    expect(told.slice(2)).toEqual([
      [7, null],
      [7, at(80)],
    ]);
    expect(dues.unsealed()).toEqual([]);
    dues.isOver(7);
    dues.forget(7);
    expect(told.length).toBe(4);
  });
});
