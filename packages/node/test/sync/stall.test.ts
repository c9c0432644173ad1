/**
 * Every reason for which a node does not follow the chain, brought about in virtual time: it is named, with what
 * helps, and it goes when its cause goes. (Nobody has the headers, nobody gives the bodies, the fork is deeper than
 * finality: lies.test.ts and forks.test.ts.)
 */
import { HoldfastError } from "@holdfast/base";
import { blockCid } from "@holdfast/consensus";
import { createNetwork } from "@holdfast/node/testing";
import { describe, expect, it } from "vitest";
import { diagnose, type StallFacts } from "../../src/sync/stall.ts";
import { forge, forgedAbove, honestly, Impostor, sleeper } from "./support/impostor.ts";

const signal = new AbortController().signal;

describe("a node says", () => {
  it("that it has no peer, and no more when it has one", async () => {
    await using net = await createNetwork({ miners: 1, seed: "alone" });
    await net.advance("5s");
    net.wire.partition([["client"]]);
    await net.advance("40s");
    expect(net.client.node.sync.state()).toMatchObject({ state: "stalled", code: "no-peers" });
    const status = await net.client.node.handlers["node.status"]({}, signal);
    expect(status).toMatchObject({
      syncState: "stalled",
      syncCode: "no-peers",
      health: { light: "failing" },
    });
    expect(status.health.fix).toContain("holdfast net connect");
    const why = await net.client.node.handlers.why({ subject: "sync" }, signal);
    expect(why).toMatchObject({ kind: "sync", light: "failing", summary: status.health.reason });
    net.wire.heal();
    expect(await net.advanceUntil(() => net.client.node.sync.state().state === "synced", 60_000)).toBe(true);
  });

  it("that no miner wins when the whole chain stands still", async () => {
    await using net = await createNetwork({ miners: 1, seed: "standstill" });
    await net.advance("5s");
    for (const miner of net.miners) await net.settle(miner.stop());
    await net.advance("40s");
    expect(net.client.node.sync.state()).toMatchObject({ state: "stalled", code: "chain-stands-still" });
    for (const miner of net.miners) await net.settle(miner.start());
    expect(await net.advanceUntil(() => net.client.node.sync.state().state === "synced", 60_000)).toBe(true);
  });

  it("that all its peers are behind it", async () => {
    const { net, own, sync, reachHonest } = await sleeper({ seed: "behind" }, ["novice"], 30);
    await using _ = net;
    expect(await reachHonest()).toBe(true);
    net.wire.partition([["client", "novice"]]);
    const novice = await Impostor.meet(net, "novice", () => "unknown");
    await novice.hello(own.genesis.cids[0] as never, own.tipsetAt(3));
    await net.advance("40s");
    expect(sync().state()).toMatchObject({ state: "stalled", code: "peers-behind" });
    await novice.end();
  });

  it("at which height the best peer's chain is invalid, and why", async () => {
    const { net, honest, own, sync, reachHonest } = await sleeper({ seed: "invalid" }, ["liar", "novice"]);
    await using _ = net;
    const novice = await Impostor.meet(net, "novice", () => "unknown");
    const good = honest.tipsetAt(20);
    const state = honest.stateAfter(good.key);
    if (state === undefined) throw new TypeError("the tipset was executed");
    const forged = forge(honest, { ...good, parentState: state }, { count: 5 });
    const top = forged.at(-1)?.header;
    if (top === undefined) throw new TypeError("there is a forged chain");
    const liar = await Impostor.meet(net, "liar", (request) => forgedAbove(honest, forged, request));
    await liar.hello(own.genesis.cids[0] as never, { cids: [blockCid(top)], height: top.height });
    await net.advance("10s");
    const found = sync().state();
    expect(found).toMatchObject({ state: "stalled", code: "invalid-chain" });
    expect(found.reason).toContain(`invalid at height ${good.height + 1}`);
    expect(found.fix).toContain("holdfast chain bad clear");
    // Clearing lets it look again, with the same result and without harm.
    expect(sync().clearBad()).toBeGreaterThan(0);
    expect(sync().badTipsets()).toEqual([]);
    expect(await reachHonest()).toBe(true);
    for (const one of [liar, novice]) await one.end();
  });

  it("that its clock is off when heads come from after its time", async () => {
    const { net, honest, own, sync } = await sleeper({ seed: "clock" }, ["later"], 12);
    await using _ = net;
    const later = await Impostor.meet(net, "later", (request) => honestly(honest, request));
    await later.hello(own.genesis.cids[0] as never, { cids: honest.head().cids, height: 100_000 });
    await net.advance(100);
    expect(sync().state()).toMatchObject({
      state: "stalled",
      code: "clock",
      fix: "set the clock of this machine",
    });
    // One that says so once is no lasting reason.
    await net.advance("60s");
    expect(sync().state().code).not.toBe("clock");
    await later.end();
  });

  it("that blocks cannot be stored, and follows again when they can", async () => {
    await using net = await createNetwork({ miners: 1, seed: "disk" });
    await net.advance("5s");
    const { chain } = net.client.node;
    const store = chain.store as unknown as { commit: (meta: unknown) => Promise<void> };
    const commit = store.commit.bind(store);
    const full = { code: "chain/full", message: "no space left", fix: "", exit: "retry-later" } as const;
    store.commit = () => Promise.reject(new HoldfastError(full));
    const isSaid = () => net.client.node.sync.state().code === "disk";
    expect(await net.advanceUntil(isSaid, 60_000)).toBe(true);
    store.commit = commit;
    const [bootstrap] = net.nodes;
    const isSame = () => chain.head().key === bootstrap?.node.chain.head().key && !isSaid();
    expect(await net.advanceUntil(isSame, 120_000)).toBe(true);
    expect(net.client.node.sync.badTipsets()).toEqual([]);
  });

  it("that it executes, while it catches up, and how far it is", async () => {
    const { net, own, sync, honest } = await sleeper({ seed: "executing" }, ["honest"], 60);
    await using _ = net;
    const seen = new Set<string>();
    const addValidated = own.addValidated.bind(own);
    Object.assign(own, {
      addValidated: (validated: Parameters<typeof addValidated>[0]) => {
        seen.add(sync().state().reason.replaceAll(/\d+/g, "N"));
        return addValidated(validated);
      },
    });
    const peer = await Impostor.meet(net, "honest", (request) =>
      honestly(honest, { ...request, count: Math.min(4, request.count) }),
    );
    await peer.hello(own.genesis.cids[0] as never, honest.head());
    expect(await net.advanceUntil(() => own.head().key === honest.head().key, 60_000)).toBe(true);
    expect([...seen]).toContain("executing: N tipsets are left to height N");
    await peer.end();
  });
});

describe("what is wrong", () => {
  const facts: StallFacts = {
    nowMs: 1_000_000,
    roundMs: 1_000,
    futureToleranceMs: 1_000,
    head: { height: 900, timestampMs: 999_000 },
    movedAtMs: 999_000,
    peers: 3,
    told: [900, 899],
    progress: [],
    failure: undefined,
    ahead: undefined,
    disk: undefined,
    upgrade: undefined,
  };
  it("is an upgrade that this program does not know, before all else", () => {
    const upgrade = { version: 3, height: 900, known: 2 };
    expect(diagnose({ ...facts, peers: 0, upgrade })).toMatchObject({ state: "stalled", code: "upgrade" });
  });
  it("is nothing while blocks come in", () => {
    expect(diagnose(facts)).toMatchObject({ state: "synced", code: "none" });
  });
  it("is the clock when it is behind the head, or when every new block is old", () => {
    expect(diagnose({ ...facts, nowMs: 900_000 }).code).toBe("clock");
    expect(diagnose({ ...facts, nowMs: 1_100_000, movedAtMs: 1_099_500 }).code).toBe("clock");
  });
  it("is not the clock when an old head was only just fetched", () => {
    const late = { ...facts, nowMs: 1_100_000, movedAtMs: 1_099_500, told: [1000] };
    expect(diagnose(late).code).not.toBe("clock");
  });
});
