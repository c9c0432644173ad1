/** `why` of ten deals that did not go well: each side says what happened, whose turn it is, and what helps. */
import { encode } from "@holdfast/base";
import { builtinAddresses, listChannels, methods } from "@holdfast/consensus";
import { describe, expect, it } from "vitest";
import type { ClientMarketNeeds, MinerMarketNeeds } from "../../src/market/index.ts";
import { noise, type TestMiner, World } from "./support/world.ts";

type Storage = MinerMarketNeeds["storage"];

/** The miner's needs with a part of its storage replaced. */
function withStorage(
  miner: TestMiner,
  part: (honest: TestMiner["storage"]) => Partial<Storage>,
): MinerMarketNeeds {
  const { storage } = miner;
  const changed = part(storage);
  const honest = new Proxy(storage as Storage, {
    get: (target, key) => {
      const value = Reflect.get(changed, key) ?? Reflect.get(target, key);
      return typeof value === "function" ? value.bind(target) : value;
    },
  });
  return { ...miner.needs, storage: honest };
}

interface Said {
  readonly summary: RegExp;
  readonly fix: RegExp | null;
  readonly cause?: RegExp;
}

async function clientSays(world: World, said: Said): Promise<void> {
  const dealId = world.client.market.deals().at(-1)?.dealId ?? "";
  check(world.client.market.explain(dealId), said);
}
async function minerSays(world: World, said: Said): Promise<void> {
  const [deal] = await world.miner(0).market.deals();
  check(await world.miner(0).market.explain(deal?.dealId ?? ""), said);
}
function check(found: ReturnType<World["client"]["market"]["explain"]>, { summary, fix, cause }: Said): void {
  expect(found?.summary).toMatch(summary);
  if (fix === null) expect(found?.fix ?? null).toBe(null);
  else expect(found?.fix).toMatch(fix);
  // Who is to do something is told by which command.
  if (fix !== null) expect(found?.fix).toMatch(/`holdfast |^nothing to do/);
  if (cause !== undefined) expect(found?.causes.join("\n")).toMatch(cause);
}

/** A put of one copy, followed until something is the case. */
async function start(world: World, durationEpochs = 240, bytes = 3_000): Promise<string> {
  const cid = await world.import(noise(bytes));
  const { jobId } = await world.settle(world.client.market.startPut({ cid, copies: 1, durationEpochs }));
  return jobId;
}
const ends = (world: World, jobId: string, limit = 1_500) =>
  world.until(() => world.client.market.job(jobId).state !== "running", limit);
const isActive = (world: World) => async () => (await world.miner(0).market.deals())[0]?.state === "active";

/** What helps when no other miner was left. */
const again = /^see what each miner said, `holdfast why put-1`, then run the same `holdfast put` again/;

describe("why, of a deal", () => {
  it("for which the miner has no space", async () => {
    await using world = await World.create({ miners: 1 });
    world.miner(0).storage.isFull = true;
    await ends(world, await start(world));
    await clientSays(world, { summary: /could not be stored/, fix: again, cause: /FIL/ });
    await minerSays(world, { summary: /could not be stored/, fix: /disk and the quota/ });
  });

  it("that one miner breaks and another keeps", async () => {
    await using world = await World.create({ miners: 2 });
    world.miner(0).storage.isFull = true;
    const jobId = await start(world, 2_000);
    const { market } = world.client;
    const fix = (): string | null | undefined => {
      const failed = market.deals().find(({ miner }) => miner === world.miner(0).address);
      return market.explain(failed?.dealId ?? "")?.fix;
    };
    await world.until(() => typeof fix() === "string");
    expect(fix()).toMatch(/^nothing to do: other miners are tried.*: `holdfast why put-1`$/);
    await ends(world, jobId);
    expect(fix()).toBe("nothing to do: others have the file, see `holdfast why put-1`");
  });

  it("that the miner never seals", async () => {
    await using world = await World.create({ miners: 1, params: { roundMs: 30_000 } });
    world.miner(0).seals = false;
    const jobId = await start(world, 2_000);
    await world.until(() => world.client.market.deals()[0]?.state === "staged", 60);
    await clientSays(world, {
      summary: /./,
      fix: null,
      cause: /the miner has to fetch .* by height \d+; else it is abandoned/,
    });
    await ends(world, jobId);
    await clientSays(world, { summary: /by (height )?\d+/, fix: again });
    await minerSays(world, { summary: /not on the chain by/, fix: /sector ls/ });
  });

  it("whose pieces are not where the miner says", async () => {
    await using world = await World.create({ miners: 1 });
    const miner = world.miner(0);
    const lies = withStorage(miner, (honest) => ({
      provePieceInclusion: async (key) => ({ ...(await honest.provePieceInclusion(key)), sectorId: 0 }),
    }));
    await world.reopenMiner(miner, lies);
    await ends(world, await start(world));
    await clientSays(world, { summary: /is not true: piece 0 is not in sector 0/, fix: again });
  });

  it("whose file comes back as another", async () => {
    await using world = await World.create({ miners: 1 });
    const jobId = await start(world, 1_200);
    await world.until(() => world.client.market.deals()[0]?.state === "committed");
    world.miner(0).storage.rot();
    await ends(world, jobId);
    await clientSays(world, { summary: /does not give it back/, fix: again });
  });

  it("whose client sends other bytes", async () => {
    await using world = await World.create({ miners: 1 });
    const { client } = world;
    let isHonest = true;
    const files: ClientMarketNeeds["files"] = {
      ...client.needs.files,
      async *carStream(root, skip) {
        for await (const chunk of client.needs.files.carStream(root, skip)) {
          yield isHonest ? chunk : chunk.map((byte) => byte ^ 1);
        }
      },
    };
    await world.reopenClient({ ...client.needs, files });
    const jobId = await start(world);
    await world.until(() => client.market.deals().length === 1);
    isHonest = false;
    await ends(world, jobId);
    await minerSays(world, { summary: /not what the deal names/, fix: /the client is told/ });
    await clientSays(world, { summary: /not what the deal names/, fix: again });
  });

  it("whose miner goes away in the middle of the transfer", async () => {
    await using world = await World.create({ miners: 1, delayMs: 40 });
    const jobId = await start(world, 240, 60_000);
    await world.until(() => world.miner(0).storage.receivedBytes > 10_000);
    world.net.partition([["miner-0"]]);
    await ends(world, jobId);
    await clientSays(world, { summary: /has not answered for \d+ ms/, fix: again });
    world.net.heal();
    await world.until(async () => (await world.miner(0).market.deals())[0]?.state === "failed");
    await minerSays(world, { summary: /given the deal up|could not be fetched/, fix: /nothing to do/ });
  });

  it("that the operator refuses", async () => {
    await using world = await World.create({ miners: 1 });
    const miner = world.miner(0);
    const policyHook = async (wish: { readonly stage?: unknown }) => ({
      output: JSON.stringify({ accept: wish.stage === "quote", reason: "we are full by contract" }),
    });
    await world.reopenMiner(miner, { ...miner.needs, policyHook });
    await ends(world, await start(world));
    await clientSays(world, {
      summary: /we are full by contract.*deal\/refused-by-operator/,
      fix: again,
    });
  });

  it("whose client cancels its channel", async () => {
    await using world = await World.create({ miners: 1 });
    const { client } = world;
    await start(world, 6_000);
    await world.until(isActive(world));
    // A voucher that is due would take the cancellation back; the next one is far.
    await world.until(() => client.market.deals()[0]?.redeemedFil !== "0", 100);
    const [open] = listChannels(world.chain.store, world.chain.headState().state, client.keys.address);
    const params = encode(methods.broker.cancel.params, { channel: open?.id ?? (0 as never) });
    const to = builtinAddresses(1).broker;
    await client.sender.send({ from: client.keys.address, to, method: "cancel", params });
    await world.until(() => client.market.deals()[0]?.onChain?.status === "broken", 100);
    await world.rounds(2);
    await clientSays(world, { summary: /the client cancelled the channel/, fix: /store the file again/ });
    await minerSays(world, { summary: /broken since/, fix: /deal show/, cause: /went to the miner/ });
  });

  it("that both ended early", async () => {
    await using world = await World.create({ miners: 1 });
    const { market } = world.client;
    await ends(world, await start(world, 2_000));
    market.change(market.deals()[0]?.dealId ?? "", { kind: "release" });
    await world.until(() => market.deals()[0]?.onChain?.status === "released", 100);
    await clientSays(world, { summary: /both sides ended the deal/, fix: null });
    await world.until(async () => (await world.miner(0).market.deals())[0]?.state === "complete", 40);
    await minerSays(world, { summary: /both sides ended the deal early/, fix: null });
  });

  it("whose sector is lost", async () => {
    await using world = await World.create({ miners: 1 });
    await ends(world, await start(world, 4_000));
    world.miner(0).proves = false;
    await world.until(() => world.client.market.deals()[0]?.provenSectors === 0, 100);
    await clientSays(world, {
      summary: /is faulty since/,
      fix: null,
      cause: /the miner has to keep the file proven/,
    });
    await world.until(() => world.client.market.deals()[0]?.onChain?.status === "lost", 1_500);
    await world.rounds(2);
    await clientSays(world, {
      summary: /a sector of the deal was lost.*of it to the client/,
      fix: /store the file again/,
    });
    await minerSays(world, { summary: /lost/, fix: /deal show|sector ls/ });
  });
});
