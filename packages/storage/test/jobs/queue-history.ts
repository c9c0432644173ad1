/**
 * Random histories against a model of a few lines. Each command goes through either of two connections; what the queue
 * says afterwards is what the model says. A planted fault (sqlite-queue.test.ts) shows that this finds one.
 */
import { codeOf } from "@holdfast/base/testing";
import { type JobKind, type JobQueue, type JobState, urgencyOf } from "@holdfast/storage";
import fc from "fast-check";
import { expect, it } from "vitest";
import { failureOf, leaseMs, plenty, type QueueUnderTest, type Using } from "./queue-tools.ts";

interface ModelJob {
  readonly jobId: number;
  readonly kind: JobKind;
  readonly priority: number;
  state: JobState;
  token: number;
  failures: number;
  notBefore: number;
  leaseUntil: number;
}

type Held =
  | { readonly do: "heartbeat" | "done" | "release"; readonly at: number; readonly stale: number }
  | { readonly do: "fail"; readonly at: number; readonly stale: number; readonly isFinal: boolean };
type Command =
  | { readonly do: "enqueue"; readonly key: number; readonly kind: JobKind; readonly priority: number }
  | { readonly do: "claim"; readonly kinds: readonly JobKind[] }
  | { readonly do: "claimSome"; readonly kinds: readonly JobKind[]; readonly most: number }
  | { readonly do: "doneAll"; readonly stale: readonly number[] }
  | Held
  | { readonly do: "cancel"; readonly at: number }
  | { readonly do: "retry"; readonly at: number }
  | { readonly do: "wait"; readonly ms: number };

const maxFailures = 2;
const backoffMs = 3_000;
const kinds = ["window-post", "seal", "delete"] as const;

const at = fc.nat(3);
const stale = fc.constantFrom(0, 0, 1, 2);
const commands: fc.Arbitrary<Command> = fc.oneof(
  {
    weight: 2,
    arbitrary: fc.record({
      do: fc.constant("enqueue" as const),
      key: fc.nat(7),
      kind: fc.constantFrom(...kinds),
      priority: fc.integer({ min: -1, max: 1 }),
    }),
  },
  {
    weight: 4,
    arbitrary: fc.record({
      do: fc.constant("claim" as const),
      kinds: fc.subarray([...kinds], { minLength: 1 }),
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      do: fc.constant("claimSome" as const),
      kinds: fc.subarray([...kinds], { minLength: 1 }),
      most: fc.integer({ min: 1, max: 4 }),
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({ do: fc.constant("doneAll" as const), stale: fc.array(stale, { maxLength: 4 }) }),
  },
  {
    weight: 4,
    arbitrary: fc.record({
      do: fc.constantFrom("heartbeat" as const, "done" as const, "release" as const),
      at,
      stale,
    }),
  },
  { weight: 2, arbitrary: fc.record({ do: fc.constant("fail" as const), at, stale, isFinal: fc.boolean() }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constantFrom("cancel" as const, "retry" as const), at }) },
  {
    weight: 2,
    arbitrary: fc.record({ do: fc.constant("wait" as const), ms: fc.constantFrom(500, 3_000, 11_000) }),
  },
);

/** The queue as a list: what each command does, and what it answers ("ok", a job's id, or an error's code). */
class Model {
  readonly jobs = new Map<number, ModelJob>();
  #now = 0;

  claim(wanted: readonly JobKind[]): ModelJob | undefined {
    for (const job of this.jobs.values()) {
      if (job.state === "running" && job.leaseUntil < this.#now) this.#fail(job, false, 0);
    }
    const [job] = [...this.jobs.values()]
      .filter(({ state, notBefore, kind }) => {
        return state === "waiting" && notBefore <= this.#now && wanted.includes(kind);
      })
      .sort(
        (one, two) =>
          urgencyOf(one.kind) - urgencyOf(two.kind) || two.priority - one.priority || one.jobId - two.jobId,
      );
    if (job === undefined) return undefined;
    Object.assign(job, { state: "running", token: job.token + 1, leaseUntil: this.#now + leaseMs });
    return job;
  }

  held(job: ModelJob, token: number, command: Held): string {
    if (job.state !== "running" || job.token !== token) return "storage/lease-lost";
    if (command.do === "heartbeat") job.leaseUntil = this.#now + leaseMs;
    if (command.do === "done") job.state = "done";
    if (command.do === "release") Object.assign(job, { state: "waiting" });
    if (command.do === "fail") this.#fail(job, command.isFinal, backoffMs);
    return "ok";
  }

  cancel(job: ModelJob): boolean {
    if (job.state !== "waiting" && job.state !== "running") return false;
    job.state = "cancelled";
    return true;
  }

  retry(job: ModelJob): boolean {
    if (job.state === "running" || job.state === "done") return false;
    Object.assign(job, { state: "waiting", failures: 0, notBefore: 0 });
    return true;
  }

  wait(ms: number): void {
    this.#now += ms;
  }

  #fail(job: ModelJob, isFinal: boolean, pauseMs: number): void {
    job.failures += 1;
    job.state = isFinal || job.failures >= maxFailures ? "failed" : "waiting";
    job.notBefore = job.state === "waiting" ? this.#now + pauseMs : 0;
  }
}

/** Runs a command on queue and model; throws where they differ. */
async function step(under: QueueUnderTest, model: Model, command: Command, turn: number): Promise<void> {
  const queue = turn % 2 === 0 ? under.queue : under.other;
  if (command.do === "enqueue") {
    const { key, kind, priority } = command;
    const job = await queue.enqueue({ key: `${key}`, kind, priority, input: "", maxFailures });
    const known = model.jobs.get(job.jobId);
    if (known !== undefined) return expect(job.state).toBe(known.state);
    const fresh = { state: "waiting", token: 0, failures: 0, notBefore: 0, leaseUntil: 0 } as const;
    model.jobs.set(job.jobId, { jobId: job.jobId, kind, priority, ...fresh });
    return;
  }
  if (command.do === "claim") {
    const job = await queue.claim({ workerId: "w", kinds: command.kinds, free: plenty, leaseMs });
    const expected = model.claim(command.kinds);
    return expect([job?.jobId, job?.token]).toEqual([expected?.jobId, expected?.token]);
  }
  if (command.do === "claimSome" || command.do === "doneAll") return await stepSome(queue, model, command);
  if (command.do === "wait") {
    model.wait(command.ms);
    return await under.advance(command.ms);
  }
  const job = [...model.jobs.values()].at(command.at);
  if (job === undefined) return;
  const { jobId } = job;
  if (command.do === "cancel") return expect(await queue.cancel(jobId, "test")).toBe(model.cancel(job));
  if (command.do === "retry") return expect(await queue.retry(jobId)).toBe(model.retry(job));
  await stepHeld(queue, model, command, job);
}

/** Several at once: as one after the other. */
async function stepSome(
  queue: JobQueue,
  model: Model,
  command: Extract<Command, { readonly do: "claimSome" | "doneAll" }>,
): Promise<void> {
  if (command.do === "claimSome") {
    const { most } = command;
    const request = { workerId: "w", kinds: command.kinds, free: plenty, leaseMs };
    const found = await queue.claimSome(request, most);
    const expected = Array.from({ length: most }, () => model.claim(command.kinds));
    return expect(found.map(({ jobId, token }) => [jobId, token])).toEqual(
      expected.flatMap((job) => (job === undefined ? [] : [[job.jobId, job.token]])),
    );
  }
  const said = [...model.jobs.values()].slice(0, command.stale.length).map((job, at) => ({
    ...{ job, lease: { jobId: job.jobId, token: job.token - (command.stale[at] ?? 0) } },
  }));
  const lost = await queue.doneAll(said.map(({ lease }) => ({ ...lease, output: "" })));
  const expected = said.filter(
    ({ job, lease }) => model.held(job, lease.token, { do: "done", at: 0, stale: 0 }) !== "ok",
  );
  expect(lost.map(({ jobId }) => jobId)).toEqual(expected.map(({ lease }) => lease.jobId));
}

/** What only the holder of a lease may do; also with the leases of dead workers. */
async function stepHeld(queue: JobQueue, model: Model, command: Held, job: ModelJob): Promise<void> {
  const { jobId } = job;
  const lease = { jobId, token: job.token - command.stale };
  const run = {
    heartbeat: () => queue.heartbeat(lease, leaseMs, 0.5),
    done: () => queue.done(lease, ""),
    release: () => queue.release(lease, "test"),
    fail: () => {
      const isFinal = command.do === "fail" && command.isFinal;
      return queue.fail(lease, failureOf("x/y"), { isFinal, backoffMs });
    },
  }[command.do];
  const expected = model.held(job, lease.token, command);
  const answer = expected === "ok" ? await run().then(() => "ok") : await codeOf(run());
  expect(answer).toBe(expected);
}

/** Queue and model say the same of every job, and the events tell the way of each without a gap. */
async function compare({ queue }: QueueUnderTest, model: Model): Promise<void> {
  const way = new Map<number, JobState>();
  for (const event of await queue.events(0, 10_000)) {
    expect(event.from).toBe(way.get(event.jobId) ?? null);
    way.set(event.jobId, event.to);
  }
  for (const job of model.jobs.values()) {
    const { state, token, failures } = job;
    expect(await queue.job(job.jobId)).toMatchObject({ state, token, failures });
    expect(way.get(job.jobId)).toBe(state);
  }
  expect((await queue.list({}, { limit: 100 })).length).toBe(model.jobs.size);
}

/** Random histories, each on an empty queue; rejects with the first that differs. */
export async function checkHistories(under: QueueUnderTest, runs: number): Promise<void> {
  const histories = fc.array(commands, { minLength: 20, maxLength: 45 });
  await fc.assert(
    fc.asyncProperty(histories, async (history) => {
      const model = new Model();
      for (const [turn, command] of history.entries()) await step(under, model, command, turn);
      await compare(under, model);
      for (const { jobId } of model.jobs.values()) await under.queue.cancel(jobId, "the history ends");
      await under.queue.prune(0);
    }),
    { numRuns: runs, seed: 6, endOnFailure: true },
  );
}

export function historyCases(using: Using): void {
  it(
    "does in any history what the model does",
    using((under) => checkHistories(under, 12)),
  );
}
