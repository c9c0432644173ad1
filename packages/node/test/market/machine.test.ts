/**
 * The machines of a deal, exhaustively: every state that two deals of one client and one miner can come to while both
 * sides die, forget, stall, refuse, cheat and lose the sector, epoch by epoch. In each the money is exact; from each
 * both sides come to rest in bounded time once the trouble is over, and each side alone gets out what is its own.
 */
import { isDeepStrictEqual } from "node:util";
import { type DealStatus, dealDuties, dealStatuses } from "@holdfast/consensus";
import { describe, expect, it } from "vitest";
import { type ClientEvent, canHappen, nextStage, stages, windUp } from "../../src/market/machine/client.ts";
import { clientDuties, dutyOf, minerDuties } from "../../src/market/machine/duties.ts";
import { keptStates, stepMiner } from "../../src/market/machine/miner.ts";
import { restsUntil } from "../../src/market/machine/rest.ts";
import {
  advance,
  type Choice,
  duePurse,
  firstState,
  funds,
  hasClosed,
  keyOf,
  type Machines,
  type ModelState,
  moneyOf,
  price,
  product,
} from "./support/deal-model.ts";

const presences = ["both", "no client", "no miner", "client forgets", "miner forgets", "nobody"] as const;
const troubles = [
  "none",
  "stalled sealing",
  "lost sector",
  "client cancels",
  "client gives up",
  "miner refuses",
  "early end",
  "branch",
] as const;
const every: readonly Choice[] = presences.flatMap((presence) =>
  troubles.map((trouble) => ({ presence, trouble })),
);
/** One thing at a time. */
const single = every.filter(({ presence, trouble }) => (presence === "both") !== (trouble === "none"));
/** Epochs in each of which anything may happen; to the end of the last channel, three things may. */
const [free, all] = [8, 13];
const mostFaults = 3;
const fair: Choice = { presence: "both", trouble: "none" };
/** So long after the last trouble everything is over: the deal's whole time, and that of a cancellation. */
const mostEpochs = 18;

interface Found {
  readonly states: number;
  readonly stages: Set<string>;
  readonly kept: Set<string>;
  readonly fates: Set<string>;
  readonly problem: string | undefined;
}

/** Where a state comes to when nothing goes wrong any more; remembered, since all paths run together. */
class Endings {
  readonly #known = new Map<string, string | undefined>();
  readonly #machines: Machines;
  readonly #choice: Choice;
  readonly #isOver: (state: ModelState) => boolean;

  constructor(machines: Machines, presence: Choice["presence"], isOver: (state: ModelState) => boolean) {
    this.#machines = machines;
    this.#choice = { presence, trouble: "none" };
    this.#isOver = isOver;
  }
  /** Undefined if it comes to rest. */
  problemOf(from: ModelState, left = mostEpochs): string | undefined {
    const key = keyOf(from);
    if (this.#known.has(key)) return this.#known.get(key);
    let problem: string | undefined;
    if (!this.#isOver(from)) {
      problem =
        left === 0
          ? `${this.#choice.presence}: not over: ${key}`
          : this.problemOf(advance(from, this.#choice, this.#machines), left - 1);
    }
    this.#known.set(key, problem);
    return problem;
  }
}

function moneyProblem(state: ModelState): string | undefined {
  if (moneyOf(state) !== funds.client + funds.miner) return `money is made or lost: ${keyOf(state)}`;
  for (const { fate, paid, wasActive } of state.deals) {
    if (fate === "broken" && !wasActive && !state.cheated)
      return `an honest client is punished: ${keyOf(state)}`;
    const isEarned = !["none", "published", "late"].includes(fate);
    if (paid > (isEarned ? price : 0)) return `${paid} was paid for a deal that is ${fate}: ${keyOf(state)}`;
  }
  const isOver = hasClosed("client", state) && hasClosed("miner", state);
  for (const side of ["client", "miner"] as const) {
    if (isOver && state.balance[side] !== duePurse(side, state))
      return `the ${side} has ${state.balance[side]}: ${keyOf(state)}`;
  }
  return undefined;
}

/** `plan`: what may happen in the epoch after so many faults. */
function explore(machines: Machines, epochs: number, plan: (faults: number) => readonly Choice[]): Found {
  const found = { stages: new Set<string>(), kept: new Set<string>(), fates: new Set<string>() };
  const closed = (state: ModelState): boolean => hasClosed("client", state) && hasClosed("miner", state);
  const endings = [
    new Endings(machines, "both", closed),
    new Endings(machines, "no miner", (state) => hasClosed("client", state)),
    new Endings(machines, "no client", (state) => hasClosed("miner", state)),
  ];
  const seen = new Map<string, number>();
  let level: { readonly state: ModelState; readonly faults: number }[] = [{ state: firstState(), faults: 0 }];
  for (let height = 1; height <= epochs; height += 1) {
    const next: typeof level = [];
    for (const { state: before, faults: had } of level) {
      for (const choice of plan(had)) {
        const state = advance(before, choice, machines);
        const faults = choice === fair ? had : had + 1;
        const key = keyOf(state);
        if ((seen.get(key) ?? Number.POSITIVE_INFINITY) <= faults) continue;
        seen.set(key, faults);
        next.push({ state, faults });
        for (const deal of state.deals) {
          found.stages.add(deal.client.stage);
          found.kept.add(deal.miner?.state ?? "none");
          found.fates.add(deal.fate);
        }
        const problem =
          moneyProblem(state) ??
          endings.map((ending) => ending.problemOf(state)).find((one) => one !== undefined);
        if (problem !== undefined) return { ...found, states: seen.size, problem };
      }
    }
    level = next;
  }
  return { ...found, states: seen.size, problem: undefined };
}
const anything = (): readonly Choice[] => [fair, ...single];
const fewFaults = (faults: number): readonly Choice[] => (faults < mostFaults ? [fair, ...single] : [fair]);

/** The machines of the product; a deal that rests is looked at all the same, and nothing may come of it. */
const resting = (found: { rests: number }): Machines => ({
  ...product,
  stepMiner(deal, event, rules) {
    const step = stepMiner(deal, event, rules);
    if (event.type !== "look") return step;
    const until = restsUntil(step.deal, event.view, { acts: step.acts, isCarried: false }) ?? 0;
    for (let height = event.view.height + 1; height < until; height += 1) {
      found.rests += 1;
      const later = stepMiner(step.deal, { ...event, view: { ...event.view, height } }, rules);
      if (later.acts.length > 0 || !isDeepStrictEqual(later.deal, step.deal))
        throw new Error(`at ${height} a deal that rests until ${until} is not as at ${event.view.height}`);
    }
    return step;
  },
});

describe("the machines of a deal", () => {
  it("let a deal rest only while nothing would come of a look at it", () => {
    const found = { rests: 0 };
    expect(explore(resting(found), all - 2, fewFaults).problem).toBe(undefined);
    expect(found.rests).toBeGreaterThan(1_000);
  });

  it("bring two deals to an end with exact money from every state, together and each side alone", () => {
    const soon = explore(product, free, anything);
    expect(soon.problem).toBe(undefined);
    const { problem, ...seen } = explore(product, all, fewFaults);
    expect(problem).toBe(undefined);
    expect(soon.states + seen.states).toBeGreaterThan(20_000);
    expect([...seen.stages].toSorted()).toEqual([...stages].toSorted());
    // "transferring" lasts no epoch here.
    for (const state of keptStates) if (state !== "transferring") expect(seen.kept).toContain(state);
    for (const status of dealStatuses) expect(seen.fates).toContain(status);
  });

  it("store two files without trouble, and the miner has exactly their price", () => {
    let state = firstState();
    for (let height = 0; height < 14; height += 1)
      state = advance(state, { presence: "both", trouble: "none" });
    expect(state.deals.map(({ fate, paid }) => [fate, paid])).toEqual([
      ["complete", price],
      ["complete", price],
    ]);
    expect(state.balance).toEqual({
      client: funds.client - 2 * price,
      miner: funds.miner + 2 * price,
      burnt: 0,
    });
  });

  const without = (method: string): Machines => ({
    ...product,
    stepMiner(deal, event, rules) {
      const { acts, ...step } = stepMiner(deal, event, rules);
      return {
        ...step,
        acts: acts.filter((act) => act.do !== method && !("method" in act && act.method === method)),
      };
    },
  });
  const faults: readonly { readonly name: string; readonly machines: Machines }[] = [
    { name: "a miner that leaves its collateral in the market", machines: without("withdrawBalance") },
    { name: "a miner that keeps the data of deals that are over", machines: without("drop") },
    {
      name: "a miner that does not give a deal up",
      machines: {
        ...product,
        stepMiner(deal, event, rules) {
          const step = stepMiner(deal, event, rules);
          return step.deal.state === "failed" ? { ...step, deal } : step;
        },
      },
    },
    {
      name: "a miner that believes its withdrawal for good",
      machines: {
        ...product,
        stepMiner(deal, event, rules) {
          const step = stepMiner(deal, event, rules);
          if (!deal.escrowBack) return step;
          const acts = step.acts.filter((act) => act.do !== "message" || act.method !== "withdrawBalance");
          return { deal: { ...step.deal, escrowBack: true }, acts };
        },
      },
    },
    {
      name: "a client that believes its withdrawal for good",
      machines: { ...product, isCollateralThere: () => false },
    },
    {
      name: "a client that reclaims nothing",
      machines: {
        ...product,
        windUp(...given) {
          const due = windUp(...given);
          return due.channel === "reclaim" ? { ...due, channel: undefined } : due;
        },
      },
    },
    {
      name: "a client that forgets its collateral where a deal was never published",
      machines: {
        ...product,
        windUp(deal, view, rules) {
          const due = windUp(deal, view, rules);
          return view.chain === undefined ? { ...due, collateral: undefined } : due;
        },
      },
    },
    {
      name: "a client that cancels the channel of a deal that is published",
      machines: {
        ...product,
        windUp: (deal, view, rules) =>
          windUp(deal, view.chain?.status === "published" ? { ...view, chain: undefined } : view, rules),
      },
    },
  ];
  it.each(faults)("canary: $name is found", ({ machines }) => {
    expect(explore(machines, all, fewFaults).problem).not.toBe(undefined);
  });
});

describe("the stages of an attempt", () => {
  const events: readonly ClientEvent[] = ["paid", "taken", "verified", "proven", "read back", "given up"];

  it("are all reached, are left by giving up until they are ends, and by nothing else that is not foreseen", () => {
    const reached = new Set<string>(["funding"]);
    for (const stage of stages) {
      for (const event of events) {
        if (canHappen(stage, event)) reached.add(nextStage(stage, event));
        else expect(() => nextStage(stage, event)).toThrow(/cannot happen/);
      }
      expect(canHappen(stage, "given up")).toBe(stage !== "abandoned");
    }
    expect([...reached].toSorted()).toEqual([...stages].toSorted());
  });
});

describe("every state of a deal", () => {
  it("has an owner, a deadline, what follows, and a way out of the money", () => {
    const rows = [
      ...Object.values(clientDuties),
      ...Object.values(minerDuties),
      ...Object.values(dealDuties),
    ];
    expect(rows.length).toBe(stages.length + keptStates.length + dealStatuses.length);
    for (const row of rows) {
      expect(["client", "miner", "chain"]).toContain(row.owner);
      for (const text of [row.duty, row.deadline, row.next, row.money])
        expect(text.length).toBeGreaterThan(2);
    }
  });

  it("says what the chain still holds of a deal that a side has given up", () => {
    const duty = (status: DealStatus | undefined) => dutyOf({ client: "abandoned" }, status);
    expect(duty("published")).toMatchObject({ owner: "miner", deadline: "start", next: "late" });
    expect(duty("late")).toBe(clientDuties.abandoned);
    expect(dutyOf({ miner: "failed" }, "active")).toMatchObject({ deadline: "end" });
    expect(dutyOf({ miner: "active" }, "active")).toBe(minerDuties.active);
  });
});
