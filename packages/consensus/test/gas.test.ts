/**
 * Gas as a network's own: prices stand in the parameters, an upgrade changes them from its height on, and whoever
 * replays the chain by them comes to the same states. And the borders of every limit: what is at the limit passes, one
 * more fails with its code, and no money is lost.
 */
import type { CID } from "@holdfast/base";
import { attoFil, c, decode, encode, epoch, gasUnits, MemoryBlockstore } from "@holdfast/base";
import {
  applyBlock,
  type BlockInput,
  builtinAddresses,
  changedGas,
  checkBlockBody,
  checkMessageSyntax,
  createGenesis,
  devnetParams,
  executeForMining,
  gasChanges,
  gasPrices,
  gasScheduleCodec,
  inclusionGas,
  maxCallDepth,
  maxMethodBytes,
  maxStateObjectBytes,
  messageBytes,
  messageCodec,
  moneyInvariant,
  type NetworkParams,
  namedChanges,
  namedParams,
  noChanges,
  nsPerGas,
  paramProblems,
  paramWarnings,
  readActor,
  type SignedMessage,
  type Upgrade,
  usualBlockGas,
  usualGas,
  withNamedParams,
  vmExitCodes as x,
} from "@holdfast/consensus";
import { describe, expect, it } from "vitest";
import { alice as authority, bob as payer, World } from "./actors/world.ts";
import { alice, bob, chaosAddress, nothing, only, run, script } from "./support/chaos.ts";
import { blockAround, createWorld, genesisParent, keysOf, message, mineBlock } from "./support/world.ts";

const { init } = builtinAddresses(1);
const dearer = gasChanges({ message: 9_000, transfer: 4_000 });

describe("the prices of a network", () => {
  const params = devnetParams({ name: "prices", roundMs: 1_000 });

  it("are all named, and are read back from their names", () => {
    const named = namedParams(params);
    for (const price of gasPrices) expect(named[`gas.${price}`]).toBe(usualGas[price]);
    expect(withNamedParams(params, named)).toEqual(params);
    const changed = withNamedParams(params, { "gas.call": 7, blockGasLimit: 6_000_000 });
    expect(changed).toEqual({ ...params, blockGasLimit: 6_000_000, gas: { ...usualGas, call: 7 } });
    expect(namedChanges({ ...noChanges, gas: dearer })).toEqual({
      "gas.message": 9_000,
      "gas.transfer": 4_000,
    });
    expect(changedGas(usualGas, dearer)).toEqual({ ...usualGas, message: 9_000, transfer: 4_000 });
    expect(decode(gasScheduleCodec, encode(gasScheduleCodec, usualGas))).toEqual(usualGas);
  });

  it("make a network only if messages cost something and the longest one fits a block", () => {
    const problems = (gas: Partial<NetworkParams["gas"]>) =>
      paramProblems({ ...params, gas: { ...usualGas, ...gas } });
    expect(problems({})).toEqual([]);
    expect(problems({ message: 0 })).toHaveLength(1);
    expect(problems({ call: 0 })).toHaveLength(1);
    expect(problems({ messageByte: 5 })).toHaveLength(1);
  });

  it("give a block half of a round by default, within bounds, and a longer one is warned of", () => {
    for (const roundMs of [1_000, 2_000, 10_000])
      expect(usualBlockGas(roundMs) * nsPerGas).toBe((roundMs * 1e6) / 2);
    expect(usualBlockGas(100)).toBe(usualBlockGas(1_000));
    expect(usualBlockGas(10 ** 9)).toBe(100_000_000);
    const warned = (over: Partial<NetworkParams>) =>
      paramWarnings({ ...params, ...over }).some((text) => text.includes("a full block"));
    expect(warned({})).toBe(false);
    expect(warned({ blockGasLimit: params.blockGasLimit + 1 })).toBe(true);
  });
});

/** A chain whose every block is kept, to be run again elsewhere. */
class RecordedWorld extends World {
  readonly blocks: {
    readonly height: number;
    readonly messages: readonly SignedMessage[];
    readonly root: string;
  }[] = [];

  transferAt(height: number): number {
    const nonce = readActor(this.store, this.state, payer.address)?.nonce;
    const signed = message(payer, { nonce: nonce ?? 0, to: authority.address, value: 5n, gasPrice: 2n });
    const result = applyBlock(this.inputOf(height, [signed]));
    this.state = result.stateRoot;
    this.height = epoch(height);
    this.blocks.push({ height, messages: [signed], root: result.stateRoot.toString() });
    return result.gasUsed;
  }

  inputOf(height: number, messages: readonly SignedMessage[], state: CID = this.state): BlockInput {
    const block = { miner: this.blockMiner, height: epoch(height) };
    return { store: this.store, parentState: state, block, messages, env: this.env };
  }
}

describe("an upgrade of prices", () => {
  it("holds from its height on, and a replay of old and new heights comes to the same roots", () => {
    const world = new RecordedWorld({ params: { upgradeAuthority: authority.address } });
    const upgrade: Upgrade = { height: epoch(40), version: 1, changes: { ...noChanges, gas: dearer } };
    expect(world.send(authority, init, "init.scheduleUpgrade", upgrade).exitCode).toBe(0);
    const start = world.state;
    const used = [37, 38, 39, 40, 41, 45].map((height) => world.transferAt(height));
    const more = 9_000 - usualGas.message + 4_000 - usualGas.transfer;
    expect(used).toEqual([0, 0, 0, more, more, more].map((extra) => (used[0] ?? 0) + extra));
    world.money();
    let state = start;
    for (const { height, messages, root } of world.blocks) {
      state = applyBlock(world.inputOf(height, messages, state)).stateRoot;
      expect(state.toString()).toBe(root);
    }
    // At the old prices the new heights come to other states: the schedule is part of what is agreed on.
    const elsewhere = new RecordedWorld({ params: { upgradeAuthority: authority.address } });
    for (const height of [37, 38, 39, 40]) elsewhere.transferAt(height);
    expect(elsewhere.blocks.at(-1)?.root).not.toBe(world.blocks[3]?.root);
    expect(changedGas(world.params.gas, dearer).message).toBe(9_000);
  });

  it("is refused where it would make messages impossible", () => {
    const world = new World({ params: { upgradeAuthority: authority.address } });
    const changes = { ...noChanges, gas: gasChanges({ messageByte: 1_000 }) };
    const { exitCode } = world.send(authority, init, "init.scheduleUpgrade", {
      height: epoch(90),
      version: 1,
      changes,
    });
    expect(exitCode).toBe(x.upgradeInvalid);
  });

  it("leaves room in a block to take it back: else it would hold for ever", () => {
    for (const price of gasPrices) {
      const world = new World({ params: { upgradeAuthority: authority.address } });
      const upgrade = (height: number, to: number): Upgrade => ({
        height: epoch(height),
        version: 1,
        changes: { ...noChanges, gas: gasChanges({ [price]: to }) },
      });
      const schedule = (given: Upgrade): number =>
        world.send(authority, init, "init.scheduleUpgrade", given).exitCode;
      // The dearest that is taken, within a factor of two.
      let to = 2 ** 24;
      while (schedule(upgrade(60, to)) !== 0) to /= 2;
      expect(to).toBeGreaterThanOrEqual(usualGas[price]);
      world.height = epoch(60);
      expect([price, schedule(upgrade(200, usualGas[price]))]).toEqual([price, 0]);
    }
  });

  it("can stand in a genesis", () => {
    const changes = { ...noChanges, gas: dearer };
    const upgrades = [{ height: epoch(3), version: 1, changes }];
    const params = devnetParams({ name: "u", roundMs: 1_000 });
    const spec = { params, accounts: [], miners: [], timestampMs: 0 };
    const store = new MemoryBlockstore();
    expect(createGenesis({ ...spec, upgrades }, store).cid).not.toEqual(createGenesis(spec, store).cid);
  });
});

const balance = 100n * 10n ** 18n;

describe("at the border of", () => {
  it("the call depth, the last call passes and the next is refused", () => {
    const depths: number[] = [];
    const nested = (most: number) =>
      run(
        (ctx) => {
          const make =
            (depth: number): typeof script.attempt =>
            (inner) => {
              depths.push(depth);
              if (depth === most) return 0;
              script.attempt = make(depth + 1);
              inner.createNewActor(inner.addressForNewActor(), "testactor", Uint8Array.of(0x80));
              return 0;
            };
          return make(1)(ctx);
        },
        { value: 10n },
      );
    expect(nested(maxCallDepth).receipt.exitCode).toBe(x.ok);
    expect(depths).toHaveLength(maxCallDepth);
    const { receipt, actor } = nested(maxCallDepth + 1);
    expect(receipt.exitCode).toBe(x.callDepth);
    expect(actor(chaosAddress)?.balance).toBe(0n);
    expect(actor(alice.address)?.balance).toBe(balance - BigInt(receipt.gasUsed));
  });

  it("an actor's state, a MiB passes and a byte more is refused", () => {
    const world = createWorld({
      miners: [1],
      params: { maxMessageBytes: 1_200_000, blockGasLimit: 20_000_000 },
    });
    const header = 5;
    const write = (bytes: number) =>
      run(
        only((ctx) => ctx.writeState(c.bytes(4_194_304), new Uint8Array(bytes))),
        {
          value: 10n,
          gasLimit: 4_000_000,
        },
      );
    expect(write(maxStateObjectBytes - header).receipt.exitCode).toBe(x.ok);
    const { receipt, actor } = write(maxStateObjectBytes - header + 1);
    expect(receipt.exitCode).toBe(x.stateTooLarge);
    expect(receipt.gasUsed).toBeLessThan(100_000);
    expect(actor(chaosAddress)).toMatchObject({ head: null, balance: 0n });
    expect(world.params.maxMessageBytes).toBe(1_200_000);
  });

  it("a message's size, its parameters may fill it and not a byte more", () => {
    const { params, env } = createWorld({ miners: [1] });
    const sized = (bytes: number) =>
      message(alice, { nonce: 0, params: new Uint8Array(bytes), gasLimit: params.blockGasLimit });
    const rest = messageBytes(sized(params.maxMessageBytes - 1_000)) - (params.maxMessageBytes - 1_000);
    const most = params.maxMessageBytes - rest;
    expect(messageBytes(sized(most))).toBe(params.maxMessageBytes);
    expect(checkMessageSyntax(sized(most), env.params)).toBeUndefined();
    expect(checkMessageSyntax(sized(most + 1), env.params)?.code).toBe("message/too-large");
    const named = (length: number) => () =>
      encode(messageCodec, { ...message(alice, { nonce: 0 }).message, method: "m".repeat(length) });
    expect(named(maxMethodBytes)).not.toThrow();
    expect(named(maxMethodBytes + 1)).toThrow();
  });

  it("a message's gas, what it uses is enough, a unit less takes all and does nothing", () => {
    // The limit is part of the message, so its length counts: three bytes here and below.
    const used = run(() => 0, { value: 10n, gasLimit: 10_000 }).receipt.gasUsed;
    const enough = run(() => 0, { value: 10n, gasLimit: used });
    expect(enough.receipt).toMatchObject({ exitCode: x.ok, gasUsed: used });
    expect(enough.actor(chaosAddress)?.balance).toBe(10n);
    const less = run(() => 0, { value: 10n, gasLimit: used - 1 });
    expect(less.receipt).toMatchObject({ exitCode: x.outOfGas, gasUsed: used - 1 });
    expect(less.actor(chaosAddress)).toMatchObject({ balance: 0n, head: null });
    expect(less.actor(alice.address)?.balance).toBe(balance - BigInt(used - 1));
  });

  it("a message's inclusion and of a block's gas, the limit is taken as it stands", () => {
    const { params, env } = createWorld({ miners: [1] });
    const limited = (gasLimit: number) => message(alice, { nonce: 0, to: bob.address, gasLimit });
    const needed = inclusionGas(params.gas, messageBytes(limited(4_000)));
    expect(checkMessageSyntax(limited(needed), env.params)).toBeUndefined();
    expect(checkMessageSyntax(limited(needed - 1), env.params)?.code).toBe("message/gas-limit-too-low");
    expect(checkMessageSyntax(limited(params.blockGasLimit), env.params)).toBeUndefined();
    const above = checkMessageSyntax(limited(params.blockGasLimit + 1), env.params);
    expect(above?.code).toBe("message/gas-limit-too-high");
  });

  it("a block, the sum of the limits and the number of messages may be reached and not passed", () => {
    const world = createWorld({ miners: [1], params: { maxBlockMessages: 4 } });
    const { params, env } = world;
    const miner = world.miners[0]?.address ?? chaosAddress;
    const senders = [0, 1, 2].map((index) => keysOf(`${index}`));
    const at = { parent: genesisParent(world), height: 1 };
    const part = Math.floor(params.blockGasLimit / 3);
    const rest = params.blockGasLimit - 2 * part;
    const of = (limits: readonly number[]) =>
      limits.map((gasLimit, i) =>
        message(senders[i % 3] ?? alice, {
          nonce: Math.floor(i / 3),
          to: world.miners[0]?.owner ?? bob.address,
          value: 3n,
          gasPrice: 1n,
          gasLimit,
        }),
      );
    const full = mineBlock(world, miner, at, of([part, part, rest]));
    expect(full.mined.included).toHaveLength(3);
    checkBlockBody(full.block, env);
    moneyInvariant(world.store, full.mined.stateRoot, world.genesis.total);
    const over = mineBlock(world, miner, at, of([part, part, rest + 1]));
    expect(over.mined.rejected.map(({ reason }) => reason)).toEqual(["message/block-full"]);
    const forced = { ...params, blockGasLimit: params.blockGasLimit + 1 };
    const mined = executeForMining({
      store: world.store,
      parentState: at.parent.state,
      miner,
      height: epoch(1),
      candidates: of([part, part, rest + 1]),
      env: { ...env, params: forced },
    });
    const included = of([part, part, rest + 1]);
    const tooFull = blockAround(world, {
      miner,
      height: epoch(1),
      parent: at.parent,
      mined: { ...mined, included },
    });
    expect(() => checkBlockBody(tooFull, env)).toThrow(
      expect.objectContaining({ code: "block/gas-above-limit" }),
    );
    const many = mineBlock(world, miner, at, of([9_000, 9_000, 9_000, 9_000, 9_000]));
    expect(many.mined.included).toHaveLength(4);
    const five = { ...many.mined, included: of([9_000, 9_000, 9_000, 9_000, 9_000]) };
    const tooMany = blockAround(world, { miner, height: epoch(1), parent: at.parent, mined: five });
    expect(() => checkBlockBody(tooMany, env)).toThrow(
      expect.objectContaining({ code: "block/too-many-messages" }),
    );
  });
});

describe("the context functions of 2019", () => {
  it("are all there, the randomness that no actor could reach included", () => {
    const seen: { readonly [name: string]: unknown }[] = [];
    const { receipt } = run(
      (ctx) => {
        const address = ctx.addressForNewActor();
        seen.push({
          from: ctx.message.from,
          height: ctx.height,
          isAccount: ctx.isFromAccountActor(),
          state: ctx.hasState(),
          code: ctx.codeNameOf(bob.address),
          random: ctx.rand(epoch(0), "t", nothing).length,
          sent: ctx.send(bob.address, "", attoFil(4n), nothing).exitCode,
        });
        ctx.charge(11);
        script.attempt = () => 0;
        ctx.createNewActor(address, "testactor", Uint8Array.of(0x80));
        ctx.writeState(c.uint(), 5);
        return ctx.readState(c.uint());
      },
      { value: 10n },
    );
    expect(seen).toEqual([
      {
        from: alice.address,
        height: 1,
        isAccount: true,
        state: true,
        code: "accountactor",
        random: 32,
        sent: 0,
      },
    ]);
    expect(receipt.exitCode).toBe(0);
    expect(decode(c.uint(), receipt.returns)).toBe(5);
    expect(gasUnits(receipt.gasUsed)).toBeGreaterThan(usualGas.newActor);
  });
});
