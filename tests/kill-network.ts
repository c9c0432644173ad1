/**
 * Three real processes for the test that kills them: the witness makes blocks, takes no deals and is never killed, so
 * the chain goes on; the miner takes all deals and has a worker process of its own for seals and proofs; the client
 * stores. Which of them dies is said by a moment: who, and in which step of a deal as one of the two sides sees it.
 */
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { type MethodResult, putSteps } from "@holdfast/api";
import { HoldfastError } from "@holdfast/base";
import { createDevnet, realClock } from "@holdfast/node/daemon";
import { Daemon } from "./daemons.ts";

export type PutView = MethodResult<"put.show">;

/** machine: the miner and its workers, as when the power fails. */
export type Victim = "client" | "miner" | "both" | "machine" | "worker";

/** The steps of a put that its node waits in; those before are of the command alone. */
export const clientSteps: readonly string[] = putSteps.slice(putSteps.indexOf("funded"));
/** The states of a deal at the miner before it is done. */
export const minerStates = ["accepted", "transferring", "staged", "sealing", "committed", "active"] as const;
/** The jobs of a deal that a worker process does. */
export const workerJobs = ["seal", "commit-proof"] as const;

export interface Moment {
  readonly victim: Victim;
  readonly at: string;
}

/** Every moment of a deal at which somebody can die. */
export const moments: readonly Moment[] = [
  ...clientSteps.flatMap((at) => [
    { victim: "client" as const, at },
    { victim: "both" as const, at },
  ]),
  ...minerStates.flatMap((at) => [
    { victim: "miner" as const, at },
    { victim: "machine" as const, at },
  ]),
  ...workerJobs.map((at) => ({ victim: "worker" as const, at })),
];

const scaleOf = ({ victim }: Moment): readonly string[] => {
  if (victim === "worker") return workerJobs;
  return victim === "miner" || victim === "machine" ? minerStates : clientSteps;
};
/** Earlier moments of a put are smaller. */
export const rankOf = (moment: Moment): number => scaleOf(moment).indexOf(moment.at);

const roundMs = 500;
/** Between two looks: a look costs two calls of both sides, and jobs of small sectors are over in no time. */
const lookMs = { job: 10, closely: 20, otherwise: 100 };
/** Looks at jobs between two at the put that they are for. */
const looksAtPut = 50;
/** A worker says more often than this that it is there. */
const workerSeenMs = 15_000;
/** A step that does not come in this time never comes. */
const stepMs = 240_000;

/** One put of one copy, as the test has started it. */
export interface Put {
  readonly cid: string;
  readonly jobId: string;
}

interface Kill {
  readonly moment: Moment;
  readonly seen: string;
  /** Since the network was made. */
  readonly atMs: number;
  /** Until whoever died was there again. */
  backMs: number;
}

const over = "over";

export class KillNetwork implements AsyncDisposable {
  readonly witness: Daemon;
  readonly miner: Daemon;
  readonly client: Daemon;
  /** What was killed, in which step, for people to read. */
  readonly kills: Kill[] = [];
  #turn: Promise<unknown> = Promise.resolve();
  readonly #sinceMs = performance.now();
  #isOver = false;

  readonly #lookMs: number;

  private constructor(state: string, closely: boolean) {
    this.#lookMs = closely ? lookMs.closely : lookMs.otherwise;
    this.witness = new Daemon(state, "miner-2");
    this.miner = new Daemon(state, "miner-1");
    this.client = new Daemon(state, "client");
  }

  /** closely: also what lasts for milliseconds is seen, more often than not. */
  static async create(state: string, closely: boolean): Promise<KillNetwork> {
    await createDevnet({ state, roundMs, miners: 2, sectorBytes: 16_384, apiPort: 0, clock: realClock() });
    const network = new KillNetwork(state, closely);
    const { witness, miner, client } = network;
    await configure(witness.repo, { pricePerGiBPerDay: '""', bootstrap: "[]" });
    await witness.start();
    const { addresses, peerId } = await witness.client.call("node.status", {});
    const [address = ""] = addresses;
    const bootstrap = JSON.stringify([address.includes("/p2p/") ? address : `${address}/p2p/${peerId}`]);
    await configure(miner.repo, { workerProcesses: "1", bootstrap });
    await configure(client.repo, { bootstrap });
    await Promise.all([miner.start(), client.start()]);
    return network;
  }

  /** Kills at the moment, or as soon after it as nobody else dies, and starts again who died. */
  async killAt(put: Put, moment: Moment): Promise<void> {
    const { victim } = moment;
    if (victim === "worker") return await this.#killWorkerAt(put, moment);
    while (await this.#reached(put, moment)) {
      const isDone = await this.#exclusively(async () => {
        const seen = await this.#look(put, moment);
        if (seen === undefined || seen === over || this.#isOver) return this.#isOver;
        const dead = await this.#kill(victim);
        const kill = this.#note(moment, seen);
        await Promise.all(dead.map((daemon) => daemon.start()));
        kill.backMs = this.#nowMs - kill.atMs;
        return true;
      });
      if (isDone) return;
    }
  }

  /** What a put of the client is at; undefined while that cannot be seen. */
  async #look(put: Put, moment: Moment): Promise<string | undefined> {
    for (const daemon of [this.witness, this.miner, this.client]) daemon.checkAlive();
    const step = await quietly(this.client, (client) => client.call("put.show", { jobId: put.jobId }));
    if (step !== undefined && step.state !== "running") return over;
    if (scaleOf(moment) === clientSteps) return step?.copies[0]?.step;
    const deals = await quietly(this.miner, (miner) => miner.call("deal.ls", { role: "miner" }));
    return deals?.find(({ payload }) => payload === put.cid)?.state;
  }

  /** Waits until the put is in the step, or behind it; false when it was over before. */
  async #reached(put: Put, moment: Moment): Promise<boolean> {
    const sinceMs = performance.now();
    for (;;) {
      const seen = await this.#look(put, moment);
      if (seen === over) return false;
      if (seen !== undefined && scaleOf(moment).indexOf(seen) >= rankOf(moment)) return true;
      if (performance.now() - sinceMs > stepMs)
        throw new TypeError(`a put hangs: it is ${seen}, ${moment.victim} was to die in ${moment.at}`);
      await pause(this.#lookMs);
    }
  }

  /** In the midst of a job of this kind, whichever deal it is for; its node starts another process by itself. */
  async #killWorkerAt(put: Put, moment: Moment): Promise<void> {
    const kinds = workerJobs.filter((kind) => kind === moment.at);
    for (let looks = 0; !this.#isOver; looks += 1) {
      if (looks % looksAtPut === 0 && (await this.#look(put, moment)) === over) return;
      const [running, workers] = await Promise.all([
        quietly(this.miner, (miner) => miner.call("jobs.ls", { states: ["running"], kinds })),
        this.#workers(),
      ]);
      const pids = (running?.jobs ?? []).map(({ workerId }) => workers.get(workerId ?? ""));
      if (pids.some(killIfThere)) {
        this.#note(moment, moment.at);
        return;
      }
      await pause(lookMs.job);
    }
  }

  get #nowMs(): number {
    return Math.round(performance.now() - this.#sinceMs);
  }
  #note(moment: Moment, seen: string): Kill {
    const kill = { moment, seen, atMs: this.#nowMs, backMs: 0 };
    this.kills.push(kill);
    return kill;
  }

  /** With nobody dying meanwhile. */
  async #exclusively<Result>(work: () => Promise<Result>): Promise<Result> {
    const turn = this.#turn.then(work);
    this.#turn = turn.catch(() => undefined);
    return await turn;
  }

  /** Who is to be started again. */
  async #kill(victim: Exclude<Victim, "worker">): Promise<readonly Daemon[]> {
    const { client, miner } = this;
    const workers = victim === "machine" ? [...(await this.#workers()).values()] : [];
    const daemons = { client: [client], miner: [miner], machine: [miner], both: [client, miner] }[victim];
    for (const pid of workers) killIfThere(pid);
    await Promise.all(daemons.map((daemon) => daemon.kill()));
    return daemons;
  }

  /** The processes that take jobs, by the names under which they do. */
  async #workers(): Promise<ReadonlyMap<string, number>> {
    const found = await quietly(this.miner, (miner) => miner.call("jobs.workers", {}));
    return new Map(
      (found?.workers ?? []).flatMap(({ workerId, place, kinds, seenMs }) => {
        const pid = Number(/process (\d+)$/.exec(place)?.[1]);
        // The miner's own process takes what cannot wait; the number of one that died may be another's by now.
        const isOther =
          !kinds.includes("seal") || pid === this.miner.pid || Date.now() - seenMs > workerSeenMs;
        return isOther ? [] : [[workerId, pid]];
      }),
    );
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#isOver = true;
    await this.#turn; // who is being started would be left behind
    for (const pid of (await this.#workers()).values()) killIfThere(pid);
    const ends = await Promise.allSettled([this.client, this.miner, this.witness].map((one) => one.kill()));
    const failed = ends.find((end) => end.status === "rejected");
    if (failed !== undefined) throw failed.reason;
  }
}

const goneCodes = new Set(["api/unreachable", "api/stream-cut"]);

/** The answer; undefined if the process is gone, or goes while it answers. */
export async function quietly<Result>(
  daemon: Daemon,
  ask: (client: Daemon["client"]) => Promise<Result>,
): Promise<Result | undefined> {
  if (!daemon.isRunning) return undefined;
  try {
    return await ask(daemon.client);
  } catch (error) {
    if (error instanceof HoldfastError && goneCodes.has(error.code)) return undefined;
    throw error;
  }
}

/** It may have ended by itself meanwhile. */
function killIfThere(pid: number | undefined): boolean {
  if (pid === undefined) return false;
  try {
    return process.kill(pid, "SIGKILL");
  } catch {
    return false;
  }
}

/** Gives keys of a repo's configuration other values. */
export async function configure(repo: string, values: { readonly [key: string]: string }): Promise<void> {
  const path = join(repo, "config.toml");
  let text = await readFile(path, "utf8");
  for (const [key, value] of Object.entries(values)) {
    const changed = text.replace(new RegExp(`^${key} = .*$`, "m"), `${key} = ${value}`);
    if (changed === text && !text.includes(`${key} = ${value}`)) throw new TypeError(`no ${key} in ${path}`);
    text = changed;
  }
  await writeFile(path, text);
}
