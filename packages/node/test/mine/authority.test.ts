/**
 * Who holds a miner, by the API of whole nodes: new worker's keys that the node confirms and mines on with, a multisig
 * as owner that withdraws by proposals, sectors that live longer or end.
 */
import { filToAtto } from "@holdfast/base";
import { readMinerState, readSectors } from "@holdfast/consensus";
import { createNetwork, type TestNetwork } from "@holdfast/node/testing";
import { describe, expect, it } from "vitest";

const { signal } = new AbortController();

async function started(seed: string, miners = 1) {
  const net = await createNetwork({ miners, seed, params: { finalityEpochs: 20 } });
  await net.advance("5s");
  const [one] = net.miners;
  const miner = one?.miner;
  if (one === undefined || miner === undefined) throw new RangeError("a network has a miner");
  const { client } = net;
  const view = () => readMinerState(client.node.chain.store, client.node.chain.headState().state, miner);
  const sectors = () => readSectors(client.node.chain.store, client.node.chain.headState().state, miner);
  const api = () => one.node.handlers;
  const mined = async (sent: Promise<{ readonly cid: string }>) => {
    const { cid } = await net.settle(sent);
    const params = { cid, timeoutMs: 60_000, confirmations: 0 };
    const { receipt } = await net.settle(one.node.handlers["message.wait"](params, signal));
    expect(receipt?.exitCode).toBe(0);
    await net.advance("2s");
  };
  return { net, one, client, miner, view, sectors, api, mined };
}

describe("new keys of a worker", () => {
  it("are confirmed by the node when the delay is over; it mines on with them, and is never slashed", async () => {
    const { net, one, view, api } = await started("authority-worker");
    await using _ = net;
    const before = view();
    const { worker, workerKeyHex } = await net.settle(api()["mine.workerSet"]({}, signal));
    await net.advance("10s");
    expect(view().worker).toBe(before.worker);
    expect(await api()["mine.worker"]({}, signal)).toMatchObject({ pending: { worker, hasKeys: true } });
    // A node that stops in between confirms when it is back.
    await net.settle(one.stop());
    await net.advance("20s");
    await net.settle(one.start());
    await net.advance("30s");
    expect(await api()["mine.worker"]({}, signal)).toMatchObject({ worker, workerKeyHex, pending: null });
    const wins = one.node.mining?.status().blocksWon ?? 0;
    await net.advance("150s");
    expect(one.node.mining?.status().blocksWon ?? 0).toBeGreaterThan(wins + 20);
    expect(view()).toMatchObject({ worker, slashedAt: null, power: before.power });
    expect(net.client.node.chain.head().height).toBeGreaterThan(150);
  }, 120_000);
});

describe("a multisig as owner", () => {
  it("takes the miner over, withdraws and changes the worker by proposals of the node that has a signer", async () => {
    const { net, client, miner, view, api, mined } = await started("authority-owner");
    await using _ = net;
    const signers = [view().owner, client.account];
    const made = await net.settle(api()["multisig.create"]({ signers, threshold: 2, amount: "1" }, signal));
    await net.advance("3s");
    expect(await api()["multisig.show"]({ address: made.address }, signal)).toMatchObject({ threshold: 2 });
    await mined(api()["mine.ownerPropose"]({ owner: made.address }, signal));
    const accept = await net.settle(api()["mine.ownerAccept"]({ miner }, signal));
    expect(accept.isProposal).toBe(true);
    await net.advance("3s");
    const approve = (transactionId: number) =>
      net.settle(client.node.handlers["multisig.approve"]({ multisig: made.address, transactionId }, signal));
    await approve(0);
    await net.advance("3s");
    expect(view().owner).toBe(made.address);
    await net.settle(client.node.sender.send({ to: miner, value: filToAtto(3n) }));
    await net.advance("3s");
    const free = view().freeBalance;
    const { isProposal } = await net.settle(api()["mine.withdraw"]({ amount: "3" }, signal));
    expect(isProposal).toBe(true);
    await net.advance("3s");
    await approve(1);
    await net.advance("3s");
    expect(view().freeBalance).toBe(free - filToAtto(3n));
    const show = () => client.node.handlers["multisig.show"]({ address: made.address }, signal);
    expect(await show()).toMatchObject({ transactions: [], isSigner: true });
    expect(await client.node.handlers["multisig.ls"]({}, signal)).toHaveLength(1);
  }, 120_000);
});

/** A deadline that is open or about to be takes no declarations: the next round may. */
async function patiently(net: TestNetwork, work: () => Promise<unknown>): Promise<void> {
  for (let round = 0; ; round += 1) {
    try {
      await work();
      return;
    } catch (error) {
      if (round === 30) throw error;
      await net.advance("1s");
    }
  }
}

describe("terms of sectors", () => {
  it("are extended; a sector is ended for the fee that was quoted", async () => {
    const { net, sectors, view, api, mined } = await started("authority-terms");
    await using _ = net;
    const [sector] = sectors();
    if (sector === undefined) throw new RangeError("a genesis miner has a sector");
    const ids = [sector.sectorId];
    const untilHeight = sector.expiration + 2;
    await patiently(net, () => mined(api()["mine.extend"]({ sectorIds: ids, untilHeight }, signal)));
    expect(sectors()[0]?.expiration).toBe(untilHeight);
    const quote = await api()["mine.terminateQuote"]({ sectorIds: ids }, signal);
    const burnt = view().burnt;
    await patiently(net, () => mined(api()["mine.terminate"]({ sectorIds: ids }, signal)));
    expect(sectors()).toEqual([]);
    expect(Number(quote.feeFil)).toBeGreaterThan(0);
    expect(Number(view().burnt - burnt) / 1e18).toBeCloseTo(Number(quote.feeFil), 12);
  }, 120_000);
});
