/** Deals that live longer or end early because both sides want it: on the chain, to the attoFIL, and whoever dies. */
import { attoFil, parseFil, type SectorId } from "@holdfast/base";
import { listChannels, readActor, readEscrow, readSector } from "@holdfast/consensus";
import { describe, expect, it } from "vitest";
import { type ClientMarketNeeds, dealRefusals } from "../../src/market/index.ts";
import { dealPrice } from "../../src/market/terms.ts";
import { Fuse, mortalClient, mortalMiner } from "./support/fuse.ts";
import { askPrice, noise, type TestClient, World, type WorldOptions } from "./support/world.ts";

const state = (world: World) => world.chain.headState().state;
const escrowOf = (world: World, who: "client" | "miner") => {
  const party = who === "client" ? world.client.keys.address : world.miner(0).address;
  return readEscrow(world.chain.store, state(world), party);
};
const balanceOf = (world: World): bigint =>
  readActor(world.chain.store, state(world), world.client.keys.address)?.balance ?? 0n;
const channelsOf = (world: World) =>
  listChannels(world.chain.store, state(world), world.client.keys.address).map(({ channel }) => channel);
const nothing = { escrow: 0n, locked: 0n };
/** More than the messages of a test cost, and much less than what is at stake. */
const fees = 2_000_000n;
const duration = 240;

/** A world with one stored file of one miner. */
async function stored(options: WorldOptions = {}) {
  const world = await World.create({ miners: 1, ...options });
  const before = balanceOf(world);
  const job = await world.put(await world.import(noise(900)), { durationEpochs: duration });
  expect(job.state).toBe("done");
  const [deal] = world.client.market.deals();
  if (deal === undefined || deal.endHeight === null) throw new TypeError("there is a deal");
  return { world, before, dealId: deal.dealId, endHeight: deal.endHeight, total: parseFil(deal.totalFil) };
}
const changeOf = (world: World, dealId: string) => world.client.market.deal(dealId)?.amendments.at(-1);
const isOver = (world: World, dealId: string) => (): boolean =>
  ["done", "failed"].includes(changeOf(world, dealId)?.state ?? "");
const paddedBytes = 1_024;
const longer = 300;
const added = dealPrice(attoFil(askPrice), paddedBytes, longer);

describe("an extension", () => {
  it("is paid at the ask, has more collateral of both, and is redeemed to its end", async () => {
    const { world, before, dealId, endHeight, total } = await stored();
    await using _ = world;
    const end = endHeight + longer;
    const asked = world.client.market.change(dealId, { kind: "extend", endHeight: end, key: "one" });
    expect(asked).toMatchObject({ kind: "extend", state: "asking", endHeight: end });
    // Once more, by a person who had no answer.
    expect(world.client.market.change(dealId, { kind: "extend", endHeight: end, key: "one" })).toEqual(asked);
    await world.until(isOver(world, dealId), 60);
    expect(changeOf(world, dealId)).toMatchObject({ state: "done", code: null });
    const price = total + added;
    await world.rounds(2);
    for (const { market } of [world.client, world.miner(0)]) {
      const deal = await market.deal(dealId);
      expect(deal).toMatchObject({ endHeight: end, onChain: { status: "active", endHeight: end } });
      expect(parseFil(deal?.totalFil ?? "0")).toBe(price);
      expect(deal?.vouchers.at(-1)).toMatchObject({ validAt: end });
    }
    expect(world.client.market.change(dealId, { kind: "extend", endHeight: end, key: "one" }).state).toBe(
      "done",
    );
    expect([world.count("extend"), world.count("extendDeal")]).toEqual([1, 1]);
    const { client, miner } = { client: escrowOf(world, "client"), miner: escrowOf(world, "miner") };
    expect(client.locked).toBe((price * BigInt(world.chain.params.minClientCollateralPercent) + 99n) / 100n);
    expect(miner.locked).toBe((price * BigInt(world.chain.params.minProviderCollateralPercent) + 99n) / 100n);
    await world.until(() => world.height > endHeight + 5, 300);
    expect(world.client.market.files()).toMatchObject([{ state: "stored", storedUntilHeight: end }]);
    await world.until(() => channelsOf(world).length === 0, 500);
    await world.until(() => escrowOf(world, "client").escrow === 0n, 50);
    expect(await world.miner(0).market.deals()).toMatchObject([{ state: "complete" }]);
    expect(parseFil((await world.miner(0).market.deals())[0]?.redeemedFil ?? "0")).toBe(price);
    expect(escrowOf(world, "miner")).toEqual(nothing);
    const spent = before - balanceOf(world);
    expect(spent >= price && spent < price + fees, `${spent} of ${price}`).toBe(true);
  });

  it("beyond the life of its sectors has the miner let them live longer first", async () => {
    const { world, dealId, endHeight } = await stored({ params: { maxSectorLifetimeEpochs: 700 } });
    await using _ = world;
    const miner = world.miner(0);
    const sectorOf = () => {
      const { sectorId } = miner.storage.sectors[0] ?? { sectorId: 0 };
      return readSector(world.chain.store, state(world), miner.address, sectorId as SectorId);
    };
    const before = sectorOf()?.expiration ?? 0;
    await world.until(() => world.height > endHeight - 60, 300);
    const end = before + 40;
    world.client.market.change(dealId, { kind: "extend", endHeight: end });
    await world.until(isOver(world, dealId), 60);
    expect(changeOf(world, dealId)).toMatchObject({ state: "done", code: null });
    expect(sectorOf()?.expiration).toBe(end);
    expect([world.count("extendSectors"), world.count("extendDeal")]).toEqual([1, 1]);
    expect(miner.market.policy().extend).toBe(true);
    expect(world.client.market.deal(dealId)).toMatchObject({ endHeight: end });
  });

  it("that the miner's policy refuses, or that comes too late or too dear, costs nothing", async () => {
    const { world, dealId, endHeight } = await stored();
    await using _ = world;
    const { market } = world.client;
    const end = endHeight + longer;
    const codeOf = (ask: () => unknown): unknown => {
      try {
        return ask();
      } catch (error) {
        return (error as { readonly code?: string }).code;
      }
    };
    expect(codeOf(() => market.change(dealId, { kind: "extend", endHeight }))).toBe("market/not-changeable");
    const tooLong = { kind: "extend", endHeight: endHeight + 1_000_000 } as const;
    expect(codeOf(() => market.change(dealId, tooLong))).toBe("market/not-changeable");
    const tooDear = { kind: "extend", endHeight: end, maxPrice: attoFil(added - 1n) } as const;
    expect(codeOf(() => market.change(dealId, tooDear))).toBe("market/price-above-max");
    expect(codeOf(() => market.change("bafy", { kind: "release" }))).toBe("market/unknown-deal");
    expect(world.miner(0).market.policy({ extend: false })).toMatchObject({ extend: false, release: true });
    market.change(dealId, { kind: "extend", endHeight: end });
    await world.until(isOver(world, dealId), 60);
    expect(changeOf(world, dealId)).toMatchObject({ state: "failed", code: "deal/not-by-policy" });
    expect([world.count("extend"), world.count("extendDeal"), world.count("addBalance")]).toEqual([0, 0, 1]);
  });

  it("that the miner takes and never makes gives everything back", async () => {
    const { world, before, dealId, endHeight, total } = await stored({ params: { roundMs: 30_000 } });
    await using _ = world;
    const miner = world.miner(0);
    const { sender } = miner.needs;
    // It answers, and keeps the signature to itself.
    const mute: typeof sender = {
      send: async (request) => {
        if (request.method === "extendDeal") throw dealRefusals.busy({ waiting: 1 });
        return sender.send(request);
      },
      wait: (cid, options) => sender.wait(cid, options),
      sentAs: (key) => sender.sentAs(key),
      find: (cid) => sender.find(cid),
    };
    await world.reopenMiner(miner, { ...miner.needs, sender: mute });
    world.client.market.change(dealId, { kind: "extend", endHeight: endHeight + longer });
    await world.until(isOver(world, dealId), 120);
    expect(changeOf(world, dealId)).toMatchObject({ state: "failed", code: "market/not-in-time" });
    expect(world.count("extend")).toBe(1);
    await world.reopenMiner(miner);
    await world.until(() => channelsOf(world).length === 0, 500);
    await world.until(() => escrowOf(world, "client").escrow === 0n, 50);
    const spent = before - balanceOf(world);
    expect(spent <= total + fees && spent >= total, `${spent} of ${total}`).toBe(true);
    expect(await world.miner(0).market.deals()).toMatchObject([{ state: "complete" }]);
  });

  it("by a miner that then vanishes is cancelled and reclaimed when the deal is over", async () => {
    const { world, dealId, endHeight } = await stored({ params: { roundMs: 30_000 } });
    await using _ = world;
    world.client.market.change(dealId, { kind: "extend", endHeight: endHeight + 2_000 });
    await world.until(() => world.count("extend") === 1, 60);
    await world.settle(Promise.resolve(world.miner(0).market[Symbol.asyncDispose]()));
    await world.until(isOver(world, dealId), 120);
    await world.until(() => channelsOf(world).length === 0, 600);
    expect(world.count("cancel")).toBe(1);
    expect(world.height).toBeLessThan(endHeight + 400);
  });
});

describe("a release", () => {
  it("pays what is earned, frees both collaterals and brings the rest back at once", async () => {
    const { world, before, dealId, endHeight, total } = await stored();
    await using _ = world;
    await world.rounds(20);
    expect(world.client.market.change(dealId, { kind: "release", key: "r" })).toMatchObject({
      state: "asking",
    });
    await world.until(isOver(world, dealId), 40);
    const change = changeOf(world, dealId);
    expect(change).toMatchObject({ state: "done", kind: "release" });
    const paid = parseFil(change?.totalFil ?? "0");
    expect(paid > 0n && paid < total).toBe(true);
    await world.until(() => channelsOf(world).length === 0, 20);
    await world.until(() => escrowOf(world, "client").escrow === 0n, 20);
    await world.until(() => escrowOf(world, "miner").escrow === 0n, 20);
    expect(world.height).toBeLessThan(endHeight - 50);
    const spent = before - balanceOf(world);
    expect(spent >= paid && spent < paid + fees, `${spent} of ${paid}`).toBe(true);
    await world.rounds(3);
    expect(world.miner(0).storage.keys).toEqual([]);
    expect(await world.miner(0).market.deals()).toMatchObject([
      { state: "complete", onChain: { status: "released" } },
    ]);
    expect(world.client.market.files()).toMatchObject([{ state: "expired" }]);
    expect(world.client.market.explain(dealId)?.causes.join("\n")).toContain("both sides ended the deal");
    expect(world.client.market.explain("put-1")).toMatchObject({
      light: "ok",
      summary: expect.stringContaining("in 0 of 1 copies; one deal has ended"),
    });
  });

  it("is refused by policy, and the deal goes on", async () => {
    const { world, dealId } = await stored();
    await using _ = world;
    world.miner(0).market.policy({ release: false });
    world.client.market.change(dealId, { kind: "release" });
    await world.until(isOver(world, dealId), 40);
    expect(changeOf(world, dealId)).toMatchObject({ state: "failed", code: "deal/not-by-policy" });
    expect(world.client.market.deal(dealId)?.onChain?.status).toBe("active");
  });

  it("whose voucher is below what is earned is refused with its code", async () => {
    const { world, dealId } = await stored();
    await using _ = world;
    await world.rounds(30);
    // The client's clock of the chain stands still: it reckons by an old height.
    const { client } = world;
    const old = client.needs.chain.headState();
    await world.reopenClient(frozen(client, old));
    await world.rounds(60);
    world.client.market.change(dealId, { kind: "release" });
    await world.until(isOver(world, dealId), 40);
    expect(changeOf(world, dealId)).toMatchObject({ state: "failed", code: "deal/settlement-too-low" });
  });
});

/** The needs of a client that sees one head for ever. */
function frozen(
  { needs }: TestClient,
  head: ReturnType<ClientMarketNeeds["chain"]["headState"]>,
): ClientMarketNeeds {
  const { chain } = needs;
  const { params, networkId, store } = chain;
  return {
    ...needs,
    chain: {
      ...{ params, networkId, store, headState: () => head, head: () => head.tipset },
      stateAfter: (key) => chain.stateAfter(key),
      tipsetAt: (height) => chain.tipsetAt(height),
      parentOf: (tipset) => chain.parentOf(tipset),
      onHead: (listener) => chain.onHead(listener),
    },
  };
}

describe("a kill", () => {
  for (const kind of ["extend", "release"] as const) {
    for (const side of ["client", "miner"] as const) {
      it(`of the ${side} after each of its effects makes one ${kind} and pays it once`, async () => {
        const seen = new Set<string>();
        for (let effects = 1; ; effects += 1) {
          const fuse = await killed(kind, side, effects, seen);
          if (!fuse.blown) break;
          expect(effects, "a change has a bounded number of effects").toBeLessThan(40);
        }
        expect([...seen].some((what) => what.startsWith(side === "client" ? "open" : "send"))).toBe(true);
      }, 120_000);
    }
  }
});

async function killed(
  kind: "extend" | "release",
  side: "client" | "miner",
  effects: number,
  seen: Set<string>,
) {
  const { world, dealId, endHeight } = await stored();
  await using _ = world;
  const fuse = new Fuse(effects);
  const miner = world.miner(0);
  if (side === "client") await world.reopenClient(mortalClient(world.client.needs, fuse));
  else await world.reopenMiner(miner, mortalMiner(miner.needs, fuse));
  const request = { kind, endHeight: endHeight + longer, key: "once" } as const;
  const ask = (): void => {
    try {
      world.client.market.change(dealId, request);
    } catch (error) {
      if (!fuse.blown) throw error;
    }
  };
  ask();
  for (let rounds = 0; rounds < 25 && !fuse.blown; rounds += 1) await world.rounds(1);
  if (fuse.blown) seen.add(fuse.last);
  if (side === "client") await world.reopenClient();
  else await world.reopenMiner(miner);
  ask();
  await world.until(isOver(world, dealId), 80);
  expect(changeOf(world, dealId), `killed after ${fuse.last}`).toMatchObject({ state: "done" });
  expect(world.client.market.deal(dealId)?.amendments).toHaveLength(1);
  const counts = ["extend", "extendDeal", "releaseDeal"].map((method) => world.count(method));
  expect(counts, `killed after ${fuse.last}`).toEqual(kind === "extend" ? [1, 1, 0] : [0, 0, 1]);
  return fuse;
}

describe("a reorganisation", () => {
  it("that takes an extension off the chain makes it again, once", async () => {
    const { world, dealId, endHeight } = await stored();
    await using _ = world;
    const end = endHeight + longer;
    world.client.market.change(dealId, { kind: "extend", endHeight: end });
    await world.until(() => world.count("extendDeal") === 1, 60);
    await world.reorg(3);
    await world.until(() => world.client.market.deal(dealId)?.onChain?.endHeight === end, 60);
    await world.until(isOver(world, dealId), 60);
    expect(world.client.market.deal(dealId)?.endHeight).toBe(end);
    const [channel] = channelsOf(world);
    expect(channel?.amount).toBe(parseFil(world.client.market.deal(dealId)?.totalFil ?? "0"));
  });
});
