/**
 * Liveness: what must be true in the end, when all faults are over. The honest nodes are on one head; every message
 * that a node took is in that chain, exactly once; every file that was stored reads back; nothing hangs.
 */
import type { Address, CID } from "@holdfast/base";
import { messageCid, readMinerState } from "@holdfast/consensus";
import type { Crimes, Villain } from "./byzantine.ts";
import type { Deeds, SentMessage } from "./deeds.ts";
import { allSealed } from "./engine-books.ts";
import { checkSame, readFile } from "./files.ts";
import type { Oracle } from "./invariants.ts";
import type { SimNode } from "./node.ts";
import type { Forbidden } from "./pin-frauds.ts";
import { allPinned } from "./pin-trial.ts";
import type { Pinning } from "./pinning.ts";
import { allCounted, type Space } from "./space.ts";
import type { World } from "./world.ts";

/** Rounds that the network has, after all faults are over, to agree. */
const agreementRounds = 40;
/** Rounds in which every message that was taken must be mined. */
const miningRounds = 40;
/** Rounds in which a file that is being stored must come to its end. */
const storingRounds = 150;
const readLimitMs = 120_000;

/** Rounds in which a miner should win, and rounds in which its fork must be punished. */
const forkRounds = 30;
const punishmentRounds = 20;

export interface Trial {
  readonly forbidden: Forbidden;
  readonly crimes: Crimes;
  readonly villains: ReadonlyMap<string, Villain>;
  readonly world: World;
  readonly oracle: Oracle;
  readonly deeds: Deeds;
  readonly space: Space;
  readonly pinning: Pinning;
  readonly drain: () => Promise<void>;
  readonly isOver: () => boolean;
}

export async function judge(trial: Trial): Promise<void> {
  if (await agree(trial)) await allMined(trial);
  if (!trial.isOver()) await allStored(trial);
  if (!trial.isOver()) await allSealed(trial);
  if (!trial.isOver()) await allCounted(trial);
  if (!trial.isOver()) await allPinned(trial);
  if (!trial.isOver()) await allPunished(trial);
  // What was agreed on is still agreed on after the last deeds.
  if (!trial.isOver()) await agree(trial);
  for (const node of trial.world.nodes) trial.crimes.checkTaken(node, true);
}

const honestOf = ({ nodes }: World): readonly SimNode[] =>
  nodes.filter(({ identity }) => !identity.isByzantine);

async function agree({ world, isOver, drain }: Trial): Promise<boolean> {
  const { history, clock, plan } = world;
  const honest = honestOf(world);
  const agreed = (): boolean => {
    const heads = honest.map(({ running }) => running?.chain.head().key);
    return heads[0] !== undefined && heads.every((head) => head === heads[0]);
  };
  // Whoever has just started is on the head of before; time for news to arrive.
  await clock.advanceUntil(isOver, { limitMs: 2 * plan.roundMs, drain });
  const limitMs = agreementRounds * plan.roundMs;
  await clock.advanceUntil(() => isOver() || agreed(), { limitMs, drain });
  if (isOver()) return false;
  if (agreed()) {
    history.record("", "agreed", { height: honest[0]?.running?.chain.head().height ?? -1 });
    return true;
  }
  const heads = honest.map(({ name, running }) => {
    const head = running?.chain.head();
    return `${name} ${head === undefined ? "is down" : `at ${head.height} ${head.key.slice(-12)}`}`;
  });
  history.violate("agreement", "", `${agreementRounds} rounds after the healing: ${heads.join("; ")}`);
  return false;
}

/** How often each message is in the chain of the head that all have. */
function minedTimes({ world, oracle }: Trial): Map<string, number> {
  const times = new Map<string, number>();
  const head = honestOf(world)[0]?.running?.chain.head().key ?? "";
  for (let at = oracle.find(head); at !== undefined; at = at.parent) {
    const seen = new Set<string>();
    for (const { messages } of at.blocks) {
      for (const signed of messages) {
        const cid = messageCid(signed).toString();
        if (!at.receipts.has(cid) || seen.has(cid)) continue;
        seen.add(cid);
        const { from, nonce } = signed.message;
        const key = `${from}/${nonce}`;
        times.set(key, (times.get(key) ?? 0) + 1);
      }
    }
  }
  return times;
}

async function allMined(trial: Trial): Promise<void> {
  const { world, deeds, isOver, drain } = trial;
  const { history, clock, plan } = world;
  const open = (): SentMessage[] => {
    const times = minedTimes(trial);
    return deeds.sent.filter(({ from, nonce }) => times.get(`${from}/${nonce}`) !== 1);
  };
  for (let round = 0; round < miningRounds && open().length > 0 && !isOver(); round += 1) {
    await clock.advanceUntil(isOver, { limitMs: plan.roundMs, drain });
  }
  if (isOver()) return;
  for (const { node, key, nonce, method } of open()) {
    const found = node.running?.sender.sentAs(key);
    const now = found?.nonce === nonce ? "it waits still" : `its number is ${found?.nonce} now`;
    history.violate(
      "what was sent is mined once",
      node.name,
      `${method || "transfer"} ${key} (${nonce}): ${now}`,
    );
  }
  history.record("", "all mined", { messages: deeds.sent.length });
}

/** Every miner among the villains signs two blocks of a height, in broad daylight: that must cost it everything. */
async function allPunished(trial: Trial): Promise<void> {
  const { world, crimes, villains, isOver, drain } = trial;
  const { history, clock, plan, nodes } = world;
  const witness = honestOf(world)[0]?.running?.chain;
  if (witness === undefined) return;
  const stateOf = (miner: Address) => readMinerState(witness.store, witness.headState().state, miner);
  for (const { name, identity, running } of nodes) {
    const { miner } = identity;
    const villain = villains.get(name);
    if (villain === undefined || miner === undefined || running === undefined) continue;
    if (stateOf(miner).power === 0n) continue;
    const from = witness.head().height;
    const hasForked = (): boolean => (crimes.forks.get(miner)?.height ?? 0) > from;
    villain.incite();
    await clock.advanceUntil(() => isOver() || hasForked(), { limitMs: forkRounds * plan.roundMs, drain });
    await villain.reform();
    if (!hasForked()) continue;
    const isPunished = (): boolean => (stateOf(miner).slashedAt ?? -1) >= from;
    const limitMs = punishmentRounds * plan.roundMs;
    await clock.advanceUntil(() => isOver() || isPunished(), { limitMs, drain });
    if (isOver()) return;
    if (isPunished()) history.record(name, "punished", { height: stateOf(miner).slashedAt ?? -1 });
    // Who has flooded its neighbours is not heard any more: then nobody has both blocks.
    else if (sawBoth(world, crimes.forks.get(miner)?.cids ?? []))
      history.violate("who forks the chain is slashed", name, `not within ${punishmentRounds} rounds`);
  }
}

function sawBoth(world: World, cids: readonly CID[]): boolean {
  return honestOf(world).some(({ running }) =>
    cids.every((cid) => running?.chain.fullBlock(cid) !== undefined),
  );
}

async function allStored({ world, deeds, isOver, drain }: Trial): Promise<void> {
  const { history, clock, plan } = world;
  const look = (): boolean => {
    for (const put of deeds.puts) {
      const job = put.node.running?.puts().find(({ jobId }) => jobId === put.jobId);
      if (job !== undefined) put.state = job.state;
    }
    return deeds.puts.every(({ state }) => state !== "running");
  };
  for (let round = 0; round < storingRounds && !look() && !isOver(); round += 1) {
    await clock.advanceUntil(isOver, { limitMs: plan.roundMs, drain });
  }
  for (const put of deeds.puts) {
    if (isOver()) return;
    history.record(put.node.name, "put ended", { jobId: put.jobId, state: put.state });
    if (put.state === "running") {
      history.violate(
        "a put ends",
        put.node.name,
        `${put.jobId} runs ${storingRounds} rounds after the healing`,
      );
    }
    const { running } = put.node;
    if (put.state !== "done" || running === undefined) continue;
    try {
      const bytes = await clock.settle(readFile(running, put.cid), { limitMs: readLimitMs, drain });
      checkSame(world, put.node, put.cid, bytes, put.bytes);
    } catch (error) {
      history.violate("what was stored can be read", put.node.name, `${put.cid}: ${String(error)}`);
    }
  }
}
