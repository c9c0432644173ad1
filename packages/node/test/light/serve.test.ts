/**
 * Serving light clients: a phone that has nothing but the genesis' CID asks nodes of a living network over the wire and
 * over the API, and finds what they know; who asks too much waits; who answers nonsense is refused.
 */
import { encode, type PeerId } from "@holdfast/base";
import {
  beginLight,
  encodeHeaders,
  encodeLightStart,
  LightClient,
  type LightProvider,
  lightRequestCodec,
  readActor,
  readSector,
} from "@holdfast/consensus";
import { createNetwork, type TestNetwork } from "@holdfast/node/testing";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { FrameReader, sendFrame } from "../../src/framing.ts";
import { apiProvider, lightProtocol, wireProvider } from "../../src/light/index.ts";

const finalityEpochs = 6;
const { signal } = new AbortController();

let net: TestNetwork;
let phone: ReturnType<TestNetwork["wire"]["createWire"]>;
beforeAll(async () => {
  net = await createNetwork({ miners: 2, seed: "light", params: { finalityEpochs } });
  phone = net.wire.createWire("phone");
  const { chain } = net.client.node;
  expect(await net.advanceUntil(() => chain.head().height >= 24, 120_000)).toBe(true);
  for (const miner of net.miners) await net.settle(miner.stop());
  await net.settle(phone.connect("/sim/client"));
  await net.settle(phone.connect("/sim/bootstrap"));
});
afterAll(async () => {
  await net.settle(phone[Symbol.asyncDispose]());
  await net[Symbol.asyncDispose]();
});

const over = (peer: string): LightProvider =>
  wireProvider({ wire: phone, clock: net.clock, signal }, peer as PeerId, peer);
const overApi = (): LightProvider => {
  const { handlers } = net.client.node;
  const call = async (name: "light.headers", params: never) => handlers[name](params, signal);
  return apiProvider({ call: call as never }, "api", { clock: net.clock, signal });
};
async function follow(...providers: LightProvider[]) {
  const [genesis] = net.client.node.chain.genesis.cids;
  if (genesis === undefined) throw new TypeError("there is a genesis");
  const nowMs = () => net.clock.nowMs();
  const trust = await net.settle(beginLight(providers, { genesis }));
  const light = new LightClient({ trust, providers, nowMs });
  return { light, belief: await net.settle(light.sync()) };
}

describe("a node serves light clients", () => {
  it("over the wire and the API: the same headers, trust and proofs", async () => {
    const { chain } = net.client.node;
    for (const providers of [[over("client"), over("bootstrap")], [overApi()], [overApi(), over("client")]]) {
      const { light, belief } = await follow(...providers);
      const { trusted, basis, top } = belief;
      expect(top.key).toBe(chain.head().key);
      expect(chain.tipsetAt(trusted.tipset.height).key).toBe(trusted.tipset.key);
      expect(trusted.state.toString()).toBe(chain.stateAfter(trusted.tipset.key)?.toString());
      expect((basis?.topHeight ?? 0) - trusted.tipset.height).toBeGreaterThanOrEqual(finalityEpochs);
      expect(belief.providers.every(({ verdict }) => verdict === "agrees")).toBe(true);
      const address = net.client.account;
      const found = await net.settle(light.ask({ kind: "actor", address }));
      expect(found).toEqual(readActor(chain.store, trusted.state, address));
      const { miner } = net.miners[0] ?? {};
      if (miner === undefined) throw new TypeError("there is a miner");
      const sector = await net.settle(light.ask({ kind: "sector", miner, sector: 0 as never }));
      expect(sector).toEqual(readSector(chain.store, trusted.state, miner, 0 as never));
    }
  });

  it("tells what it does not have, and what is not on its chain", async () => {
    const unknown = net.client.node.chain.head().blocks[0]?.messages;
    if (unknown === undefined) throw new TypeError("there is a block");
    const answer = await net.settle(over("client").headers({ from: [unknown], count: 5 }));
    expect(answer).toEqual({ state: "unknown", tipsets: [] });
    const [cid] = net.client.node.chain.head().cids;
    if (cid === undefined) throw new TypeError("there is a block");
    const proof = await net.settle(over("client").prove({ state: cid, question: { kind: "rules" } }));
    expect(proof).toEqual({ state: "unknown", witness: [] });
  });

  it("gives each client its share, and no more at a time", async () => {
    const { state } = net.client.node.chain.headState();
    const provider = over("client");
    const asked = Array.from({ length: 220 }, () => provider.prove({ state, question: { kind: "rules" } }));
    const states = (await net.settle(Promise.all(asked))).map((answer) => answer.state);
    expect(new Set(states)).toEqual(new Set(["found", "busy"]));
    await net.advance("10s");
    expect((await net.settle(provider.prove({ state, question: { kind: "rules" } }))).state).toBe("found");
  });

  it("ends the stream of who asks for nonsense, and goes on", async () => {
    const stream = await net.settle(phone.open("client" as PeerId, lightProtocol));
    await net.settle(sendFrame(stream, Uint8Array.of(1, 2, 3)));
    await expect(net.settle(new FrameReader(stream).read())).rejects.toMatchObject({
      code: "wire/stream-aborted",
    });
    const { state } = net.client.node.chain.headState();
    expect((await net.settle(over("client").prove({ state, question: { kind: "power" } }))).state).toBe(
      "found",
    );
  });
});

describe("a node that answers nonsense", () => {
  const header = () => encodeHeaders([net.client.node.chain.head().blocks]);
  const found = encodeLightStart("found");
  const answers: { readonly [what: string]: readonly [() => readonly Uint8Array[], string] } = {
    nothing: [() => [], "light/bad-answer"],
    "no state": [() => [Uint8Array.of(0xff)], "light/bad-answer"],
    "a state that there is not": [() => [Uint8Array.of(0x81, 9)], "light/bad-answer"],
    "headers that are none": [() => [found, Uint8Array.of(1)], "light/bad-answer"],
    "headers although it has none": [() => [encodeLightStart("unknown"), ...header()], "light/bad-answer"],
    "more headers than were asked for": [
      () => [found, ...Array.from({ length: 9 }, header).flat()],
      "light/bad-answer",
    ],
    "a frame over the limit": [() => [found, new Uint8Array(1_048_577)], "light/bad-answer"],
  };
  for (const [what, [frames, code]] of Object.entries(answers)) {
    it(`gives ${what}: ${code}`, async () => {
      const name = `liar ${what}`;
      const liar = net.wire.createWire(name);
      liar.handle(lightProtocol, async (stream) => {
        await new FrameReader(stream).read();
        for (const frame of frames()) await sendFrame(stream, frame);
        await stream.closeWrite();
      });
      await net.settle(liar.connect("/sim/phone"));
      const { cids } = net.client.node.chain.head();
      const asked = net.settle(over(name).headers({ from: cids, count: 2 }));
      await expect(asked).rejects.toMatchObject({ code });
      await net.settle(liar[Symbol.asyncDispose]());
    });
  }

  it("is silent: the question ends by its deadline", async () => {
    const silent = net.wire.createWire("silent");
    silent.handle(lightProtocol, () => new Promise<void>(() => undefined));
    await net.settle(silent.connect("/sim/phone"));
    const { cids } = net.client.node.chain.head();
    const asked = net.settle(over("silent").headers({ from: cids, count: 2 }));
    await expect(asked).rejects.toMatchObject({ code: "net/timeout" });
    await net.settle(silent[Symbol.asyncDispose]());
  });

  it("cannot be asked for more than a question may hold", () => {
    const miners = Array.from({ length: 129 }, () => net.client.account);
    const { state } = net.client.node.chain.headState();
    const request = { kind: "proof" as const, state, question: { kind: "electorate" as const, miners } };
    expect(() => encode(lightRequestCodec, request)).toThrow(/too many|128/);
  });
});
