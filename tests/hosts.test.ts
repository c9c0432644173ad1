/**
 * A network of several machines, as people would make it: five miners on five hosts (network namespaces, each with
 * its own loopback and address, joined by a bridge), torn apart for a hundred rounds and joined again, also with
 * one direction of one link dead; they end on one chain with exact money and no message lost. One finds the others
 * by mDNS alone, and each learns that others can dial it. Two with empty folders join by invitation: one catches up
 * from the genesis, the other begins with a snapshot and never has what came before.
 * Left out where there are no namespaces: they need root and ip(8).
 */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import type { MethodResult } from "@holdfast/api";
import { createDevnet, realClock } from "@holdfast/node/daemon";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { configureNet, HostDaemon } from "./host-daemons.ts";
import { Lan, whyNoHosts } from "./namespaces.ts";

const roundMs = 400;
const partedRounds = 100;
const minerCount = 5;
/** Two of them on the other side. */
const otherSide = [3, 4];
const port = 6000;

const missing = whyNoHosts();
if (missing !== undefined) process.stderr.write(`tests/hosts.test.ts is left out: ${missing}\n`);

type Head = MethodResult<"chain.head">;

describe.skipIf(missing !== undefined)("five miners on five hosts", { timeout: 900_000 }, () => {
  const stack = new AsyncDisposableStack();
  let lan: Lan;
  let nodes: readonly HostDaemon[] = [];
  let state = "";
  let joined: Promise<readonly [HostDaemon, HostDaemon]>;

  beforeAll(async () => {
    state = await mkdtemp(join(tmpdir(), "holdfast-hosts-"));
    stack.defer(() => rm(state, { recursive: true, force: true }));
    lan = stack.use(new Lan(minerCount + 2));
    await createDevnet({
      state,
      roundMs,
      miners: minerCount,
      sectorBytes: 1024,
      apiPort: 0,
      clock: realClock(),
    });
    nodes = lan.hosts
      .slice(0, minerCount)
      .map((host, index) => stack.use(new HostDaemon(host, join(state, `miner-${index + 1}`))));
    const [first, ...others] = nodes;
    if (first === undefined) throw new TypeError("there are five");
    const listen = (node: HostDaemon): string => `/ip4/${node.host.address}/tcp/${port}`;
    await configureNet(first.repo, { listen: listen(first), bootstrap: [], mdns: true });
    await first.start();
    const { peerId } = await first.client.call("node.status", {});
    await Promise.all(
      others.map(async (node, index) => {
        const alone = index === others.length - 1; // it has nothing but mDNS to find the others
        const bootstrap = alone ? [] : [`${listen(first)}/p2p/${peerId}`];
        await configureNet(node.repo, { listen: listen(node), bootstrap, mdns: alone });
        await node.start();
      }),
    );
  }, 200_000);
  afterAll(async () => {
    await stack.disposeAsync();
  }, 60_000);

  it("find each other, one of them by mDNS alone", async () => {
    await until("everybody has four peers", async () => {
      const counts = await Promise.all(
        nodes.map(async ({ client }) => (await client.call("net.peers", {})).length),
      );
      return counts.every((count) => count >= minerCount - 1);
    });
    await until("the chain has come up to its time, for everybody", async () => {
      const all = await Promise.all(nodes.map(({ client }) => client.call("node.status", {})));
      return all.every(({ head, headAgeMs }) => head.height > 3 && headAgeMs < 20 * roundMs);
    });
  });

  it("are parted for a hundred rounds, heal, and agree: one chain, exact money, no message lost", async () => {
    const start = await headOf(nodes[0]);
    lan.split(otherSide);
    const sent = await Promise.all([pay(nodes[0], nodes[1]), pay(nodes[3], nodes[4])]);
    await until("both sides are a hundred rounds further", async () => {
      const heads = await Promise.all(nodes.map(headOf));
      return heads.every(({ height }) => height >= start.height + partedRounds);
    });
    const [left, right] = [await headOf(nodes[0]), await headOf(nodes[3])];
    const parted = Math.min(left.height, right.height);
    expect(await keyAt(nodes[0], parted)).not.toBe(await keyAt(nodes[3], parted));
    lan.heal();
    await agreed(nodes, parted);
    for (const message of sent)
      await until(`everybody has ${message.cid}`, () => isEverywhere(nodes, message));
    await expectExactMoney(nodes);
  });

  it("agree also after one direction of one link was dead", async () => {
    const start = await headOf(nodes[0]);
    lan.silence(0, 3, true);
    // Those who join have nothing to do with that link, so they need not wait for it.
    joined = joinAll(start.height - 10);
    joined.catch(() => undefined);
    await until("twenty rounds go by", async () => (await headOf(nodes[0])).height >= start.height + 20);
    lan.silence(0, 3, false);
    await agreed(nodes, start.height + 20);
    await expectExactMoney(nodes);
  });

  it("two with empty folders join by invitation and catch up: from the genesis, and from a snapshot", async () => {
    const [fromGenesis, fromSnapshot] = await joined;
    const joiners = [fromGenesis, fromSnapshot];
    const { height } = await headOf(nodes[0]);
    await agreed([...nodes, ...joiners], height);
    await expectExactMoney([...nodes, ...joiners]);
    for (const [node, hasAll] of [[fromGenesis, true] as const, [fromSnapshot, false] as const]) {
      const { statesFrom } = await node.client.call("chain.store", {});
      expect(statesFrom === 0).toBe(hasAll);
      // The headers of all heights are there in both.
      expect(await keyAt(node, 5)).toBe(await keyAt(nodes[0], 5));
      await until(
        "it knows the others too",
        async () => (await node.client.call("net.peers", {})).length > 2,
      );
    }
  });

  it("know that they can be dialled: those whom they had dialled tried", async () => {
    await until("each knows, and three of them by that", async () => {
      const found = await Promise.all(nodes.map(({ client }) => client.call("net.status", {})));
      const tried = found.filter(({ dialBacks }) =>
        dialBacks.some(({ reached, port: at }) => reached && at === port),
      );
      return found.every(({ reach }) => reach === "public") && tried.length >= 3;
    });
  });

  /** By one invitation, at the same time; the snapshot is of the tipset at this height. */
  async function joinAll(height: number): Promise<readonly [HostDaemon, HostDaemon]> {
    const [first] = nodes;
    if (first === undefined) throw new TypeError("there are five");
    const { invitation } = await first.client.call("net.invite", {});
    const file = join(state, "chain.car");
    const joinOne = async (index: number, name: string, options: readonly string[]): Promise<HostDaemon> => {
      const host = lan.hosts[index];
      if (host === undefined) throw new TypeError("there are seven hosts");
      const joiner = stack.use(new HostDaemon(host, join(state, name)));
      const listen = `/ip4/${host.address}/tcp/${port}`;
      await joiner.holdfast(["join", invitation, "--repo", joiner.repo, "--listen", listen]);
      await joiner.start(options);
      return joiner;
    };
    const exported = first.holdfast([
      "chain",
      "export",
      file,
      "--height",
      String(height),
      "--repo",
      first.repo,
    ]);
    return Promise.all([
      joinOne(minerCount, "from-genesis", []),
      exported.then(() => joinOne(minerCount + 1, "from-snapshot", ["--snapshot", file])),
    ]);
  }
});

async function until(what: string, done: () => Promise<boolean>): Promise<void> {
  const endMs = performance.now() + 360_000;
  while (!(await done())) {
    if (performance.now() > endMs) {
      process.stderr.write(await HostDaemon.report());
      throw new TypeError(`it does not happen that ${what}`);
    }
    await pause(200);
  }
}

const headOf = (node: HostDaemon | undefined): Promise<Head> => {
  if (node === undefined) throw new TypeError("there are five");
  return node.client.call("chain.head", {});
};

async function keyAt(node: HostDaemon | undefined, height: number): Promise<string> {
  const [tipset] = (await node?.client.call("chain.ls", { from: height, limit: 1 })) ?? [];
  return tipset?.key ?? "";
}

/** The same tipset a few rounds below every head, above this height: newer ones are still on their way. */
async function agreed(nodes: readonly HostDaemon[], above: number): Promise<void> {
  await until("all are on one chain", async () => {
    const heads = await Promise.all(nodes.map(headOf));
    const height = Math.min(...heads.map((head) => head.height)) - 3;
    if (height <= above) return false;
    return new Set(await Promise.all(nodes.map((node) => keyAt(node, height)))).size === 1;
  });
}

async function expectExactMoney(nodes: readonly HostDaemon[]): Promise<void> {
  for (const { client } of nodes) expect(await client.call("chain.money", {})).toMatchObject({ exact: true });
}

interface Sent {
  readonly from: HostDaemon;
  readonly cid: string;
}

async function pay(from: HostDaemon | undefined, to: HostDaemon | undefined): Promise<Sent> {
  if (from === undefined || to === undefined) throw new TypeError("there are five");
  const [account] = await to.client.call("wallet.ls", {});
  const { cid } = await from.client.call("message.send", { to: account?.address ?? "", value: "1.5FIL" });
  return { from, cid };
}

/** The sender may have put a version in its place that pays more; that one all must have then. */
async function isEverywhere(nodes: readonly HostDaemon[], { from, cid }: Sent): Promise<boolean> {
  const { state, message } = await from.client.call("message.show", { cid });
  if (state !== "mined") return false;
  const found = await Promise.all(
    nodes.map(({ client }) => client.call("message.show", { cid: message.cid }).catch(() => undefined)),
  );
  return found.every((one) => one?.state === "mined");
}
