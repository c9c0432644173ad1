/**
 * One simulation from its plan to its verdict. First safety: everything may go wrong, and no invariant may break.
 * Then liveness: all faults end, everything that is down starts, and within a bound the honest nodes are on one head
 * and every deed of a client has come to its end.
 */
import type { SimEvent, Violation } from "./history.ts";
import { gaplessNonces, Oracle, powerIsProven } from "./invariants.ts";
import { unleash } from "./nemesis.ts";
import type { SimNode } from "./node.ts";
import { drawPlan, type Plan, type SimOptions } from "./plan.ts";
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

/** Rounds that the network has, after all faults are over, to agree. */
const agreementRounds = 40;

export async function simulate(options: SimOptions, hooks: SimHooks = {}): Promise<SimReport> {
  const plan = drawPlan(options);
  let oracle: Oracle | undefined;
  const world = await buildWorld(plan, {
    ...(hooks.onEvent === undefined ? {} : { onEvent: hooks.onEvent }),
    tamper: () => undefined,
    onStart: (node) => watch(world, oracle, node),
  });
  const { history, params, verifier, clock } = world;
  oracle = new Oracle(history, params, verifier, { "gapless nonces": gaplessNonces, power: powerIsProven });
  await oracle.load(world.genesisCar);
  const isOver = (): boolean =>
    history.violation !== undefined || history.step >= (hooks.untilStep ?? Number.POSITIVE_INFINITY);
  for (const node of world.nodes) void node.start();
  const nemesis = unleash(world);
  await clock.advanceUntil(isOver, { limitMs: plan.faultMs, drain: hostDrain });
  if (!isOver()) {
    nemesis.heal();
    await converge(world, isOver);
  }
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
    counts: history.counts,
  };
}

function watch({ history }: World, oracle: Oracle | undefined, node: SimNode): void {
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
  });
}

async function converge(world: World, isOver: () => boolean): Promise<void> {
  const { history, clock, plan, nodes } = world;
  const honest = nodes.filter(({ identity }) => !identity.isByzantine);
  const agreed = (): boolean => {
    const heads = honest.map(({ running }) => running?.chain.head().key);
    return heads[0] !== undefined && heads.every((head) => head === heads[0]);
  };
  const limitMs = agreementRounds * plan.roundMs;
  // Whoever has just started is on the head of before; time for news to arrive.
  await clock.advanceUntil(isOver, { limitMs: 2 * plan.roundMs, drain: hostDrain });
  if (await clock.advanceUntil(() => isOver() || agreed(), { limitMs, drain: hostDrain })) {
    history.record("", "agreed");
    return;
  }
  const heads = honest.map(({ name, running }) => {
    const head = running?.chain.head();
    return `${name} ${head === undefined ? "is down" : `at ${head.height} ${head.key.slice(-12)}`}`;
  });
  history.violate("agreement", "", `${agreementRounds} rounds after the healing: ${heads.join("; ")}`);
}

/** Between two instants of virtual time everything that was started comes to rest. */
async function hostDrain(): Promise<void> {
  for (let turn = 0; turn < 2; turn += 1) await new Promise((done) => setImmediate(done));
}
