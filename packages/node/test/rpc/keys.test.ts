/**
 * Whoever lost an answer asks again under the same key: for each method that moves money the repeat is the same
 * message, one nonce is taken, and the key stands for nothing else.
 */
import { type CallName, methods } from "@holdfast/api";
import { readActor, readMinerState, readSectors } from "@holdfast/consensus";
import { createNetwork, type TestNetwork } from "@holdfast/node/testing";
import { afterAll, beforeAll, describe, expect, it } from "vitest";

const { signal } = new AbortController();
let net: TestNetwork;
beforeAll(async () => {
  net = await createNetwork({
    miners: 1,
    seed: "keys",
    params: { finalityEpochs: 20, channelCancelDelayEpochs: 3 },
  });
  await net.advance("5s");
}, 60_000);
afterAll(() => net[Symbol.asyncDispose]());

interface Made {
  multisig: string;
  channel: number;
}
const made: Made = { multisig: "", channel: 0 };

function nodeOf(name: string) {
  const [miner] = net.miners;
  if (miner === undefined) throw new RangeError("a network has a miner");
  return name.startsWith("mine.") ? miner : net.client;
}
/** Messages of all accounts of a node so far. */
function noncesOf(name: string): number {
  const { node } = nodeOf(name);
  const { store } = node.chain;
  const { state } = node.chain.headState();
  return node.wallet.addresses().reduce((sum, one) => sum + (readActor(store, state, one)?.nonce ?? 0), 0);
}

/** What each method is asked, and what it is asked instead under the same key. */
const cases: { readonly [Name in CallName]?: () => readonly [object, object] } = {
  "message.send": () => [
    { to: nodeOf("mine.").account, value: "1", method: "", paramsHex: "" },
    { to: nodeOf("mine.").account, value: "2", method: "", paramsHex: "" },
  ],
  "channel.create": () => [
    { target: net.client.account, amount: "2", forMs: 500_000 },
    { target: net.client.account, amount: "3", forMs: 500_000 },
  ],
  "channel.extend": () => [
    { channel: made.channel, amount: "1", forMs: 900_000 },
    { channel: made.channel, amount: "2", forMs: 900_000 },
  ],
  "channel.cancel": () => [{ channel: made.channel }, { channel: made.channel + 1 }],
  "channel.reclaim": () => [{ channel: made.channel }, { channel: made.channel + 1 }],
  "market.add": () => [{ amount: "4" }, { amount: "5" }],
  "market.withdraw": () => [{}, { amount: "1" }],
  "multisig.create": () => [
    { signers: [net.client.account], threshold: 1, amount: "5" },
    { signers: [net.client.account], threshold: 1, amount: "6" },
  ],
  "multisig.propose": () => [
    { multisig: made.multisig, to: net.client.account, amount: "1", method: "", paramsHex: "" },
    { multisig: made.multisig, to: net.client.account, amount: "2", method: "", paramsHex: "" },
  ],
  "mine.withdraw": () => [{ amount: "1" }, { amount: "2" }],
  "mine.workerSet": () => [{}, { worker: net.client.account, workerKeyHex: "00".repeat(48) }],
};

/**
 * Told by others: jobs and changes of deals in the market's tests; approvals, which execute once anyway; pinning, which
 * needs its nodes, in its own.
 */
const elsewhere: readonly string[] = [
  "put.start",
  "deal.extend",
  "deal.release",
  "deal.redeem",
  "faucet.ask",
  "multisig.approve",
  "multisig.cancel",
  "multisig.change",
  "mine.terminate",
  "pinOrder.add",
  "pinOrder.extend",
  "pinOrder.rm",
  "pinOrder.settle",
  "pinOrder.repair",
  "pinOrder.ask",
  "pinNode.claim",
  "pinProgram.set",
];

async function begun(name: CallName, params: object): Promise<{ readonly cid: string }> {
  const call = nodeOf(name).node.handlers[name] as unknown as (
    given: object,
    signal: AbortSignal,
  ) => Promise<{ readonly cid: string }>;
  return call(params, signal);
}
function asked(name: CallName, params: object): Promise<{ readonly cid: string }> {
  return net.settle(begun(name, params));
}

describe("a repeat under the same key", () => {
  it("is known by every method that has a key", () => {
    const keyed = Object.entries(methods).flatMap(([name, { params }]) =>
      "key" in params.shape ? [name] : [],
    );
    const known = [...Object.keys(cases), ...elsewhere];
    expect(keyed.filter((name) => !known.includes(name) && !name.startsWith("chain."))).toEqual([]);
  });

  for (const [name, paramsOf] of Object.entries(cases) as [CallName, () => readonly [object, object]][]) {
    it(`of ${name} moves money once`, async () => {
      const [first, other] = paramsOf();
      const key = `lost-${name}`;
      const before = noncesOf(name);
      const sent = await asked(name, { ...first, key });
      // Before it is mined, and when it is long in the chain.
      expect((await asked(name, { ...first, key })).cid).toBe(sent.cid);
      await net.advance("6s");
      const mined = noncesOf(name);
      // A miner sends its proofs meanwhile.
      if (!name.startsWith("mine.")) expect(mined - before).toBe(1);
      expect(await asked(name, { ...first, key })).toEqual(expect.objectContaining({ ...sent }));
      await net.advance("3s");
      if (!name.startsWith("mine.")) expect(noncesOf(name)).toBe(mined);
      await expect(asked(name, { ...other, key })).rejects.toMatchObject({ code: "rpc/key-reused" });
      const answer = sent as unknown as { readonly channel?: number; readonly address?: string };
      if (name === "channel.create") made.channel = answer.channel ?? 0;
      if (name === "multisig.create") made.multisig = answer.address ?? "";
    }, 60_000);
  }

  for (const name of ["message.send", "channel.create", "multisig.create", "market.add"] as const) {
    it(`of ${name} is one request, also when two come at the same time`, async () => {
      const [first, other] = cases[name]?.() ?? [{}, {}];
      const key = `raced-${name}`;
      const answers = await net.settle(
        Promise.allSettled([begun(name, { ...first, key }), begun(name, { ...other, key })]),
      );
      expect(answers.map(({ status }) => status)).toEqual(["fulfilled", "rejected"]);
      expect(answers[1]).toMatchObject({ reason: { code: "rpc/key-reused" } });
      await net.advance("4s");
    }, 60_000);
  }

  it("of mine.terminate ends the sectors once", async () => {
    const [one] = net.miners;
    const miner = one?.miner;
    if (one === undefined || miner === undefined) throw new RangeError("a network has a miner");
    const { chain } = net.client.node;
    const [sector] = readSectors(chain.store, chain.headState().state, miner);
    const params = { sectorIds: [sector?.sectorId ?? 0], key: "end" };
    for (let round = 0; ; round += 1) {
      const sent = await asked("mine.terminate", params).catch(() => undefined);
      if (sent !== undefined) {
        await net.advance("4s");
        expect((await asked("mine.terminate", params)).cid).toBe(sent.cid);
        break;
      }
      expect(round).toBeLessThan(40);
      await net.advance("1s");
    }
    expect(readMinerState(chain.store, chain.headState().state, miner).power).toBe(0n);
  }, 60_000);
});
