/**
 * The trees of the chain's state: HAMT against the public implementation (ipld-hashmap) on the same keys and
 * values, and AMT, which has no public implementation in JavaScript.
 */

import { Amt, type Blockstore, type CID, c, Hamt, MemoryBlockstore, utf8Bytes } from "@holdfast/base";
import { installNativeKernels } from "@holdfast/node";
import * as dagCbor from "@ipld/dag-cbor";
import { create, load } from "ipld-hashmap";
import { sha256 } from "multiformats/hashes/sha2";
import type { Bench, Figure } from "../figure.ts";
import { elapsedMs } from "../measure.ts";

const entryCount = 2_000;
const runs = 7;
const values = c.bytes(1024);

const keys = Array.from({ length: entryCount }, (_, index) => `actor ${index}`);
const keyBytes = keys.map((key) => utf8Bytes(key));
const bytesOf = (index: number): Uint8Array => new Uint8Array(64).fill(index & 0xff);

/** The store of ipld-hashmap: promises around a map. */
function promisedStore() {
  const blocks = new Map<string, Uint8Array>();
  return {
    async get(cid: CID): Promise<Uint8Array> {
      return blocks.get(cid.toString()) ?? new Uint8Array(0);
    },
    async put(cid: CID, bytes: Uint8Array): Promise<void> {
      blocks.set(cid.toString(), bytes);
    },
  };
}

const hashmapOptions = { bitWidth: 5, bucketSize: 3, blockHasher: sha256, blockCodec: dagCbor } as const;

interface Times {
  readonly fill: number;
  readonly read: number;
}

function ours(): Times & { readonly root: CID; readonly store: Blockstore } {
  const store = new MemoryBlockstore();
  const startedMs = performance.now();
  const map = Hamt.empty(store, values);
  for (const [index, key] of keyBytes.entries()) map.set(key, bytesOf(index));
  const root = map.flush();
  const filledMs = performance.now();
  const loaded = Hamt.load(store, values, root);
  for (const key of keyBytes) loaded.get(key);
  return { fill: filledMs - startedMs, read: performance.now() - filledMs, root, store };
}

async function theirs(): Promise<Times> {
  const store = promisedStore();
  const startedMs = performance.now();
  const map = await create<Uint8Array, number>(store, hashmapOptions);
  for (const [index, key] of keys.entries()) await map.set(key, bytesOf(index));
  const filledMs = performance.now();
  const loaded = await load<Uint8Array, number>(store, map.cid, hashmapOptions);
  for (const key of keys) await loaded.get(key);
  return { fill: filledMs - startedMs, read: performance.now() - filledMs };
}

const perSecond = (ms: number, count = entryCount): number => (count * 1000) / ms;

/** A flush after few changes in a large map: what a block does to the state. */
function smallFlushMs(): number {
  const { root, store } = ours();
  const map = Hamt.load(store, values, root);
  const times = Array.from({ length: 50 }, (_, round) => {
    for (let index = 0; index < 10; index += 1) {
      map.set(keyBytes[(round * 37 + index * 199) % entryCount] ?? new Uint8Array(1), bytesOf(round + index));
    }
    const startedMs = performance.now();
    map.flush();
    return performance.now() - startedMs;
  });
  return Math.min(...times);
}

async function amtTimes(): Promise<Times & { readonly flush: number }> {
  const store = new MemoryBlockstore();
  const list = Amt.empty(store, values);
  const fill = await elapsedMs(() => {
    for (let index = 0; index < entryCount; index += 1) list.push(bytesOf(index));
  });
  let root = list.flush();
  const flush = await elapsedMs(() => {
    for (let index = 0; index < entryCount; index += 1) list.set(index, bytesOf(index + 1));
    root = list.flush();
  });
  const read = await elapsedMs(() => {
    const loaded = Amt.load(store, values, root);
    for (let index = 0; index < entryCount; index += 1) loaded.get(index);
  });
  return { fill, read, flush };
}

export const treesBench: Bench = {
  name: "trees",
  about: `maps and lists of the state with ${entryCount} entries of 64 bytes, in memory`,
  async run() {
    await installNativeKernels();
    const own: Times[] = [];
    const public_: Times[] = [];
    const lists: Awaited<ReturnType<typeof amtTimes>>[] = [];
    for (let run = 0; run < runs; run += 1) {
      own.push(ours());
      public_.push(await theirs());
      lists.push(await amtTimes());
    }
    const of = (times: readonly Times[], pick: (one: Times) => number): number =>
      perSecond(Math.min(...times.map(pick)));
    const peer = (value: number) => ({ name: "ipld-hashmap", value });
    const figures: Figure[] = [
      {
        name: "HAMT set (with flush)",
        value: of(own, ({ fill }) => fill),
        unit: "/s",
        peer: peer(of(public_, ({ fill }) => fill)),
      },
      {
        name: "HAMT get (cold)",
        value: of(own, ({ read }) => read),
        unit: "/s",
        peer: peer(of(public_, ({ read }) => read)),
      },
      { name: "HAMT flush after 10 changes", value: smallFlushMs(), unit: "ms" },
      { name: "AMT push", value: of(lists, ({ fill }) => fill), unit: "/s" },
      {
        name: "AMT set and flush",
        value: perSecond(Math.min(...lists.map(({ flush }) => flush))),
        unit: "/s",
      },
      { name: "AMT get (cold)", value: of(lists, ({ read }) => read), unit: "/s" },
    ];
    return figures;
  },
};
