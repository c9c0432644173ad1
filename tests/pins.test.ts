/**
 * Attested pinning between real processes, sockets and disks: three nodes that attest by software pin a folder that a
 * client has bought, report every slot and look at each other's reports. One loses a block and earns less; one is
 * changed, so its program is another, and the network neither takes it in nor believes it later. The honest ones are
 * paid exactly what their reports have earned.
 */
import { mkdtemp, readdir, rm, stat } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { type ApiClient, createClient, type MethodResult } from "@holdfast/api";
import { type FolderItem, folderToTar } from "@holdfast/api/folder-tar";
import { decode, fromHex, parseFil } from "@holdfast/base";
import { SeededRandom } from "@holdfast/base/testing";
import { methods, vmExitCodes } from "@holdfast/consensus";
import { createDevnet, type DaemonHandle, realClock, startDaemon } from "@holdfast/node/daemon";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { changedProgram } from "./changed-program.ts";
import { Daemon } from "./daemons.ts";

type Report = MethodResult<"pinReport.show">;

const roundMs = 600;
const slotEpochs = 8;
const slotMs = roundMs * slotEpochs;
const penaltySlots = 1;
const orderSlots = 6;
/** Its number on the chain. */
const pin = 0;
/** A chain that makes fewer tipsets between a report's time and the end of its slot may have room for none. */
const tipsetsForReport = 3;
const longMs = 120_000;

let folder: string;
let changed: string;
let client: ApiClient;
let nodes: readonly Daemon[];
const stack = new AsyncDisposableStack();

/** What has happened to the nodes, which one test after the other looks at. */
let story: Story | undefined;
interface Story {
  /** As it was when it had ended. */
  readonly order: MethodResult<"pinOrder.show">;
  readonly honest: number;
  readonly lossy: number;
  readonly lost: number;
  readonly honestNode: Daemon;
  readonly lossyNode: Daemon;
  /** The slot in which the third was killed, and what the chain knew of it. */
  readonly killedIn: number;
  readonly known: MethodResult<"pinNode.show">;
}
function toldStory(): Story {
  if (story === undefined) throw new TypeError("the test before this one has failed");
  return story;
}

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "holdfast-pins-"));
  stack.defer(() => rm(folder, { recursive: true, force: true }));
  const state = join(folder, "network");
  const params = {
    pinSlotEpochs: slotEpochs,
    pinSamples: 4,
    pinPenaltySlots: penaltySlots,
    pinDisputeSlots: 3,
    // Who is killed may be asked by the chain meanwhile; here it has the time to come back.
    pinAnswerEpochs: 400,
  };
  const [launcher] = await Promise.all([
    changedProgram(join(folder, "changed"), [
      {
        // It would stop by itself, so this is what somebody changes who does not want it to.
        file: "packages/node/src/posc/entry.ts",
        from: "if (ends === undefined || view.height + 1 >= ends)",
        to: "if (ends === -1)",
      },
    ]),
    createDevnet({
      ...{ state, roundMs, params, miners: 1, pinningNodes: 3, sectorBytes: 16_384, apiPort: 0 },
      clock: realClock(),
    }),
  ]);
  changed = launcher;
  // Whom nobody kills lives in this process, which has loaded all of it already.
  const hosts: DaemonHandle[] = [];
  for (const name of ["bootstrap", "miner-1", "client"]) {
    const repo = join(state, name);
    const logFile = join(repo, "node.log");
    hosts.push(stack.use(await startDaemon({ repo, logFile, version: "0.1.0", soleMiner: true })));
  }
  const { api: url = "", token = "" } = hosts.at(-1) ?? {};
  client = createClient({ url, token });
  nodes = [1, 2, 3].map((number) => stack.use(new Daemon(state, `pinning-${number}`)));
  await Promise.all(nodes.map((daemon) => daemon.start()));
}, longMs);
afterAll(() => stack.disposeAsync());

/** What it gives as soon as it gives something. */
async function until<Found>(look: () => Promise<Found | undefined | false>): Promise<Found> {
  const endMs = performance.now() + longMs / 2;
  for (;;) {
    const found = await look();
    if (found !== undefined && found !== false) return found;
    if (performance.now() > endMs) {
      const states = await Promise.all(nodes.map((one) => statusOf(one).catch(String)));
      throw new Error(`it never comes; the nodes say ${JSON.stringify(states)}`);
    }
    await pause(roundMs / 2);
  }
}

const statusOf = (daemon: Daemon) => daemon.client.call("posc.status", {});
const orderOf = (pin: number) => client.call("pinOrder.show", { pin });
/** Oldest first. */
const reportsOf = async (node: number): Promise<readonly Report[]> =>
  (await client.call("pinReport.ls", { node, limit: 1_000 })).toSorted((a, b) => a.slot - b.slot);
/** A report may be signed and heard, and come into no block before its slot is over. */
const taken = async (reports: readonly Report[]): Promise<readonly Report[]> => {
  const verdicts = await Promise.all(
    reports.map(({ bytesHex }) => client.call("pinReport.verify", { bytesHex })),
  );
  return reports.filter((_, index) => verdicts[index]?.onChain === "this");
};
const allTaken = () => Promise.all([0, 1, 2].map(async (node) => taken(await reportsOf(node))));
const millionths = ({ accuracyPercent }: Report): number => Math.round(accuracyPercent * 10_000);

async function* directory(random: SeededRandom): AsyncGenerator<FolderItem> {
  const file = (path: readonly string[], bytes: Uint8Array): FolderItem => ({
    ...{ kind: "file", path, sizeBytes: bytes.length },
    bytes: (async function* () {
      yield bytes;
    })(),
  });
  yield { kind: "folder", path: ["album"] };
  yield file(["album", "large.bin"], random.bytes(200_000));
  yield file(["album", "small.txt"], random.bytes(2_000));
  yield file(["readme.txt"], new TextEncoder().encode("bought\n"));
}

/** Removes the largest block that a node keeps, as a failing disk would. */
async function loseBlock(repo: string): Promise<void> {
  const pins = join(repo, "pins");
  let largest: { readonly path: string; readonly size: number } | undefined;
  for (const entry of await readdir(pins, { recursive: true, withFileTypes: true })) {
    if (!entry.isFile()) continue;
    const path = join(entry.parentPath, entry.name);
    const { size } = await stat(path);
    if (size > (largest?.size ?? 0)) largest = { path, size };
  }
  if (largest === undefined) throw new TypeError("the node keeps nothing");
  await rm(largest.path);
}

/** The rule of the actor, from the reports alone: each slot's accuracy, nothing for a while after a slot was missed. */
function earnedBy(reports: readonly Report[], all: readonly Report[], pin: number, endSlot: number): bigint {
  const from = (reports.find(({ added }) => added.includes(pin))?.slot ?? endSlot) + 1;
  let unpaidBefore = 0;
  let sum = 0;
  for (const [index, report] of reports.entries()) {
    const last = reports[index - 1];
    const hadWitness = (first: number): boolean =>
      all.some(({ slot, node }) => node !== report.node && slot > first && slot < report.slot);
    if (last !== undefined && report.slot > last.slot + 1 && report.count > 0 && hadWitness(last.slot))
      unpaidBefore = Math.max(unpaidBefore, report.slot + penaltySlots);
    if (report.slot >= from && report.slot < endSlot && report.slot >= unpaidBefore)
      sum += millionths(report);
  }
  return BigInt(sum);
}

/** Heights at which the chain made a tipset. */
async function heightsMade(): Promise<ReadonlySet<number>> {
  return new Set((await client.call("chain.ls", { limit: 1_000 })).map(({ height }) => height));
}

/** Slots of the order that the chain had room for a report in, and has none of. */
function missingSlots(
  node: number,
  marks: readonly Report[],
  { from, end, made }: { readonly from: number; readonly end: number; readonly made: ReadonlySet<number> },
): { readonly missing: readonly number[]; readonly possible: number } {
  const quarter = Math.floor(slotEpochs / 4);
  const due = quarter + (node % quarter);
  const isPossible = (slot: number): boolean => {
    const after = Array.from({ length: slotEpochs - due - 1 }, (_, at) => slot * slotEpochs + due + 1 + at);
    return after.filter((height) => made.has(height)).length >= tipsetsForReport;
  };
  const possible = Array.from({ length: end - from }, (_, at) => from + at).filter(isPossible);
  const taken = new Set(marks.map(({ slot }) => slot));
  return { missing: possible.filter((slot) => !taken.has(slot)), possible: possible.length };
}

interface Account {
  readonly height: number;
  readonly balance: bigint;
}

/** An account's balance, and the head that it is of. */
async function accountAt(daemon: Daemon): Promise<Account> {
  for (;;) {
    const before = await daemon.client.call("chain.head", {});
    const own = (await daemon.client.call("wallet.ls", {})).find(({ isDefault }) => isDefault);
    const after = await daemon.client.call("chain.head", {});
    if (before.key === after.key) return { height: after.height, balance: parseFil(`${own?.balanceFil}FIL`) };
  }
}

/** What an account has paid for gas in the tipsets above one height, up to another. */
async function feesOf(account: string, above: number, upTo: number): Promise<bigint> {
  const seen = new Set<string>();
  let sum = 0n;
  for (const { height, cids } of await client.call("chain.ls", { from: upTo, limit: 1_000 })) {
    if (height <= above) break;
    for (const cid of cids) {
      for (const message of (await client.call("chain.show", { cid })).messages) {
        if (message.from !== account || seen.has(message.cid)) continue;
        seen.add(message.cid);
        const { receipt } = await client.call("message.show", { cid: message.cid });
        sum += parseFil(`${message.gasPriceFil}FIL`) * BigInt(receipt?.gasUsed ?? 0);
      }
    }
  }
  return sum;
}

/** A node takes what it has earned: exactly that comes into its wallet, less what messages cost. */
async function claims(daemon: Daemon, node: number): Promise<bigint> {
  const { earnedFil, operator } = await client.call("pinNode.show", { node });
  const earned = parseFil(`${earnedFil}FIL`);
  const before = await accountAt(daemon);
  const { cid } = await daemon.client.call("pinNode.claim", { node });
  const { receipt } = await daemon.client.call("message.wait", { cid, confirmations: 1 });
  expect(receipt?.exitCode).toBe(0);
  expect(decode(methods.pins.claimEarned.returns, fromHex(receipt?.returnsHex ?? ""))).toBe(earned);
  const after = await accountAt(daemon);
  await until(async () => (await client.call("chain.head", {})).height >= after.height);
  const fees = await feesOf(operator, before.height, after.height);
  expect(after.balance - before.balance).toBe(earned - fees);
  expect((await client.call("pinNode.show", { node })).earnedFil).toBe("0");
  return earned;
}

/** What programs that were written for the original ask over HTTP, on the address of the pinning service. */
async function answersAsOriginal(daemon: Daemon, cid: string, newest: Report): Promise<void> {
  const { serviceUrl } = await daemon.client.call("localPin.status", {});
  const { programHex } = await statusOf(daemon);
  const { peerId } = await client.call("pinNode.show", { node: newest.node });
  const post = async (path: string, body: object) => {
    const response = await fetch(`${serviceUrl}${path}`, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify(body),
    });
    return (await response.json()) as { readonly code: number; readonly msg: string };
  };
  const info = await post("/info", {});
  expect(JSON.parse(info.msg)).toMatchObject({ ipfs_id: peerId, mr_enclave: programHex, node_count: 3 });
  expect(await post("/cid", { cid })).toEqual({ code: 200, msg: "true" });
  const height = newest.slot * slotEpochs;
  const { code, msg } = await post("/report", { ipfs_id: peerId, blocknum: height });
  expect([code, JSON.parse(msg)]).toEqual([
    200,
    {
      [height]: expect.objectContaining({
        check_num: newest.samples.length,
        success_rate: Math.floor(newest.accuracyPercent),
        cids: newest.samples.map(({ root, block }) => [root, block !== null]),
      }),
    },
  ]);
}

describe("three attested pinning nodes", () => {
  it(
    "enter by themselves, by evidence of their program",
    async () => {
      for (const one of nodes) await until(async () => (await statusOf(one)).status === "active");
      await until(async () => (await client.call("pinNode.ls", {})).nodes.length === 3);
      const programs = await client.call("pinProgram.ls", {});
      const shown = await Promise.all(nodes.map(statusOf));
      expect(shown.map(({ programHex }) => programHex)).toEqual(shown.map(() => programs[0]?.programHex));
      expect(new Set(shown.map(({ node }) => node)).size).toBe(3);
    },
    longMs,
  );

  it(
    "pin what a client buys; one loses a block and says so, one is changed and says why it stops",
    async () => {
      const [first, second, third] = nodes;
      if (first === undefined || second === undefined || third === undefined)
        throw new TypeError("there are three nodes");
      const { cid, carBytes: sizeBytes } = await client.importFolder(
        folderToTar(directory(new SeededRandom("pins"))),
      );
      const terms = { cid, sizeBytes, nodes: 3, price: "10FIL" };
      await client.call("pinOrder.add", { ...terms, forMs: orderSlots * slotMs });
      const bought = await until(async () => orderOf(pin).catch(() => undefined));
      expect(bought.holders).toHaveLength(3);
      await until(async () => {
        const shown = await Promise.all([0, 1, 2].map(reportsOf));
        return shown.every((own) => own.some(({ added }) => added.includes(pin)));
      });
      const numbers = await Promise.all(nodes.map(async (one) => (await statusOf(one)).node ?? -1));
      const [honest = -1, lossy = -1, lost = -1] = numbers;

      // One loses a block: it says so, and its slots count less from then on.
      await loseBlock(second.repo);
      await until(async () =>
        (await reportsOf(lossy)).some(({ accuracyPercent, count }) => count > 0 && accuracyPercent < 100),
      );
      // One is changed: what it shows then is no listed program, so it can sign nothing any more.
      await third.kill();
      const killedIn = Math.floor((await client.call("chain.head", {})).height / slotEpochs);
      const known = await client.call("pinNode.show", { node: lost });
      await third.start(changed);

      const order = await until(async () => {
        const found = await orderOf(pin);
        return found.state === "ended" && found;
      });
      const { reason, node } = await until(async () => {
        const status = await statusOf(third);
        return status.reason !== null && status;
      });
      expect(node).toBe(lost);
      expect(reason?.code).toBe("sender/would-fail");
      expect(reason?.message).toContain(`(exit code ${vmExitCodes.programNotAllowed})`);
      story = { order, killedIn, known, honest, lossy, lost, honestNode: first, lossyNode: second };
    },
    2 * longMs,
  );

  it(
    "are credited exactly what their reports have earned",
    async () => {
      const { order } = toldStory();
      const shown = () => Promise.all([0, 1, 2].map((node) => client.call("pinNode.show", { node })));
      const before = await shown();
      const settled = await client.call("pinOrder.settle", { pins: [pin] });
      await until(async () => (await client.call("message.show", { cid: settled.cid })).receipt ?? undefined);
      const after = await shown();
      const reports = await allTaken();
      const slotPrice = parseFil(`${order.slotFil}FIL`);
      for (const [number, own] of reports.entries()) {
        const earned =
          parseFil(`${after[number]?.earnedFil}FIL`) - parseFil(`${before[number]?.earnedFil}FIL`);
        const due = earnedBy(own, reports.flat(), pin, order.endHeight / slotEpochs);
        expect([number, earned]).toEqual([number, (slotPrice * due) / 1_000_000n]);
      }
    },
    longMs,
  );

  it(
    "have reported every slot that the chain had room for, the changed one none",
    async () => {
      const { order, killedIn, known, honest, lossy, lost } = toldStory();
      const end = order.endHeight / slotEpochs;
      const [reports, made] = await Promise.all([allTaken(), heightsMade()]);
      for (const number of [honest, lossy]) {
        const marks = reports[number] ?? [];
        const from = (marks.find(({ added }) => added.includes(pin))?.slot ?? 0) + 1;
        const { missing, possible } = missingSlots(number, marks, { from, end, made });
        expect([number, missing]).toEqual([number, []]);
        expect(possible).toBeGreaterThan(1);
      }
      // The chain has the key and the evidence of the listed program.
      expect(Math.max(...(reports[lost] ?? []).map(({ slot }) => slot))).toBeLessThanOrEqual(killedIn);
      const { key, programHex, validUntil } = known;
      expect(await client.call("pinNode.show", { node: lost })).toMatchObject({
        ...{ key, programHex, validUntil },
      });
    },
    longMs,
  );

  it(
    "are looked at by each other, answer whoever asks as the original's did, and take what they have earned",
    async () => {
      const { order, honest, lossy, honestNode, lossyNode } = toldStory();
      const end = order.endHeight / slotEpochs;
      const own = (await taken(await reportsOf(honest))).filter(({ count, slot }) => count > 0 && slot < end);
      expect(own.every(({ accuracyPercent }) => accuracyPercent === 100)).toBe(true);
      const seen = await lossyNode.client.call("pinReport.ls", { node: honest, limit: 1_000 });
      expect(seen.filter(({ check }) => check === "confirmed").length).toBeGreaterThan(0);
      expect(seen.every(({ check }) => check !== "false" && check !== "silent")).toBe(true);
      const newest = own.at(-1);
      if (newest === undefined) throw new TypeError("it has reported");
      await answersAsOriginal(honestNode, order.cid, newest);
      expect(await claims(honestNode, honest)).toBeGreaterThan(0n);
      await claims(lossyNode, lossy);
      expect((await client.call("chain.money", {})).exact).toBe(true);
    },
    longMs,
  );
});
