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
import { parseFil } from "@holdfast/base";
import { SeededRandom } from "@holdfast/base/testing";
import { createDevnet, type DaemonHandle, realClock, startDaemon } from "@holdfast/node/daemon";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { changedProgram } from "./changed-program.ts";
import { Daemon } from "./daemons.ts";

type Report = MethodResult<"pinReport.show">;

const roundMs = 600;
const slotEpochs = 6;
const slotMs = roundMs * slotEpochs;
const penaltySlots = 1;
const orderSlots = 8;
const longMs = 120_000;

let folder: string;
let changed: string;
let client: ApiClient;
let nodes: readonly Daemon[];
const stack = new AsyncDisposableStack();

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
    "pin what a client buys, report it slot by slot, and are paid exactly",
    async () => {
      const [, second, third] = nodes;
      if (second === undefined || third === undefined) throw new TypeError("there are three nodes");
      const imported = await client.importFolder(folderToTar(directory(new SeededRandom("pins"))));
      const terms = { cid: imported.cid, sizeBytes: imported.carBytes, nodes: 3, price: "10FIL" };
      await client.call("pinOrder.add", { ...terms, forMs: orderSlots * slotMs });
      const pin = 0;
      const bought = await until(async () => orderOf(pin).catch(() => undefined));
      expect(bought.holders).toHaveLength(3);
      await until(async () => {
        const shown = await Promise.all([0, 1, 2].map(reportsOf));
        return shown.every((own) => own.some(({ added }) => added.includes(pin)));
      });

      // One loses a block: it says so, and its slots count less from then on.
      const lossy = (await statusOf(second)).node ?? -1;
      await loseBlock(second.repo);
      await until(async () =>
        (await reportsOf(lossy)).some(({ accuracyPercent, count }) => count > 0 && accuracyPercent < 100),
      );
      // One is changed: what it shows then is no listed program, so it can sign nothing any more.
      const lost = (await statusOf(third)).node ?? -1;
      await third.kill();
      await third.start(changed);

      const ended = await until(async () => {
        const order = await orderOf(pin);
        return order.state === "ended" && order;
      });
      const { reason, node } = await until(async () => {
        const status = await statusOf(third);
        return status.reason !== null && status;
      });
      expect(node).toBe(lost);
      expect(reason?.message).toContain("program");

      const before = await Promise.all(
        [0, 1, 2].map((number) => client.call("pinNode.show", { node: number })),
      );
      const settled = await client.call("pinOrder.settle", { pins: [pin] });
      await until(async () => (await client.call("message.show", { cid: settled.cid })).receipt ?? undefined);
      const after = await Promise.all(
        [0, 1, 2].map((number) => client.call("pinNode.show", { node: number })),
      );
      const endSlot = ended.endHeight / slotEpochs;
      const reports = await Promise.all([0, 1, 2].map(async (number) => taken(await reportsOf(number))));
      const all = reports.flat();
      const slotPrice = parseFil(`${ended.slotFil}FIL`);
      for (const [number, own] of reports.entries()) {
        const earned =
          parseFil(`${after[number]?.earnedFil}FIL`) - parseFil(`${before[number]?.earnedFil}FIL`);
        expect([number, earned]).toEqual([
          number,
          (slotPrice * earnedBy(own, all, pin, endSlot)) / 1_000_000n,
        ]);
      }
      // Every slot of the honest one, looked at by the others and found true.
      const [honest = 0] = [0, 1, 2].filter((number) => number !== lossy && number !== lost);
      const own = (reports[honest] ?? []).filter(({ count, slot }) => count > 0 && slot < endSlot);
      expect(own.every(({ accuracyPercent }) => accuracyPercent === 100)).toBe(true);
      expect(own.length).toBeGreaterThan(orderSlots / 2);
      const seen = await second.client.call("pinReport.ls", { node: honest, limit: 1_000 });
      expect(seen.filter(({ check }) => check === "confirmed").length).toBeGreaterThan(0);
      expect(seen.every(({ check }) => check !== "false" && check !== "silent")).toBe(true);
      expect((await client.call("chain.money", {})).exact).toBe(true);
    },
    2 * longMs,
  );
});
