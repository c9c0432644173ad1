/**
 * Upgrades on a living network: miners mine, a deal is under way and is paid, two upgrades take effect one after the
 * other; a node with an old program says so in time, stops at the height, makes no nonsense, and goes on where it stood
 * when it has the new one. A fork over the height heals. All money is added up after every tipset of every node.
 */
import { attoFil, c, encode, epoch, putObject, seedAddress, toHex } from "@holdfast/base";
import {
  builtinActors,
  builtinAddresses,
  CodeTable,
  defineActor,
  defineMethod,
  gasChanges,
  methods,
  noChanges,
  type Protocols,
  readActor,
  type Upgrade,
} from "@holdfast/consensus";
import { createNetwork, type TestNetwork, type TestNode } from "@holdfast/node/testing";
import { describe, expect, it } from "vitest";

const { signal } = new AbortController();
const params = { finalityEpochs: 12 };
const registry = seedAddress(1, "a registry of version 2");
const registryActor = defineActor({
  name: "registry",
  methods: {
    get: defineMethod({
      params: c.list(c.cbor, 0),
      returns: c.uint(),
      run: (ctx) => ctx.readState(c.uint()) + ctx.version,
    }),
  },
});
const old: Protocols = [{ version: 1 }];
const newer: Protocols = [
  { version: 1 },
  {
    version: 2,
    codes: new CodeTable([...builtinActors, registryActor]),
    migrate: ({ store, install }) => install(registry, "registry", putObject(store, c.uint(), 40)),
  },
  { version: 3, migrate: ({ store, setHead }) => setHead(registry, putObject(store, c.uint(), 400)) },
];

const height = ({ node }: TestNode): number => node.chain.head().height;

async function send(net: TestNetwork, to: string, method: string, bytes: Uint8Array): Promise<number> {
  const sending = net.client.node.handlers["message.send"](
    { to, value: "0FIL", method, paramsHex: toHex(bytes) },
    signal,
  );
  const { cid } = await net.settle(sending);
  const wait = { cid, timeoutMs: 60_000, confirmations: 0 };
  const { receipt } = await net.settle(net.client.node.handlers["message.wait"](wait, signal));
  return receipt?.exitCode ?? -1;
}

const schedule = (net: TestNetwork, upgrade: Upgrade): Promise<number> =>
  send(
    net,
    builtinAddresses(1).init,
    "scheduleUpgrade",
    encode(methods.init.scheduleUpgrade.params, upgrade),
  );

/** Asks the new actor: 0 if the network runs it. */
const askRegistry = (net: TestNetwork): Promise<number> =>
  send(net, registry, "get", encode(c.list(c.cbor, 0), []));

const reach = (net: TestNetwork, to: number, who: readonly TestNode[] = [net.client]): Promise<boolean> =>
  net.advanceUntil(() => who.every((node) => height(node) >= to), 240_000);

const agree = (net: TestNetwork): Promise<boolean> =>
  net.advanceUntil(
    () => new Set(net.nodes.map(({ node }) => node.chain.head().key)).size === 1 && height(net.client) > 0,
    240_000,
  );

describe("a living network", () => {
  it("is upgraded twice, with a deal under way; who does not know the version stops and goes on later", async () => {
    let installed = old;
    const protocolsOf = (name: string): Protocols => (name === "miner-3" ? installed : newer);
    await using net = await createNetwork({ seed: "upgrade", params, clientUpgrades: true, protocolsOf });
    await reach(net, 3);
    const late = net.miners[2] as TestNode;
    const { job } = await net.put(new Uint8Array(1_200).fill(7), { copies: 1, for: "2m" });
    expect(job.state).toBe("done");
    const first = height(net.client) + 20;
    const second = first + 15;
    expect(await schedule(net, { height: epoch(first), version: 2, changes: noChanges })).toBe(0);
    const gas = gasChanges({ message: 7_000 });
    const limits = { blockReward: attoFil(10n ** 18n), blockGasLimit: 20_000_000 };
    const changes = { ...noChanges, ...limits, gas };
    expect(await schedule(net, { height: epoch(second), version: 3, changes })).toBe(0);
    const status = () => late.node.handlers["node.status"]({}, signal);
    expect(await status()).toMatchObject({
      protocol: { version: 1, known: 1, next: { height: first, version: 2, isKnown: false } },
      health: { light: "warning" },
    });
    expect(await reach(net, first + 5)).toBe(true);
    expect(await askRegistry(net)).toBe(0);
    expect(height(late)).toBeLessThan(first);
    expect(height(late)).toBeGreaterThan(first - 4);
    expect(await status()).toMatchObject({ health: { light: "failing" }, syncState: "stalled" });
    expect((await status()).health.reason).toContain("version 2");
    expect(await reach(net, second + 5)).toBe(true);
    expect(height(late)).toBeLessThan(first);
    const { chain } = net.client.node;
    const mined = [...chain.ancestors(chain.head())].flatMap(({ blocks }) => blocks);
    expect(mined.some(({ miner, height: at }) => miner === late.miner && at >= first)).toBe(false);
    const upgraded = { blockReward: 10n ** 18n, blockGasLimit: 20_000_000, gas: { message: 7_000 } };
    expect(chain.params).toMatchObject(upgraded);
    expect(await askRegistry(net)).toBe(0);
    await net.settle(late.stop());
    installed = newer;
    await net.settle(late.start());
    expect(await agree(net)).toBe(true);
    await net.advance("2m");
    const deals = await net.client.node.handlers["deal.ls"]({ limit: 100 }, signal);
    expect(deals.map(({ state, redeemedFil, totalFil }) => [state, redeemedFil === totalFil])).toEqual([
      ["complete", true],
    ]);
    net.money();
  });

  it("agrees after a fork over the upgrade's height", async () => {
    const protocolsOf = (): Protocols => newer;
    const longer = { finalityEpochs: 40 };
    await using net = await createNetwork({
      seed: "fork",
      params: longer,
      clientUpgrades: true,
      protocolsOf,
    });
    await reach(net, 2);
    const at = 50;
    expect(await schedule(net, { height: epoch(at), version: 2, changes: noChanges })).toBe(0);
    await reach(net, at - 3);
    net.wire.partition([["miner-1", "client"]]);
    const other = net.miners[1] as TestNode;
    expect(await reach(net, at + 1, [net.client, other])).toBe(true);
    const state = ({ node: { chain } }: TestNode) => chain.headState().state;
    for (const { node } of [net.client, other]) expect(node.chain.protocol().version).toBe(2);
    expect(state(net.client).equals(state(other))).toBe(false);
    net.wire.heal();
    expect(await agree(net)).toBe(true);
    const { chain } = net.client.node;
    expect(chain.protocol().applied).toHaveLength(1);
    expect(readActor(chain.store, chain.headState().state, registry)).toBeDefined();
    expect(await askRegistry(net)).toBe(0);
    net.money();
  });
});
