/**
 * A light client among providers: it finds what is trusted with one that is honest, whatever the others say, and each
 * kind of lie refuses its teller with a code. Where chains differ the weight decides that it counts itself.
 */
import { decode, encode, HoldfastError } from "@holdfast/base";
import {
  type BlockHeader,
  beginLight,
  createTipset,
  decodeLightRequest,
  decodeLightStart,
  encodeHeaders,
  encodeLightStart,
  HeadersReader,
  LightClient,
  type LightProvider,
  type LightTrust,
  lightQuestionCodec,
  lightRequestCodec,
  lightStates,
  networkIdOfGenesis,
  tipsetKey,
  WitnessReader,
} from "@holdfast/consensus";
import fc from "fast-check";
import { beforeAll, describe, expect, it } from "vitest";
import { FullChain, honest } from "./support/full-chain.ts";
import { createWorld, keysOf, type TestMiner, type World } from "./support/world.ts";

const finalityEpochs = 4;
const nowMs = () => 1_800_000_000_000;

let world: World;
let a: TestMiner;
let b: TestMiner;
let c: TestMiner;
/** Everybody's, 11 high. */
let truth: FullChain;
beforeAll(() => {
  const params = { finalityEpochs, provingPeriodEpochs: 20_000, deadlinesPerPeriod: 2 };
  world = createWorld({ miners: [1, 1, 1], params });
  [a, b, c] = world.miners as [TestMiner, TestMiner, TestMiner];
  truth = newChain();
  for (let i = 0; i < 11; i++) truth.grow([a, b]);
});
const newChain = () => new FullChain(world, networkIdOfGenesis(world.genesis.cid));

function trust(): LightTrust {
  const { cid, header } = world.genesis;
  const [genesis] = truth.links as [FullChain["links"][number]];
  return { genesis: cid, genesisTimeMs: header.timestampMs, trusted: genesis, basis: undefined };
}
const client = (...providers: readonly LightProvider[]): LightClient =>
  new LightClient({ trust: trust(), providers, nowMs });
const codeOf = async (work: Promise<unknown>): Promise<string> =>
  work.then(
    () => "accepted",
    (error: unknown) => (error instanceof HoldfastError ? error.code : String(error)),
  );

type Headers = readonly BlockHeader[];
/** An honest provider whose headers are tampered with. */
function liar(tamper: (tipsets: readonly Headers[]) => readonly Headers[], chain = truth): LightProvider {
  const { headers, ...rest } = honest(chain, "liar");
  return {
    ...rest,
    headers: async (request) => {
      const answer = await headers(request);
      return { ...answer, tipsets: tamper(answer.tipsets) };
    },
  };
}
/** The same with its proofs. */
function forger(tamper: (witness: readonly Uint8Array[]) => readonly Uint8Array[]): LightProvider {
  const { prove, ...rest } = honest(truth, "liar");
  return {
    ...rest,
    prove: async (request) => {
      const answer = await prove(request);
      return { ...answer, witness: tamper(answer.witness) };
    },
  };
}
const changed = (header: BlockHeader | undefined, change: Partial<BlockHeader>): BlockHeader => {
  if (header === undefined) throw new TypeError("there is a header");
  return { ...header, ...change };
};

describe("a light client", () => {
  it("trusts what is final and says why, and proves what the state says", async () => {
    const light = client(honest(truth));
    const belief = await light.sync();
    expect(belief.trusted.tipset.height).toBe(11 - finalityEpochs);
    expect(belief.basis).toEqual({
      topHeight: 11,
      signedPower: 2n * 2048n,
      totalPower: 3n * 2048n,
      signers: 2,
    });
    expect(belief.providers).toMatchObject([{ name: "honest", verdict: "agrees", height: 11 }]);
    expect(belief.rules.params.name).toBe("test");
    const [account] = world.accounts;
    if (account === undefined) throw new TypeError("there is an account");
    expect((await light.ask({ kind: "actor", address: account.address }))?.balance).toBe(100n * 10n ** 18n);
    expect(await light.ask({ kind: "actor", address: keysOf("nobody at all").address })).toBeUndefined();
    expect((await light.ask({ kind: "miner", address: a.address })).sectorCount).toBe(1);
    expect(await light.ask({ kind: "sector", miner: a.address, sector: 0 as never })).toBeDefined();
    expect(await light.ask({ kind: "sector", miner: a.address, sector: 9 as never })).toBeUndefined();
    expect(await light.ask({ kind: "channel", payer: account.address, channel: 0 as never })).toBeUndefined();
    expect(await light.ask({ kind: "deal", client: account.address, channel: 0 as never })).toBeUndefined();
    expect((await light.ask({ kind: "escrow", party: account.address })).escrow).toBe(0n);
    expect(await light.ask({ kind: "power" })).toBe(3n * 2048n);
    // Absence of what a question needs is proven too.
    expect(await codeOf(light.ask({ kind: "miner", address: account.address }))).toBe(
      "state/wrong-kind-of-actor",
    );
  });

  it("begins at a checkpoint that somebody vouches for, and at no other", async () => {
    const at = truth.links[5]?.tipset;
    if (at === undefined) throw new TypeError("the chain is long enough");
    const genesis = world.genesis.cid;
    const begun = await beginLight([honest(truth)], { genesis, checkpoint: at });
    expect(begun.trusted.tipset.height).toBe(4);
    expect(begun.trusted.state.toString()).toBe(truth.links[4]?.state.toString());
    const wrong = { cids: at.cids, height: 6 };
    expect(await codeOf(beginLight([honest(truth)], { genesis, checkpoint: wrong }))).toBe(
      "light/all-refused",
    );
    const other = newChain();
    other.grow([c]);
    const unknown = { genesis, checkpoint: { cids: other.top.tipset.cids, height: 1 } };
    expect(await codeOf(beginLight([honest(truth)], unknown))).toBe("light/no-provider");
  });

  it("goes on from where it was", async () => {
    const first = await client(honest(truth)).sync();
    const longer = truth.fork();
    for (let i = 0; i < 8; i++) longer.grow([a, c]);
    const again = new LightClient({ trust: first, providers: [honest(longer)], nowMs });
    expect((await again.sync()).trusted.tipset.height).toBe(19 - finalityEpochs);
  });
});

describe("a provider that lies", () => {
  const lies: { readonly [lie: string]: readonly [() => LightProvider, string] } = {
    "another tipset than was named": [() => liar(([, ...rest]) => rest), "light/wrong-tipset"],
    "nothing at all": [() => liar(() => []), "light/wrong-tipset"],
    "a gap": [() => liar((all) => all.filter((_, at) => at !== 3)), "light/unknown-parents"],
    "headers upside down": [
      () => liar(([first, ...rest]) => [first ?? [], ...rest.reverse()]),
      "light/unknown-parents",
    ],
    "a wrong time": [
      () => liar((all) => all.map((one, at) => (at === 2 ? [changed(one[0], { timestampMs: 1 })] : one))),
      "light/bad-header",
    ],
    "another state": [
      () =>
        liar((all) =>
          all.map((one, at) => (at === 1 ? [changed(one[0], { parentState: world.genesis.cid })] : one)),
        ),
      "light/bad-header",
    ],
    "two blocks of one miner": [
      () =>
        liar((all) =>
          all.map((one, at) =>
            at === 1 ? [...one, changed(one[0], { ticket: new Uint8Array(96).fill(9) })] : one,
          ),
        ),
      "tipset/two-blocks-of-one-miner",
    ],
    "a proof with a hole": [() => forger((all) => all.slice(1)), "light/witness-incomplete"],
    "a proof with a changed bit": [
      () => forger((all) => all.map((object) => object.with(0, (object[0] ?? 0) ^ 1))),
      "light/witness-incomplete",
    ],
    "a proof that never ends": [
      () => forger((all) => [...all, ...Array.from({ length: 17 }, () => new Uint8Array(1024 * 1024))]),
      "light/witness-too-large",
    ],
  };
  for (const [lie, [make, code]] of Object.entries(lies)) {
    it(`gives ${lie}: it is refused, alone and beside an honest one`, async () => {
      const alone = client(make());
      const refused = await alone.sync().catch((error: unknown) => error);
      expect(refused).toMatchObject({ code: "light/all-refused", exit: "refused" });
      expect(String(refused)).toContain(code);
      const { trusted, providers } = await client(make(), honest(truth)).sync();
      expect(trusted.tipset.height).toBe(11 - finalityEpochs);
      expect(providers).toMatchObject([
        { name: "liar", verdict: "refused", code },
        { name: "honest", verdict: "agrees" },
      ]);
    });
  }

  it("claims another state after what is about to be trusted: it is refused, and the others go on", async () => {
    const chain = newChain();
    for (let i = 0; i < 4; i++) chain.grow([a, b]);
    const { tipset: last } = chain.top;
    while (chain.top.tipset.height < last.height + finalityEpochs) chain.growEarned([a, b]);
    // Of several blocks no header says the state after them: the lie shows when trust has come to them.
    const fake = changed(chain.links[last.height + 1]?.tipset.blocks[0], { parentState: world.genesis.cid });
    const { key } = createTipset([fake]);
    const upTo = (one: Headers): boolean => (one[0]?.height ?? 0) <= last.height;
    const { headers, ...rest } = liar((all) => [...all.filter(upTo), [fake]], chain);
    const make = (): LightProvider => ({
      ...rest,
      headers: async (request) =>
        tipsetKey(request.from) === key ? { state: "found", tipsets: [[fake]] } : headers(request),
    });
    for (const providers of [
      [make(), honest(chain)],
      [honest(chain), make()],
    ]) {
      const belief = await client(...providers).sync();
      expect(belief.trusted.tipset.key).toBe(last.key);
      const told = belief.providers.find(({ name }) => name === "liar");
      expect(told).toMatchObject({ verdict: "refused", code: "light/bad-header" });
    }
  });

  it("is silent, or does not know: it is said who has given nothing", async () => {
    const fail = () =>
      Promise.reject(new HoldfastError({ code: "net/timeout", message: "m", fix: "f", exit: "timeout" }));
    const silent = { name: "silent", headers: fail, prove: fail };
    expect(await codeOf(client(silent).sync())).toBe("light/no-provider");
    expect(await codeOf(client().sync())).toBe("light/no-provider");
    const { providers } = await client(silent, honest(truth)).sync();
    expect(providers).toMatchObject([{ verdict: "refused", code: "net/timeout" }, { verdict: "agrees" }]);
  });

  it("hides what is newer: the one that shows more is followed", async () => {
    const newer = truth.fork();
    while (newer.top.tipset.height < 13) newer.growEarned([a, b]);
    const { trusted, providers } = await client(honest(truth, "old"), honest(newer)).sync();
    expect(trusted.tipset.height).toBeGreaterThan(11 - finalityEpochs);
    expect(providers).toMatchObject([
      { name: "old", verdict: "behind", height: 11 },
      { name: "honest", verdict: "agrees" },
    ]);
  });

  it("shows headers that nobody has signed: they lead nowhere", async () => {
    const padded = truth.fork();
    for (let i = 0; i < 6; i++) padded.grow([c], { signer: a });
    const { trusted, top, providers } = await client(honest(padded, "padded"), honest(truth)).sync();
    expect(trusted.tipset.height).toBe(11 - finalityEpochs);
    expect(top.height).toBe(11);
    expect(providers).toMatchObject([{ verdict: "unsigned" }, { verdict: "agrees" }]);
  });
});

describe("two chains", () => {
  /** Where b has left and a goes on alone, and what b and c have made instead. */
  function split(): { readonly left: FullChain; readonly kept: FullChain } {
    const common = newChain();
    common.grow([a, b, c]);
    const left = common.fork();
    for (let i = 0; i < 3; i++) left.growEarned([a, b]);
    while (left.top.tipset.height < 10) left.growEarned([a]);
    const kept = common.fork();
    while (kept.top.tipset.height < 10) kept.growEarned([b, c]);
    return { left, kept };
  }

  it("of one miner and of two: one provider leads astray (canary), with two the heavier is followed", async () => {
    const { left, kept } = split();
    const astray = await client(honest(left)).sync();
    expect(astray.trusted.tipset.height).toBeGreaterThan(1);
    const belief = await client(honest(left, "left"), honest(kept, "kept")).sync();
    expect(kept.links.some(({ tipset }) => tipset.key === belief.trusted.tipset.key)).toBe(true);
    expect(belief.providers).toMatchObject([
      { name: "left", verdict: "lighter" },
      { name: "kept", verdict: "agrees" },
    ]);
  });

  it("of which one is signed without having won: it weighs nothing, however long", async () => {
    const common = newChain();
    common.grow([a, b, c]);
    const unearned = common.fork();
    for (let i = 0; i < 9; i++) unearned.grow([a, b, c]);
    const earned = common.fork();
    while (earned.top.tipset.height < 6) earned.growEarned([b, c]);
    const belief = await client(honest(unearned, "unearned"), honest(earned, "earned")).sync();
    expect(belief.providers).toMatchObject([{ verdict: "lighter" }, { verdict: "agrees" }]);
  });
});

describe("the formats", () => {
  const address = fc.constantFrom(...["x", "y", "z"].map((name) => keysOf(name).address));
  const number = fc.nat() as fc.Arbitrary<never>;
  const question = fc.oneof(
    fc.record({ kind: fc.constantFrom("rules" as const, "power" as const) }),
    fc.record({ kind: fc.constant("electorate" as const), miners: fc.array(address, { maxLength: 128 }) }),
    fc.record({ kind: fc.constantFrom("actor" as const, "miner" as const), address }),
    fc.record({ kind: fc.constant("sector" as const), miner: address, sector: number }),
    fc.record({ kind: fc.constant("deal" as const), client: address, channel: number }),
    fc.record({ kind: fc.constant("channel" as const), payer: address, channel: number }),
    fc.record({ kind: fc.constant("escrow" as const), party: address }),
  );

  it("give back what was put in", () => {
    fc.assert(
      fc.property(question, (asked) => {
        expect(decode(lightQuestionCodec, encode(lightQuestionCodec, asked))).toEqual(asked);
        const request = { kind: "proof" as const, state: world.genesis.cid, question: asked };
        expect(decodeLightRequest(encode(lightRequestCodec, request))).toEqual(request);
      }),
    );
    for (const state of lightStates) expect(decodeLightStart(encodeLightStart(state))).toBe(state);
    const tipsets = truth.links.map(({ tipset }) => tipset.blocks);
    const reader = new HeadersReader({ from: [], count: tipsets.length });
    for (const part of encodeHeaders(tipsets)) reader.push(part);
    expect(reader.end()).toEqual(tipsets);
  });

  it("take nothing that is not of them, and no more than was asked for", () => {
    const allowed = /^(light\/bad-answer|light\/witness-too-large|base\/.*|codec\/.*|cid\/.*|address\/.*)$/;
    const codeAt = (work: () => unknown): string => {
      try {
        work();
        return "light/bad-answer";
      } catch (error) {
        return error instanceof HoldfastError ? error.code : String(error);
      }
    };
    const [part = new Uint8Array()] = encodeHeaders([truth.top.tipset.blocks]);
    fc.assert(
      fc.property(
        fc.uint8Array({ maxLength: 300 }),
        fc.nat(part.length - 1),
        fc.nat(255),
        (bytes, at, value) => {
          const one = () => new HeadersReader({ from: [], count: 1 });
          expect(codeAt(() => decodeLightStart(bytes))).toMatch(allowed);
          expect(codeAt(() => decodeLightRequest(bytes))).toMatch(allowed);
          expect(codeAt(() => one().push(bytes))).toMatch(allowed);
          expect(codeAt(() => one().push(part.with(at, value)))).toMatch(allowed);
          expect(codeAt(() => one().push(part.subarray(0, at)))).toBe("light/bad-answer");
        },
      ),
      { numRuns: 300 },
    );
    const all = encodeHeaders(truth.links.map(({ tipset }) => tipset.blocks));
    const reader = new HeadersReader({ from: [], count: 2 });
    expect(() => all.forEach((one) => void reader.push(one))).toThrow(/longer than was asked/);
    const cut = new HeadersReader({ from: [], count: 9 });
    for (const one of all.slice(0, 2)) cut.push(one);
    expect(() => cut.end()).toThrow(/in the middle of a tipset/);
    const proof = new WitnessReader();
    const mebibyte = new Uint8Array(1024 * 1024);
    for (let i = 0; i < 16; i++) proof.push(mebibyte);
    expect(() => proof.push(mebibyte)).toThrow(/limit/);
  });
});
