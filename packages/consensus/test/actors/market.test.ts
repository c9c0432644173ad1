/** The storage market: creating miners, the power table, the list of miners and the network's tick. */
import { attoFil, epoch, filToAtto } from "@holdfast/base";
import { none, readMinerState, vmExitCodes } from "@holdfast/consensus";
import { describe, expect, it } from "vitest";
import { alice, bob, createMiner, openingBalance, owner, pledge, World, worker, workerKey } from "./world.ts";

const newMiner = { worker: worker.address, workerKey, peerId: "peer" };

describe("createMiner", () => {
  it("makes a miner of the sender whose free balance is the value", () => {
    const world = new World();
    const value = filToAtto(7n);
    const { returns: miner } = world.send(
      owner,
      world.builtins.market,
      "market.createMiner",
      { worker: worker.address, workerKey, peerId: "peer" },
      { value },
    );
    if (miner === undefined) throw new RangeError("created");
    expect(readMinerState(world.store, world.state, miner)).toMatchObject({
      owner: owner.address,
      worker: worker.address,
      workerKey,
      peerId: "peer",
      balance: value,
      freeBalance: value,
      pledge: 0n,
      power: 0n,
      sectorCount: 0,
      deadline: null,
    });
    expect(world.balance(owner.address)).toBe(openingBalance - value);
    expect(world.ask(world.builtins.market, "market.getMinerPower", { miner }).returns).toBe(0n);
    world.money();
  });

  it("keeps what the address was sent before", () => {
    const world = new World();
    // The address follows from the sender and its nonce, so it can be paid before it exists.
    const ahead = createMiner(new World());
    world.transfer(alice, ahead, filToAtto(3n));
    expect(createMiner(world)).toBe(ahead);
    expect(world.balance(ahead)).toBe(filToAtto(13n));
  });

  it("refuses a collateral below the minimum pledge and accepts exactly the pledge", () => {
    const world = new World();
    const { market } = world.builtins;
    const value = attoFil(pledge - 1n);
    const tooSmall = world.send(owner, market, "market.createMiner", newMiner, { value });
    expect(tooSmall.exitCode).toBe(vmExitCodes.pledgeTooSmall);
    expect(world.balance(owner.address)).toBe(openingBalance);
    expect(world.send(owner, market, "market.createMiner", newMiner, { value: pledge }).exitCode).toBe(0);
  });

  it("refuses a worker key that is no compressed point, and the point at infinity", () => {
    const world = new World();
    const { market } = world.builtins;
    const uncompressed = new Uint8Array(48).fill(7);
    const infinity = new Uint8Array(48);
    infinity[0] = 0xc0;
    for (const key of [uncompressed, infinity]) {
      const given = { ...newMiner, workerKey: key };
      const { exitCode } = world.send(owner, market, "market.createMiner", given, { value: pledge });
      expect(exitCode).toBe(vmExitCodes.invalidWorkerKey);
    }
    const short = world.sendRaw(owner, market, "createMiner", Uint8Array.of(0x80), { value: pledge });
    expect(short.exitCode).toBe(vmExitCodes.invalidParams);
  });

  it("refuses a malformed peer id", () => {
    const world = new World();
    const { market } = world.builtins;
    for (const peerId of ["", "a peer", "peer\n", "père"]) {
      const given = { ...newMiner, peerId };
      const { exitCode } = world.send(owner, market, "market.createMiner", given, { value: pledge });
      expect(exitCode).toBe(vmExitCodes.invalidPeerId);
    }
    expect(world.ask(market, "market.listMiners", { from: 0, limit: 10 }).returns?.total).toBe(1);
  });
});

describe("power table", () => {
  it("takes power from recorded miners only", () => {
    const world = new World();
    const power = { added: 1024n, removed: 0n, faulty: 0n };
    const { exitCode } = world.send(alice, world.builtins.market, "market.updatePower", power);
    expect(exitCode).toBe(vmExitCodes.unknownMiner);
    expect(world.ask(world.builtins.market, "market.getTotalPower", none).returns).toBe(0n);
  });

  it("enrols deadlines of recorded miners only", () => {
    const world = new World();
    const deadline = epoch(100);
    const { exitCode } = world.send(alice, world.builtins.market, "market.enrolDeadline", { deadline });
    expect(exitCode).toBe(vmExitCodes.unknownMiner);
  });

  it("does not know the power of an address that is no miner", () => {
    const world = new World();
    const { exitCode } = world.ask(world.builtins.market, "market.getMinerPower", { miner: alice.address });
    expect(exitCode).toBe(vmExitCodes.unknownMiner);
  });
});

describe("listMiners", () => {
  it("gives bounded pages in the order of creation", () => {
    const world = new World();
    const { market } = world.builtins;
    const created = [createMiner(world), createMiner(world), createMiner(world)];
    const all = [world.blockMiner, ...created];
    const page = (from: number, limit: number) => world.ask(market, "market.listMiners", { from, limit });
    expect(page(0, 10).returns).toEqual({ miners: all, total: 4 });
    expect(page(1, 2).returns).toEqual({ miners: all.slice(1, 3), total: 4 });
    expect(page(4, 10).returns).toEqual({ miners: [], total: 4 });
    const tooMany = world.sendRaw(alice, market, "listMiners", Uint8Array.of(0x82, 0, 0x19, 0x03, 0xe9));
    expect(tooMany.exitCode).toBe(vmExitCodes.invalidParams);
  });
});

describe("cronTick", () => {
  it("is for the network only", () => {
    const world = new World();
    const { exitCode } = world.send(bob, world.builtins.market, "market.cronTick", { epoch: epoch(1) });
    expect(exitCode).toBe(vmExitCodes.notAuthorized);
    const miner = createMiner(world);
    const given = { deadline: epoch(1), chainStalled: false };
    expect(world.send(bob, miner, "miner.onDeadline", given).exitCode).toBe(vmExitCodes.notAuthorized);
  });
});
