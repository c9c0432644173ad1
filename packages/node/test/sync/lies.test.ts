/**
 * A node that has been away meets a liar before anybody else. Whatever the liar does, the node keeps to bounds, says
 * why it stands still, and follows the chain as soon as it reaches one honest peer.
 */
import { blockCid } from "@holdfast/consensus";
import { describe, expect, it } from "vitest";
import { limits } from "../../src/limits.ts";
import type { NetControl } from "../../src/net/index.ts";
import { rangeParts } from "../../src/sync/exchange.ts";
import { forge, forgedAbove, honestly, Impostor, sleeper } from "./support/impostor.ts";

const genesisOf = (chain: { readonly genesis: { readonly cids: readonly unknown[] } }) =>
  chain.genesis.cids[0] as never;

describe("a peer that", () => {
  it("serves an endless chain is cut off, and costs no more than the table of limits says", async () => {
    const { net, honest, own, sync, reachHonest } = await sleeper({ seed: "endless" }, ["liar"], 12);
    await using _ = net;
    await net.advance("600s");
    const bottom = {
      ...honest.head(),
      cids: [blockCid(honest.head().blocks[0] as never)],
      height: 12 as never,
    };
    const forged = forge(
      honest,
      { ...bottom, cids: [blockCid({ ...bottom.blocks[0], timestampMs: 7 } as never)] },
      {
        count: 550,
      },
    );
    const top = forged.at(-1)?.header;
    if (top === undefined) throw new TypeError("there is a forged chain");
    const liar = await Impostor.meet(net, "liar", (request) => forgedAbove(honest, forged, request));
    const before = own.head().height;
    await liar.hello(genesisOf(own), { cids: [blockCid(top)], height: top.height });
    await net.advance("120s");
    expect(own.head().height).toBe(before);
    expect(liar.bodiesAsked).toBe(0);
    // Each try costs its length, the tries become rare, and then it is cut off.
    const perTry = Math.ceil(550 / limits.exchangeTipsets) + 1;
    const tries = Math.ceil(limits.vainTipsets / 550);
    expect(liar.asked.length).toBeGreaterThan((perTry - 2) * tries);
    expect(liar.asked.length).toBeLessThan((perTry + 1) * tries);
    expect(sync().peerScores()).toMatchObject([
      { peer: "liar", counts: { lying: 1 }, bannedUntilMs: expect.any(Number) },
    ]);
    expect(await reachHonest()).toBe(true);
    await liar.end();
  });

  it("forges a header in the middle is cut off, and what lies below it is used", async () => {
    const { net, honest, own, sync, reachHonest } = await sleeper({ seed: "forged-middle" }, ["liar"]);
    await using _ = net;
    const good = honest.tipsetAt(20);
    const state = honest.stateAfter(good.key);
    if (state === undefined) throw new TypeError("the tipset was executed");
    const forged = forge(honest, { ...good, parentState: state }, { count: 20 });
    const top = forged.at(-1)?.header;
    if (top === undefined) throw new TypeError("there is a forged chain");
    const liar = await Impostor.meet(net, "liar", (request) => forgedAbove(honest, forged, request));
    await liar.hello(genesisOf(own), { cids: [blockCid(top)], height: top.height });
    await net.advance("5s");
    expect(own.head().key).toBe(good.key);
    expect(liar.isConnected).toBe(false);
    const bad = sync().badTipsets();
    expect(bad.filter(({ key, root }) => key === root).map(({ height }) => height)).toEqual([
      good.height + 1,
    ]);
    expect(bad.length).toBe(20);
    expect(sync().state()).toMatchObject({ code: "no-peers" });
    expect(await reachHonest()).toBe(true);
    await liar.end();
  });

  it("comes back and lies again is told of each time to who bans peers", async () => {
    const lies: string[] = [];
    const report: NetControl["report"] = (peer, deed) => void (deed === "lied" && lies.push(peer));
    const netControl = { report } satisfies Partial<NetControl> as unknown as NetControl;
    const { net, honest, own, reachHonest } = await sleeper({ seed: "again", netControl }, ["liar"]);
    await using _ = net;
    const liar = await Impostor.meet(net, "liar", (request) => {
      const good = honestly(honest, request);
      return [...good.slice(1), ...good.slice(0, 1)]; // in an order that is no chain
    });
    await liar.hello(genesisOf(own), honest.head());
    await net.advance("5s");
    expect(liar.isConnected).toBe(false);
    expect(lies).toEqual(["liar"]);
    await net.advance("601s");
    await liar.meetAgain();
    await liar.hello(genesisOf(own), honest.head());
    await net.advance("5s");
    // Two within twenty minutes are a ban: see the scores' own test.
    expect(lies).toEqual(["liar", "liar"]);
    expect(await reachHonest()).toBe(true);
    await liar.end();
  });

  it("withholds bodies keeps nobody from taking them elsewhere", async () => {
    const { net, honest, own, sync, reachHonest } = await sleeper({ seed: "no-bodies" }, ["liar"]);
    await using _ = net;
    const liar = await Impostor.meet(net, "liar", (request) =>
      request.parts === rangeParts.headers ? honestly(honest, request) : "silence",
    );
    const before = own.head().height;
    await liar.hello(genesisOf(own), honest.head());
    await net.advance("30s");
    expect(own.head().height).toBe(before);
    expect(sync().state()).toMatchObject({ state: "stalled", code: "bodies-missing" });
    expect(sync().badTipsets()).toEqual([]);
    expect(await reachHonest()).toBe(true);
    await liar.end();
  });

  it("serves other bodies is cut off, and no block is thought bad", async () => {
    const { net, honest, own, sync, reachHonest } = await sleeper({ seed: "other-bodies" }, ["liar"]);
    await using _ = net;
    const stolen = [...honest.ancestors(honest.head())]
      .flatMap((tipset) => honest.messagesOf(tipset))
      .slice(0, 1);
    expect(stolen.length).toBe(1);
    const liar = await Impostor.meet(net, "liar", (request) => {
      const answer = honestly(honest, request);
      if (request.parts === rangeParts.headers) return answer;
      return answer.map((blocks) =>
        blocks.map((block) => ({ ...block, messages: [...stolen, ...(block.messages ?? [])] })),
      );
    });
    await liar.hello(genesisOf(own), honest.head());
    await net.advance("10s");
    expect(liar.isConnected).toBe(false);
    expect(liar.bodiesAsked).toBeLessThanOrEqual(limits.bodyRequests);
    expect(sync().badTipsets()).toEqual([]);
    expect(await reachHonest()).toBe(true);
    await liar.end();
  });

  it("goes silent is left for others", async () => {
    const { net, honest, own, sync, reachHonest } = await sleeper({ seed: "silent" }, ["liar"]);
    await using _ = net;
    const liar = await Impostor.meet(net, "liar", () => "silence");
    await liar.hello(genesisOf(own), honest.head());
    await net.advance("30s");
    expect(sync().state()).toMatchObject({ state: "stalled", code: "headers-missing" });
    const [score] = sync().peerScores();
    expect(score).toMatchObject({ peer: "liar", counts: { useful: 0, lying: 0 } });
    expect(score?.score).toBeLessThan(0);
    expect(await reachHonest()).toBe(true);
    await liar.end();
  });

  it("claims more weight than there is is cut off before a body is asked for", async () => {
    const { net, honest, own, sync, reachHonest } = await sleeper({ seed: "heavier" }, ["liar"]);
    await using _ = net;
    const good = honest.tipsetAt(20);
    const state = honest.stateAfter(good.key);
    if (state === undefined) throw new TypeError("the tipset was executed");
    const forged = forge(
      honest,
      { ...good, parentState: state },
      {
        count: 10,
        change: (header, at) =>
          at < 5 ? header : { ...header, parentWeight: header.parentWeight + 10n ** 12n },
      },
    );
    const top = forged.at(-1)?.header;
    if (top === undefined) throw new TypeError("there is a forged chain");
    const liar = await Impostor.meet(net, "liar", (request) => forgedAbove(honest, forged, request));
    await liar.hello(genesisOf(own), { cids: [blockCid(top)], height: top.height });
    await net.advance("5s");
    expect(liar.bodiesAsked).toBe(0);
    expect(liar.isConnected).toBe(false);
    expect(sync().badTipsets().at(-1)?.code).toBe("sync/bad-chain");
    expect(await reachHonest()).toBe(true);
    await liar.end();
  });
});
