/**
 * A put survives what operators fear: its miner and its client are killed without warning at twenty
 * random points, started again, and the file ends up proven and readable, paid for once, with all money
 * accounted for to the last attoFIL. Real processes, sockets and disks.
 */
import { createHash, randomBytes } from "node:crypto";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import type { MethodResult } from "@holdfast/api";
import { SeededRandom } from "@holdfast/base/testing";
import { createDevnet, realClock } from "@holdfast/node/daemon";
import { describe, expect, it } from "vitest";
import { Daemon } from "./daemons.ts";

type PutView = MethodResult<"put.show">;

const kills = 20;
const roundMs = 500;
const fileBytes = 40_000;
/** Longest pause between a start and the next kill. */
const longestLifeMs = 6_000;
const finishMs = 300_000;

const seed = process.env.HOLDFAST_SEED ?? randomBytes(8).toString("hex");

describe("kill -9", () => {
  it(`loses no put, no payment and no sector (seed ${seed})`, { timeout: 900_000 }, async () => {
    const random = new SeededRandom(seed);
    const state = await mkdtemp(join(tmpdir(), "holdfast-kill-"));
    await using stack = new AsyncDisposableStack();
    stack.defer(() => rm(state, { recursive: true, force: true }));
    await createDevnet({ state, roundMs, miners: 2, sectorBytes: 16_384, apiPort: 0, clock: realClock() });
    const names = ["bootstrap", "miner-1", "miner-2", "client"];
    const daemons = names.map((name) => stack.use(new Daemon(state, name)));
    await Promise.all(daemons.map((daemon) => daemon.start()));
    const [, miner, , client] = daemons;
    if (miner === undefined || client === undefined) throw new TypeError("the network has four nodes");

    const puts: { readonly cid: string; readonly digest: string; jobId: string }[] = [];
    let killed = 0;
    while (killed < kills) {
      puts.push(await startPut(client, random));
      while (killed < kills && !(await isDone(client, puts.at(-1)))) {
        await pause(random.below(longestLifeMs));
        const victims = [[client], [miner], [client, miner]][random.below(3)] ?? [client];
        await Promise.all(victims.map((victim) => victim.kill()));
        killed += 1;
        await Promise.all(victims.map((victim) => victim.start()));
        const last = puts.at(-1);
        // What the client has acknowledged it still knows.
        if (last !== undefined) expect((await show(client, last.jobId)).cid).toBe(last.cid);
      }
    }
    for (const put of puts) {
      const done = await finished(client, put.jobId);
      expect(done.state, JSON.stringify(done.copies)).toBe("done");
      expect(await digestOf(client, put.cid)).toBe(put.digest);
    }
    const money = await client.client.call("chain.money", {});
    expect(money.exact).toBe(true);
    await expectOneChannelEach(
      client,
      puts.map(({ jobId }) => jobId),
    );
  });
});

async function startPut(client: Daemon, random: SeededRandom) {
  const bytes = random.bytes(fileBytes);
  const file = await client.client.importFile(once(bytes));
  const job = await client.client.call("put.start", { cid: file.cid, copies: 2, forMs: 3_600_000 });
  return { cid: file.cid, digest: createHash("sha256").update(bytes).digest("hex"), jobId: job.jobId };
}

async function* once(bytes: Uint8Array): AsyncIterable<Uint8Array> {
  yield bytes;
}

function show(client: Daemon, jobId: string): Promise<PutView> {
  return client.client.call("put.show", { jobId });
}

async function isDone(client: Daemon, put: { readonly jobId: string } | undefined): Promise<boolean> {
  return put !== undefined && (await show(client, put.jobId)).state !== "running";
}

async function finished(client: Daemon, jobId: string): Promise<PutView> {
  let last = await show(client, jobId);
  for await (const view of client.client.stream("put.watch", { jobId }, AbortSignal.timeout(finishMs)))
    last = view;
  return last;
}

async function digestOf(client: Daemon, cid: string): Promise<string> {
  const hash = createHash("sha256");
  const file = await client.client.openFile(cid, { offsetBytes: 0 });
  for await (const chunk of file.bytes) hash.update(chunk);
  return hash.digest("hex");
}

/** A put pays once per copy: as many channels with money as copies, and none twice. */
async function expectOneChannelEach(client: Daemon, jobIds: readonly string[]): Promise<void> {
  const deals = await client.client.call("deal.ls", {});
  const paid = deals.filter(({ channelId }) => channelId !== null).map(({ channelId }) => channelId);
  expect(new Set(paid).size).toBe(paid.length);
  expect(paid.length).toBeGreaterThanOrEqual(jobIds.length * 2);
}
