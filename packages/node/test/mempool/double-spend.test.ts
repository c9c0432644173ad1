/**
 * A deposit and a payer that spends the same money elsewhere on the other branch: whoever waits for as many rounds as
 * the chain can lose never credits it, whoever waited for fewer can see that it is gone, and none is credited twice.
 */
import { type Address, attoFil, type CID, filToAtto, HoldfastError } from "@holdfast/base";
import { readActor, signMessage } from "@holdfast/consensus";
import { describe, expect, it } from "vitest";
import { keysOf, World } from "../market/support/world.ts";

const finalityEpochs = 20;
const value = filToAtto(3n);
const elsewhere = keysOf("elsewhere").address;

/** Credits a deposit when its wait is over, by the message: as an exchange does. */
class Merchant {
  readonly credited = new Map<string, bigint>();
  readonly refused = new Map<string, string>();
  readonly #world: World;
  readonly #confirmations: number;

  constructor(world: World, confirmations: number) {
    this.#world = world;
    this.#confirmations = confirmations;
  }
  /** Any number of times for the same deposit: a merchant restarts too. */
  expect(cid: CID): void {
    const { sender } = this.#world.miner(0);
    sender.wait(cid, { confirmations: this.#confirmations }).then(
      ({ message }) => void this.credited.set(cid.toString(), message.message.value),
      (error: unknown) => {
        if (!(error instanceof HoldfastError)) throw error;
        this.refused.set(cid.toString(), error.code);
      },
    );
  }
}

const balanceOf = (world: World, address: Address): bigint =>
  readActor(world.chain.store, world.chain.headState().state, address)?.balance ?? 0n;

describe("a deposit", () => {
  it("whose payer spends it elsewhere on the other branch is never credited, at any depth up to finality", async () => {
    await using world = await World.create({ miners: 1, silentMiners: true, params: { finalityEpochs } });
    const { client } = world;
    const to = keysOf("merchant").address;
    const from = client.keys.address;
    for (const depth of [1, 2, 7, finalityEpochs - 1]) {
      const [patient, hasty] = [new Merchant(world, finalityEpochs), new Merchant(world, 0)];
      const sent = await world.settle(client.sender.send({ from, to, value }));
      for (const merchant of [patient, hasty, patient]) merchant.expect(sent.cid);
      await world.rounds(depth);
      expect(balanceOf(world, to)).toBe(value);
      expect(hasty.credited.size).toBe(1);
      const original = world.pool.get(sent.cid) ?? world.miner(0).sender.find(sent.cid)?.message;
      if (original === undefined) throw new TypeError("it was sent");
      const rival = signMessage(client.keys.privateKey, world.chain.networkId, {
        ...original.message,
        to: elsewhere,
      });
      const before = balanceOf(world, elsewhere);
      await world.reorg(depth, [rival]);
      expect(balanceOf(world, elsewhere) - before).toBe(value);
      // Whoever credited too early sees at once that it is not in the chain.
      expect(world.miner(0).sender.find(sent.cid)?.mined).toBeUndefined();
      await world.rounds(finalityEpochs + 3);
      expect(patient.credited.size, `depth ${depth}`).toBe(0);
      expect(patient.refused.get(sent.cid.toString())).toBe("sender/replaced");
      expect(balanceOf(world, to)).toBe(0n);
    }
  });

  it("that a reorganisation takes back and that is mined again is credited once", async () => {
    await using world = await World.create({ miners: 1, silentMiners: true, params: { finalityEpochs } });
    const { client } = world;
    const to = keysOf("merchant").address;
    const patient = new Merchant(world, 6);
    const { cid } = await world.settle(client.sender.send({ from: client.keys.address, to, value }));
    patient.expect(cid);
    for (const depth of [3, 5]) {
      await world.rounds(depth);
      expect(patient.credited.size).toBe(0);
      await world.reorg(depth);
      patient.expect(cid);
    }
    await world.rounds(10);
    expect([...patient.credited.values()]).toEqual([value]);
    expect(balanceOf(world, to)).toBe(value);
  });

  it("that only empty rounds have buried is not given up, and is mined when the other side wins", async () => {
    await using world = await World.create({ miners: 1, silentMiners: true, params: { finalityEpochs } });
    const { client } = world;
    const to = keysOf("merchant").address;
    const patient = new Merchant(world, finalityEpochs);
    const { cid } = await world.settle(client.sender.send({ from: client.keys.address, to, value }));
    patient.expect(cid);
    await world.rounds(1);
    const original = client.sender.find(cid)?.message;
    if (original === undefined) throw new TypeError("it was sent");
    const toElsewhere = { ...original.message, to: elsewhere };
    const rival = signMessage(client.keys.privateKey, world.chain.networkId, toElsewhere);
    await world.reorg(1, [rival]);
    expect(balanceOf(world, elsewhere)).toBe(value);
    // Two blocks deep, and older than finality.
    await world.rounds(1, 2 * finalityEpochs);
    const late = client.sender.wait(cid);
    let ended = "no";
    late.then(
      () => {
        ended = "mined";
      },
      (error: unknown) => {
        ended = error instanceof HoldfastError ? error.code : String(error);
      },
    );
    await world.reorg(2 * finalityEpochs + 3, [original]);
    expect([ended, balanceOf(world, elsewhere), balanceOf(world, to)]).toEqual(["mined", 0n, value]);
    expect([...patient.credited.values()]).toEqual([value]);
    // One that is mined, and buried in the same way, is still the sender's to send when the other side wins.
    const next = await world.settle(client.sender.send({ from: client.keys.address, to, value }));
    await world.rounds(1);
    expect(balanceOf(world, to)).toBe(2n * value);
    await world.rounds(1, 2 * finalityEpochs);
    await world.reorg(2 * finalityEpochs + 2);
    expect(balanceOf(world, to)).toBe(value);
    const dearer = await world.settle(client.sender.replace(next.cid));
    await world.rounds(1);
    expect(client.sender.find(dearer.cid)?.mined?.receipt.exitCode).toBe(0);
    expect(balanceOf(world, to)).toBe(2n * value);
  });

  it("of which the payer makes two versions is one deposit", async () => {
    await using world = await World.create({ miners: 1, silentMiners: true, params: { finalityEpochs } });
    const { client } = world;
    const to = keysOf("merchant").address;
    const patient = new Merchant(world, finalityEpochs);
    const first = await world.settle(
      client.sender.send({ from: client.keys.address, to, value, gasPrice: attoFil(5n) }),
    );
    const message = world.pool.get(first.cid)?.message;
    if (message === undefined) throw new TypeError("it waits");
    patient.expect(first.cid);
    const second = await world.settle(client.sender.replace(first.cid));
    patient.expect(second.cid);
    await world.rounds(finalityEpochs + 3);
    expect([...patient.credited.keys()]).toEqual([second.cid.toString()]);
    expect(patient.refused.get(first.cid.toString())).toBe("sender/replaced");
    expect(balanceOf(world, to)).toBe(value);
  });
});
