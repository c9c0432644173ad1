/**
 * Idle space of a whole network in virtual time: a miner makes files, verifiers certify them, the chain counts them
 * and asks for them; files that are deleted behind the node's back are missed; a stopped node goes on.
 */
import { type Address, diskErrors, encode, epoch, filToAtto, sectorId } from "@holdfast/base";
import {
  callReadOnly,
  type IdleMinerView,
  methods,
  readIdleMiner,
  readMinerState,
  readPowerTable,
} from "@holdfast/consensus";
import { idleFileBytes, idleFilesPerSet, idleProfiles } from "@holdfast/proofs";
import { createVerifier } from "@holdfast/proofs/verify";
import { homeVolumeId } from "@holdfast/storage";

import { describe, expect, it, vi } from "vitest";
import {
  createNetwork,
  type NetworkOptions,
  type TestNetwork,
  type TestNode,
} from "../../src/testing/index.ts";

const profile = idleProfiles.get("idle-32KiB");
if (profile === undefined) throw new RangeError("the small profile is there");
const setBytes = idleFilesPerSet(profile) * idleFileBytes(profile);
const fileBytes = idleFileBytes(profile);
const powerOfFiles = (files: number): bigint => (BigInt(files * fileBytes) * 10n) / 100n;

function idleOf(node: TestNode): IdleMinerView | undefined {
  const { chain } = node.node;
  return node.miner === undefined
    ? undefined
    : readIdleMiner(chain.store, chain.headState().state, node.miner);
}

const claimed = (node: TestNode): number => {
  const state = idleOf(node)?.state;
  return state === undefined ? 0 : state.rear - state.front;
};

function powerOf(node: TestNode): bigint {
  const { chain } = node.node;
  const { state } = chain.headState();
  if (node.miner === undefined) return 0n;
  const all = readPowerTable(chain.store, state).powerOf(node.miner);
  return all - readMinerState(chain.store, state, node.miner).power;
}

function address({ miner }: TestNode): Address {
  if (miner === undefined) throw new RangeError("the node mines");
  return miner;
}

/** What the miner's API says. */
async function fill(net: TestNetwork, node: TestNode): Promise<void> {
  const { signal } = new AbortController();
  await net.settle(node.node.handlers["idle.fill"]({ maxBytes: 3 * setBytes }, signal));
}

function idleVolumes({ storage }: TestNode) {
  if (storage === undefined) throw new RangeError("a miner has a storage");
  return storage.volumes.idle;
}

async function network(options: NetworkOptions = {}): Promise<TestNetwork> {
  return await createNetwork({ miners: 2, verifiers: 2, ...options });
}

const certifiedAt = (net: TestNetwork, node: TestNode, files: number): Promise<boolean> =>
  net.advanceUntil(() => claimed(node) >= files, 400_000);

function minersOf(net: TestNetwork): readonly [TestNode, TestNode] {
  const [one, other] = net.miners;
  if (one === undefined || other === undefined) throw new RangeError("there are two miners");
  return [one, other];
}

describe("idle space of a network", () => {
  it("is made, certified by verifiers, counted, and answers its challenges with their verdicts", async () => {
    await using net = await network();
    const [miner] = minersOf(net);
    const why = () => miner.node.handlers.why({ subject: "idle" }, new AbortController().signal);
    expect(await why()).toMatchObject({ state: "off", fix: expect.stringContaining("idle fill") });
    await fill(net, miner);
    expect(await certifiedAt(net, miner, 4)).toBe(true);
    expect(["filling", "proven"]).toContain((await why()).state);
    expect(powerOf(miner)).toBe(powerOfFiles(claimed(miner)));
    const first = idleOf(miner)?.lastProven ?? null;
    expect(await net.advanceUntil(() => (idleOf(miner)?.lastProven ?? null) !== first, 400_000)).toBe(true);
    expect(idleOf(miner)?.burnt).toBe(0n);
    expect(net.money().idle).toBeGreaterThan(filToAtto(0));
    const judged = net.nodes.flatMap(({ node }) => node.idleVerifier?.status() ?? []);
    expect(judged).toHaveLength(2);
    expect(judged.every(({ isInOffice }) => isInOffice)).toBe(true);
    expect(judged.reduce((sum, one) => sum + one.certified, 0)).toBeGreaterThanOrEqual(2);
    expect(judged.reduce((sum, one) => sum + one.judged, 0)).toBeGreaterThanOrEqual(1);
  });

  it("pays: a miner without a sector wins blocks by it, and proves no sector in them", async () => {
    await using net = await network({ params: { provingPeriodEpochs: 24 } });
    const [miner] = minersOf(net);
    await fill(net, miner);
    expect(await certifiedAt(net, miner, 4)).toBe(true);
    const { chain, sender } = miner.node;
    const { params: codec } = methods.miner.terminateSectors;
    const params = encode(codec, { sectorIds: [sectorId(0)] });
    const isFree = (): boolean => {
      const { state, tipset } = chain.headState();
      const to = address(miner);
      const height = epoch(tipset.height + 1);
      const from = miner.account;
      const asked = { to, from, method: "terminateSectors", params };
      const randomness = chain.randomnessBelow(tipset);
      const { params: rules, networkId } = chain;
      const env = { params: rules, networkId, verifier: createVerifier(), randomness };
      return callReadOnly({ store: chain.store, state, env, height, ...asked }).exitCode === 0;
    };
    expect(await net.advanceUntil(isFree, 60_000)).toBe(true);
    const { cid } = await net.settle(
      sender.send({ to: address(miner), method: "terminateSectors", params, gasLimit: 2_000_000 }),
    );
    expect((await net.settle(sender.wait(cid))).receipt.exitCode).toBe(0);
    const { height } = chain.head();
    const won = (): boolean =>
      chain.head().blocks.some((block) => block.miner === miner.miner && block.winningPost.length === 0);
    expect(await net.advanceUntil(won, 900_000)).toBe(true);
    expect(chain.head().height).toBeGreaterThan(height);
    expect(
      await net.advanceUntil(() => net.client.node.chain.head().height >= chain.head().height, 60_000),
    ).toBe(true);
  });

  it("gives way to a deal: released on the chain, then the sector", async () => {
    await using net = await network({ miners: 1 });
    const [miner] = net.miners;
    if (miner?.storage === undefined) throw new RangeError("there is a miner");
    await fill(net, miner);
    expect(await certifiedAt(net, miner, 4)).toBe(true);
    const isQuiet = async (): Promise<boolean> => {
      const { layers, underWay } = await miner.node.handlers["idle.status"]({}, new AbortController().signal);
      return underWay === null && layers.making === 0 && layers.made === 0;
    };
    for (let i = 0; !(await net.settle(isQuiet())) && i < 60; i += 1) await net.advance(1_000);
    const { volumes } = miner.storage;
    const [home] = await net.settle(volumes.list());
    if (home === undefined) throw new RangeError("a storage has its home");
    await net.settle(
      volumes.change(homeVolumeId, { maxBytes: Math.max(home.usedBytes, home.reservedBytes) }),
    );
    const before = claimed(miner);
    const { cid } = await net.put(new Uint8Array(900).fill(7), { copies: 1 });
    expect(await net.get(cid)).toEqual(new Uint8Array(900).fill(7));
    expect(claimed(miner)).toBeLessThan(before);
    expect(idleOf(miner)?.state.front).toBeGreaterThan(0);
    expect(powerOf(miner)).toBe(powerOfFiles(claimed(miner)));
  });

  it("that is deleted behind the node's back is found at the next challenge", async () => {
    await using net = await network();
    const [miner] = minersOf(net);
    await fill(net, miner);
    expect(await certifiedAt(net, miner, 4)).toBe(true);
    const settled = (): boolean => idleOf(miner)?.challenge === null;
    expect(await net.advanceUntil(settled, 400_000)).toBe(true);
    const before = idleOf(miner)?.lastProven ?? null;
    const { disk, path, present } = idleVolumes(miner);
    // Nothing is made again in time, as with a profile for value.
    const folders = (await present()).map((volume) => path(volume, ""));
    const open = disk.open.bind(disk);
    const spy = vi.spyOn(disk, "open").mockImplementation(async (name, mode) => {
      if (folders.some((folder) => name.startsWith(folder))) throw diskErrors.notFound({ path: name });
      return open(name, mode);
    });
    for (const folder of folders) await disk.remove(folder);
    expect(await net.advanceUntil(() => (idleOf(miner)?.faults ?? 0) > 0, 400_000)).toBe(true);
    expect(idleOf(miner)?.faults).toBe(1);
    expect(idleOf(miner)?.lastProven ?? null).toBe(before);
    expect(powerOf(miner)).toBe(0n);
    expect(idleOf(miner)?.burnt).toBeGreaterThan(0n);
    // What it makes again it shows at a later one, and is counted again.
    spy.mockRestore();
    expect(await net.advanceUntil(() => powerOf(miner) > 0n, 900_000)).toBe(true);
  });

  it("goes on after its node was stopped in the middle, and after its verifiers were away", async () => {
    await using net = await network();
    const [miner] = minersOf(net);
    await fill(net, miner);
    for (const waitMs of [700, 1_900, 3_300, 5_100]) {
      await net.advance(waitMs);
      await net.settle(miner.stop());
      await net.settle(miner.start());
    }
    expect(await certifiedAt(net, miner, 4)).toBe(true);
    for (const { node } of net.nodes) await node.idleVerifier?.[Symbol.asyncDispose]();
    const proven = idleOf(miner)?.lastProven ?? null;
    expect(await net.advanceUntil(() => (idleOf(miner)?.lastProven ?? null) !== proven, 900_000)).toBe(true);
    await net.advance(60_000);
    expect(idleOf(miner)?.faults).toBe(0);
  });
});
