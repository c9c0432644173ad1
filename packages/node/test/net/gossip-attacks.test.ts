/**
 * The seven attacks of the evaluation of gossipsub (ResNetLab, 2020) against our gossip as it is set up: twenty honest
 * nodes, sixty sybils with their own keys and, but for the first attack, their own machines. The figures: of all
 * messages after the attack begins 99 % reach every honest node within three rounds, and within a minute every honest
 * node has honest neighbours in its mesh again, and keeps them. Each attack succeeds against a gossip that lacks what
 * defends it (the canary), or the test would measure nothing.
 */
import { describe, expect, it } from "vitest";
import {
  all,
  type Figures,
  GossipWorld,
  type Honest,
  noFloodPublish,
  noGossip,
  noOutboundQuota,
  scoringOff,
  type Weakness,
} from "./gossip-world.ts";

const attackMs = 90_000;
const defenceless = all(scoringOff, noFloodPublish, noGossip, noOutboundQuota);

interface Attack {
  readonly run: (world: GossipWorld) => Promise<Figures>;
  readonly canary: Weakness;
  readonly machines?: number;
}

async function withstands({ run, canary, machines }: Attack, seed: string): Promise<void> {
  const measure = async (weakness?: Weakness): Promise<Figures> => {
    await using world = new GossipWorld(seed, weakness, machines);
    return await run(world);
  };
  const { delivered, remeshMs } = await measure();
  expect(delivered).toBeGreaterThanOrEqual(0.99);
  expect(remeshMs).toBeLessThanOrEqual(60_000);
  const weak = await measure(canary);
  expect(weak.delivered < 0.99 || weak.remeshMs > 60_000).toBe(true);
}

/** Honest nodes that have found each other before anybody attacks. */
async function inPeace(world: GossipWorld): Promise<void> {
  for (const node of world.honest) await node.start();
  for (const node of world.honest) world.connectHonest(node);
  await world.run(20_000);
}
async function underAttack(world: GossipWorld): Promise<void> {
  await world.run(attackMs);
  await world.settle();
}
const victimOf = ({ honest }: GossipWorld): Honest => {
  const [victim] = honest;
  if (victim === undefined) throw new RangeError("there are honest nodes");
  return victim;
};

describe("gossip under attack", { timeout: 120_000 }, () => {
  it("Sybil: sixty names of four machines ask into every mesh, and five nodes restart among them", async () => {
    const run = async (world: GossipWorld): Promise<Figures> => {
      await inPeace(world);
      world.setActs({ asksEachS: 5 });
      world.connectSybils();
      await world.run(10_000);
      world.beginAttack();
      for (const node of world.honest.slice(0, 5)) world.restart(node);
      await underAttack(world);
      return world.figures();
    };
    await withstands({ run, canary: defenceless, machines: 4 }, "sybil");
  });

  it("Eclipse: all sybils turn on one node that has just restarted", async () => {
    const run = async (world: GossipWorld): Promise<Figures> => {
      await inPeace(world);
      world.beginAttack();
      world.restart(victimOf(world));
      await underAttack(world);
      return world.figures([victimOf(world)]);
    };
    await withstands({ run, canary: defenceless }, "eclipse");
  });

  it("Degradation: sybils pass nothing on, promise what they do not have, and send what is invalid", async () => {
    const run = async (world: GossipWorld): Promise<Figures> => {
      await inPeace(world);
      world.setActs({ invalidPerSecond: 1, liesPerSecond: 5 });
      world.connectSybils();
      world.beginAttack();
      for (const node of world.honest.slice(0, 5)) world.restart(node);
      await underAttack(world);
      return world.figures();
    };
    await withstands({ run, canary: defenceless }, "degradation");
  });

  it("Censorship: sybils pass on everything but the messages of one node", async () => {
    const run = async (world: GossipWorld): Promise<Figures> => {
      await inPeace(world);
      const victim = victimOf(world);
      world.setActs({ forwards: (text) => !text.endsWith(`of ${victim.id}`) });
      world.connectSybils();
      await world.run(20_000);
      world.restart(victim);
      world.beginAttack();
      for (let passed = 0; passed < attackMs; passed += 1_000) {
        await world.run(1_000);
        await world.publish(victim);
      }
      await world.settle();
      return world.figures([victim], [victim]);
    };
    await withstands({ run, canary: scoringOff }, "censorship");
  });

  it("Attack at Dawn: sybils are there before the network, and before every node that joins it", async () => {
    const run = async (world: GossipWorld): Promise<Figures> => {
      const there: Honest[] = [];
      for (const node of world.honest) {
        await node.start();
        world.connectSybils([node]);
        world.connectHonest(node, there);
        there.push(node);
        await world.run(1_000, { publishers: there });
      }
      world.beginAttack();
      await underAttack(world);
      return world.figures();
    };
    await withstands({ run, canary: scoringOff }, "dawn");
  });

  it("Cover Flash: sybils behave well for a minute, then all stop at once", async () => {
    const run = async (world: GossipWorld): Promise<Figures> => {
      for (const node of world.honest) await node.start();
      world.setActs({ forwards: () => true });
      world.connectSybils();
      for (const node of world.honest) world.connectHonest(node);
      await world.run(60_000);
      world.setActs({ forwards: () => false });
      world.beginAttack();
      await underAttack(world);
      return world.figures();
    };
    await withstands({ run, canary: scoringOff }, "flash");
  });

  it("Cold Boot: everybody starts at one moment, and the sybils are first", async () => {
    const run = async (world: GossipWorld): Promise<Figures> => {
      for (const node of world.honest) await node.start();
      world.connectSybils();
      for (const node of world.honest) world.connectHonest(node);
      world.beginAttack();
      await underAttack(world);
      return world.figures();
    };
    await withstands({ run, canary: scoringOff }, "cold");
  });
});
