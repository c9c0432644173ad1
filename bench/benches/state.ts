/**
 * The table of all actors with a million of them: reading, changing, and the root after a block, in memory. The peers
 * hold the same keys and records: go-hamt-ipld, which our format is that of (the roots are compared), and
 * ipld-hashmap, whose map is written in bulk and then read and changed by itself. The limit of a root is hashing what
 * changed. And a whole block of transfers on a state of that size.
 */
import {
  type Blockstore,
  blake2b256,
  type CID,
  c,
  encode,
  filToAtto,
  Hamt,
  MemoryBlockstore,
  nonce,
  seedAddress,
  toHex,
  utf8Bytes,
} from "@holdfast/base";
import { codeCid } from "@holdfast/consensus";
import { installNativeKernels } from "@holdfast/node";
import * as dagCbor from "@ipld/dag-cbor";
import { load } from "ipld-hashmap";
import { sha256 } from "multiformats/hashes/sha2";
import type { Bench, BenchOptions, Figure } from "../figure.ts";
import { writeHashmap } from "../hashmap-bulk.ts";
import { median } from "../measure.ts";
import { type ForeignRates, foreignRates } from "../peers.ts";
import { accountOf, applyTo, fullBlock, makeChain, verifiedIn } from "./chain.ts";

const actors = { full: 1_000_000, quick: 100_000 } as const;
const reads = 100_000;
const blocks = 25;
/** Records that a block changes: those of two hundred transfers. */
const changesPerBlock = 200;
const singleChanges = 2_000;
const peerReads = 5_000;
const peerChanges = 500;

/** As the state has it. */
const actorRecordCodec = c.tuple("ActorRecord", {
  code: c.cid,
  head: c.nullable(c.cid),
  nonce: c.nonce,
  balance: c.attoFil,
});
const keyOf = (index: number): Uint8Array =>
  Uint8Array.of(1, ...blake2b256(utf8Bytes(`actor ${index}`)).subarray(0, 20));
const recordOf = (number: number) => ({
  code: codeCid("accountactor"),
  head: null,
  nonce: nonce(number),
  balance: filToAtto(100),
});
/** Places all over the table, the same for everybody. */
const placeOf = (at: number, count: number): number => (at * 7_919 + 13) % count;

function cpuSeconds(work: () => unknown): number {
  const before = process.threadCpuUsage();
  work();
  const { user, system } = process.threadCpuUsage(before);
  return (user + system) / 1e6;
}

/** Counts and remembers what is written through it. */
class WatchedStore implements Blockstore {
  readonly #below: Blockstore;
  readonly written: Uint8Array[] = [];

  constructor(below: Blockstore) {
    this.#below = below;
  }
  get(cid: CID): Uint8Array | undefined {
    return this.#below.get(cid);
  }
  has(cid: CID): boolean {
    return this.#below.has(cid);
  }
  put(cid: CID, bytes: Uint8Array): void {
    this.written.push(bytes);
    this.#below.put(cid, bytes);
  }
}

interface Ours {
  readonly fill: number;
  readonly get: number;
  readonly single: number;
  readonly blockMs: number;
  readonly hashingMs: number;
  readonly root: CID;
  readonly changedRoot: CID;
}

function ours(count: number): Ours {
  const store = new MemoryBlockstore();
  const record = recordOf(0);
  let root: CID | undefined;
  const fillS = cpuSeconds(() => {
    const map = Hamt.empty(store, actorRecordCodec);
    for (let index = 0; index < count; index += 1) map.set(keyOf(index), record);
    root = map.flush();
  });
  const first = root as CID;
  const getS = cpuSeconds(() => {
    const map = Hamt.load(store, actorRecordCodec, first);
    for (let at = 0; at < reads; at += 1) {
      if (map.get(keyOf(placeOf(at, count))) === undefined) throw new TypeError("an actor is missing");
    }
  });
  const times: number[] = [];
  const hashing: number[] = [];
  let changedRoot = first;
  for (let block = 0; block < blocks; block += 1) {
    const watched = new WatchedStore(store);
    const seconds = cpuSeconds(() => {
      const map = Hamt.load(watched, actorRecordCodec, changedRoot);
      for (let at = 0; at < changesPerBlock; at += 1)
        map.set(keyOf(placeOf(block * changesPerBlock + at, count)), recordOf(1));
      changedRoot = map.flush();
    });
    times.push(seconds * 1000);
    hashing.push(1000 * cpuSeconds(() => watched.written.forEach((bytes) => void blake2b256(bytes))));
  }
  const lastOfBlocks = changedRoot;
  let single = changedRoot;
  const singleS = cpuSeconds(() => {
    const map = Hamt.load(store, actorRecordCodec, single);
    for (let at = 0; at < singleChanges; at += 1) {
      map.set(keyOf(placeOf(at, count)), recordOf(1_000));
      single = map.flush();
    }
  });
  return {
    fill: count / fillS,
    get: reads / getS,
    single: singleChanges / singleS,
    blockMs: median(times),
    hashingMs: median(hashing),
    root: first,
    changedRoot: lastOfBlocks,
  };
}

async function hashmaps(count: number): Promise<{ readonly get: number; readonly single: number }> {
  const store = new Map<string, Uint8Array>();
  const { code, balance } = recordOf(0);
  const value = [code, null, 0, utf8Bytes(balance.toString())];
  const entries = Array.from({ length: count }, (_, index) => ({ key: keyOf(index), value }));
  const root = writeHashmap(entries, (cid, bytes) => void store.set(cid.toString(), bytes));
  const loader = {
    get: async (cid: CID) => store.get(cid.toString()) ?? new Uint8Array(0),
    put: async (cid: CID, bytes: Uint8Array) => void store.set(cid.toString(), bytes),
  };
  const options = { bitWidth: 5, bucketSize: 3, blockHasher: sha256, blockCodec: dagCbor } as const;
  const map = await load<unknown, number>(loader, root as never, options as never);
  const timed = async (work: () => Promise<void>): Promise<number> => {
    const before = process.threadCpuUsage();
    await work();
    const { user, system } = process.threadCpuUsage(before);
    return (user + system) / 1e6;
  };
  const getS = await timed(async () => {
    for (let at = 0; at < peerReads; at += 1) {
      if ((await map.get(keyOf(placeOf(at, count)) as never)) === undefined)
        throw new TypeError("it misses an entry");
    }
  });
  const changed = [code, null, 1, utf8Bytes(balance.toString())];
  const setS = await timed(async () => {
    for (let at = 0; at < peerChanges; at += 1) await map.set(keyOf(placeOf(at, count)) as never, changed);
  });
  return { get: peerReads / getS, single: peerChanges / setS };
}

/** A block of transfers between accounts that stand among so many others. */
function blockMs(count: number): { readonly ms: number; readonly messages: number } {
  const accounts = Array.from({ length: changesPerBlock }, (_, index) => accountOf(`account ${index}`));
  function* others() {
    for (let index = 0; index < count - changesPerBlock; index += 1) yield seedAddress(1, `other ${index}`);
  }
  const chain = makeChain(accounts, others());
  const block = fullBlock(chain, accounts);
  const verified = verifiedIn(block);
  const times = Array.from({ length: 15 }, () => 1000 * cpuSeconds(() => applyTo(chain, block, verified)));
  return { ms: median(times), messages: block.messages.length };
}

const byOurs = "Holdfast";

function figuresOf(
  own: Ours,
  hashmap: { readonly get: number; readonly single: number },
  foreign: ForeignRates,
): Figure[] {
  const go = (work: string) => foreign.get(work)?.[0];
  const rows = (
    name: string,
    value: number,
    others: readonly ({ name: string; value: number } | undefined)[],
  ) => {
    const peers = others.flatMap((one) => one ?? []);
    const [fastest] = peers.toSorted((a, b) => b.value - a.value);
    const mine: Figure = {
      name,
      by: byOurs,
      value,
      unit: "/s",
      ...(fastest === undefined ? {} : { peer: fastest }),
    };
    return [mine, ...peers.map((one): Figure => ({ name, by: one.name, value: one.value, unit: "/s" }))];
  };
  const hashmapRate = (value: number) => ({ name: "ipld-hashmap", value });
  return [
    ...rows("set, one root in the end", own.fill, [go("hamt-fill")]),
    ...rows("get (cold)", own.get, [hashmapRate(hashmap.get), go("hamt-get")]),
    ...rows("set and root, each", own.single, [hashmapRate(hashmap.single), go("hamt-single")]),
    ...rows(`roots after ${changesPerBlock} changes`, 1000 / own.blockMs, [go("hamt-block")]).map(
      (figure, at) =>
        at === 0
          ? { ...figure, bound: { name: "hashing what changed", value: 1000 / own.hashingMs } }
          : figure,
    ),
  ];
}

async function run({ quick, peers, say }: BenchOptions): Promise<readonly Figure[]> {
  await installNativeKernels();
  const count = quick ? actors.quick : actors.full;
  const millions = `${count.toLocaleString("en")} actors`;
  const block = blockMs(count);
  const small = blockMs(changesPerBlock);
  say(`a block on ${millions}: ${block.ms.toFixed(1)} ms`);
  const own = ours(count);
  say(`our table is filled: ${own.root}`);
  const args = [
    count,
    reads,
    blocks,
    changesPerBlock,
    singleChanges,
    toHex(encode(actorRecordCodec, recordOf(0))),
    toHex(encode(actorRecordCodec, recordOf(1))),
    own.root.toString(),
    own.changedRoot.toString(),
  ].map(String);
  const foreign: ForeignRates = peers
    ? await foreignRates("state", say, { languages: ["Go"], args })
    : new Map();
  const hashmap = await hashmaps(count);
  return [
    ...figuresOf(own, hashmap, foreign).map((figure) => ({ ...figure, name: `${millions}: ${figure.name}` })),
    {
      name: `block of ${block.messages} transfers, signatures known`,
      by: millions,
      value: block.ms,
      unit: "ms",
    },
    {
      name: `block of ${block.messages} transfers, signatures known`,
      by: `${changesPerBlock} actors`,
      value: small.ms,
      unit: "ms",
    },
  ];
}

export const stateBench: Bench = {
  name: "state",
  about: "the table of all actors, in memory, one thread",
  run,
};
