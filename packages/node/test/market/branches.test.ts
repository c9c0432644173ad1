/**
 * What takes back the last of a deal's money is believed when no branch of the chain can undo it. Here the branch that
 * stays has these messages earlier than they may come, and refuses them for good, or has none of them.
 */
import { attoFil, encode } from "@holdfast/base";
import {
  builtinAddresses,
  listChannels,
  messageCid,
  methods,
  readActor,
  readEscrow,
} from "@holdfast/consensus";
import { describe, expect, it } from "vitest";
import { finalTipset } from "../../src/final.ts";
import { freeEscrowOf } from "../../src/market/facts.ts";
import { noise, World } from "./support/world.ts";

const state = (world: World) => world.chain.headState().state;
const channels = (world: World) =>
  listChannels(world.chain.store, state(world), world.client.keys.address).length;
const escrowOf = (world: World, who: Side): bigint => {
  const party = who === "client" ? world.client.keys.address : world.miner(0).address;
  return readEscrow(world.chain.store, state(world), party).escrow;
};
const balanceOf = (world: World): bigint =>
  readActor(world.chain.store, state(world), world.client.keys.address)?.balance ?? 0n;
const minersDeal = async (world: World) => (await world.miner(0).market.deals())[0];
const depths = [4, 5];

/** A world with one stored file. */
async function stored(durationEpochs = 60): Promise<World> {
  const world = await World.create({ miners: 1, params: { finalityEpochs: 30 } });
  const job = await world.put(await world.import(noise(900)), { durationEpochs });
  expect(job.state).toBe("done");
  return world;
}

type Side = "client" | "miner";
const addressOf = (world: World, side: Side) =>
  side === "client" ? world.client.keys.address : world.miner(0).owner.address;
const countOf = (world: World, side: Side, method: string): number =>
  world.mined.filter((one) => {
    return one.method === method && one.exitCode === 0 && one.from === addressOf(world, side);
  }).length;

/** A branch so many tipsets deep, whose first block has the messages of one side, and refuses the one that is meant. */
async function refusing(world: World, side: Side, method: string, depth: number): Promise<void> {
  const base = world.height - depth;
  const from = addressOf(world, side);
  const after = world.mined.filter((one) => one.height > base && one.from === from);
  const before = world.mined.length;
  await world.reorg(
    depth,
    after.map(({ signed }) => signed),
  );
  world.money();
  const again = world.mined.slice(before).filter((one) => one.method === method);
  expect(again.map(({ exitCode }) => exitCode !== 0)).toEqual([true]);
}

describe("a branch of the chain that refuses", () => {
  it.each(depths)(
    "the close of a channel, %i deep, leaves the miner its price: it closes again",
    async (depth) => {
      await using world = await stored();
      await world.until(() => world.count("close") === 1);
      const total = (await minersDeal(world))?.totalFil;
      await refusing(world, "miner", "close", depth);
      expect(channels(world)).toBe(1);
      await world.until(() => channels(world) === 0, 60);
      expect([world.count("close"), world.count("reclaim")]).toEqual([2, 0]);
      await world.rounds(3);
      expect((await minersDeal(world))?.redeemedFil).toBe(total);
      await world.until(() => escrowOf(world, "miner") + escrowOf(world, "client") === 0n, 60);
    },
  );

  it.each(depths)("a miner's withdrawal, %i deep, does not keep its collateral", async (depth) => {
    await using world = await stored();
    await world.until(() => countOf(world, "miner", "withdrawBalance") === 1);
    expect(escrowOf(world, "miner")).toBe(0n);
    await refusing(world, "miner", "withdrawBalance", depth);
    expect(escrowOf(world, "miner")).toBeGreaterThan(0n);
    await world.until(() => escrowOf(world, "miner") === 0n, 60);
    await world.until(() => channels(world) === 0, 60);
  });

  it.each(depths)("a client's withdrawal, %i deep, does not keep its collateral", async (depth) => {
    await using world = await stored();
    await world.until(() => countOf(world, "client", "withdrawBalance") === 1);
    await world.rounds(1); // it is confirmed
    expect(escrowOf(world, "client")).toBe(0n);
    await refusing(world, "client", "withdrawBalance", depth);
    expect(escrowOf(world, "client")).toBeGreaterThan(0n);
    await world.until(() => escrowOf(world, "client") === 0n, 60);
  });

  it.each(depths)("a client's reclaim, %i deep, does not keep what is left in the channel", async (depth) => {
    await using world = await stored();
    await world.settle(Promise.resolve(world.miner(0).market[Symbol.asyncDispose]()));
    await world.until(() => world.count("reclaim") === 1);
    await world.rounds(1);
    expect(channels(world)).toBe(0);
    await refusing(world, "client", "reclaim", depth);
    expect(channels(world)).toBe(1);
    await world.until(() => channels(world) === 0, 60);
    expect(world.count("reclaim")).toBe(2);
  });
});

describe("a client's withdrawal that a branch refuses while its node is down", () => {
  it("is settled when it is up again, also where somebody has taken the collateral out by hand", async () => {
    await using world = await stored();
    const { needs, sender } = world.client;
    const from = world.client.keys.address;
    await world.until(() => countOf(world, "client", "withdrawBalance") === 1);
    await world.settle(Promise.resolve(world.client.market[Symbol.asyncDispose]()));
    await refusing(world, "client", "withdrawBalance", 4);
    await world.until(() => freeEscrowOf(world.chain, from) > 0n);
    const amount = attoFil(freeEscrowOf(world.chain, from));
    const params = encode(methods.market.withdrawBalance.params, { miner: null, amount });
    const to = builtinAddresses(world.chain.params.networkByte).market;
    await sender.send({ from, to, method: "withdrawBalance", params });
    await world.until(() => escrowOf(world, "client") === 0n);
    await world.reopenClient();
    await world.rounds(world.chain.params.finalityEpochs + 5);
    const { database } = needs;
    const lines = () => database.all("SELECT * FROM market_history").length;
    const before = lines();
    await world.rounds(10);
    expect(lines()).toBe(before);
    expect(database.all("SELECT * FROM market_returned_collaterals")).toEqual([]);
  });
});

describe("a branch of the chain that does not have", () => {
  it.each(depths)("what took the money out, %i deep, has the same messages in the end", async (depth) => {
    await using world = await stored();
    const sides: readonly Side[] = ["client", "miner"];
    const isOut = (): boolean =>
      channels(world) === 0 && sides.every((side) => countOf(world, side, "withdrawBalance") > 0);
    await world.until(isOut);
    await world.rounds(1);
    const total = (await minersDeal(world))?.totalFil;
    const balance = balanceOf(world);
    const sent = () => {
      const taking = world.mined.filter(({ method }) => ["close", "withdrawBalance"].includes(method));
      return new Set(taking.map(({ signed }) => messageCid(signed).toString()));
    };
    const before = sent();
    await world.reorg(depth);
    world.money();
    expect(channels(world)).toBe(1);
    await world.rounds(world.chain.params.finalityEpochs + 10);
    expect([channels(world), escrowOf(world, "client"), escrowOf(world, "miner")]).toEqual([0, 0n, 0n]);
    expect(balanceOf(world)).toBe(balance);
    expect((await minersDeal(world))?.redeemedFil).toBe(total);
    expect(sent()).toEqual(before);
  });
});

/** What is looked at until it is final: the miner's deals, the client's collaterals and channels. */
function looks(world: World): number[] {
  const { database: ofMiner } = world.miner(0).needs;
  const { database: ofClient } = world.client.needs;
  return [
    ofMiner.all("SELECT * FROM market_deals WHERE closed = 0").length,
    ofClient.all("SELECT * FROM market_returned_collaterals").length,
    ofClient.all("SELECT * FROM market_gone_channels").length,
  ];
}

describe("what took back the last of a deal's money", () => {
  it("is looked at until it is final, and not any more", async () => {
    await using world = await stored();
    await world.until(() => countOf(world, "client", "withdrawBalance") === 1 && channels(world) === 0);
    await world.rounds(14);
    expect(looks(world)).toEqual([1, 1, 1]);
    await world.rounds(world.chain.params.finalityEpochs);
    expect(looks(world)).toEqual([0, 0, 0]);
  });

  it("is looked at longer where a branch has it later than it was seen", async () => {
    await using world = await stored();
    await world.until(() => countOf(world, "client", "withdrawBalance") === 1 && channels(world) === 0);
    await world.rounds(14);
    const taking = world.mined.filter(({ method }) => ["close", "withdrawBalance"].includes(method));
    const depth = world.height - Math.min(...taking.map(({ height }) => height)) + 1;
    const moved = world.mined.filter(({ height }) => height > world.height - depth);
    // No head between shows the deal as it was before.
    await world.reorg(
      depth,
      moved.map(({ signed }) => signed),
      "last",
    );
    const later = world.height;
    expect([channels(world), escrowOf(world, "client"), escrowOf(world, "miner")]).toEqual([0, 0n, 0n]);
    await world.until(() => finalTipset(world.chain).height === later - 1, 40);
    expect(looks(world)).toEqual([1, 1, 1]);
    await world.rounds(3);
    expect(looks(world)).toEqual([0, 0, 0]);
    world.money();
  });
});
