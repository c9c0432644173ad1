/**
 * Pinned content: pins in a second and MB/s onto a disk, from memory, and from a Kubo daemon over loopback beside
 * another Kubo that pins the same trees from it; what a million wishes and a million pinned roots take; reports of
 * pinning nodes judged in a second; and how long it takes from the message that buys to the reports.
 */
import { randomBytes } from "node:crypto";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { createClient } from "@holdfast/api";
import {
  accountAddress,
  assert,
  decode,
  encode,
  epoch,
  generateKey,
  publicKeyOfKey,
  silentLogger,
} from "@holdfast/base";
import { SeededRandom } from "@holdfast/base/testing";
import {
  isPinReportSigned,
  type PinReportFacts,
  pinReportCodec,
  pinReportFault,
  sampledPlace,
  sampleSeed,
  signPinReport,
  walkBlocks,
} from "@holdfast/consensus";
import { installNativeKernels } from "@holdfast/node";
import { startDevnet } from "@holdfast/node/daemon";
import { openNodeDisk } from "@holdfast/storage";
import { realClock } from "../../packages/node/src/clock.ts";
import { type Database, openDatabase } from "../../packages/node/src/database.ts";
import { limits } from "../../packages/node/src/limits.ts";
import { openLibp2pWire } from "../../packages/node/src/net/index.ts";
import {
  openEmbedded,
  openKubo,
  openPins,
  type PinBackend,
  type PinOptions,
} from "../../packages/node/src/pins/index.ts";
import { openDiskBlocks } from "../../packages/node/src/retrieval/index.ts";
import { openBlockSwap } from "../../packages/node/src/swap/index.ts";
import { Crowd, content, type Tree, treeOf } from "../../packages/node/test/pins/support.ts";
import type { Bench, Figure } from "../figure.ts";
import { type KuboDaemon, startKubo } from "../kubo-daemon.ts";
import { callsPerSecond } from "../measure.ts";
import { kuboProgram } from "../peers.ts";
import { measureRoots, strays, writeRoots } from "../pinned-roots.ts";

const options = {
  origins: [],
  maxBytes: 10 ** 12,
  signal: new AbortController().signal,
  progress: () => undefined,
};

async function pinAll(backend: PinBackend, trees: readonly Tree[]): Promise<number> {
  const startedMs = performance.now();
  for (let at = 0; at < trees.length; at += 8)
    await Promise.all(trees.slice(at, at + 8).map(({ root }) => backend.pin(root, options)));
  return (performance.now() - startedMs) / 1_000;
}

async function embedded(folder: string, trees: readonly Tree[]): Promise<number> {
  const crowd = new Crowd();
  crowd.has(...trees);
  const blocks = await openDiskBlocks({
    disk: await openNodeDisk(folder),
    folder: "pins",
    quotaBytes: 10 ** 12,
  });
  const database = openDatabase(join(folder, "node.db"));
  const backend = openEmbedded({ blocks, database, fetch: crowd.fetch, addresses: () => [] });
  const seconds = await pinAll(backend, trees);
  await backend[Symbol.asyncDispose]();
  await blocks[Symbol.asyncDispose]();
  database[Symbol.dispose]();
  return seconds;
}

/** Trees that a Kubo daemon has: whom the others fetch them from. */
async function sourceOf(program: string, folder: string, trees: readonly Tree[]): Promise<KuboDaemon> {
  const source = await startKubo(program, folder);
  for (const tree of trees) {
    for (const { cid, bytes } of tree.blocks.values()) {
      const form = new FormData();
      form.append("data", new Blob([Buffer.from(bytes)]));
      const codec = cid.code === 0x70 ? "dag-pb" : "raw";
      await source.call(`block/put?cid-codec=${codec}&mhtype=sha2-256`, form);
    }
  }
  return source;
}

/** A node of ours, which fetches by bitswap. */
async function ownFrom(source: KuboDaemon, folder: string, trees: readonly Tree[]): Promise<number> {
  await using stack = new AsyncDisposableStack();
  const clock = realClock();
  const logger = silentLogger;
  const privateKey = new Uint8Array(randomBytes(32));
  const wire = stack.use(await openLibp2pWire({ clock, logger, limits }, { privateKey, listen: [] }));
  const swap = stack.use(openBlockSwap({ wire, clock, logger }));
  const peer = await wire.connect(source.address);
  const disk = await openNodeDisk(folder);
  const blocks = stack.use(await openDiskBlocks({ disk, folder: "pins", quotaBytes: 10 ** 12 }));
  const database = stack.use(openDatabase(join(folder, "node.db")));
  const backend = stack.use(
    openEmbedded({
      ...{ blocks, database, addresses: () => [] },
      async fetch() {
        const session = swap.session({ peers: [peer] });
        return { get: (cid, signal) => session.get(cid, signal) };
      },
    }),
  );
  return await pinAll(backend, trees); // before anything is closed
}

/** Another Kubo daemon. */
async function kuboFrom(
  { program, source }: { readonly program: string; readonly source: KuboDaemon },
  folder: string,
  trees: readonly Tree[],
): Promise<number> {
  await using daemon = await startKubo(program, folder);
  await daemon.call(`swarm/connect?arg=${encodeURIComponent(source.address)}`);
  await using backend = openKubo(daemon.url);
  return await pinAll(backend, trees); // before anything is closed
}

/** The same trees from one Kubo daemon over loopback: by our node, and by another Kubo. */
async function besideKubo(
  trees: readonly Tree[],
  say: (text: string) => void,
): Promise<{ readonly ours: number; readonly theirs: number } | undefined> {
  const program = kuboProgram();
  if ("problem" in program) {
    say(`Kubo is left out: ${program.problem}`);
    return undefined;
  }
  return inFolder(async (at) => {
    await using source = await sourceOf(program.path, at, trees);
    const ours = await inFolder((folder) => ownFrom(source, folder, trees));
    const theirs = await inFolder((folder) => kuboFrom({ program: program.path, source }, folder, trees));
    return { ours, theirs };
  });
}

async function inFolder<Result>(work: (folder: string) => Promise<Result>): Promise<Result> {
  const folder = mkdtempSync(join(tmpdir(), "holdfast-bench-pins-"));
  try {
    return await work(folder);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

const perTransaction = 1_000;

/** A whole collection: what is left is held. */
const collect: () => void = (() => {
  setFlagsFromString("--expose-gc");
  return runInNewContext("gc");
})();

/** Heap that pins in the table take, when none is under way. */
async function heapOfPins(count: number): Promise<{ readonly heapMB: number; readonly seconds: number }> {
  return inFolder(async (folder) => {
    using database = openDatabase(join(folder, "node.db"));
    return await heapIn(database, count); // before it is closed
  });
}

async function heapIn(database: Database, count: number) {
  const crowd = new Crowd();
  crowd.before = () => new Promise(() => undefined);
  const blocks = { quotaBytes: 1 } as never;
  const backend = openEmbedded({ blocks, database, fetch: crowd.fetch, addresses: () => [] });
  const waiting: PinBackend = {
    ...backend,
    kind: "embedded",
    pin: (_root: unknown, { signal }: PinOptions) =>
      new Promise((_, reject) =>
        signal.addEventListener("abort", () => reject(signal.reason), { once: true }),
      ),
    [Symbol.asyncDispose]: async () => undefined,
  } as never;
  const random = new SeededRandom("heap");
  const pins = openPins({ backend: waiting, database, clock: realClock(), random, logger: silentLogger });
  const { root } = treeOf([content(1, 10)]);
  const account = { name: "node", maxBytes: undefined };
  collect();
  const before = process.memoryUsage().heapUsed;
  const startedMs = performance.now();
  for (let done = 0; done < count; done += perTransaction) {
    database.transaction(() => {
      for (let at = 0; at < Math.min(perTransaction, count - done); at += 1)
        pins.add(account, { cid: root.toString(), name: `pin ${done + at}` });
    });
    await new Promise((next) => setImmediate(next));
  }
  const seconds = (performance.now() - startedMs) / 1_000;
  collect();
  const heapMB = Math.max(0, (process.memoryUsage().heapUsed - before) / 1e6);
  await pins[Symbol.asyncDispose]();
  return { heapMB, seconds };
}

/** A node that has pinned so many, each root another one, in a process that has opened them and done nothing else. */
async function pinnedRoots(count: number, say: (text: string) => void): Promise<readonly Figure[]> {
  return inFolder(async (folder) => {
    const path = join(folder, "node.db");
    const startedMs = performance.now();
    await writeRoots(path, count);
    const writeS = (performance.now() - startedMs) / 1000;
    say(`${count} roots written down`);
    const [none, all] = [await measureRoots(join(folder, "empty.db"), 0), await measureRoots(path, count)];
    assert(all.freed === strays, "the collection finds what no root needs");
    const roots = `${count} pinned roots`;
    const note = `${none.openMB.toFixed(0)} MB with none; after a collection of garbage ${all.afterMB.toFixed(0)} MB`;
    return [
      { name: `a process with ${roots}`, value: all.openMB, unit: "MB", note },
      { name: `opening ${roots}`, value: all.startMs, unit: "ms" },
      { name: `a page of 100 of ${roots}, counted`, value: all.pageMs, unit: "ms" },
      { name: `one of ${roots} by its CID`, value: all.cidMs, unit: "ms" },
      {
        ...{ name: `collecting garbage among ${roots}`, value: all.collectS, unit: "s" },
        note: `two blocks each, ${strays} that nobody needs; without the disk's part`,
      },
      {
        ...{ name: "pinned roots written down", value: count / writeS, unit: "/s" },
        note: "through the stores, 10,000 in a transaction",
      },
    ];
  });
}

/** A report of 20 samples and what the chain says of it, as whoever hears it has them. */
function heardReport() {
  const tree = treeOf([content(1, 262_144)]);
  const blocks = [...tree.blocks.values()].reverse().map(({ bytes }) => bytes);
  const secret = generateKey("secp256k1", new SeededRandom("report"));
  const key = accountAddress(1, publicKeyOfKey(secret));
  const zeros = new Uint8Array(32);
  const [slot, count, set] = [7, 1_000, tree.root];
  const samples = Array.from({ length: 20 }, (_, index) => {
    const seed = sampleSeed({ networkId: zeros, slot, slotHash: zeros, key }, index);
    const end = walkBlocks(seed, tree.root, blocks);
    assert(end !== undefined, "the tree is whole");
    return { pin: sampledPlace(seed, count), root: tree.root, ...end, elapsedMs: 1 };
  });
  const report = signPinReport(secret.privateKey, zeros, {
    ...{ node: 1, key, slot, slotHash: zeros, previous: zeros, set, count, added: [], samples },
    program: "bench",
  });
  const node = { key, status: "active", validUntil: 1_000, lastSlot: 6, lastReport: zeros };
  const facts = {
    ...{ networkId: zeros, height: epoch(145), slot, slotHash: zeros, node, samples: 20 },
    programExpires: epoch(1_000),
    set: { root: set, count, at: (place: number) => place },
    rootOf: () => tree.root,
  } as unknown as PinReportFacts;
  return { report, facts, blocks, root: tree.root, zeros };
}

/** What a peer does with a report: all rules of the chain, and the walk of a sample that it looks at. */
async function judged(): Promise<readonly Figure[]> {
  const { report, facts, blocks, root, zeros } = heardReport();
  assert(pinReportFault(report, facts) === undefined, "the report is good");
  const bytes = encode(pinReportCodec, report);
  const { reports, signatures, walks } = await callsPerSecond({
    reports: () => void pinReportFault(decode(pinReportCodec, bytes), facts),
    signatures: () => void isPinReportSigned(report, zeros),
    walks: () => void walkBlocks(zeros, root, blocks),
  });
  return [
    { name: "reports of 20 samples judged, from bytes", value: reports, unit: "/s" },
    { name: "their signatures alone", value: signatures, unit: "/s" },
    { name: "walks to a block of 256 KiB", value: walks, unit: "/s" },
  ];
}

/** From the message that buys to three nodes that have said so on the chain: a local network, as `up` runs it. */
async function bought(say: (text: string) => void): Promise<readonly Figure[]> {
  const nodes = 3;
  await using network = await startDevnet({
    ...{ roundMs: 1_000, miners: 1, pinningNodes: nodes, sectorBytes: 16_384, apiPort: 0, version: "bench" },
  });
  const { api: url = "", token = "" } = network.nodes.find(({ role }) => role === "client") ?? {};
  const client = createClient({ url, token });
  const until = async (what: string, done: () => Promise<boolean>): Promise<number> => {
    const startedMs = performance.now();
    while (!(await done())) {
      assert(performance.now() - startedMs < 180_000, `${what} in time`);
      await pause(100);
    }
    say(`${what}: ${((performance.now() - startedMs) / 1000).toFixed(1)} s`);
    return (performance.now() - startedMs) / 1000;
  };
  await until("nodes", async () => (await client.call("pinNode.ls", {})).nodes.length === nodes);
  async function* file(): AsyncGenerator<Uint8Array> {
    yield content(1, 2 ** 20);
  }
  const { cid, carBytes: sizeBytes } = await client.importFile(file());
  const others = network.nodes.filter(({ role }) => role === "pinning");
  const apis = others.map((one) => createClient({ url: one.api, token: one.token }));
  const startedMs = performance.now();
  await client.call("pinOrder.add", { cid, sizeBytes, nodes, price: "1FIL", forMs: 600_000 });
  await until("pinned", async () => {
    const found = await Promise.all(apis.map((one) => one.call("localPin.ls", { cid, limit: 1 })));
    return found.every(({ pins }) => pins[0]?.state === "pinned");
  });
  const pinnedS = (performance.now() - startedMs) / 1000;
  await until("reported", async () => (await client.call("pinOrder.show", { pin: 0 })).state === "held");
  const note = "1 MiB, rounds of a second, slots of 20";
  return [
    { name: "bought until three nodes have it", value: pinnedS, unit: "s", note },
    {
      name: "bought until three have reported it",
      value: (performance.now() - startedMs) / 1000,
      unit: "s",
      note,
    },
  ];
}

export const pinsBench: Bench = {
  name: "pins",
  about: "Content that is kept by its CID, and reports about it",
  async run({ quick, say }) {
    await installNativeKernels();
    const small = Array.from({ length: quick ? 100 : 400 }, (_, at) => treeOf([content(at, 1_000)]));
    const large = Array.from({ length: quick ? 4 : 16 }, (_, at) =>
      treeOf(Array.from({ length: 16 }, (_leaf, leaf) => content(100 * at + leaf, 262_144))),
    );
    const figures: Figure[] = [];
    for (const trees of [small, large]) {
      const isLarge = trees === large;
      const amount = isLarge ? trees.reduce((sum, { bytes }) => sum + bytes, 0) / 1e6 : trees.length;
      const [what, unit] = isLarge ? (["4 MiB", "MB/s"] as const) : (["two small blocks", "/s"] as const);
      const here = await inFolder((folder) => embedded(folder, trees));
      const note = "each block written durably";
      figures.push({ name: `pins of ${what}, from memory`, value: amount / here, unit, note });
      const both = await besideKubo(trees, say);
      if (both === undefined) continue;
      figures.push({
        ...{ name: `pins of ${what}, from a Kubo daemon`, value: amount / both.ours, unit, note },
        peer: { name: "another Kubo daemon", value: amount / both.theirs },
      });
    }
    const count = quick ? 20_000 : 1_000_000;
    const { heapMB, seconds } = await heapOfPins(count);
    figures.push(
      {
        name: `heap for ${count} waiting pins`,
        value: heapMB,
        unit: "MB",
        note: "their table is on the disk",
      },
      { name: "wishes written down", value: count / seconds, unit: "/s" },
    );
    figures.push(...(await pinnedRoots(count, say)));
    return [...figures, ...(await judged()), ...(await bought(say))];
  },
};
