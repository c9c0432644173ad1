/**
 * Pruning shown to remove nothing alive: random chains whose states share and recur, with tipsets that come, fork and
 * bring removed objects back while the run is at work; killed between any two of its writes; and real networks that
 * prune themselves, by age and by a quota.
 */
import {
  type CID,
  cidOfCbor,
  encode,
  encodeCbor,
  epoch,
  silentLogger,
  utf8Bytes,
  utf8Text,
} from "@holdfast/base";
import type { Tipset } from "@holdfast/consensus";
import { createNetwork } from "@holdfast/node/testing";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { type ChainDatabase, memoryDatabase, takeInventory } from "../../src/chain/index.ts";
import { placeFacts } from "../../src/chain/place.ts";
import { type PrunableChain, prune } from "../../src/chain/prune.ts";
import { type Horizon, metaKeys, tipsetRecordCodec } from "../../src/chain/record.ts";
import { linksOf } from "../../src/chain/walk.ts";
import { exportedFrom, importedTo } from "./support/snapshots.ts";

const never = new AbortController().signal;
const finalityEpochs = 4;

interface Placed {
  readonly tipset: Tipset;
  readonly leaves: readonly number[];
}

/** States are trees of nine leaves with few values, so what was removed is often made again. */
class ModelChain implements PrunableChain {
  readonly store: ChainDatabase;
  readonly params = { finalityEpochs };
  readonly checkpoint = undefined;
  readonly genesis: Tipset;
  readonly placed = new Map<string, Placed>();
  isHeld = false;
  keepsHorizon = true;
  #head: Placed;
  #horizon: Horizon = { statesFrom: 0, bodiesFrom: 0 };

  constructor(store: ChainDatabase) {
    this.store = store;
    const leaves = Array.from({ length: 9 }, () => 0);
    for (let index = 0; index < 9; index += 1) this.#putPath(leaves, index);
    this.#head = this.#place(undefined, leaves, 0);
    this.genesis = this.#head.tipset;
  }
  head(): Tipset {
    return this.#head.tipset;
  }
  parentOf({ parents }: Tipset): Tipset | undefined {
    return this.placed.get(parents.join())?.tipset;
  }
  tipsetAt(height: number): Tipset {
    let at = this.#head.tipset;
    while (at.height > height) at = this.parentOf(at) ?? this.genesis;
    return at;
  }
  horizon(): Horizon {
    return this.#horizon;
  }
  keptBelow(): readonly string[] {
    return [];
  }
  async raiseHorizon(next: Horizon): Promise<void> {
    const text = utf8Bytes(String(next.statesFrom));
    if (this.keepsHorizon) await this.store.commit(new Map([[metaKeys.horizon, text]]));
    this.#horizon = next;
  }
  /** As a node finds it that starts on this database. */
  reopened(): void {
    const from = Number(utf8Text(this.store.getMeta(metaKeys.horizon) ?? utf8Bytes("0")));
    this.#horizon = { statesFrom: from, bodiesFrom: from };
  }

  /** As the state transition does: only what changes is put, then the tipset that names it. */
  grow(depth: number, changes: readonly (readonly [number, number])[], rounds: number): void {
    let parent = this.#head;
    for (let step = 0; step < Math.min(depth, finalityEpochs - 1); step += 1) {
      const below = this.placed.get(parent.tipset.parents.join());
      if (below !== undefined) parent = below;
    }
    const leaves = [...parent.leaves];
    for (const [index, value] of changes) {
      leaves[index] = value;
      this.#putPath(leaves, index);
    }
    const made = this.#place(parent, leaves, parent.tipset.height + rounds);
    if (made.tipset.height > this.#head.tipset.height) this.#head = made;
  }

  #putPath(leaves: readonly number[], index: number): void {
    for (const bytes of [leafOf(leaves[index] ?? 0), innerOf(leaves, Math.floor(index / 3)), rootOf(leaves)])
      this.store.put(cidOfCbor(bytes), bytes);
  }
  #place(parent: Placed | undefined, leaves: readonly number[], height: number): Placed {
    const cid = cidOfCbor(
      encodeCbor(["block", height, [...leaves], parent?.tipset.key ?? "", this.placed.size]),
    );
    const tipset = {
      key: cid.toString(),
      cids: [cid],
      height: epoch(height),
      parents: parent?.tipset.cids ?? [],
    } as unknown as Tipset;
    const { cids, parents } = tipset;
    const stateRoot = cidOfCbor(rootOf(leaves));
    const record = { cids, height: tipset.height, parents, stateRoot, weight: BigInt(height) };
    const facts = new Map([
      [metaKeys.tipset(tipset.key), encode(tipsetRecordCodec, record)],
      [metaKeys.height(height), utf8Bytes(tipset.key)],
      ...placeFacts(this.store, tipset),
    ]);
    void this.store.commit(facts);
    const made = { tipset, leaves };
    this.placed.set(tipset.key, made);
    return made;
  }
}

const leafOf = (value: number): Uint8Array => encodeCbor(["leaf", value]);
const innerOf = (leaves: readonly number[], at: number): Uint8Array =>
  encodeCbor(["inner", ...leaves.slice(at * 3, at * 3 + 3).map((value) => cidOfCbor(leafOf(value)))]);
const rootOf = (leaves: readonly number[]): Uint8Array =>
  encodeCbor(["root", ...[0, 1, 2].map((at) => cidOfCbor(innerOf(leaves, at)))]);

/** The check, written another way than the program: all that kept tipsets reach, and what of it is missing. */
function reached(chain: ModelChain): { readonly all: Set<string>; readonly missing: string[] } {
  const all = new Set<string>();
  const missing: string[] = [];
  const visit = (cid: CID): void => {
    if (all.has(cid.toString())) return;
    all.add(cid.toString());
    const bytes = chain.store.get(cid);
    if (bytes === undefined) missing.push(cid.toString());
    else linksOf(bytes).forEach(visit);
  };
  for (const { tipset, leaves } of chain.placed.values()) {
    if (tipset.height < chain.horizon().statesFrom && tipset.key !== chain.genesis.key) continue;
    visit(cidOfCbor(rootOf(leaves)));
  }
  return { all, missing };
}

const change = fc.tuple(fc.nat({ max: 8 }), fc.nat({ max: 5 }));
const growth = fc.record({
  depth: fc.oneof({ weight: 4, arbitrary: fc.constant(0) }, fc.nat({ max: 3 })),
  changes: fc.array(change, { maxLength: 3 }),
  rounds: fc.integer({ min: 1, max: 2 }),
});
const program = fc.record({
  before: fc.array(growth, { minLength: 30, maxLength: 50 }),
  /** From this pause of the run on. */
  start: fc.nat({ max: 60 }),
  during: fc.array(growth, { minLength: 5, maxLength: 30 }),
  sliceObjects: fc.integer({ min: 4, max: 12 }),
});

interface Program {
  readonly before: readonly (typeof growth extends fc.Arbitrary<infer G> ? G : never)[];
  readonly start: number;
  readonly during: Program["before"];
  readonly sliceObjects: number;
}

/** Grows a chain, prunes it while it grows on, and says what is missing. */
async function run(
  { before, start, during, sliceObjects }: Program,
  store: ChainDatabase,
): Promise<string[]> {
  const chain = new ModelChain(store);
  for (const { depth, changes, rounds } of before) chain.grow(depth, changes, rounds);
  const waiting = [...during];
  let pauses = 0;
  const sleep = async (): Promise<void> => {
    pauses += 1;
    const next = pauses > start ? waiting.shift() : undefined;
    if (next !== undefined) chain.grow(next.depth, next.changes, next.rounds);
  };
  await prune(chain, { sleep }, { keepEpochs: 1, signal: never, sliceObjects });
  return reached(chain).missing;
}

interface DyingDatabase {
  readonly store: ChainDatabase;
  /** The process is killed in front of the write of this number, counted from now. */
  killAfter(writes: number): void;
  /** Writes since then. */
  writes(): number;
}

/** What was written before the kill is there after it; commits and removals are all or nothing each. */
function dyingDatabase(): DyingDatabase {
  const store = memoryDatabase();
  let [written, most] = [0, Number.POSITIVE_INFINITY];
  const write = async <T>(work: () => Promise<T>): Promise<T> => {
    if (written >= most) throw new Error("killed");
    written += 1;
    return await work();
  };
  return {
    store: {
      ...store,
      commit: (meta) => (meta.size === 0 ? store.commit(meta) : write(() => store.commit(meta))),
      discard: (keys, isAlive) =>
        keys.every(isAlive) ? store.discard(keys, isAlive) : write(() => store.discard(keys, isAlive)),
    },
    killAfter(writes) {
      [written, most] = [0, writes];
    },
    writes: () => written,
  };
}

describe("pruning", () => {
  it("removes nothing that a kept tipset reaches, whatever comes meanwhile", async () => {
    await fc.assert(
      fc.asyncProperty(program, async (given) => {
        expect(await run(given, memoryDatabase())).toEqual([]);
      }),
      { numRuns: 60, seed: 11 },
    );
  });

  it("is seen to fail if what is put meanwhile does not count as alive (canary)", async () => {
    const deaf = (): ChainDatabase => ({ ...memoryDatabase(), onPut: () => () => undefined });
    const found = await fc.check(
      fc.asyncProperty(program, async (given) => (await run(given, deaf())).length === 0),
      { numRuns: 300, seed: 11, endOnFailure: true },
    );
    expect(found.failed).toBe(true);
  });

  it("removes everything else, and the check sees one object that is missing (canary)", async () => {
    const chain = new ModelChain(memoryDatabase());
    for (let step = 0; step < 200; step += 1) chain.grow(0, [[step % 9, step % 7]], 1);
    const sleep = async () => undefined;
    const done = await prune(chain, { sleep }, { keepEpochs: 1, signal: never });
    expect(done).toMatchObject({ isComplete: true });
    expect(done.removedObjects).toBeGreaterThan(30);
    const { all, missing } = reached(chain);
    expect(missing).toEqual([]);
    expect((await chain.store.scan("objects", { count: 10_000 })).length).toBe(all.size);
    const planted = cidOfCbor(rootOf([...chain.placed.values()].at(-1)?.leaves ?? []));
    await chain.store.discard([planted.bytes], () => false);
    expect(reached(chain).missing).toEqual([planted.toString()]);
  });

  it("may be killed before any of its writes: nothing kept is lost, and the next run ends the work", async () => {
    const grown = (): { readonly chain: ModelChain; readonly dying: DyingDatabase } => {
      const dying = dyingDatabase();
      const chain = new ModelChain(dying.store);
      for (let step = 0; step < 60; step += 1) chain.grow(step % 3, [[step % 9, step % 7]], 1 + (step % 2));
      dying.killAfter(Number.POSITIVE_INFINITY);
      return { chain, dying };
    };
    const options = { keepEpochs: 1, signal: never, sliceObjects: 5 };
    const sleep = async () => undefined;
    const whole = grown();
    await prune(whole.chain, { sleep }, options);
    const { all } = reached(whole.chain);
    const writes = whole.dying.writes();
    expect(writes).toBeGreaterThan(20);
    let early = 0;
    for (let kill = 0; kill < writes; kill += 1) {
      const { chain, dying } = grown();
      dying.killAfter(kill);
      await expect(prune(chain, { sleep }, options)).rejects.toThrow("killed");
      dying.killAfter(Number.POSITIVE_INFINITY);
      chain.reopened();
      expect(reached(chain).missing, `killed before write ${kill}`).toEqual([]);
      const left = (await chain.store.scan("objects", { count: 10_000 })).length;
      if (left > all.size) early += 1;
      const again = await prune(chain, { sleep }, options);
      expect(again).toMatchObject({ isComplete: true, horizon: whole.chain.horizon() });
      expect(reached(chain).missing).toEqual([]);
      expect((await chain.store.scan("objects", { count: 10_000 })).length).toBe(all.size);
      expect(await chain.store.scan("facts", { count: 10_000 })).toEqual(
        await whole.chain.store.scan("facts", { count: 10_000 }),
      );
    }
    expect(early).toBeGreaterThan(writes / 2);
  });

  it("is seen to lose what is kept if the horizon is not on disk before (canary)", async () => {
    const dying = dyingDatabase();
    const chain = new ModelChain(dying.store);
    for (let step = 0; step < 60; step += 1) chain.grow(step % 3, [[step % 9, step % 7]], 1 + (step % 2));
    chain.keepsHorizon = false;
    await prune(chain, { sleep: async () => undefined }, { keepEpochs: 1, signal: never, sliceObjects: 5 });
    chain.reopened();
    expect(reached(chain).missing.length).toBeGreaterThan(0);
  });

  it("leaves the store to who holds it", async () => {
    const chain = new ModelChain(memoryDatabase());
    for (let step = 0; step < 60; step += 1) chain.grow(0, [[step % 9, step % 7]], 1);
    chain.isHeld = true;
    const done = await prune(chain, { sleep: async () => undefined }, { keepEpochs: 1, signal: never });
    expect(done).toMatchObject({ isComplete: false, removedObjects: 0 });
  });

  it("of a network goes on by itself: the chain grows, is whole from its horizon on, and can be exported", async () => {
    await using net = await createNetwork({ miners: 2, seed: "prune", params: { finalityEpochs: 8 } });
    const { client } = net;
    await net.settle(client.stop());
    client.prepare({ pruning: { pruneEpochs: 24, quotaBytes: 0 } });
    await net.settle(client.start());
    await net.advance("150s");
    await net.settle(client.node.pruner.settled());
    const { chain } = client.node;
    const { statesFrom, bodiesFrom } = chain.horizon();
    expect(statesFrom).toBeGreaterThan(40);
    expect(bodiesFrom).toBe(statesFrom);
    const gone = chain.tipsetAt(statesFrom - 1);
    expect(chain.tipset(gone.key)).toBeDefined();
    expect(chain.stateAfter(gone.key)).toBeUndefined();
    expect(chain.fullBlocks(gone.key)).toBeUndefined();
    const show = client.node.handlers["chain.show"]({ cid: String(gone.cids[0]) }, never);
    await expect(net.settle(show)).rejects.toMatchObject({ code: "chain/pruned" });
    const { chain: imported } = await importedTo(net, await exportedFrom(net));
    expect(chain.tipsetAt(imported.head().height).key).toBe(imported.head().key);
    const held = await net.settle(takeInventory(chain.store as ChainDatabase, net.clock, never));
    expect(held.totalBytes).toBe(held.diskBytes + held.kinds.reduce((sum, { entries }) => sum + entries, 0));
    expect(chain.head().key).toBe(net.miners[0]?.node.chain.head().key);
    await net.settle(client.stop());
    await net.settle(client.start());
    await net.advance("20s");
    expect(client.node.chain.head().key).toBe(net.miners[0]?.node.chain.head().key);
  });

  it("for a quota goes down to the least that may stay, and says what is still above it", async () => {
    const warnings: string[] = [];
    const net = await createNetwork({
      ...{ miners: 2, seed: "quota", params: { finalityEpochs: 8 } },
      logger: { ...silentLogger, warn: (text) => void warnings.push(text) },
    });
    await using _ = net;
    const { client } = net;
    const restart = async (quotaBytes: number): Promise<void> => {
      await net.settle(client.stop());
      client.prepare({ pruning: { pruneEpochs: 0, quotaBytes } });
      await net.settle(client.start());
    };
    const bytes = () => net.settle((client.node.chain.store as ChainDatabase).diskBytes());
    await restart(1_000_000_000);
    await net.advance("240s");
    await net.settle(client.node.pruner.settled());
    expect(client.node.chain.horizon().statesFrom).toBe(0);
    const full = await bytes();
    await restart(Math.floor(full * 0.7));
    await net.advance("10s");
    await net.settle(client.node.pruner.settled());
    const { statesFrom } = client.node.chain.horizon();
    expect(statesFrom).toBeGreaterThan(0);
    expect(await bytes()).toBeLessThan(full * 0.75);
    expect(warnings).not.toContain("the chain takes more than its quota");
    await restart(1);
    await net.advance("10s");
    await net.settle(client.node.pruner.settled());
    const head = client.node.chain.head();
    expect(head.key).toBe(net.miners[0]?.node.chain.head().key);
    expect(client.node.chain.stateAfter(client.node.chain.tipsetAt(head.height - 8).key)).toBeDefined();
    expect(warnings).toContain("the chain takes more than its quota");
  });
});
