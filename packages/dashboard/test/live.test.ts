/** How the page asks: in which pace, over which connections, and what it does when the node is gone. */
import {
  type Answer,
  firstModel,
  type Model,
  minerQuestions,
  type PaceClock,
  type PageApi,
  questions,
  startLive,
  startPace,
  unreachable,
} from "@holdfast/dashboard/page";
import { describe, expect, it } from "vitest";
import * as answers from "./answers.ts";
import { head } from "./models.ts";

/** Time that a test moves; what is due runs, and everything that waits on it. */
class TestClock implements PaceClock {
  #nowMs = 0;
  #timers: { readonly atMs: number; readonly run: () => void }[] = [];

  nowMs(): number {
    return this.#nowMs;
  }
  after(ms: number, run: () => void): () => void {
    const timer = { atMs: this.#nowMs + ms, run };
    this.#timers.push(timer);
    return () => {
      this.#timers = this.#timers.filter((one) => one !== timer);
    };
  }
  get pending(): number {
    return this.#timers.length;
  }
  async advance(ms: number): Promise<void> {
    const endMs = this.#nowMs + ms;
    for (;;) {
      await settled();
      const next = this.#timers.toSorted((a, b) => a.atMs - b.atMs)[0];
      if (next === undefined || next.atMs > endMs) break;
      this.#nowMs = next.atMs;
      this.#timers = this.#timers.filter((one) => one !== next);
      next.run();
    }
    this.#nowMs = endMs;
  }
}

async function settled(): Promise<void> {
  for (let turn = 0; turn < 50; turn++) await Promise.resolve();
}

describe("pace", () => {
  /** The times at which a page asks, with news every `newsMs`. */
  async function asked(roundMs: number, newsMs: number, forMs: number): Promise<number[]> {
    const clock = new TestClock();
    const times: number[] = [];
    const pace = startPace(clock, async () => {
      times.push(clock.nowMs());
      return { roundMs };
    });
    for (let at = 0; at < forMs; at += newsMs) {
      await clock.advance(newsMs);
      pace.wake();
    }
    pace.stop();
    await clock.advance(10 * forMs);
    return times;
  }

  it("asks with every block of a slow chain", async () => {
    expect(await asked(30_000, 30_000, 120_000)).toEqual([0, 30_000, 60_000, 90_000]);
  });

  it("asks no faster than a second, and no faster than half a round, whatever comes", async () => {
    expect(await asked(100, 100, 4_000)).toEqual([0, 1_000, 2_000, 3_000, 4_000]);
    expect(await asked(30_000, 500, 60_000)).toEqual([0, 15_000, 30_000, 45_000, 60_000]);
  });

  it("asks every second round when nothing comes", async () => {
    expect(await asked(30_000, 200_000, 200_000)).toEqual([0, 60_000, 120_000, 180_000]);
  });

  it("never asks again before it was answered, or after it was stopped", async () => {
    const clock = new TestClock();
    const answer = Promise.withResolvers<{ roundMs: number }>();
    let asks = 0;
    const pace = startPace(clock, () => {
      asks += 1;
      return answer.promise;
    });
    pace.wake();
    await clock.advance(60_000);
    expect(asks).toBe(1);
    pace.stop();
    answer.resolve({ roundMs: 1000 });
    await clock.advance(60_000);
    expect([asks, clock.pending]).toEqual([1, 0]);
  });
});

/** A node that answers by itself and counts what it is asked. */
class TestNode {
  readonly asked: string[] = [];
  readonly open = new Map<string, (value: never) => void>();
  status: Answer<ReturnType<typeof answers.status>> = { ok: true, value: answers.status(head) };
  readonly #ends = new Map<string, () => void>();

  readonly api: PageApi = {
    call: async (name) => {
      this.asked.push(name);
      if (name === "node.status") return this.status as never;
      const known: { readonly [name: string]: unknown } = {
        "chain.ls": answers.tipsets(head),
        "chain.money": answers.money,
        "put.ls": [answers.put()],
        "mine.status": answers.mineStatus,
      };
      return { ok: true, value: known[name] ?? [] } as never;
    },
    follow: async (name, _params, signal, onValue) => {
      this.open.set(name, onValue as (value: never) => void);
      const end = Promise.withResolvers<void>();
      this.#ends.set(name, end.resolve);
      signal.addEventListener("abort", () => end.resolve());
      await end.promise;
      this.open.delete(name);
    },
  };

  cut(): void {
    for (const end of this.#ends.values()) end();
  }
}

function live(node: TestNode) {
  const clock = new TestClock();
  let model: Model = firstModel(true);
  let locks = 0;
  const stop = startLive({
    api: node.api,
    clock,
    model: () => model,
    update: (change) => {
      model = change(model);
    },
    onLocked: () => {
      locks += 1;
      stop();
    },
  });
  return { clock, stop, model: () => model, locks: () => locks };
}

const askedOf = (table: typeof questions | typeof minerQuestions): string[] =>
  Object.values(table).map(({ method }) => method);

describe("live", () => {
  it("asks everything once, then watches the heads and one put", async () => {
    const node = new TestNode();
    const { clock, model, stop } = live(node);
    await clock.advance(0);
    expect(node.asked).toEqual(["node.status", ...askedOf(questions)]);
    expect([...node.open.keys()]).toEqual(["chain.watch", "put.watch"]);
    expect(model().parts.money.value).toEqual(answers.money);
    stop();
  });

  it("asks a miner about its mining, too", async () => {
    const node = new TestNode();
    node.status = { ok: true, value: answers.status(head, { roles: ["miner", "client"] }) };
    const { clock, stop } = live(node);
    await clock.advance(0);
    expect(node.asked).toEqual(["node.status", ...askedOf(questions), ...askedOf(minerQuestions)]);
    stop();
  });

  it("draws a head and a step of a put when they come, without asking", async () => {
    const node = new TestNode();
    const { clock, model, stop } = live(node);
    await clock.advance(0);
    const before = node.asked.length;
    node.open.get("chain.watch")?.(answers.tipset(head + 1) as never);
    node.open.get("put.watch")?.(answers.put({ updatedAtMs: 9 }) as never);
    expect(model().parts.tipsets.value?.[0]?.height).toBe(head + 1);
    expect(model().parts.puts.value?.[0]?.updatedAtMs).toBe(9);
    expect(node.asked.length).toBe(before);
    stop();
  });

  it("says that the node is gone, keeps what it knew, and goes on when it is back", async () => {
    const node = new TestNode();
    const { clock, model, stop } = live(node);
    await clock.advance(0);
    const good = node.status;
    node.status = { ok: false, failure: unreachable };
    node.cut();
    await clock.advance(2_000);
    expect(model().lost).toEqual(unreachable);
    expect(model().parts.money.value).toEqual(answers.money);
    expect(node.open.size).toBe(0);
    node.status = good;
    await clock.advance(10_000);
    expect(model().lost).toBeUndefined();
    expect([...node.open.keys()]).toEqual(["chain.watch", "put.watch"]);
    stop();
  });

  it("stops when it is stopped: no timer, no stream, no question", async () => {
    const node = new TestNode();
    const { clock, stop } = live(node);
    await clock.advance(5_000);
    const before = node.asked.length;
    stop();
    await clock.advance(600_000);
    expect([node.asked.length - before, clock.pending, node.open.size]).toEqual([0, 0, 0]);
  });

  it("locks itself when the token is not accepted, and does not try again", async () => {
    const node = new TestNode();
    node.status = { ok: false, failure: { ...unreachable, kind: "unauthorized" } };
    const { clock, locks } = live(node);
    await clock.advance(600_000);
    expect([locks(), node.asked]).toEqual([1, ["node.status"]]);
  });
});
