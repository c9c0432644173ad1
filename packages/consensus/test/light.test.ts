/**
 * The light client: answers about a state from a few objects of it, and trust that moves forward only over
 * blocks that the majority of the trusted power has signed.
 */
import { type Blockstore, epoch, HoldfastError } from "@holdfast/base";
import {
  type BlockHeader,
  checkRead,
  LightChain,
  proveElectorate,
  proveRead,
  readActor,
  readMinerState,
  readNetworkParams,
  readPower,
  type StateWitness,
} from "@holdfast/consensus";
import fc from "fast-check";
import { beforeAll, describe, expect, it } from "vitest";
import { FullChain, type Link } from "./support/full-chain.ts";
import { createWorld, keysOf, type TestMiner, testNetworkId, type World } from "./support/world.ts";

const finalityEpochs = 4;
const codeOf = (run: () => unknown): string => {
  try {
    run();
    return "accepted";
  } catch (error) {
    return error instanceof HoldfastError ? error.code : String(error);
  }
};

function lightOn(chain: FullChain): LightChain {
  const [genesis] = chain.links as [Link];
  return new LightChain({
    trusted: genesis,
    params: { ...chain.world.params, finalityEpochs },
    networkId: testNetworkId,
    genesisTimeMs: chain.world.genesis.header.timestampMs,
  });
}
const nowMs = 1_800_000_000_000;
const feed = (light: LightChain, links: readonly Link[]): void => {
  for (const { tipset } of links.slice(1)) light.add(tipset.blocks, nowMs);
};
const witnessFor = (chain: FullChain, light: LightChain): StateWitness =>
  proveElectorate(chain.world.store, light.trusted.state, light.miners());

let world: World;
/** Power 2, 1 and 1. */
let whale: TestMiner;
let second: TestMiner;
let third: TestMiner;
beforeAll(() => {
  // A period so long that nobody has to prove anything meanwhile.
  const params = { finalityEpochs, provingPeriodEpochs: 20_000, deadlinesPerPeriod: 2 };
  world = createWorld({ miners: [2, 1, 1], params });
  [whale, second, third] = world.miners as [TestMiner, TestMiner, TestMiner];
});

describe("a proof of what a state says", () => {
  it("gives the same answer without the store, from a small part of it", () => {
    const { store, genesis } = world;
    const { address } = whale;
    const { answer, witness } = proveRead(store, (proven) => readMinerState(proven, genesis.state, address));
    expect(answer.sectorCount).toBe(2);
    expect(checkRead(witness, (proven) => readMinerState(proven, genesis.state, address))).toEqual(answer);
    const params = proveRead(store, (proven) => readNetworkParams(proven, genesis.state));
    expect(checkRead(params.witness, (proven) => readNetworkParams(proven, genesis.state))).toEqual(
      world.params,
    );
    expect(witness.length).toBeLessThan(12);
  });

  it("proves that there is nothing", () => {
    const { store, genesis } = world;
    const nobody = keysOf("nobody at all").address;
    const { witness } = proveRead(store, (proven) => readActor(proven, genesis.state, nobody));
    expect(checkRead(witness, (proven) => readActor(proven, genesis.state, nobody))).toBeUndefined();
  });

  it("is worth nothing if an object is left out, or changed in any bit", () => {
    const { store, genesis } = world;
    const ask = (proven: Blockstore) => readPower(proven, genesis.state, 1);
    const { answer, witness } = proveRead(store, ask);
    const check = (given: StateWitness) => codeOf(() => checkRead(given, ask));
    expect(check(witness)).toBe("accepted");
    expect(answer).toBe(4n * 2048n);
    for (const left of witness.keys()) {
      expect(check(witness.filter((_, i) => i !== left))).toBe("light/witness-incomplete");
    }
    fc.assert(
      fc.property(fc.nat({ max: witness.length - 1 }), fc.nat(), fc.nat({ max: 7 }), (which, where, bit) => {
        const changed = witness.map((object) => object.slice());
        const object = changed[which] as Uint8Array;
        const at = where % object.length;
        object[at] = (object[at] as number) ^ (1 << bit);
        expect(check(changed)).toBe("light/witness-incomplete");
      }),
      { numRuns: 200 },
    );
  });

  it("says nothing about an object by not having it", () => {
    const { store, genesis } = world;
    const ask = (proven: Blockstore) => proven.has(genesis.state);
    const { answer, witness } = proveRead(store, ask);
    expect(answer).toBe(true);
    expect(checkRead(witness, ask)).toBe(true);
    expect(codeOf(() => checkRead([], ask))).toBe("light/witness-incomplete");
  });

  it("is bounded", () => {
    const huge = Array.from({ length: 17 }, () => new Uint8Array(1024 * 1024));
    expect(codeOf(() => checkRead(huge, () => 0))).toBe("light/witness-too-large");
  });
});

describe("a light chain", () => {
  it("moves its trust to what is deep enough and has the majority above it, and answers from there", () => {
    const chain = new FullChain(world);
    for (let i = 0; i < 7; i++) chain.grow([whale, second]);
    const light = lightOn(chain);
    feed(light, chain.links);
    const final = light.advance(witnessFor(chain, light));
    expect(final?.tipset.height).toBe(7 - finalityEpochs);
    const there = chain.links[3] as Link;
    expect(final?.tipset.key).toBe(there.tipset.key);
    expect(light.trusted.state.toString()).toBe(there.state.toString());
    const ask = (state: Link["state"]) => (store: Blockstore) => readMinerState(store, state, whale.address);
    const { witness, answer } = proveRead(world.store, ask(light.trusted.state));
    expect(light.check(witness, ask)).toEqual(answer);
    expect(light.pendingCount).toBe(4);
  });

  it("keeps going for as long as the network does, in bounded memory", () => {
    const chain = new FullChain(world);
    const light = lightOn(chain);
    for (let i = 0; i < 60; i++) {
      light.add(chain.grow(i % 3 === 0 ? [whale] : [second, third, whale]).tipset.blocks, nowMs);
      light.advance(witnessFor(chain, light));
      expect(light.pendingCount).toBeLessThanOrEqual(finalityEpochs + 4);
    }
    expect(light.trusted.tipset.height).toBeGreaterThanOrEqual(60 - finalityEpochs - 3);
  });

  it("does not move for half of the power, however long the chain", () => {
    const chain = new FullChain(world);
    for (let i = 0; i < 12; i++) chain.grow([whale]);
    const light = lightOn(chain);
    feed(light, chain.links);
    expect(light.advance(witnessFor(chain, light))).toBeUndefined();
    chain.grow([third]);
    light.add(chain.top.tipset.blocks, nowMs);
    // What the third miner stands on has more than half above it, as deep as finality asks.
    expect(light.advance(witnessFor(chain, light))?.tipset.height).toBe(13 - finalityEpochs);
  });

  it("counts no depth by headers that nobody with power has signed", () => {
    const chain = new FullChain(world);
    for (let i = 0; i < 3; i++) chain.grow([whale, second]);
    for (let i = 0; i < 6; i++) chain.grow([third], { signer: whale });
    const light = lightOn(chain);
    feed(light, chain.links);
    expect(light.advance(witnessFor(chain, light))).toBeUndefined();
  });

  it("hears nobody whose blocks others have signed", () => {
    const chain = new FullChain(world);
    for (let i = 0; i < 8; i++) chain.grow([second, whale], { signer: second });
    const light = lightOn(chain);
    feed(light, chain.links);
    expect(light.advance(witnessFor(chain, light))).toBeUndefined();
  });

  it("does not believe what one winner says about the state", () => {
    const chain = new FullChain(world);
    chain.grow([third]);
    const forged = chain.grow([third], { change: { parentState: world.genesis.state } });
    const light = lightOn(chain);
    const [, first] = chain.links as Link[];
    light.add((first as Link).tipset.blocks, nowMs);
    expect(codeOf(() => light.add(forged.tipset.blocks, nowMs))).toBe("light/bad-header");
  });

  it("refuses headers without parents, out of order, out of time", () => {
    const chain = new FullChain(world);
    const one = chain.grow([whale]);
    const two = chain.grow([whale]);
    const light = lightOn(chain);
    expect(codeOf(() => light.add(two.tipset.blocks, nowMs))).toBe("light/unknown-parents");
    expect(codeOf(() => light.add(one.tipset.blocks, 0))).toBe("light/bad-header");
    const [header] = one.tipset.blocks as [BlockHeader];
    const wrong = [
      { ...header, timestampMs: header.timestampMs + 1 },
      { ...header, height: epoch(0) },
      { ...header, parentState: one.state },
    ];
    for (const bad of wrong) expect(codeOf(() => light.add([bad], nowMs))).toBe("light/bad-header");
    expect(light.add(one.tipset.blocks, nowMs)).toBe(light.add(one.tipset.blocks, nowMs));
    expect(codeOf(() => light.add([], nowMs))).toBe("tipset/empty");
  });

  it("holds so many tipsets and no more", () => {
    const chain = new FullChain(world);
    const { tipset } = chain.grow([whale]);
    const [header] = tipset.blocks as [BlockHeader];
    const light = lightOn(chain);
    const limit = 8 * (finalityEpochs + 1);
    for (let i = 0; i < limit; i++) light.add([{ ...header, winningPost: Uint8Array.of(1, i) }], nowMs);
    const more = { ...header, winningPost: Uint8Array.of(2) };
    expect(codeOf(() => light.add([more], nowMs))).toBe("light/too-many-tipsets");
    // Whoever filled it has not stopped it: it begins again where its trust is.
    light.clear();
    expect(light.pendingCount).toBe(0);
    expect(light.add(tipset.blocks, nowMs).key).toBe(tipset.key);
  });

  it("forgets forks that the final tipset leaves behind", () => {
    const chain = new FullChain(world);
    const light = lightOn(chain);
    const side = chain.grow([third]);
    chain.links.pop();
    light.add(side.tipset.blocks, nowMs);
    for (let i = 0; i < 7; i++) chain.grow([whale, second]);
    feed(light, chain.links);
    light.advance(witnessFor(chain, light));
    expect(light.pendingCount).toBe(4);
  });

  it("needs the proof to be of its own state", () => {
    const chain = new FullChain(world);
    for (let i = 0; i < 7; i++) chain.grow([whale, second]);
    const light = lightOn(chain);
    feed(light, chain.links);
    const other = proveElectorate(world.store, chain.top.state, light.miners());
    expect(codeOf(() => light.advance(other))).toBe("light/witness-incomplete");
  });
});
