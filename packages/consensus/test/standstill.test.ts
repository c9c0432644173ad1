/** Blocks of a network that has lost all its power: who may make them, what they weigh, and who follows them. */
import { HoldfastError } from "@holdfast/base";
import {
  type BlockHeader,
  LightChain,
  proveElectorate,
  readMinerState,
  readPower,
  readPowerTable,
  readStandstill,
  signBlock,
  tipsetWeight,
  validateHeader,
} from "@holdfast/consensus";
import { beforeAll, describe, expect, it } from "vitest";
import { FullChain, type Link } from "./support/full-chain.ts";
import { createWorld, type TestMiner, testNetworkId, type World } from "./support/world.ts";

const finalityEpochs = 4;
const nowMs = 1_800_000_000_000;

let world: World;
let chain: FullChain;
let miners: readonly TestMiner[];

/** Shares 2, 1, 1 and none; nobody proves anything. */
beforeAll(() => {
  world = createWorld({ miners: [2, 1, 1, 0], params: { finalityEpochs, provingPeriodEpochs: 60 } });
  miners = world.miners;
  chain = new FullChain(world);
  while (readStandstill(world.store, chain.top.state) === null) {
    chain.grow(miners.slice(0, 1), { height: chain.top.tipset.height + 5 });
  }
});

function codeOf(header: BlockHeader, parent: Link): string {
  const { store, env } = world;
  const weight = tipsetWeight(parent.tipset, readPowerTable(store, parent.tipset.parentState));
  const view = {
    store,
    parentState: parent.state,
    parentWeight: weight,
    networkId: testNetworkId,
    genesisTimeMs: world.genesis.header.timestampMs,
    nowMs,
  };
  const { signature: _, ...unsigned } = { ...header, parentWeight: weight };
  const key = miners.find(({ address }) => address === header.miner)?.worker.privateKey;
  if (key === undefined) throw new RangeError("a miner of the tests");
  try {
    validateHeader(signBlock(key, testNetworkId, unsigned), parent.tipset, view, env);
    return "accepted";
  } catch (error) {
    return error instanceof HoldfastError ? error.code : String(error);
  }
}

/** The next block that somebody of these wins. */
function nextWon(of: readonly TestMiner[]): BlockHeader {
  const fork = chain.fork();
  const [header] = fork.growEarned(of).tipset.blocks;
  if (header === undefined) throw new RangeError("a tipset has blocks");
  return header;
}

describe("a block of a network without power", () => {
  it("is won by the shares of before, and shows a replica", () => {
    const { top } = chain;
    expect(readPower(world.store, top.state)).toBe(0n);
    for (const miner of miners.slice(0, 3)) {
      const header = nextWon([miner]);
      expect(codeOf(header, top)).toBe("accepted");
      // A replica that is gone shows nothing.
      expect(codeOf({ ...header, winningPost: Uint8Array.of(0) }, top)).toBe("block/bad-winning-post");
    }
    const header = nextWon(miners.slice(0, 3));
    const nothing = miners[3]?.address ?? header.miner;
    expect(codeOf({ ...header, miner: nothing }, top)).toBe("block/no-power");
  });

  it("weighs what its miner's share was", () => {
    const fork = chain.fork();
    const { state } = fork.top;
    const { tipset } = fork.growEarned(miners.slice(0, 1));
    const table = readPowerTable(world.store, state);
    expect(tipsetWeight({ ...tipset, parentWeight: 0n }, table)).toBe(60_000n);
  });
});

describe("a light client in a network without power", () => {
  const lightOn = (grown: FullChain, from: number): LightChain => {
    const links = grown.links.slice(from);
    const [trusted] = links as [Link];
    const genesisTimeMs = world.genesis.header.timestampMs;
    const params = { ...world.params, finalityEpochs };
    const light = new LightChain({ trusted, params, networkId: testNetworkId, genesisTimeMs });
    for (const { tipset } of links.slice(1)) light.add(tipset.blocks, nowMs);
    return light;
  };
  const advance = (light: LightChain) =>
    light.advance(proveElectorate(world.store, light.trusted.state, light.miners()));

  it("follows the majority of the shares, into it and from within it, and no minority", () => {
    const [whale, second, third] = miners as readonly [TestMiner, TestMiner, TestMiner];
    const still = chain.links.length - 1;
    const honest = chain.fork();
    for (let i = 0; i < 7; i += 1) honest.grow([whale, second]);
    const { height } = chain.top.tipset;
    for (const from of [0, still]) {
      expect(advance(lightOn(honest, from))?.tipset.height).toBe(height + 7 - finalityEpochs);
    }
    const taken = chain.fork();
    for (let i = 0; i < 7; i += 1) taken.grow([second, third]);
    expect(advance(lightOn(taken, still))).toBeUndefined();
    const { store } = world;
    expect(readMinerState(store, chain.top.state, whale.address).faulty).toBeGreaterThan(0n);
  });
});
