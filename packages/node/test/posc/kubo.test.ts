/**
 * A pinning node whose pins a Kubo daemon keeps, on a whole network in virtual time: it joins, pins what is bought,
 * reports, answers its buyer, says what the daemon has lost, and loses the order that it cannot show. A second node
 * that names the same daemon does not get in. Virtual time stands still while a daemon answers. Beside a made-up daemon
 * always, and beside a stock one where there is one.
 */
import { type CID, encode, filToAtto, parseCid } from "@holdfast/base";
import { builtinAddresses, methods, pinCost, readPin, readPinNode } from "@holdfast/consensus";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { createNetwork, type TestNetwork, type TestNode } from "../../src/testing/index.ts";
import { startFakeKubo } from "../pins/fake-kubo.ts";
import { Crowd, content, treeOf } from "../pins/support.ts";
import { Kubo, kuboVersion } from "../stock-kubo.ts";

interface Daemon extends AsyncDisposable {
  readonly url: string;
  isPinned(root: CID): Promise<boolean>;
  lose(cid: CID): Promise<void>;
}

const tree = treeOf([1, 2, 3, 4].map((seed) => content(seed, 50_000)));
const leaves = [...tree.blocks.values()].filter(({ cid }) => !cid.equals(tree.root)).map(({ cid }) => cid);
const { signal } = new AbortController();

const made = async (): Promise<Daemon> => {
  const crowd = new Crowd();
  crowd.has(tree);
  const kubo = await startFakeKubo(crowd);
  const asked = async (root: CID) => (await fetch(`${kubo.url}/api/v0/pin/ls?arg=${root}`)).ok;
  return {
    url: kubo.url,
    isPinned: asked,
    lose: async (cid) => void kubo.blocks.delete(cid.toString()),
    [Symbol.asyncDispose]: () => kubo[Symbol.asyncDispose](),
  };
};

/** Another daemon has the content, and is connected. */
const stock = async (): Promise<Daemon> => {
  const [kubo, others] = [new Kubo(), new Kubo()];
  for (const daemon of [kubo, others]) await daemon.start();
  for (const { cid, bytes } of tree.blocks.values()) await others.put(cid, bytes);
  const { Addresses = [] } = await others.json<{ Addresses?: string[] }>("id");
  await kubo.call(`swarm/connect?arg=${encodeURIComponent(Addresses[0] ?? "")}`);
  return {
    url: kubo.api,
    async isPinned(root) {
      const { Keys = {} } = await kubo.json<{ Keys?: object }>("pin/ls?type=recursive");
      return root.toString() in Keys;
    },
    lose: async (cid) => kubo.lose(cid),
    async [Symbol.asyncDispose]() {
      for (const daemon of [kubo, others]) daemon.stop();
    },
  };
};

/** Calls of any daemon that are under way. */
let pending = 0;
const wholeFetch = globalThis.fetch;
beforeAll(() => {
  globalThis.fetch = async (...asked) => {
    pending += 1;
    try {
      const response = await wholeFetch(...asked);
      const { status, headers } = response;
      return new Response(await response.arrayBuffer(), { status, headers });
    } finally {
      pending -= 1;
    }
  };
});
afterAll(() => {
  globalThis.fetch = wholeFetch;
});
/** Some turns after the last answer: it may lead to another question. */
async function atRest(): Promise<void> {
  for (let quiet = 0; quiet < 5; quiet = pending > 0 ? 0 : quiet + 1)
    await new Promise((done) => setImmediate(done));
}

const daemons = [["a made-up one", made] as const, ["a stock one", stock] as const];
const here = daemons.filter(([, open]) => open === made || kuboVersion !== undefined);

describe.each(here)("a pinning node over a Kubo daemon, %s", (_, open) => {
  let daemon: Daemon;
  let net: TestNetwork;
  let node: TestNode;
  let other: TestNode;
  const settle = <Result>(promise: Promise<Result>): Promise<Result> => net.settle(promise);
  const now = () => {
    const { chain } = net.client.node;
    return [chain.store, chain.headState().state] as const;
  };
  const order = () => readPin(...now(), 0);
  const entry = () => readPinNode(...now(), 0);
  const until = async (done: () => boolean): Promise<void> => {
    if (!(await net.advanceUntil(done, 400_000))) throw new Error("it never comes");
  };
  const newest = async () => {
    const [report] = await settle(net.client.node.handlers["pinReport.ls"]({ node: 0, limit: 1 }, signal));
    return report;
  };
  /** A report of a later slot. */
  const reported = async () => {
    const before = entry()?.lastSlot ?? 0;
    await until(() => (entry()?.lastSlot ?? 0) > before + 1);
    return await newest();
  };
  const join = (who: TestNode) =>
    settle(who.node.handlers["posc.join"]({ capacityBytes: 10_000_000 }, signal));

  beforeAll(async () => {
    daemon = await open();
    net = await createNetwork({
      ...{ miners: 2, seed: "kubo", atRest },
      pinning: {
        ...{ program: new Uint8Array(32).fill(1), mayAsk: true },
        kuboOf: (name) => (name === "client" ? undefined : daemon.url),
      },
      params: {
        ...{ pinSlotEpochs: 5, pinSamples: 4, pinAnswerEpochs: 12, pinDisputeSlots: 8 },
        ...{ pinStake: filToAtto(10), finalityEpochs: 20 },
      },
    });
    [node = net.client, other = net.client] = net.miners;
    await net.advance("20s");
  }, 120_000);
  afterAll(async () => {
    await net[Symbol.asyncDispose]();
    await daemon[Symbol.asyncDispose]();
  });

  it("joins; a second one of the same daemon does not", async () => {
    expect((await join(node)).node).toBe(0);
    await expect(join(other)).rejects.toMatchObject({
      ...{ code: "pins/kubo-taken", data: { url: daemon.url, node: node.peerId } },
    });
    // The buyer's node hears of it with the next block.
    await until(() => entry()?.status === "active");
  }, 60_000);

  it("has the daemon pin what is bought, and reports all of it", async () => {
    const terms = { cid: tree.root, bytes: tree.bytes, wanted: 1, price: filToAtto(1), slots: 60 };
    const params = encode(methods.pins.addPin.params, terms);
    const { sender } = net.client.node;
    const call = {
      to: builtinAddresses(1).pins,
      method: "addPin",
      params,
      value: pinCost(terms, terms.slots),
    };
    await settle(sender.send(call).then(({ cid }) => sender.wait(parseCid(cid.toString()))));
    await until(() => order()?.replicas[0]?.fromSlot !== null && order() !== undefined);
    expect(await daemon.isPinned(tree.root)).toBe(true);
    await until(() => (entry()?.lastSlot ?? 0) > (order()?.replicas[0]?.fromSlot ?? Number.NaN));
    expect(await newest()).toMatchObject({ accuracyPercent: 100 });
  }, 60_000);

  it("answers its buyer out of the daemon", async () => {
    await settle(net.client.node.handlers["pinOrder.ask"]({ pin: 0, node: 0 }, signal));
    await until(() => entry()?.openAsks === 1);
    await until(() => entry()?.openAsks === 0);
    expect(order()?.replicas.map(({ node: number }) => number)).toEqual([0]);
  }, 60_000);

  it("says what the daemon has lost, and without the root loses the order, not its stake", async () => {
    for (const cid of leaves.slice(1)) await daemon.lose(cid);
    let report = await reported();
    for (let slot = 0; slot < 8 && report?.accuracyPercent === 100; slot += 1) report = await reported();
    expect(report?.accuracyPercent).toBeLessThan(100);
    await daemon.lose(tree.root);
    expect((await reported())?.accuracyPercent).toBe(0);
    await until(() => order()?.dropped.includes(0) === true);
    expect(entry()).toMatchObject({ status: "active", stake: filToAtto(10) });
    expect((await settle(net.client.node.handlers["chain.money"]({}, signal))).exact).toBe(true);
  }, 120_000);
});
