/** What becomes of the collaterals when one side does not keep a deal, and nobody does anything by hand. */
import { channelId, encode, HoldfastError, parseFil, sectorId } from "@holdfast/base";
import { builtinAddresses, listChannels, methods, readActor, readEscrow } from "@holdfast/consensus";
import { describe, expect, it } from "vitest";
import { noise, World } from "./support/world.ts";

const state = (world: World) => world.chain.headState().state;
const escrowOf = (world: World, who: "client" | "miner") => {
  const party = who === "client" ? world.client.keys.address : world.miner(0).address;
  return readEscrow(world.chain.store, state(world), party);
};
/** More than the messages of a test cost, and less than a tenth of the collaterals. */
const fees = 500_000n;
const nothing = { escrow: 0n, locked: 0n };
const balanceOf = (world: World, who: "client" | "owner"): bigint => {
  const address = who === "client" ? world.client.keys.address : world.miner(0).owner.address;
  return readActor(world.chain.store, state(world), address)?.balance ?? 0n;
};

/** A world with one stored file, and its deal as the client sees it. */
async function stored() {
  const world = await World.create({ miners: 1 });
  const job = await world.put(await world.import(noise(900)), { durationEpochs: 4_000 });
  expect(job.state).toBe("done");
  const deal = world.client.market.deals()[0];
  const onChain = deal?.onChain;
  if (deal === undefined || onChain == null) throw new TypeError("the deal is on the chain");
  expect(onChain).toMatchObject({ status: "active", endedAt: null, lostAt: null });
  const client = parseFil(onChain.clientCollateralFil);
  const provider = parseFil(onChain.providerCollateralFil);
  expect(escrowOf(world, "client")).toEqual({ escrow: client, locked: client });
  expect(escrowOf(world, "miner")).toEqual({ escrow: provider, locked: provider });
  return { world, deal, client, provider };
}

describe("collaterals", () => {
  it("of a deal whose miner gives a sector up go to the client in part, and come back by themselves", async () => {
    const { world, deal, client, provider } = await stored();
    await using _ = world;
    const miner = world.miner(0);
    const before = balanceOf(world, "client");
    const params = encode(methods.miner.terminateSectors.params, { sectorIds: deal.sectors.map(sectorId) });
    const asked = { from: miner.worker.address, to: miner.address, method: "terminateSectors", params };
    await world.until(() => {
      // Not while its deadline is frozen.
      void miner.sender.send({ ...asked, key: `end ${world.height}` }).catch((error: unknown) => {
        if (!(error instanceof HoldfastError)) throw error;
      });
      return world.count("terminateSectors") > 0;
    }, 60);
    await world.until(() => world.client.market.deals()[0]?.onChain?.status === "lost", 20);
    await world.until(() => escrowOf(world, "client").escrow === 0n, 20);
    expect(escrowOf(world, "miner")).toEqual(nothing);
    const percent = BigInt(world.chain.params.lostCollateralClientPercent);
    const gain = balanceOf(world, "client") - before;
    const due = client + (provider * percent) / 100n;
    expect(gain <= due && gain > due - fees, `${gain} of ${due}`).toBe(true);
    for (const { market } of [world.client, miner]) {
      const causes = (await market.explain(deal.dealId))?.causes.join("\n");
      expect(causes).toContain("a sector of the deal was lost");
    }
  });

  it("of a healthy deal whose client cancels the channel go to the miner's owner", async () => {
    const { world, deal, client, provider } = await stored();
    await using _ = world;
    await world.until(() => world.client.market.deals()[0]?.redeemedFil !== "0");
    const before = balanceOf(world, "owner");
    const [open] = listChannels(world.chain.store, state(world), world.client.keys.address);
    await world.client.sender.send({
      from: world.client.keys.address,
      to: builtinAddresses(1).broker,
      method: "cancel",
      params: encode(methods.broker.cancel.params, { channel: open?.id ?? channelId(0) }),
    });
    await world.until(() => world.client.market.deals()[0]?.onChain?.status === "broken", 40);
    expect(world.count("reportCancelledChannel")).toBe(1);
    await world.until(() => escrowOf(world, "miner").escrow === 0n, 20);
    expect(escrowOf(world, "client")).toEqual(nothing);
    // It has the rewards of the blocks meanwhile too.
    const gain = (balanceOf(world, "owner") - before) % world.chain.params.blockReward;
    const due = client + provider;
    expect(gain > due - fees && gain < due + fees, `${gain} of ${due}`).toBe(true);
    expect(world.client.market.explain(deal.dealId)?.causes.join("\n")).toContain("cancelled the channel");
  });
});

describe("an ask with collateral", () => {
  it("is what both sides lock, and what a client is told before", async () => {
    await using world = await World.create({ miners: 2 });
    const [cheap, sure] = [world.miner(0), world.miner(1)];
    // Of equal prices the one that answers with more is taken.
    await world.publishAsk(cheap, 9n, { ofProvider: 30, ofClient: 8 });
    await world.publishAsk(sure, 9n, { ofProvider: 60, ofClient: 40 });
    await world.rounds(2);
    const request = { carBytes: 1_000, copies: 1, durationEpochs: 240 };
    const { miners } = await world.settle(world.client.market.quote(request));
    const price = parseFil(miners[0]?.priceFil ?? "0");
    expect(miners[0]).toMatchObject({ miner: sure.address, chosen: true });
    expect(parseFil(miners[0]?.providerCollateralFil ?? "0")).toBe((price * 60n + 99n) / 100n);
    expect(parseFil(miners[0]?.clientCollateralFil ?? "0")).toBe((price * 40n + 99n) / 100n);
    const job = await world.put(await world.import(noise(900)), { durationEpochs: 240 });
    expect(job).toMatchObject({ state: "done", copies: [{ miner: sure.address }] });
    const total = parseFil(job.totalFil);
    const [ofClient, ofMiner] = [(total * 40n + 99n) / 100n, (total * 60n + 99n) / 100n];
    expect(escrowOf(world, "client")).toEqual({ escrow: ofClient, locked: ofClient });
    const held = readEscrow(world.chain.store, state(world), sure.address);
    expect(held).toEqual({ escrow: ofMiner, locked: ofMiner });
  });
});

describe("a miner that is catching up", () => {
  it("says later to a deal and not no, and takes it when it has caught up", async () => {
    await using world = await World.create({ miners: 1 });
    world.behind = true;
    const { market } = world.client;
    const cid = await world.import(noise(900));
    const { jobId } = await world.settle(market.startPut({ cid, copies: 1, durationEpochs: 120 }));
    await world.rounds(12);
    expect(market.job(jobId).state).toBe("running");
    expect(await world.miner(0).market.deals()).toEqual([]);
    expect(market.explain(jobId)?.causes.join("\n")).toContain("catching up");
    world.behind = false;
    await world.until(() => market.job(jobId).state !== "running");
    expect(market.job(jobId)).toMatchObject({ state: "done", error: null });
    expect(market.deals()).toHaveLength(1);
  });
});
