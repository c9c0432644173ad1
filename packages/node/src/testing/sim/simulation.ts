/**
 * One simulation from its plan to its verdict. First safety: everything may go wrong, and no invariant may break.
 * Then liveness: all faults end, everything that is down starts, and within a bound the honest nodes are on one head
 * and every deed of a client has come to its end.
 */

import { HoldfastError } from "@holdfast/base";
import { SeededRandom } from "@holdfast/base/testing";
import { Crimes, onlyTheGuilty, Villain } from "./byzantine.ts";
import { dealsAreKept } from "./deal-books.ts";
import type { Deeds } from "./deeds.ts";
import { faultsCost, provenInTime, provenOnce, punishedOnce } from "./duties.ts";
import { honestHeaders, signedMessages } from "./headers.ts";
import type { History, SimEvent, Violation } from "./history.ts";
import { idleSpaceIsPaid } from "./idle-books.ts";
import { gaplessNonces, Oracle, type TipsetCheck } from "./invariants.ts";
import { bookkeeping } from "./ledger.ts";
import { unleash } from "./nemesis.ts";
import type { SimNode } from "./node.ts";
import { PinBooks } from "./pin-books.ts";
import { Forbidden } from "./pin-frauds.ts";
import { honestPinnersStay } from "./pinning.ts";
import { drawPlan, type Plan, type SimOptions } from "./plan.ts";
import { powerIsProven } from "./powers.ts";
import { judge } from "./verdict.ts";
import { putToWork } from "./workload.ts";
import { buildWorld, type World } from "./world.ts";

export interface SimReport {
  readonly options: SimOptions;
  readonly plan: Plan;
  readonly violation: Violation | undefined;
  readonly digest: string;
  readonly steps: number;
  readonly events: number;
  readonly virtualMs: number;
  readonly height: number;
  readonly tipsets: number;
  readonly counts: Readonly<Record<string, number>>;
}

export interface SimHooks {
  readonly onEvent?: (event: SimEvent) => void;
  /** Ends the run at this step, for a look at it. */
  readonly untilStep?: number;
}

/** The share of the time under faults in which people begin something new. */
const workShare = 0.8;

export async function simulate(options: SimOptions, hooks: SimHooks = {}): Promise<SimReport> {
  const plan = drawPlan(options);
  let oracle: Oracle | undefined;
  let deeds: Deeds | undefined;
  const crimes = new Crimes(() => world);
  const villains = new Map<string, Villain>();
  const world: World = await buildWorld(plan, {
    ...(hooks.onEvent === undefined ? {} : { onEvent: hooks.onEvent }),
    tamper: ({ name, isByzantine }) => {
      if (!isByzantine) return undefined;
      const villain = new Villain(() => world, crimes, new SeededRandom(`${plan.seed} villain ${name}`));
      villains.set(name, villain);
      return villain.tamper;
    },
    onStart: (node) => {
      watch(world, { oracle, crimes }, node);
      deeds?.checkKept(node);
    },
  });
  const { history, params, verifier, clock } = world;
  const forbidden = new Forbidden();
  oracle = new Oracle(history, params, verifier, checksOf(world, { crimes, forbidden }));
  await oracle.load(world.genesisCar);
  const isOver = (): boolean =>
    history.violation !== undefined || history.step >= (hooks.untilStep ?? Number.POSITIVE_INFINITY);
  using _dropped = watchDropped(history);
  for (const node of world.nodes) void node.start();
  const nemesis = unleash(world);
  const workload = putToWork(world, forbidden);
  for (const node of world.nodes) void villains.get(node.name)?.live(node);
  deeds = workload.deeds;
  const drain = hostDrain;
  // Whole milliseconds, as of any clock.
  const workMs = Math.floor(plan.faultMs * workShare);
  await clock.advanceUntil(isOver, { limitMs: workMs, drain });
  workload.rest();
  await clock.advanceUntil(isOver, { limitMs: plan.faultMs - workMs, drain });
  if (!isOver()) {
    nemesis.heal();
    for (const villain of villains.values()) void villain.reform();
    const { space, pinning } = workload;
    await judge({ world, oracle, deeds, space, pinning, forbidden, crimes, villains, drain, isOver });
  }
  const { sent = [], puts = [] } = deeds ?? {};
  const heights = world.nodes.map(({ running }) => running?.chain.head().height ?? 0);
  return {
    options,
    plan,
    violation: history.violation,
    digest: history.digest(),
    steps: history.step,
    events: history.events,
    virtualMs: history.atMs,
    height: Math.max(...heights),
    tipsets: oracle.tipsets,
    counts: {
      ...history.counts,
      messages: sent.length,
      puts: puts.length,
      stored: puts.filter(({ state }) => state === "done").length,
    },
  };
}

/** What must hold after every tipset, by the name that a failure has. */
function checksOf(
  world: World,
  { crimes, forbidden }: { readonly crimes: Crimes; readonly forbidden: Forbidden },
): Readonly<Record<string, TipsetCheck>> {
  const pinBooks = new PinBooks();
  return {
    "honest headers": honestHeaders,
    "signed messages": signedMessages,
    "gapless nonces": gaplessNonces,
    "power is proven": powerIsProven,
    "proven in time": provenInTime,
    "faults cost": faultsCost,
    "punished once": punishedOnce,
    "proven once": provenOnce((miner) =>
      world.nodes.some(({ identity, engine }) => engine !== undefined && identity.miner === miner),
    ),
    "nothing forged": crimes.noneInTheChain,
    "only the guilty are slashed": onlyTheGuilty(() => world),
    "money of every account": bookkeeping(pinBooks),
    "deals are kept": dealsAreKept,
    "idle space is paid": idleSpaceIsPaid,
    "pinning is paid": pinBooks.check,
    "honest pinning nodes stay": honestPinnersStay(() => world),
    "nothing forbidden": forbidden.noneTaken,
  };
}

interface Watchers {
  readonly oracle: Oracle | undefined;
  readonly crimes: Crimes;
}

function watch({ history }: World, { oracle, crimes }: Watchers, node: SimNode): void {
  const { running, life } = node;
  if (running === undefined) return;
  running.chain.onHead((change) => {
    if (life?.alive !== true) return;
    history.record(node.name, "head", {
      height: change.to.height,
      blocks: change.to.blocks.length,
      reverted: change.reverted.length,
      key: change.to.key,
    });
    oracle?.head(node.name, running, change);
    crimes.checkTaken(node);
  });
}

/**
 * A rejection that nobody handles ends a real process. What the dead leave behind is theirs: their wire is closed, and
 * they hear that they are dead.
 */
function watchDropped(history: History): Disposable {
  const onDropped = (error: unknown): void => {
    const code = error instanceof HoldfastError ? error.code : "bug";
    if (/^(sim|wire)\//.test(code)) return;
    const detail = error instanceof Error ? (error.stack ?? error.message) : String(error);
    history.violate("every error is handled", "", detail);
  };
  process.on("unhandledRejection", onDropped);
  return { [Symbol.dispose]: () => void process.off("unhandledRejection", onDropped) };
}

/** Between two instants of virtual time everything that was started comes to rest. */
async function hostDrain(): Promise<void> {
  for (let turn = 0; turn < 2; turn += 1) await new Promise((done) => setImmediate(done));
}
