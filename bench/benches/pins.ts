/**
 * Pinned content: pins in a second and MB/s from a source in memory onto a disk, beside a Kubo daemon that pins the
 * same trees out of its own repo; what a pin takes in memory; and reports of pinning nodes judged in a second.
 */
import { execFileSync, spawn } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { accountAddress, generateKey, publicKeyOfKey, silentLogger } from "@holdfast/base";
import { SeededRandom } from "@holdfast/base/testing";
import { isPinReportSigned, signPinReport, walkBlocks } from "@holdfast/consensus";
import { installNativeKernels } from "@holdfast/node";
import { openNodeDisk } from "@holdfast/storage";
import { realClock } from "../../packages/node/src/clock.ts";
import { openDatabase } from "../../packages/node/src/database.ts";
import { openEmbedded, openKubo, openPins, type PinBackend } from "../../packages/node/src/pins/index.ts";
import { openDiskBlocks } from "../../packages/node/src/retrieval/index.ts";
import { Crowd, content, type Tree, treeOf } from "../../packages/node/test/pins/support.ts";
import type { Bench, Figure } from "../figure.ts";
import { callsPerSecond } from "../measure.ts";
import { kuboProgram } from "../peers.ts";

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

/** A daemon that has the blocks already: it walks and writes down what it pins, and fetches nothing. */
async function kubo(folder: string, trees: readonly Tree[]): Promise<number | undefined> {
  const program = kuboProgram();
  if ("problem" in program) return undefined;
  const env = { ...process.env, IPFS_PATH: folder, IPFS_TELEMETRY: "off" };
  const run = (...args: string[]) => execFileSync(program.path, args, { env, stdio: "ignore" });
  run("init", "--profile=test");
  run("config", "Routing.Type", "none");
  const daemon = spawn(program.path, ["daemon"], { env, stdio: ["ignore", "pipe", "ignore"] });
  try {
    for await (const part of daemon.stdout) if (String(part).includes("Daemon is ready")) break;
    daemon.stdout.resume();
    const [, , host, , port] = readFileSync(join(folder, "api"), "utf8").trim().split("/");
    const url = `http://${host}:${port}`;
    for (const tree of trees) {
      for (const { cid, bytes } of tree.blocks.values()) {
        const form = new FormData();
        form.append("data", new Blob([Buffer.from(bytes)]));
        const codec = cid.code === 0x70 ? "dag-pb" : "raw";
        await fetch(`${url}/api/v0/block/put?cid-codec=${codec}&mhtype=sha2-256`, {
          method: "POST",
          body: form,
        });
      }
    }
    await using backend = openKubo(url);
    return await pinAll(backend, trees);
  } finally {
    daemon.kill("SIGKILL");
  }
}

async function inFolder<Result>(work: (folder: string) => Promise<Result>): Promise<Result> {
  const folder = mkdtempSync(join(tmpdir(), "holdfast-bench-pins-"));
  try {
    return await work(folder);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** Heap that pins in the table take, when none is under way. */
async function heapOfPins(count: number): Promise<number> {
  const database = openDatabase(":memory:");
  const crowd = new Crowd();
  crowd.before = () => new Promise(() => undefined);
  const blocks = { quotaBytes: 1 } as never;
  const backend = openEmbedded({ blocks, database, fetch: crowd.fetch, addresses: () => [] });
  const waiting: PinBackend = {
    ...backend,
    kind: "embedded",
    pin: () => new Promise(() => undefined),
  } as never;
  const random = new SeededRandom("heap");
  const pins = openPins({ backend: waiting, database, clock: realClock(), random, logger: silentLogger });
  const { root } = treeOf([content(1, 10)]);
  const account = { name: "node", maxBytes: undefined };
  globalThis.gc?.();
  const before = process.memoryUsage().heapUsed;
  database.transaction(() => {
    for (let at = 0; at < count; at += 1) pins.add(account, { cid: root.toString(), name: `pin ${at}` });
  });
  globalThis.gc?.();
  return Math.max(0, (process.memoryUsage().heapUsed - before) / 1e6);
}

/** What a peer does with a report beyond reading the chain: the signature, and the walk of a sample. */
async function judged(): Promise<readonly Figure[]> {
  const tree = treeOf([content(1, 262_144)]);
  const blocks = [...tree.blocks.values()].reverse().map(({ bytes }) => bytes);
  const key = generateKey("secp256k1", new SeededRandom("report"));
  const zeros = new Uint8Array(32);
  const sample = { pin: 1, root: tree.root, block: tree.root, answer: zeros, bytes: 262_144, elapsedMs: 1 };
  const report = signPinReport(key.privateKey, zeros, {
    ...{ node: 1, slot: 1, slotHash: zeros, previous: zeros, set: tree.root, count: 20, added: [] },
    key: accountAddress(1, publicKeyOfKey(key)),
    samples: Array.from({ length: 20 }, () => sample),
    program: "bench",
  });
  const { walks, signatures } = await callsPerSecond({
    walks: () => void walkBlocks(zeros, tree.root, blocks),
    signatures: () => void isPinReportSigned(report, zeros),
  });
  return [
    { name: "signatures of reports of 20 samples", value: signatures, unit: "/s" },
    { name: "walks to a block of 256 KiB", value: walks, unit: "/s" },
  ];
}

export const pinsBench: Bench = {
  name: "pins",
  about: "Content that is kept by its CID, and reports about it",
  async run({ quick }) {
    await installNativeKernels();
    const small = Array.from({ length: quick ? 100 : 400 }, (_, at) => treeOf([content(at, 1_000)]));
    const large = Array.from({ length: quick ? 4 : 16 }, (_, at) =>
      treeOf(Array.from({ length: 16 }, (_leaf, leaf) => content(100 * at + leaf, 262_144))),
    );
    const figures: Figure[] = [];
    for (const [name, trees] of [
      ["pins of two small blocks", small],
      ["pins of 4 MiB", large],
    ] as const) {
      const isLarge = trees === large;
      const amount = isLarge ? trees.reduce((sum, { bytes }) => sum + bytes, 0) / 1e6 : trees.length;
      const ours = await inFolder((folder) => embedded(folder, trees));
      const theirs = await inFolder((folder) => kubo(folder, trees));
      figures.push({
        name,
        value: amount / ours,
        unit: isLarge ? "MB/s" : "/s",
        ...(theirs === undefined
          ? {}
          : { peer: { name: "Kubo, blocks in its repo", value: amount / theirs } }),
        note: "each block written durably; Kubo only walks and records",
      });
    }
    const count = quick ? 20_000 : 200_000;
    figures.push({ name: `heap for ${count} waiting pins`, value: await heapOfPins(count), unit: "MB" });
    return [...figures, ...(await judged())];
  },
};
