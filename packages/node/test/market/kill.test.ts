/**
 * A put survives a kill after every single effect of either side: it is done in the end, the channel is opened
 * once, nobody is paid twice, and all money adds up after every block (the world checks that by itself).
 */
import { parseFil } from "@holdfast/base";
import { listChannels } from "@holdfast/consensus";
import { describe, expect, it } from "vitest";
import { Fuse, mortalClient, mortalMiner } from "./support/fuse.ts";
import { noise, World } from "./support/world.ts";

const request = { copies: 1, durationEpochs: 120 };
const bytes = noise(3_000);

/** Runs a put in which client or miner is killed after so many effects, again and again. */
async function run(side: "client" | "miner", effectsOfLife: (life: number) => number, toTheEnd = true) {
  await using world = await World.create({ miners: 1 });
  const { client } = world;
  const miner = world.miner(0);
  const cid = await world.import(bytes);
  const fuses: Fuse[] = [];
  const revive = async (): Promise<void> => {
    const fuse = new Fuse(effectsOfLife(fuses.length));
    fuses.push(fuse);
    if (side === "client") await world.reopenClient(mortalClient(client.needs, fuse));
    else await world.reopenMiner(miner, mortalMiner(miner.needs, fuse));
  };
  await revive();
  // A person whose command broke runs it again: it attaches to the job, if there is one.
  const start = async (): Promise<void> => {
    await world.settle(world.client.market.startPut({ cid, ...request }).catch(() => undefined));
  };
  await start();
  const isDone = (): boolean => safely(() => world.client.market.jobs()[0]?.state === "done");
  for (let rounds = 0; !isDone(); rounds += 1) {
    expect(rounds, `killed after ${fuses.map(({ last }) => last).join(", ")}`).toBeLessThan(300);
    await world.rounds(1);
    while (fuses.at(-1)?.blown === true) {
      await revive();
      if (safely(() => world.client.market.jobs().length === 0)) await start();
    }
    // Every death costs the deal some rounds of its duration; it must not be over before it is stored.
    expect(world.height).toBeLessThan(400);
  }
  await checkOnce(world);
  if (toTheEnd) await settle(world);
  return fuses;
}

/** One job, one deal, one channel; alive again on both sides. */
async function checkOnce(world: World): Promise<void> {
  await world.reopenClient();
  await world.reopenMiner(world.miner(0));
  expect(world.count("createChannel")).toBe(1);
  expect(world.client.market.jobs().length).toBe(1);
  expect((await world.miner(0).market.deals()).length).toBe(1);
  expect(world.client.market.files()).toMatchObject([{ state: "stored", activeCopies: 1 }]);
}

/** Lets the deal run to its end: exactly its price was paid, and nothing is left behind. */
async function settle(world: World): Promise<void> {
  const [job] = world.client.market.jobs();
  const receipt = world.client.market.receipt(job?.jobId ?? "");
  const channels = () =>
    listChannels(world.chain.store, world.chain.headState().state, world.client.keys.address);
  await world.until(() => channels().length === 0, 400);
  await world.rounds(3);
  const [deal] = await world.miner(0).market.deals();
  expect(deal?.state).toBe("complete");
  expect(deal?.redeemedFil).toBe(receipt.totalFil);
  expect(parseFil(receipt.totalFil)).toBe(10n * 4_096n * 120n);
  expect(world.miner(0).storage.keys).toEqual([]);
}

function safely<Result>(read: () => Result): Result | false {
  try {
    return read();
  } catch {
    return false; // a dead process answers nothing
  }
}

describe("a put", () => {
  for (const side of ["client", "miner"] as const) {
    it(`survives one kill of the ${side} after each of its effects`, async () => {
      const seen = new Set<string>();
      for (let effects = 1; ; effects += 1) {
        const lives = (life: number): number => (life === 0 ? effects : Number.POSITIVE_INFINITY);
        const fuses = await run(side, lives, effects % 5 === 0);
        const [first] = fuses;
        if (first?.blown !== true) break;
        seen.add(first.last.replace(/ .*/, ""));
        expect(effects, "a put has a bounded number of effects").toBeLessThan(120);
      }
      // The test killed where it matters.
      const places =
        side === "client" ? ["INSERT", "UPDATE", "commit", "send", "open"] : ["commit", "addPiece", "open"];
      for (const place of places) expect([...seen]).toContain(place);
    }, 300_000);

    it(`survives the ${side} being killed over and over`, async () => {
      for (const effects of [2, 3, 5, 8]) {
        const fuses = await run(side, (life) =>
          life < 40 ? effects + (life % 3) : Number.POSITIVE_INFINITY,
        );
        expect(fuses.length).toBeGreaterThan(2);
      }
    });
  }

  it("canary: with a sender that forgets its keys the money goes out twice, and it shows", async () => {
    for (let effects = 1; effects < 30; effects += 1) {
      await using world = await World.create({ miners: 1 });
      const { client } = world;
      const { sender } = client.needs;
      const cid = await world.import(bytes);
      let sent = 0;
      const forgetful: typeof client.needs = {
        ...client.needs,
        sender: {
          send(given) {
            sent += 1;
            return sender.send({ ...given, key: `${given.key}/${sent}` });
          },
          wait: (message, options) => sender.wait(message, options),
          sentAs: (key) => sender.sentAs(key),
          find: (message) => sender.find(message),
        },
      };
      const fuse = new Fuse(effects);
      await world.reopenClient(mortalClient(forgetful, fuse));
      await world.settle(client.market.startPut({ cid, ...request }).catch(() => undefined));
      for (let rounds = 0; rounds < 5 && !fuse.blown; rounds += 1) await world.rounds(1);
      if (fuse.last !== "send createChannel") continue;
      await world.reopenClient(forgetful);
      await world.until(() => world.client.market.jobs()[0]?.state === "done");
      expect(world.count("createChannel")).toBe(2);
      return;
    }
    expect.fail("no kill fell on the payment");
  });
});
