/** Rules of the first network's actors that no other test is named after (go-filecoin 2019, built-in actors). */
import { type Address, channelId, epoch, filToAtto, getObject } from "@holdfast/base";
import { brokerStateCodec, listChannels, readActor, readMinerState, signVoucher } from "@holdfast/consensus";
import { describe, expect, it } from "vitest";
import { alice, bob, createMiner, owner, World, worker } from "./world.ts";

const fil = filToAtto;
const nothing = new Uint8Array(0);

function opened(world: World, value = fil(3n)) {
  const params = { target: bob.address, eol: epoch(500) };
  const { returns } = world.send(alice, world.builtins.broker, "broker.createChannel", params, { value });
  return returns ?? channelId(0);
}

function payers(world: World): number {
  const { returns } = world.ask(world.builtins.broker, "broker.ls", {
    payer: alice.address,
    from: channelId(0),
    limit: 10,
  });
  return returns?.length ?? -1;
}

describe("payment broker", () => {
  it("a payer without channels lists none", () => {
    const world = new World();
    expect(payers(world)).toBe(0);
    expect(listChannels(world.store, world.state, alice.address)).toEqual([]);
  });

  it("channels of one payer are apart: what is redeemed in one stays out of the other", () => {
    const world = new World();
    const [first, second] = [opened(world), opened(world)];
    const voucher = signVoucher(alice.privateKey, world.env.networkId, {
      payer: alice.address,
      channel: second,
      target: bob.address,
      amount: fil(1n),
      validAt: epoch(0),
      condition: null,
    });
    world.send(bob, world.builtins.broker, "broker.redeem", { voucher, redeemerParams: nothing });
    const of = new Map(
      listChannels(world.store, world.state, alice.address).map((one) => [one.id, one.channel]),
    );
    expect(of.get(first)?.redeemed).toBe(0n);
    expect(of.get(second)?.redeemed).toBe(fil(1n));
    world.money();
  });
});

describe("storage market and miner", () => {
  it("a miner's address depends on its creator and the nonce alone, and never comes twice", () => {
    const made = (): Address[] => {
      const world = new World();
      return [createMiner(world), createMiner(world)];
    };
    const [first, second] = made();
    expect(first).not.toBe(second);
    expect(made()).toEqual([first, second]);
  });

  it("the whole value of createMiner is the miner's, and its creator is the owner", () => {
    const world = new World();
    const miner = createMiner(world, fil(7n));
    expect(readMinerState(world.store, world.state, miner)).toMatchObject({
      owner: owner.address,
      worker: worker.address,
      balance: fil(7n),
      power: 0n,
      sectorCount: 0,
      asks: [],
    });
  });

  it("every call of an actor costs more gas than a plain transfer to it", () => {
    const world = new World();
    const miner = createMiner(world);
    const plain = world.sendRaw(alice, bob.address, "", nothing).gasUsed;
    for (const method of ["getOwner", "getPower", "getAsks", "getPeerId"]) {
      expect(world.sendRaw(alice, miner, method, Uint8Array.of(0x80)).gasUsed, method).toBeGreaterThan(plain);
    }
  });
});

describe("a payer whose last channel is gone", () => {
  it("leaves nothing behind in the broker's state", () => {
    const world = new World();
    const empty = stateOf(world);
    const channel = opened(world);
    world.skipTo(501);
    world.send(alice, world.builtins.broker, "broker.reclaim", { channel });
    expect(stateOf(world)).toBe(empty);
  });
});

/** The root of the broker's payers. */
function stateOf(world: World): string {
  const head = readActor(world.store, world.state, world.builtins.broker)?.head;
  if (head === undefined || head === null) throw new RangeError("the broker has a state");
  return getObject(world.store, brokerStateCodec, head).payers.toString();
}
