/**
 * Idle space of a network of real processes: filled, certified by a verifier that has shown what it runs, challenged,
 * counted; killed while it is made and while it is given back; taken back for a deal; and of a miner that deletes it
 * behind its node's back, punished for the challenge that it misses (that it is the next one says
 * idle-network.test.ts). Files are the smallest, everything else is as it is.
 */
import { randomBytes } from "node:crypto";
import { mkdtemp, readdir, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import type { MethodResult } from "@holdfast/api";
import { SeededRandom } from "@holdfast/base/testing";
import { createDevnet, realClock } from "@holdfast/node/daemon";
import { describe, expect, it } from "vitest";
import { Daemon } from "./daemons.ts";

type IdleView = MethodResult<"idle.status">;

const roundMs = 500;
const lookMs = 100;
const longestMs = 120_000;
const seed = process.env.HOLDFAST_SEED ?? randomBytes(8).toString("hex");

/** A file has 32 KiB, a layer two files, a set two layers. */
const fileBytes = 32_768;
const layerFiles = 2;
const wholeFiles = 8;
/** Four layers, each of 66 KB, and 197 KB beside the last one until it is certified. */
const maxBytes = 490_000;
/** What is free: less than a sector takes while it is sealed (374 KB), and less than a new layer does. */
const spareBytes = 200_000;

const idle = {
  profile: "idle-32KiB",
  lotEpochs: 12,
  answerEpochs: 16,
  settleEpochs: 30,
  certifyEpochs: 200,
} as const;

async function until<Value>(
  what: string,
  look: () => Promise<Value>,
  isSo: (value: Value) => boolean,
): Promise<Value> {
  const deadline = performance.now() + longestMs;
  for (;;) {
    const value = await look();
    if (isSo(value)) return value;
    if (performance.now() > deadline) throw new Error(`${what}: ${JSON.stringify(value)}`);
    await pause(lookMs);
  }
}

const statusOf = (daemon: Daemon): Promise<IdleView> => daemon.client.call("idle.status", {});
const claimed = ({ front, rear }: IdleView): number => rear - front;
const fill = (daemon: Daemon): Promise<IdleView> => daemon.client.call("idle.fill", { maxBytes });

/** SIGKILL as soon as the miner is at something, and a start. */
async function killWhen(daemon: Daemon, what: string, isSo: (view: IdleView) => boolean, laterMs: number) {
  await until(what, () => statusOf(daemon), isSo);
  await pause(laterMs);
  await daemon.kill();
  await daemon.start();
}

/** What lies on a miner's disk is what its status says, as soon as nothing is under way. */
async function expectAccounted(daemon: Daemon): Promise<void> {
  const look = async () => (await daemon.client.call("storage.ls", { check: true })).volumes;
  await until("the disk adds up", look, (volumes) =>
    volumes.every(({ recorded, found }) => {
      const of = (all: typeof recorded | null) => all?.find(({ owner }) => owner === "idle")?.files ?? 0;
      const isStrange = found?.some(({ owner }) => owner === "foreign" || owner === "orphan") === true;
      return of(found) === of(recorded) && !isStrange;
    }),
  );
}

const isQuiet = ({ underWay, layers }: IdleView): boolean =>
  underWay === null && layers.making === 0 && layers.made === 0 && layers.lost === 0;

async function putOnce(client: Daemon, bytes: Uint8Array) {
  async function* once(): AsyncIterable<Uint8Array> {
    yield bytes;
  }
  const { cid } = await client.client.importFile(once());
  return client.client.call("put.start", { cid, copies: 2, forMs: 3_600_000 });
}

interface Nodes {
  readonly state: string;
  readonly honest: Daemon;
  readonly cheat: Daemon;
  readonly client: Daemon;
  readonly random: SeededRandom;
}

async function startNodes(stack: AsyncDisposableStack): Promise<Nodes> {
  const state = await mkdtemp(join(tmpdir(), "holdfast-idle-"));
  stack.defer(() => rm(state, { recursive: true, force: true }));
  const network = { state, roundMs, miners: 2, verifiers: 1, sectorBytes: 16_384, apiPort: 0, idle };
  await createDevnet({ ...network, clock: realClock() });
  const daemonOf = (name: string): Daemon => stack.use(new Daemon(state, name));
  // The bootstrap node has money too, and stores the file: one process less.
  const [honest, cheat, client] = [daemonOf("miner-1"), daemonOf("miner-2"), daemonOf("bootstrap")];
  await Promise.all([client, honest, cheat, daemonOf("verifier-1")].map((daemon) => daemon.start()));
  return { state, honest, cheat, client, random: new SeededRandom(seed) };
}

/** Killed while it makes layers, and while one comes onto the chain. */
async function fillUnderKills({ honest, client, random }: Nodes): Promise<void> {
  await fill(honest);
  const isMaking = ({ layers, rear }: IdleView): boolean => layers.making + layers.made + rear > 0;
  await killWhen(honest, "it makes a layer", isMaking, random.below(50));
  const isShowing = (view: IdleView): boolean => view.underWay === "append" || claimed(view) >= wholeFiles;
  await killWhen(honest, "a layer is shown", isShowing, random.below(2_000));
  const isFull = (view: IdleView): boolean => claimed(view) >= wholeFiles && isQuiet(view);
  await until("all is certified", () => statusOf(honest), isFull);
  const { verifiers } = await client.client.call("verifier.list", {});
  expect(verifiers.map(({ isInOffice, kind }) => [isInOffice, kind])).toEqual([[true, "software"]]);
  await expectAccounted(honest);
}

/** Each time what it has is shown, and counts on. */
async function answerChallenge({ honest }: Nodes): Promise<void> {
  const proven = (await statusOf(honest)).onChain?.lastProven ?? -1;
  const shown = await until(
    "a challenge is settled",
    () => statusOf(honest),
    ({ onChain }) => (onChain?.lastProven ?? -1) > proven && onChain?.faultySince === null,
  );
  expect(shown.onChain?.powerBytes).toBe(Math.floor((claimed(shown) * fileBytes) / 10));
}

/** Its files go, and cannot be made again in time: a file lies where their folder was. */
async function missWhatIsGone({ state, cheat }: Nodes): Promise<void> {
  const look = (): Promise<IdleView> => statusOf(cheat);
  await fill(cheat);
  await until("the other's are certified", look, (view) => claimed(view) >= layerFiles);
  const folder = join(state, "miner-2", "sectors", "idle");
  expect((await readdir(folder)).length).toBeGreaterThan(0);
  await rm(folder, { recursive: true });
  await writeFile(folder, "nothing");
  const before = (await look()).onChain;
  const isMissed = ({ onChain }: IdleView): boolean => (onChain?.missed ?? 0) > 0;
  const { onChain } = await until("it is punished", look, isMissed);
  expect(onChain?.powerBytes).toBe(0);
  expect(Number(onChain?.lostFil)).toBeGreaterThan(Number(before?.lostFil));
  // Once there is room for them, they are made again, and shown.
  await rm(folder);
  await until("it is healthy again", look, ({ onChain: now, layers }) => {
    return layers.lost === 0 && now?.faultySince === null && (now?.powerBytes ?? 0) > 0;
  });
}

/** Released on the chain, deleted, and the sector has the room. */
async function giveWayToDeal({ honest, client, random }: Nodes): Promise<void> {
  const [home] = (await honest.client.call("storage.ls", {})).volumes;
  if (home === undefined) throw new TypeError("a storage has its home");
  const maxHomeBytes = Math.max(home.usedBytes, home.reservedBytes) + spareBytes;
  await honest.client.call("storage.set", { volume: "0", maxBytes: maxHomeBytes });
  const { jobId } = await putOnce(client, random.bytes(12_000));
  const isOver = ({ state }: MethodResult<"put.show">): boolean => state !== "running";
  const put = await until("the file is stored", () => client.client.call("put.show", { jobId }), isOver);
  expect(put.state, JSON.stringify(put.copies)).toBe("done");
  expect((await statusOf(honest)).front).toBeGreaterThan(0);
  await expectAccounted(honest);
}

/** Killed while it gives back, at the message and at the files. */
async function drainUnderKill({ honest, random }: Nodes): Promise<void> {
  await honest.client.call("idle.drain", { bytes: null });
  const isReleasing = (view: IdleView): boolean => view.underWay === "release" || claimed(view) === 0;
  await killWhen(honest, "a release is shown", isReleasing, random.below(1_500));
  const isEmpty = (view: IdleView): boolean => claimed(view) === 0 && view.totalBytes === 0;
  const drained = await until("all is given back", () => statusOf(honest), isEmpty);
  expect(drained.onChain?.powerBytes).toBe(0);
  await expectAccounted(honest);
}

describe("idle space of real processes", () => {
  const name = `is made, certified, counted, given back, and missed when it is gone (seed ${seed})`;
  it(name, { timeout: 400_000 }, async () => {
    await using stack = new AsyncDisposableStack();
    const nodes = await startNodes(stack);
    const cheating = missWhatIsGone(nodes);
    const living = (async () => {
      await fillUnderKills(nodes);
      await Promise.all([answerChallenge(nodes), giveWayToDeal(nodes)]);
      await drainUnderKill(nodes);
    })();
    await Promise.all([cheating, living]);
    expect((await nodes.client.client.call("chain.money", {})).exact).toBe(true);
  });
});
