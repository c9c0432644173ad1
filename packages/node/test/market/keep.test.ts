/** Files that are kept: renewed before each end, made again when a miner loses them, within a price, over kills. */
import { attoFil, parseFil } from "@holdfast/base";
import { rejectionOf } from "@holdfast/base/testing";
import { listChannels } from "@holdfast/consensus";
import { describe, expect, it } from "vitest";
import { limits } from "../../src/limits.ts";
import { Fuse, mortalClient, mortalMiner } from "./support/fuse.ts";
import { noise, type TestMiner, World } from "./support/world.ts";

const bytes = noise(1_500);

/** The miner of a copy, and those that hold none. */
function minersOf(world: World, jobId: string): { readonly first: TestMiner; readonly idle: TestMiner[] } {
  const names = world.client.market.job(jobId).copies.map(({ miner }) => miner);
  const first = world.miners.find(({ address }) => address === names[0]) ?? world.miner(0);
  return { first, idle: world.miners.filter(({ address }) => !names.includes(address)) };
}
const keepOf = (world: World, jobId: string) => world.client.market.job(jobId).keep;
const fileState = (world: World) => world.client.market.files()[0];

describe("a file that is renewed", () => {
  it("lives on by longer deals, term after term, until it is told not to", async () => {
    await using world = await World.create({ miners: 2 });
    const { market } = world.client;
    const cid = await world.import(bytes);
    const job = await world.put(cid, { durationEpochs: 120, renew: true });
    expect(job.state).toBe("done");
    const { untilHeight: firstEnd } = keepOf(world, job.jobId);
    expect(firstEnd).not.toBe(null);
    await world.until(() => world.height > (firstEnd ?? 0) + 70, 400);
    expect(fileState(world)).toMatchObject({ state: "stored", activeCopies: 1 });
    await world.until(() => keepOf(world, job.jobId).state === "kept", 60);
    expect(keepOf(world, job.jobId)).toMatchObject({ copiesKept: 1 });
    expect(world.count("createChannel")).toBe(1);
    const renewals = world.count("extendDeal");
    expect(renewals).toBeGreaterThanOrEqual(2);
    market.keep(job.jobId, { renew: false });
    const { untilHeight: lastEnd } = keepOf(world, job.jobId);
    await world.until(() => world.height >= (lastEnd ?? 0), 400);
    expect(fileState(world)).toMatchObject({ state: "expired" });
    expect(keepOf(world, job.jobId).state).toBe("off");
    expect(world.count("extendDeal")).toBe(renewals);
  });

  it("gets another deal where its miner extends none, and says so", async () => {
    await using world = await World.create({ miners: 2 });
    const cid = await world.import(bytes);
    for (const miner of world.miners) miner.market.policy({ extend: false });
    const job = await world.put(cid, { durationEpochs: 120, renew: true });
    const { untilHeight: firstEnd } = keepOf(world, job.jobId);
    await world.until(() => world.height > (firstEnd ?? 0) + 20, 400);
    expect(world.count("createChannel")).toBe(2);
    expect(fileState(world)).toMatchObject({ state: "stored", activeCopies: 1 });
    expect(keepOf(world, job.jobId).untilHeight).toBeGreaterThan(firstEnd ?? 0);
    const keeping = world.client.market.deals().map((deal) => deal.keeping);
    expect(keeping).toEqual(["renew", "replaced"]);
    // What the receipt says is what holds the file now.
    const receipt = world.client.market.receipt(job.jobId);
    expect(receipt.copies.map(({ dealId }) => dealId)).toEqual([world.client.market.deals()[0]?.dealId]);
    expect(receipt.storedUntilHeight).toBe(keepOf(world, job.jobId).untilHeight);
  });

  it("costs no more for a term than its limit, says what is in the way, and goes on when it is raised", async () => {
    await using world = await World.create({ miners: 1 });
    const { market } = world.client;
    const cid = await world.import(bytes);
    const price = attoFil(10n * 2_048n * 120n);
    const job = await world.put(cid, { durationEpochs: 120, renew: true, maxPrice: price });
    expect(parseFil(keepOf(world, job.jobId).limitFil ?? "")).toBe(price);
    await world.publishAsk(world.miner(0), 50n);
    await world.rounds(3);
    // The old ask of the miner still holds; only a dearer one is left in the end.
    const { untilHeight: firstEnd } = keepOf(world, job.jobId);
    market.keep(job.jobId, { termLimit: attoFil(price / 2n) });
    await world.until(() => keepOf(world, job.jobId).state === "stuck", 400);
    expect(keepOf(world, job.jobId).detail).toMatch(/limit/);
    expect(market.explain(job.jobId)).toMatchObject({
      light: "failing",
      fix: expect.stringContaining("limit"),
    });
    expect(world.count("createChannel")).toBe(1);
    expect(world.height).toBeLessThan(firstEnd ?? 0);
    market.keep(job.jobId, { termLimit: attoFil(price * 2n) });
    await world.until(() => keepOf(world, job.jobId).state === "kept", 400);
    expect(fileState(world)?.storedUntilHeight).toBeGreaterThan(firstEnd ?? 0);
  });
});

/** What each side does for a renewal, and after how many of its effects that is: before and behind are kills too. */
const renewing = {
  client: {
    effects: [1, 2, 3, 5, 6, 8, 9, 11],
    whats: ["INSERT INTO market_changes", "open /fil/storage/amend", "send extend", "send addBalance"],
  },
  miner: {
    effects: [9, 10, 11, 12, 13, 14],
    whats: ["INSERT INTO market_taken_amendments", "send extendDeal", "commit"],
  },
} as const;

describe("a renewal", () => {
  for (const side of ["client", "miner"] as const) {
    it(`is made and paid once, wherever the ${side} is killed meanwhile`, async () => {
      const { effects, whats } = renewing[side];
      const seen: string[] = [];
      for (const count of effects) seen.push(await killedInRenewal(side, count));
      for (const what of whats) expect(seen.join("\n")).toContain(what);
    }, 120_000);
  }
});

/** Shortly before it is asked for. */
const renewedBefore = 62;

/** A life of a side ends after so many effects on the way to the renewed deal; the last of them. */
async function killedInRenewal(side: keyof typeof renewing, effects: number): Promise<string> {
  await using world = await World.create({ miners: 1 });
  const { client } = world;
  const miner = world.miner(0);
  const job = await world.put(await world.import(bytes), { durationEpochs: 120, renew: true });
  const { untilHeight } = keepOf(world, job.jobId);
  const firstEnd = untilHeight ?? 0;
  await world.until(() => world.height >= firstEnd - renewedBefore, 400);
  expect(world.client.market.deal(job.copies[0]?.dealId ?? "")?.amendments).toEqual([]);
  const fuse = new Fuse(effects);
  if (side === "client") await world.reopenClient(mortalClient(client.needs, fuse));
  else await world.reopenMiner(miner, mortalMiner(miner.needs, fuse));
  for (let rounds = 0; rounds < 25 && !fuse.blown; rounds += 1) await world.rounds(1);
  if (side === "client") await world.reopenClient();
  else await world.reopenMiner(miner);
  await world.until(() => (keepOf(world, job.jobId).untilHeight ?? 0) > firstEnd, 80);
  await world.until(() => world.height > firstEnd, 80);
  const killed = `killed after ${fuse.last}`;
  expect(fileState(world), killed).toMatchObject({ state: "stored", activeCopies: 1 });
  const counts = ["createChannel", "extend", "extendDeal", "addBalance"].map((method) => world.count(method));
  expect(counts, killed).toEqual([1, 1, 1, 2]);
  const [channel] = listChannels(world.chain.store, world.chain.headState().state, client.keys.address);
  for (const { market } of [world.client, world.miner(0)]) {
    const [deal] = await market.deals();
    expect(parseFil(deal?.totalFil ?? "0"), killed).toBe(channel?.channel.amount);
  }
  return fuse.last;
}

describe("a file that is repaired", () => {
  it("is made again elsewhere when its miner stops proving, also from the copy that is left", async () => {
    await using world = await World.create({ miners: 3 });
    const { client } = world;
    const cid = await world.import(bytes);
    const job = await world.put(cid, { copies: 2, durationEpochs: 600, repair: true });
    const { first, idle } = minersOf(world, job.jobId);
    expect(await world.settle(client.retrieval.deleteFile(cid))).toBe(true);
    first.proves = false;
    await world.until(() => fileState(world)?.state === "at-risk", 200);
    const told = () => client.market.explain(job.jobId);
    expect(told()?.causes.filter((cause) => cause.includes("is faulty since")).length).toBe(1);
    await world.until(() => world.client.market.deals().some(({ keeping }) => keeping === "replaced"), 200);
    await world.until(() => keepOf(world, job.jobId).state === "repairing", 20);
    expect(told()).toMatchObject({ light: "waiting", fix: null });
    expect(told()?.summary).toMatch(/in 1 of 2 copies; another copy takes the place of that at /);
    await world.until(() => keepOf(world, job.jobId).state === "kept", 400);
    const holders = client.market.job(job.jobId).copies.map(({ miner }) => miner);
    expect(holders).toContain(idle[0]?.address);
    expect(holders).not.toContain(first.address);
    expect(fileState(world)).toMatchObject({ activeCopies: 2 });
    const receipt = client.market.receipt(job.jobId);
    expect(receipt.copies.map(({ miner }) => miner).toSorted()).toEqual(holders.toSorted());
    // It lives as long as the one would have that it replaces.
    const ends = client.market.deals().map(({ endHeight }) => endHeight ?? 0);
    expect(Math.max(...ends) - Math.min(...ends)).toBeLessThan(60);
  });

  it("is not paid for at ever more miners that take turns in failing and coming back", async () => {
    await using world = await World.create({ miners: 4 });
    const cid = await world.import(bytes);
    const job = await world.put(cid, { copies: 1, durationEpochs: 900, repair: true });
    const most = 1 + limits.keepSpareDeals;
    for (let deals = 1; deals < most; deals++) {
      minersOf(world, job.jobId).first.proves = false;
      await world.until(() => world.client.market.deals().length > deals, 300);
      await world.until(() => keepOf(world, job.jobId).state === "kept", 400);
      for (const miner of world.miners) miner.proves = true;
    }
    minersOf(world, job.jobId).first.proves = false;
    await world.until(() => keepOf(world, job.jobId).state === "stuck", 300);
    expect(keepOf(world, job.jobId).detail).toContain("still cost money");
    expect(world.client.market.deals().length).toBe(most);
    // Who was replaced is no copy more, whatever the chain still says of its deal.
    expect(keepOf(world, job.jobId).copiesKept).toBe(1);
    const causes = world.client.market.explain(job.jobId)?.causes ?? [];
    expect(causes.filter((cause) => cause.startsWith("copy 1 at ")).length).toBe(1);
    // The newest of those that were replaced is named, the others are counted.
    expect(causes.filter((cause) => /^copy 1, until it was replaced at \d+, at /.test(cause)).length).toBe(1);
    expect(causes).toContain("and one earlier copy that was replaced");
  });

  it("gets what the lost deal was still to cost back", async () => {
    await using world = await World.create({ miners: 2, params: { maxSectorLifetimeEpochs: 5_000 } });
    const { client } = world;
    const cid = await world.import(bytes);
    const job = await world.put(cid, { durationEpochs: 2_000, repair: true });
    const { first } = minersOf(world, job.jobId);
    first.proves = false;
    await world.until(() => client.market.deals().length === 2, 200);
    await world.until(() => keepOf(world, job.jobId).state === "kept", 400);
    // A sector that stays faulty is terminated, and its deal lost.
    const lost = client.market.deals().at(-1)?.dealId ?? "";
    const channels = () =>
      listChannels(world.chain.store, world.chain.headState().state, client.keys.address).length;
    await world.until(() => client.market.deal(lost)?.onChain?.lostAt !== null, 900);
    expect(channels()).toBe(2);
    await world.until(() => channels() === 1, 100);
    await world.until(() => /came back/.test(client.market.deal(lost)?.detail ?? ""), 20);
    expect(client.market.deal(lost)?.state).toBe("failed");
    expect(fileState(world)).toMatchObject({ state: "stored", activeCopies: 1 });
  });

  it("is not repaired where that was not asked for, nor when its owner ended the deal", async () => {
    await using world = await World.create({ miners: 3 });
    const { client } = world;
    const cid = await world.import(bytes);
    const job = await world.put(cid, { durationEpochs: 300, repair: true });
    for (const miner of world.miners) miner.market.policy({ release: true });
    const [deal] = client.market.deals();
    client.market.change(deal?.dealId ?? "", { kind: "release" });
    await world.until(() => client.market.deal(deal?.dealId ?? "")?.onChain?.status === "released", 200);
    await world.rounds(40);
    expect(world.count("createChannel")).toBe(1);
    expect(keepOf(world, job.jobId)).toMatchObject({ state: "ended" });
  });

  it("is not given up for a sector that a reorganisation takes off the chain for some rounds", async () => {
    await using world = await World.create({ miners: 2 });
    const cid = await world.import(bytes);
    const job = await world.put(cid, { durationEpochs: 400, repair: true });
    const [deal] = world.client.market.deals();
    const since = deal?.onChain?.activatedAt ?? 0;
    await world.reorg(world.height - since + 8);
    expect(fileState(world)?.state).toBe("lost");
    // Asked to look at once.
    for (let rounds = 0; rounds < 40; rounds += 1) {
      world.client.market.keep(job.jobId, { repair: true });
      await world.rounds(1);
    }
    expect(world.client.market.deals().map(({ keeping }) => keeping)).toEqual(["repair"]);
    expect(keepOf(world, job.jobId)).toMatchObject({ state: "kept", copiesKept: 1 });
  });

  it("waits while the node catches up with a chain that others have", async () => {
    await using world = await World.create({ miners: 2 });
    const cid = await world.import(bytes);
    const job = await world.put(cid, { durationEpochs: 400, repair: true });
    const { first } = minersOf(world, job.jobId);
    world.behind = true;
    first.proves = false;
    await world.rounds(90);
    expect(world.client.market.deals().length).toBe(1);
    world.behind = false;
    await world.until(() => world.client.market.deals().length === 2, 60);
  });

  it("is made again once, wherever the client is killed meanwhile", async () => {
    for (const effects of [1, 2, 4, 7, 12, 19]) {
      await using world = await World.create({ miners: 2 });
      const { client } = world;
      const cid = await world.import(bytes);
      const job = await world.put(cid, { durationEpochs: 500, repair: true });
      const { first } = minersOf(world, job.jobId);
      first.proves = false;
      await world.until(() => fileState(world)?.state === "at-risk", 200);
      let fuse = new Fuse(effects);
      await world.reopenClient(mortalClient(client.needs, fuse));
      for (let rounds = 0; rounds < 60 || fuse.blown; rounds += 1) {
        expect(rounds).toBeLessThan(200);
        if (fuse.blown) {
          fuse = new Fuse(Number.POSITIVE_INFINITY);
          await world.reopenClient();
        }
        await world.rounds(1);
      }
      await world.reopenClient();
      await world.until(() => keepOf(world, job.jobId).state === "kept", 400);
      expect(world.count("createChannel"), `killed after ${effects}`).toBe(2);
      expect(client.market.job(job.jobId).copies[0]?.miner).not.toBe(first.address);
    }
  });
});

describe("copies", () => {
  it("lie at different operators unless that is not wanted", async () => {
    await using world = await World.create({ miners: 3, owners: [0, 0, 1] });
    const { market } = world.client;
    const cid = await world.import(bytes);
    const quote = await world.settle(market.quote({ carBytes: 1_500, copies: 2, durationEpochs: 120 }));
    expect(quote.miners.filter(({ chosen }) => chosen).map(({ miner }) => miner)).toEqual([
      world.miner(0).address,
      world.miner(2).address,
    ]);
    const job = await world.put(cid, { copies: 2, durationEpochs: 120 });
    expect(job.copies.map(({ miner }) => miner)).toEqual([world.miner(0).address, world.miner(2).address]);
    const cheaper = await world.put(cid, {
      copies: 2,
      durationEpochs: 121,
      spread: "miners",
      allowDuplicates: true,
    });
    expect(cheaper.copies.map(({ miner }) => miner)).toEqual([
      world.miner(0).address,
      world.miner(1).address,
    ]);
    const three = await world.put(cid, { copies: 3, durationEpochs: 122, allowDuplicates: true });
    expect(three.error).toMatchObject({
      code: "market/too-few-operators",
      fix: expect.stringContaining("--spread"),
    });
    const { state } = world.chain.headState();
    expect(listChannels(world.chain.store, state, world.client.keys.address).length).toBe(4);
  });

  it("of a job that does not exist are not kept", async () => {
    await using world = await World.create({ miners: 1 });
    const { market } = world.client;
    const wrong = rejectionOf((async () => market.keep("put-9", { renew: true }))());
    expect(await wrong).toMatchObject({ code: "market/unknown-job" });
  });
});
