/**
 * A node that begins with the genesis and catches up with a peer: headers, bodies, every check, execution, LevelDB,
 * and both ends of the wire in memory, all in this thread but for signatures and draws, which worker threads verify as
 * in a daemon. The limit is those checks alone, by the same threads. Proofs of sectors are the simulator's. Beside it:
 * how late the main loop comes to what waits for it, by a timer of a millisecond.
 */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { blake2b256, blsKeyFromSeed, blsPublicKey, blsSign, utf8Bytes } from "@holdfast/base";
import {
  type Claim,
  type ClaimChecker,
  createClaimPool,
  createLongRun,
  type LongNode,
  type LongRun,
} from "@holdfast/node/testing";
import type { Bench, BenchOptions, Figure } from "../figure.ts";
import { quantile } from "../measure.ts";

interface Work {
  readonly name: string;
  readonly tipsets: number;
  /** In each block. */
  readonly messages: number;
}

const works: readonly Work[] = [
  { name: "tipsets without messages", tipsets: 600, messages: 0 },
  { name: "tipsets of 100 messages", tipsets: 30, messages: 100 },
];
const timerMs = 1;
/** While nothing comes, deadlines and shares of serving need time to pass. */
const lookMs = 50;

interface Caught {
  readonly clockS: number;
  /** Of the main thread. */
  readonly mainS: number;
  readonly cpuS: number;
  readonly delayP99Ms: number;
  readonly delayMaxMs: number;
}

/** How late a timer of a millisecond comes, each time. */
function watchDelays(): { end(): readonly number[] } {
  const late: number[] = [];
  let isOver = false;
  const watch = (): void => {
    const dueMs = performance.now() + timerMs;
    setTimeout(() => {
      late.push(Math.max(0, performance.now() - dueMs));
      if (!isOver) watch();
    }, timerMs);
  };
  watch();
  return {
    end() {
      isOver = true;
      return late;
    },
  };
}

async function catchUp(run: LongRun, claims: ClaimChecker): Promise<Caught> {
  const height = run.miner.node.chain.head().height;
  const startedMs = performance.now();
  const [cpu, main] = [process.cpuUsage(), process.threadCpuUsage()];
  const delays = watchDelays();
  await using follower = await run.follow("follower", { claims });
  while (follower.node.chain.head().height < height) await aWhile(run, follower);
  const late = delays.end();
  const seconds = ({ user, system }: { readonly user: number; readonly system: number }): number =>
    (user + system) / 1e6;
  return {
    clockS: (performance.now() - startedMs) / 1000,
    mainS: seconds(process.threadCpuUsage(main)),
    cpuS: seconds(process.cpuUsage(cpu)),
    delayP99Ms: quantile(late, 0.99),
    delayMaxMs: quantile(late, 1),
  };
}

async function aWhile({ clock }: LongRun, { node }: LongNode): Promise<void> {
  const before = node.chain.head().height;
  await new Promise((done) => setTimeout(done, lookMs));
  if (node.chain.head().height === before) await clock.advance(timerMs);
}

/** Until its threads answer, a pool verifies short lists in this thread, which knows the miner's draws already. */
async function started(pool: ClaimChecker): Promise<void> {
  const secret = blsKeyFromSeed(blake2b256(utf8Bytes("warm")));
  const claims = Array.from({ length: 16 }, (_, index): Claim => {
    const input = utf8Bytes(`warm ${index}`);
    return { kind: "draw", key: blsPublicKey(secret), input, output: blsSign(secret, input) };
  });
  await pool.verify(claims);
}

/** Processor seconds of verifying claims, by threads that have not seen them before. */
async function claimsAlone(claims: readonly Claim[]): Promise<number> {
  await using pool = createClaimPool();
  await started(pool);
  const before = process.cpuUsage();
  await pool.verify(claims);
  const { user, system } = process.cpuUsage(before);
  return (user + system) / 1e6;
}

async function measure(
  { name, tipsets, messages }: Work,
  { quick, say }: BenchOptions,
  folder: string,
): Promise<Figure[]> {
  const count = quick ? Math.ceil(tipsets / 10) : tipsets;
  await using run = await createLongRun({ seed: `sync of ${name}`, accounts: messages, folder });
  for (let round = 0; round < count; round += 1) {
    for (let from = 0; from < messages; from += 1) await run.transfer(from);
    await run.rounds(1);
  }
  say(`${name}: ${count} are mined`);
  const asked: Claim[] = [];
  await using pool = createClaimPool();
  await started(pool);
  const { clockS, mainS, cpuS, delayP99Ms, delayMaxMs } = await catchUp(run, {
    verify: (claims) => {
      asked.push(...claims);
      return pool.verify(claims);
    },
  });
  const aloneS = await claimsAlone(asked);
  return [
    {
      name,
      value: count / cpuS,
      unit: "/s",
      byClock: count / clockS,
      cpuS,
      bound: { name: "signatures and draws alone", value: count / aloneS },
      note: `${count} tipsets; the value counts processor time of all threads, the serving peer's too`,
    },
    { name: `${name}: what the main thread could do`, value: count / mainS, unit: "/s" },
    ...(messages === 0
      ? []
      : [{ name: `messages in ${name}`, value: (count * messages) / cpuS, unit: "/s" as const }]),
    { name: `${name}: the main loop is late, p99`, value: delayP99Ms, unit: "ms" },
    { name: `${name}: the main loop is late, at most`, value: delayMaxMs, unit: "ms" },
  ];
}

export const syncBench: Bench = {
  name: "sync",
  about: "a whole node catches up from the genesis with a peer over the wire in memory",
  async run(options) {
    const figures: Figure[] = [];
    for (const work of works) {
      const folder = await mkdtemp(join(tmpdir(), "holdfast-sync-"));
      try {
        figures.push(...(await measure(work, options, folder)));
      } finally {
        await rm(folder, { recursive: true, force: true });
      }
    }
    return figures;
  },
};
