/** Miners that prove what they keep and do not give it back: noticed by asking, told, replaced where that is wanted. */
import type { HoldfastError } from "@holdfast/base";
import { describe, expect, it } from "vitest";
import type { ClientMarketNeeds } from "../../src/market/index.ts";
import { retrievalErrors } from "../../src/retrieval/index.ts";
import { noise, type TestMiner, World } from "./support/world.ts";

const bytes = noise(1_500);
const keepOf = (world: World, jobId: string) => world.client.market.job(jobId).keep;
const holderOf = (world: World, jobId: string): TestMiner => {
  const [copy] = world.client.market.job(jobId).copies;
  const miner = world.miners.find(({ address }) => address === copy?.miner);
  if (miner === undefined) throw new TypeError("the copy has a miner");
  return miner;
};
const whyOf = (world: World) => world.client.market.explain(world.client.market.deals().at(-1)?.dealId ?? "");
const askedText = (world: World): string =>
  whyOf(world)?.causes.find((cause) => cause.startsWith("a random part of it")) ?? "";

describe("a kept copy", () => {
  it("is asked for in parts now and then, and that it is given can be seen", async () => {
    await using world = await World.create({ miners: 1 });
    const job = await world.put(await world.import(bytes), { durationEpochs: 600, repair: true });
    await world.until(() => askedText(world) !== "", 100);
    const first = askedText(world);
    expect(first).toMatch(/asked for at \d+: last given at \d+$/);
    await world.until(() => askedText(world) !== first, 100);
    expect(whyOf(world)).toMatchObject({ light: "ok" });
    const [audit] = keepOf(world, job.jobId).audits;
    expect(audit).toMatchObject({ copy: 0, miner: holderOf(world, job.jobId).address, misses: 0 });
    expect(askedText(world)).toContain(
      `asked for at ${audit?.askedHeight}: last given at ${audit?.servedHeight}`,
    );
    expect(world.client.market.explain(job.jobId)?.causes[0]).toContain(askedText(world));
    expect(keepOf(world, job.jobId).state).toBe("kept");
  });

  it("that is proven and not given back twice is made again elsewhere, also over a restart", async () => {
    await using world = await World.create({ miners: 2 });
    const job = await world.put(await world.import(bytes), { durationEpochs: 900, repair: true });
    const first = holderOf(world, job.jobId);
    first.storage.rot();
    await world.until(() => askedText(world).includes("one try in vain"), 100);
    expect(world.client.market.deals().length).toBe(1);
    await world.reopenClient();
    await world.until(() => world.client.market.deals().length === 2, 60);
    expect(whyOf(world)).toMatchObject({
      light: "failing",
      summary: expect.stringMatching(/proves it and does not/),
    });
    await world.until(() => keepOf(world, job.jobId).state === "kept", 300);
    expect(holderOf(world, job.jobId)).not.toBe(first);
    expect(world.client.market.deals().map(({ keeping }) => keeping)).toEqual(["repair", "replaced"]);
    expect(world.money()).toBeDefined();
  });

  it("that is not given back once is asked for again, and no more than that", async () => {
    await using world = await World.create({ miners: 2 });
    const job = await world.put(await world.import(bytes), { durationEpochs: 900, repair: true });
    const { storage } = holderOf(world, job.jobId);
    storage.rot();
    await world.until(() => askedText(world).includes("one try in vain"), 100);
    storage.rot();
    await world.until(() => !askedText(world).includes("in vain"), 40);
    await world.rounds(20);
    expect(world.client.market.deals().map(({ keeping }) => keeping)).toEqual(["repair"]);
    expect(whyOf(world)).toMatchObject({ light: "ok" });
  });

  it("that is not repaired is said not to be given back, until it is", async () => {
    await using world = await World.create({ miners: 2 });
    const job = await world.put(await world.import(bytes), { durationEpochs: 900, renew: true });
    const first = holderOf(world, job.jobId);
    first.storage.rot();
    await world.until(() => keepOf(world, job.jobId).state === "stuck", 150);
    expect(keepOf(world, job.jobId).detail).toContain(first.address);
    const fix = expect.stringContaining(`holdfast keep set ${job.jobId} --repair yes`);
    expect(world.client.market.explain(job.jobId)).toMatchObject({ light: "failing", fix });
    expect(whyOf(world)).toMatchObject({ light: "failing", fix });
    first.storage.rot();
    await world.until(() => keepOf(world, job.jobId).state === "kept", 60);
    expect(whyOf(world)).toMatchObject({ light: "ok" });
    expect(world.count("createChannel")).toBe(1);
  });

  it("of a miner that is busy each time is taken for not given back", async () => {
    await using world = await World.create({ miners: 2 });
    const job = await world.put(await world.import(bytes), { durationEpochs: 3_000, renew: true });
    const { retrieval } = world.client.needs;
    const busy: ClientMarketNeeds["retrieval"] = {
      carFrom: (...given) => retrieval.carFrom(...given),
      sample: async () => {
        throw retrievalErrors.busy({ peer: "miner-0" });
      },
    };
    await world.reopenClient({ ...world.client.needs, retrieval: busy });
    await world.until(() => keepOf(world, job.jobId).state === "stuck", 300);
    await world.reopenClient({ ...world.client.needs, retrieval });
    await world.until(() => keepOf(world, job.jobId).state === "kept", 100);
  });

  it("is asked for though a miner lets others drip, and dripping is a miss", async () => {
    await using world = await World.create({ miners: 1 });
    const copies = 5;
    for (let n = 0; n < copies; n += 1)
      await world.put(await world.import(noise(1_500, n + 50)), { durationEpochs: 3_000, renew: true });
    const asked = new Set<string>();
    const { retrieval } = world.client.needs;
    const dripping: ClientMarketNeeds["retrieval"] = {
      carFrom: (...given) => retrieval.carFrom(...given),
      sample: (_peer, payload, _draw, signal) => {
        asked.add(payload.toString());
        return new Promise((_, end) => signal.addEventListener("abort", () => end(signal.reason)));
      },
    };
    await world.reopenClient({ ...world.client.needs, retrieval: dripping });
    await world.until(() => asked.size === copies, 3_000);
    await world.until(() => askedText(world).includes("in vain"), 3_000);
  });

  const failures: readonly {
    readonly name: string;
    readonly error: HoldfastError;
    readonly needs: (needs: ClientMarketNeeds) => Partial<ClientMarketNeeds>;
    readonly isMiss: boolean;
  }[] = [
    {
      name: "a miner that is busy",
      error: retrievalErrors.busy({ peer: "miner-0" }),
      needs: () => ({}),
      isMiss: false,
    },
    {
      name: "a node that reaches nobody",
      error: retrievalErrors.stalled({ peer: "miner-0", waitedMs: 1 }),
      needs: ({ wire }) => ({
        wire: {
          self: wire.self,
          peers: () => [],
          open: wire.open.bind(wire),
          handle: wire.handle.bind(wire),
        },
      }),
      isMiss: false,
    },
    {
      name: "a price for its own client",
      error: retrievalErrors.unpaid({ peer: "miner-0", reason: "it has a price" }),
      needs: () => ({}),
      isMiss: true,
    },
    {
      name: "a price for a node that the deal does not name",
      error: retrievalErrors.unpaid({ peer: "miner-0", reason: "it has a price" }),
      needs: ({ wire }) => ({
        wire: {
          self: "another" as typeof wire.self,
          peers: () => wire.peers(),
          open: wire.open.bind(wire),
          handle: wire.handle.bind(wire),
        },
      }),
      isMiss: false,
    },
  ];
  it.each(failures)(
    "is taken for missing only if the miner is at fault: $name",
    async ({ error, needs, isMiss }) => {
      await using world = await World.create({ miners: 2 });
      const job = await world.put(await world.import(bytes), { durationEpochs: 900, repair: true });
      let tries = 0;
      const { retrieval } = world.client.needs;
      const failing: ClientMarketNeeds["retrieval"] = {
        carFrom: (...given) => retrieval.carFrom(...given),
        sample: async () => {
          tries += 1;
          throw error;
        },
      };
      await world.reopenClient({ ...world.client.needs, retrieval: failing, ...needs(world.client.needs) });
      await world.until(() => tries === 2, 200);
      await world.rounds(15);
      expect(askedText(world).includes("in vain")).toBe(isMiss);
      expect(world.client.market.deals().length).toBe(isMiss ? 2 : 1);
      expect(keepOf(world, job.jobId).state).toBe(isMiss ? "repairing" : "kept");
    },
  );
});
