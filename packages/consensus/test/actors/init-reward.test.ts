/** The init actor answers with the network's parameters; the reward actor pays out of its reserve. */
import { filToAtto } from "@holdfast/base";
import { none, readActor, rewardReserve, vmExitCodes } from "@holdfast/consensus";
import { describe, expect, it } from "vitest";
import { alice, carol, openingBalance, World } from "./world.ts";

describe("init actor", () => {
  it("gives the parameters and the name that the genesis wrote", () => {
    const world = new World();
    expect(world.ask(world.builtins.init, "init.getNetworkParams", none).returns).toEqual(world.params);
    expect(world.ask(world.builtins.init, "init.getNetworkName", none).returns).toBe("actors-test");
  });
});

describe("reward actor", () => {
  it("pays the block reward to the owner of the block's miner", () => {
    const world = new World();
    world.mineTo(3);
    expect(world.balance(carol.address)).toBe(openingBalance + 3n * world.params.blockReward);
    expect(world.balance(world.builtins.reward)).toBe(rewardReserve - 3n * world.params.blockReward);
    expect(world.ask(world.builtins.reward, "reward.getPaid", none).returns).toBe(filToAtto(6n));
    world.money();
  });

  it("pays what is left when the reserve is short, then nothing", () => {
    const reward = rewardReserve - filToAtto(1n);
    const world = new World({ params: { blockReward: reward as typeof rewardReserve } });
    world.mineTo(1);
    expect(world.balance(carol.address)).toBe(openingBalance + reward);
    world.mineTo(2);
    expect(world.balance(carol.address)).toBe(openingBalance + rewardReserve);
    world.mineTo(4);
    expect(world.balance(world.builtins.reward)).toBe(0n);
    expect(world.balance(carol.address)).toBe(openingBalance + rewardReserve);
    world.money();
  });

  it("can be told to pay by the network only", () => {
    const world = new World();
    const { exitCode } = world.send(alice, world.builtins.reward, "reward.awardBlock", {
      owner: alice.address,
    });
    expect(exitCode).toBe(vmExitCodes.notAuthorized);
    expect(world.balance(alice.address)).toBe(openingBalance);
  });
});

describe("account actor", () => {
  it("has no methods", () => {
    const world = new World();
    const { exitCode } = world.sendRaw(alice, carol.address, "withdraw", new Uint8Array(0));
    expect(exitCode).toBe(vmExitCodes.unknownMethod);
    expect(readActor(world.store, world.state, alice.address)?.nonce).toBe(1);
  });
});
