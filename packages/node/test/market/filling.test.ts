/**
 * When sectors close that are not full: as the operator wants them filled, and never so late that a deal in them misses
 * its start.
 */
import { attoFil } from "@holdfast/base";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { type MinerDeal, type MinerView, stepMiner } from "../../src/market/machine/miner.ts";
import { SealPace, type SealRounds } from "../../src/market/miner/seal-pace.ts";
import { activationEpochs, leastSealEpochs } from "../../src/market/terms.ts";
import { noise, sectorBytes, testParams, World } from "./support/world.ts";

const params = testParams({ roundMs: 10_000, preCommitExpiryEpochs: 60 });

describe("a sector with deals", () => {
  async function worldOf(minFillPercent: number, maxStagedMs = 20_000): Promise<World> {
    const world = await World.create({ miners: 1, params });
    const miner = world.miner(0);
    await world.reopenMiner(miner, { ...miner.needs, filling: { minFillPercent, maxStagedMs } });
    return world;
  }
  const start = async (world: World, bytes: number, seed: number): Promise<string> => {
    const cid = await world.import(noise(bytes, seed));
    const request = { cid, copies: 1, durationEpochs: 2_000, allowDuplicates: true };
    return (await world.settle(world.client.market.startPut(request))).jobId;
  };
  const stateOf = async (world: World) => (await world.miner(0).market.deals()).map(({ state }) => state);

  it("waits for a second one, and closes as soon as it is filled enough", async () => {
    await using world = await worldOf(50);
    await start(world, 300, 1);
    await world.until(async () => (await stateOf(world))[0] === "staged", 50);
    await world.rounds(20);
    const [waiting] = await world.miner(0).market.deals();
    expect(waiting?.state).toBe("staged");
    expect(waiting?.detail).toMatch(/waits for more deals, as long as a start by \d+ allows it/);
    await start(world, 900, 2);
    await world.until(async () => (await stateOf(world)).every((state) => state === "active"), 60);
    expect(world.miner(0).storage.sectors.map(({ pieces }) => pieces.length)).toEqual([2]);
  });

  it("closes for a deal that would be late, whatever is in it, and knows then how long a seal takes", async () => {
    await using world = await worldOf(50);
    const lone = async (seed: number): Promise<number> => {
      const from = world.height;
      const jobId = await start(world, 300, seed);
      await world.until(() => world.client.market.job(jobId).state !== "running", 1_000);
      expect(world.client.market.job(jobId).state).toBe("done");
      return world.height - from;
    };
    const window = activationEpochs(params, 512);
    const first = await lone(1);
    expect(first).toBeGreaterThan(window / 3);
    expect(first).toBeLessThan(window * 0.7);
    // Also of a miner that was started anew.
    await world.reopenMiner(world.miner(0), {
      ...world.miner(0).needs,
      filling: { minFillPercent: 50, maxStagedMs: 20_000 },
    });
    const second = await lone(2);
    expect(second).toBeGreaterThan(window * 0.7);
    expect(second).toBeLessThan(window);
    expect(world.miner(0).storage.sectors.length).toBe(2);
  });

  it("gives others so long to join as is said", async () => {
    await using world = await worldOf(0, 300_000);
    await start(world, 300, 1);
    await world.until(async () => (await stateOf(world))[0] === "staged", 50);
    const from = world.height;
    await world.until(async () => (await stateOf(world))[0] === "sealing", 60);
    expect(world.height - from).toBeGreaterThanOrEqual(28);
    expect(world.height - from).toBeLessThan(35);
  });
});

const capacity = 16;
const minFillPercent = 60;
interface Arrival {
  readonly gap: number;
  readonly size: number;
  /** Of its time, what its transfer has taken (percent). */
  readonly late: number;
}
interface Deal {
  readonly arrivedAt: number;
  readonly startBy: number;
  readonly size: number;
  deal: MinerDeal;
}
interface Sector {
  readonly deals: Deal[];
  closedAt?: number;
  landsAt?: number;
}
const fresh: MinerDeal = {
  state: "staged",
  code: "",
  detail: "",
  stagedHeight: 0,
  redeemed: attoFil(0),
  settled: false,
  dropped: false,
  published: true,
  escrowBack: false,
  woundAt: null,
  closed: false,
};

describe("how long a sector takes to the chain", () => {
  it("is not known of large ones by small ones that landed soon", () => {
    const landed: SealRounds[] = [];
    const pace = new SealPace({
      sealRounds: () => landed,
      addSealRounds: (_sectorId, one) => void landed.push(one),
    });
    const [small, large] = [sectorBytes, 2 ** 36];
    const before = [pace.rounds(params, small, 0), pace.rounds(params, large, 0)];
    for (const [sectorId, stored] of ["staging", "closed", "closed"].entries()) {
      const onChain = sectorId === 2 ? { lastProven: null, faultySince: null } : undefined;
      pace.see({ sectorId: 1, stored: stored as "closed", onChain }, small, sectorId);
    }
    expect(landed).toEqual([{ sectorBytes: small, rounds: 1 }]);
    expect(pace.rounds(params, large, 9)).toBe(before[1]);
    expect(pace.rounds(params, small, 9)).toBeLessThan(before[0] ?? 0);
  });
});

/** Deals that come, are packed as they fit, and sealed in as long as each sector takes. */
class Yard {
  readonly sectors: Sector[] = [];
  readonly problems: string[] = [];
  readonly #rounds: SealRounds[] = [];
  readonly #pace = new SealPace({
    sealRounds: () => this.#rounds,
    addSealRounds: (_sectorId, landed) => void this.#rounds.push(landed),
  });
  /** Of the time that is left for it, how much each sector takes (percent). */
  readonly #slowness: readonly number[];
  constructor(slowness: readonly number[]) {
    this.#slowness = slowness;
  }

  arrive({ size, late }: Arrival, height: number): void {
    const window = activationEpochs(params, sectorBytes);
    const startBy = height + Math.floor((window * (100 - late)) / 100);
    const deal: Deal = { arrivedAt: height, size, startBy, deal: { ...fresh, stagedHeight: height } };
    const open = this.sectors.find((one) => one.closedAt === undefined && filled(one) + size <= capacity);
    if (open === undefined) this.sectors.push({ deals: [deal] });
    else open.deals.push(deal);
  }

  look(height: number): void {
    for (const [sectorId, sector] of this.sectors.entries()) {
      if (filled(sector) === capacity) this.#close(sector, height);
      for (const one of sector.deals) this.#step(sectorId, sector, one, height);
    }
  }

  #step(sectorId: number, sector: Sector, one: Deal, height: number): void {
    const hasLanded = sector.landsAt !== undefined && height >= sector.landsAt;
    const facts = {
      sectorId,
      stored: sector.closedAt === undefined ? "staging" : "closed",
      isFilled: 100 * filled(sector) >= capacity * minFillPercent,
      onChain: hasLanded ? { lastProven: null, faultySince: null } : undefined,
    } as const;
    this.#pace.see(facts, sectorBytes, height);
    const sealRounds = this.#pace.rounds(params, sectorBytes, height);
    const rules = { ...params, sealAfterRounds: 2, busySealRounds: 10, sealRounds };
    const { deal, acts } = stepMiner(one.deal, { type: "look", view: viewOf(one, facts, height) }, rules);
    one.deal = deal;
    if (!acts.some((act) => act.do === "seal")) return;
    const urgent = Math.min(...sector.deals.map(({ startBy }) => startBy)) - sealRounds;
    if (!facts.isFilled && height < urgent)
      this.problems.push(`closed at ${height} with ${filled(sector)} in it`);
    this.#close(sector, height);
  }

  #close(sector: Sector, height: number): void {
    if (sector.closedAt !== undefined) return;
    const most = this.#pace.rounds(params, sectorBytes, height) - leastSealEpochs(params);
    const part = this.#slowness[this.sectors.indexOf(sector) % this.#slowness.length] ?? 1;
    sector.closedAt = height;
    sector.landsAt = height + Math.max(1, Math.floor((most * part) / 100));
  }

  /** Deals that are late though their sector did not close as soon as they were in it. */
  late(): string[] {
    return this.sectors.flatMap(({ deals, closedAt = 1e6, landsAt = 1e6 }) =>
      deals
        .filter(({ startBy, arrivedAt }) => landsAt >= startBy && closedAt > arrivedAt)
        .map(({ startBy, arrivedAt }) => `${arrivedAt} to ${startBy}: closed ${closedAt}, landed ${landsAt}`),
    );
  }
}
const filled = (sector: Sector): number => sector.deals.reduce((sum, { size }) => sum + size, 0);

function viewOf(
  { startBy }: Deal,
  sector: NonNullable<MinerView["sectors"]>[number],
  height: number,
): MinerView {
  const collaterals = { clientCollateral: attoFil(1), providerCollateral: attoFil(1) };
  const terms = { startHeight: 0, startBy, endHeight: 100_000, totalPrice: attoFil(1), ...collaterals };
  return {
    height,
    terms: { ...terms, vouchers: [], settlement: undefined },
    chain: { status: "published", startBy, endHeight: 100_000, endedAt: null, isLossOpen: false },
    channel: { redeemed: attoFil(0), eol: 200_000, agreedEol: 200_000 },
    isChannelGone: false,
    sectors: [sector],
    isLocated: false,
    isBusy: false,
    free: attoFil(0),
    withdrawal: "none",
    final: { height: 0, chain: undefined, channel: undefined, withdrawal: "none" },
    change: undefined,
    hasOwner: true,
  };
}

describe("the rule by which sectors close", () => {
  const arrival = fc.record({
    gap: fc.integer({ min: 0, max: 200 }),
    size: fc.integer({ min: 1, max: capacity }),
    late: fc.integer({ min: 0, max: 45 }),
  });
  it("lets no deal be late for waiting, and closes none early that is not filled", () => {
    const slowness = fc.array(fc.integer({ min: 1, max: 100 }), { minLength: 1, maxLength: 8 });
    const law = fc.property(fc.array(arrival, { minLength: 1, maxLength: 8 }), slowness, (arrivals, slow) => {
      const yard = new Yard(slow);
      let height = 1;
      for (const one of arrivals) {
        for (const until = height + one.gap; height < until; height += 1) yard.look(height);
        yard.arrive(one, height);
      }
      for (const until = height + activationEpochs(params, sectorBytes) + 1; height < until; height += 1)
        yard.look(height);
      expect([...yard.problems, ...yard.late()]).toEqual([]);
    });
    fc.assert(law, { numRuns: 100 });
  });
});
