/**
 * Proofs of spacetime of a miner at work: several messages for one deadline, a damaged sector that is skipped
 * and recovers, and a message that waits for its block and pays more as the window ends.
 */
import {
  type Address,
  type AttoFil,
  blake2b256,
  decode,
  HoldfastError,
  rawCid,
  utf8Bytes,
} from "@holdfast/base";
import {
  methods,
  readMinerState,
  readSectors,
  type SubmitPost,
  usualGas,
  windowAt,
} from "@holdfast/consensus";
import { createNetwork, type TestNetwork, type TestNode } from "@holdfast/node/testing";
import { describe, expect, it } from "vitest";
import type { MineNeeds } from "../../src/mine/index.ts";
import { type Doubts, provePosts } from "../../src/mine/posts.ts";

function firstMiner(net: TestNetwork) {
  const [node] = net.miners;
  if (node?.miner === undefined || node.storage === undefined) throw new TypeError("the network has a miner");
  return { node, miner: node.miner, storage: node.storage };
}

function stateOf(net: TestNetwork) {
  const { chain } = net.client.node;
  return [chain.store, chain.headState().state] as const;
}

/** The proofs in the chain, each once: the blocks of one tipset may share a message. */
function postsOf({ node: { chain } }: TestNode, miner: Address): SubmitPost[] {
  const sent = [...chain.ancestors(chain.head())]
    .flatMap((tipset) => chain.messagesOf(tipset))
    .filter(({ message }) => message.to === miner && message.method === "submitPost");
  return [...new Map(sent.map(({ message }) => [message.nonce, message])).values()].map(({ params }) =>
    decode(methods.miner.submitPost.params, params),
  );
}

async function addSectors(net: TestNetwork, count: number): Promise<void> {
  const { miner, storage } = firstMiner(net);
  for (let i = 0; i < count; i += 1) await storage.addCommittedCapacity();
  const areThere = () => readSectors(...stateOf(net), miner).length === count + 1;
  expect(await net.advanceUntil(areThere, 120_000)).toBe(true);
}

describe("a miner", () => {
  it("proves the partitions of a deadline in as many messages as the network's limits ask for", async () => {
    // The least that a network may have, whose messages are as short as they may be.
    const gas = { ...usualGas, postSector: 110_000 };
    const params = { partitionSectors: 1, blockGasLimit: 900_000, maxMessageBytes: 440_000, gas };
    await using net = await createNetwork({ miners: 2, seed: "parts-3", params });
    const { miner } = firstMiner(net);
    await net.advance("3s");
    await addSectors(net, 6);
    const height = net.client.node.chain.head().height;
    const proven = () =>
      readSectors(...stateOf(net), miner).every(({ lastProven }) => (lastProven ?? 0) > height);
    expect(await net.advanceUntil(proven, 120_000)).toBe(true);
    const sectors = readSectors(...stateOf(net), miner);
    expect(sectors.map(({ faultySince }) => faultySince)).toEqual(sectors.map(() => null));
    const status = await firstMiner(net).node.node.handlers["mine.status"]({}, new AbortController().signal);
    expect(status.light).toBe("earning");
    expect(status.deadlines.reduce((sum, deadline) => sum + deadline.sectors, 0)).toBe(7);
    expect(status.deadlines.every(({ sectors: count, partitions }) => count === partitions)).toBe(true);
    expect(status.nextDeadline).toBeGreaterThan(height);
    const posts = postsOf(net.client, miner);
    const windows = posts.map(({ windowStart }) => windowStart);
    expect(new Set(windows).size).toBeLessThan(windows.length);
    const named = posts.flatMap(({ windowStart, partitions }) =>
      partitions.map((one) => `${windowStart}/${one}`),
    );
    expect(new Set(named).size).toBe(named.length);
  });

  it("skips a sector that it cannot read, after a second look, and recovers it when it can", async () => {
    await using net = await createNetwork({ miners: 2, seed: "damaged" });
    const { miner, storage } = firstMiner(net);
    await net.advance("3s");
    await addSectors(net, 2);
    const [bad] = readSectors(...stateOf(net), miner).slice(-1);
    const id = bad?.sectorId ?? 0;
    const real = storage.generatePost.bind(storage);
    let isDamaged = true;
    let asked = 0;
    Object.assign(storage, {
      generatePost: async (...[kind, seed, ids]: Parameters<typeof real>) => {
        if (!isDamaged || kind !== "window" || !ids.includes(id)) return real(kind, seed, ids);
        asked += 1;
        const others = ids.filter((one) => one !== id);
        const fault = { sectorId: id, code: "storage/missing-file", message: "it is gone" };
        if (others.length === 0)
          throw new HoldfastError({ code: "storage/no-provable-sector", ...unprovable });
        const answer = await real(kind, seed, others);
        return { ...answer, faults: [...answer.faults, fault] };
      },
    });
    const sector = () => readSectors(...stateOf(net), miner).find(({ sectorId }) => sectorId === id);
    expect(await net.advanceUntil(() => sector()?.faultySince !== null, 120_000)).toBe(true);
    // A disk that is away for a moment is no fault yet.
    expect(asked).toBeGreaterThanOrEqual(2);
    expect(postsOf(net.client, miner).flatMap(({ skipped }) => skipped)).toEqual([id]);
    const others = readSectors(...stateOf(net), miner).filter(({ sectorId }) => sectorId !== id);
    expect(others.map(({ faultySince }) => faultySince)).toEqual(others.map(() => null));
    const power = () => readMinerState(...stateOf(net), miner).power;
    const before = power();
    isDamaged = false;
    expect(await net.advanceUntil(() => sector()?.faultySince === null, 180_000)).toBe(true);
    expect(power()).toBe(before + BigInt(bad?.sectorBytes ?? 0));
  });
});

const unprovable = {
  exit: "refused",
  message: "none can be proven",
  fix: "look at the disk",
  data: {},
} as const;

/** The duty of a stopped miner, run by hand on the client's chain with a sender that only remembers. */
async function byHand(net: TestNetwork) {
  const { node, miner } = firstMiner(net);
  await net.settle(node.stop());
  const { chain } = net.client.node;
  const sent: { key: string; gasPrice: AttoFil | undefined; params: Uint8Array }[] = [];
  const raised: AttoFil[] = [];
  const exits = new Map<string, number>();
  const cidOf = (key: string) => rawCid(blake2b256(utf8Bytes(key)));
  const needs = {
    chain,
    miner,
    logger: { debug() {}, info() {}, warn() {}, error() {} },
    storage: {
      generatePost: async (_: string, __: Uint8Array, ids: readonly number[]) => ({
        proof: new Uint8Array(8),
        proven: ids,
        faults: [],
      }),
    },
    sender: {
      send: async ({ key, gasPrice, params }: (typeof sent)[number]) => {
        sent.push({ key, gasPrice, params });
        return { cid: cidOf(key) };
      },
      sentAs: (key: string) => (sent.some((one) => one.key === key) ? { cid: cidOf(key) } : undefined),
      find: (cid: ReturnType<typeof cidOf>) => {
        const key = sent.find((one) => cidOf(one.key).equals(cid))?.key ?? "";
        const exitCode = exits.get(key);
        return { mined: exitCode === undefined ? undefined : { receipt: { exitCode } } };
      },
      raise: async (_: string, price: AttoFil) => void raised.push(price),
    },
  } as unknown as MineNeeds;
  const toWindow = async () => {
    const isEarly = () => {
      const { height } = chain.head();
      const window = windowAt(chain.params, miner, (height + 1) as typeof height);
      return window !== null && height >= window.start && height <= window.start + 2;
    };
    for (;;) {
      expect(await net.advanceUntil(isEarly, 120_000)).toBe(true);
      await provePosts(needs, doubts);
      if (sent.length > 0) return;
      const isFaulty = readSectors(...stateOf(net), miner).some(({ faultySince }) => faultySince !== null);
      if (isFaulty) throw new TypeError("no block came early in the window: another seed is needed");
      await net.advance(chain.params.roundMs);
    }
  };
  const doubts: Doubts = new Map();
  return { chain, sent, raised, exits, toWindow, prove: () => provePosts(needs, doubts) };
}

describe("the message of a proof", () => {
  it("is sent once, and offered more and more while no block takes it", async () => {
    await using net = await createNetwork({ miners: 2, seed: "dearer-9" });
    await net.advance("3s");
    const { chain, sent, raised, toWindow, prove } = await byHand(net);
    await toWindow();
    expect(sent.map(({ gasPrice }) => gasPrice)).toEqual([1n]);
    for (let round = 1; round < chain.params.proofWindowEpochs; round += 1) {
      await prove();
      await net.advance(chain.params.roundMs);
    }
    expect(sent).toHaveLength(1);
    expect(raised).toEqual(raised.toSorted((a, b) => Number(a - b)));
    expect([1n, 32n, 1_024n, 32_768n]).toEqual(expect.arrayContaining([...new Set(raised)]));
    expect(raised.at(-1)).toBeGreaterThanOrEqual(1_024n);
  });

  it("is followed by another when it failed on the chain, three times at most", async () => {
    await using net = await createNetwork({ miners: 2, seed: "again" });
    await net.advance("3s");
    const { sent, exits, toWindow, prove } = await byHand(net);
    await toWindow();
    for (const attempts of [2, 3]) {
      exits.set(sent.at(-1)?.key ?? "", 7);
      await prove();
      expect(sent).toHaveLength(attempts);
    }
    exits.set(sent.at(-1)?.key ?? "", 7);
    await expect(prove()).rejects.toMatchObject({ code: "mine/post-refused", data: { attempts: 3 } });
    expect(new Set(sent.map(({ key }) => key)).size).toBe(3);
    exits.set(sent.at(-1)?.key ?? "", 0);
    await prove();
    expect(sent).toHaveLength(3);
  });
});
