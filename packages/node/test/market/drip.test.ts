/** Clients that give their data byte by byte, or want very many deals: what others lose by it. */
import { channelId, encode } from "@holdfast/base";
import { codeThrown } from "@holdfast/base/testing";
import { describe, expect, it } from "vitest";
import { openDatabase } from "../../src/database.ts";
import { limits } from "../../src/limits.ts";
import { signedProposalCodec } from "../../src/market/deal.ts";
import type { FetchWeb } from "../../src/market/index.ts";
import { AmendmentStore } from "../../src/market/miner/amendment-store.ts";
import { checkRoom } from "../../src/market/miner/intake.ts";
import { MinerStore } from "../../src/market/miner/store.ts";
import { proposalWith } from "./support/proposals.ts";
import { keysOf, noise, type TestClient, World } from "./support/world.ts";

const slow = "https://slow.example.org/a.car";

/** A web server of everybody: what is asked of `slow` comes byte by byte, out of a file that never ends. */
function dripping(world: World) {
  const offsets: number[] = [];
  const fetchWeb: FetchWeb = async function* ({ offsetBytes }, signal) {
    offsets.push(offsetBytes);
    for (;;) {
      yield new Uint8Array(1);
      await world.clock.sleep(world.chain.params.roundMs, signal);
    }
  };
  return { offsets, fetchWeb };
}

async function putOf(world: World, client: TestClient, seed: number, delivery: string): Promise<string> {
  const cid = await world.import(noise(1_500, seed), client);
  const request = { cid, copies: 1, durationEpochs: 900, delivery };
  return (await world.settle(client.market.startPut(request))).jobId;
}

describe("a client that drips, with more deals than there are turns,", () => {
  it("gives its turns to who waits, goes on where it was, and is given up when it has lost some", async () => {
    await using world = await World.create({ miners: 2 });
    const miner = world.miner(0);
    world.miner(1).market.policy({ open: false });
    miner.storage.keepsParts = true;
    const { offsets, fetchWeb } = dripping(world);
    await world.reopenMiner(miner, { ...miner.needs, fetchWeb });
    const deals = limits.runningTransfers + 1;
    for (let seed = 1; seed <= deals; seed += 1) await putOf(world, world.client, seed, slow);
    const states = async () => (await miner.market.deals({ limit: 100 })).map(({ state }) => state);
    const isFull = (found: readonly string[]) =>
      found.filter((state) => state === "transferring").length === limits.runningTransfers;
    await world.until(async () => isFull(await states()));
    const honest = await world.addClient("owner 1");
    const jobId = await putOf(world, honest, 99, "stream");
    const windowRounds = limits.transferWindowMs / world.chain.params.roundMs;
    await world.until(
      async () => (await states()).some((state) => ["staged", "sealing", "active"].includes(state)),
      2 * windowRounds,
    );
    expect(miner.storage.keys).toHaveLength(1);
    await world.until(() => honest.market.job(jobId).state !== "running");
    expect(honest.market.job(jobId)).toMatchObject({ state: "done", error: null });
    // Nobody had to give a byte twice.
    expect(offsets.filter((offset) => offset === 0)).toHaveLength(deals);
    // Where nobody waits any more the rest may go on as it does.
    await world.until(async () => (await states()).filter((state) => state === "failed").length > 0);
    const failed = (await miner.market.deals({ limit: 100 })).filter(({ state }) => state === "failed");
    expect(failed).toMatchObject([{ detail: expect.stringContaining("bytes a second") }]);
    expect(isFull(await states())).toBe(true);
    world.money();
  });
});

describe("deals that wait to be fetched", () => {
  const signed = proposalWith();
  const signedBytes = encode(signedProposalCodec, signed);

  /** A miner's list of deals; how many of so many are taken. */
  function openList() {
    const database = openDatabase(":memory:");
    const store = new MinerStore(database, new AmendmentStore(database));
    let channel = 0;
    const isTaken = (payer: string, clientPeer: string): boolean => {
      channel += 1;
      const terms = { payer: keysOf(payer).address, clientPeer, channel: channelId(channel) };
      const proposal = { ...signed.proposal, ...terms };
      const code = codeThrown(() => checkRoom({ store }, proposal));
      if (code !== "no error") expect(code).toBe("deal/busy");
      else store.add(`deal ${channel}`, signedBytes, proposal, { atMs: 0, state: "accepted", detail: "" });
      return code === "no error";
    };
    return (count: number, payer: string, clientPeer: string): number => {
      let taken = 0;
      for (let i = 0; i < count; i += 1) if (isTaken(payer, clientPeer)) taken += 1;
      return taken;
    };
  }

  it("are fewer of one client, and of one peer, the more there are: who comes with one has room", () => {
    const all = limits.waitingDeals;
    const take = openList();
    const first = take(all, "one", "peer");
    expect(first).toBe(Math.ceil(all / (limits.freePerWaitingDeal + 1)));
    // Neither another account at the same peer nor another peer of the same account.
    expect(take(5, "two", "peer")).toBe(0);
    expect(take(5, "one", "other")).toBe(0);
    let [taken, clients] = [first, 1];
    for (; clients <= 20; clients += 1) taken += take(all, `client ${clients}`, `peer ${clients}`);
    expect(taken).toBeLessThan(all);
    expect(take(1, "honest", "honest")).toBe(1);
  });
});
