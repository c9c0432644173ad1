/**
 * What the engine rooms of a simulation must have come to when all faults are over: no job is lost, none was done
 * twice, every sector is on the chain, every byte of it is there, half a piece has a deal that wants the rest, and
 * nothing else lies on the disks.
 */

import { sectorId as sectorNumber } from "@holdfast/base";
import { readSector } from "@holdfast/consensus";
import type { JobEvent, JobKind, SectorInfo } from "@holdfast/storage";
import type { EngineRoom } from "./engine.ts";
import type { SimNode } from "./node.ts";
import type { World } from "./world.ts";

/** Rounds in which everything that was begun must be on the chain. */
const sealingRounds = 80;
const lookLimitMs = 600_000;
const pageCount = 500;
const fetchingStates: readonly string[] = ["accepted", "transferring"];
const heavyKinds: readonly JobKind[] = ["seal", "commit-proof", "unseal"];

export interface EngineTrial {
  readonly world: World;
  readonly isOver: () => boolean;
  readonly drain: () => Promise<void>;
}

export async function allSealed({ world, isOver, drain }: EngineTrial): Promise<void> {
  const { clock, plan, nodes } = world;
  const within = <Result>(look: Promise<Result>): Promise<Result> =>
    clock.settle(look, { limitMs: lookLimitMs, drain });
  for (const node of nodes) {
    const { engine } = node;
    if (engine === undefined) continue;
    let open = await within(unfinished(node));
    let strays = await within(strayHalves(node));
    for (let round = 0; round < sealingRounds && open.length + strays.length > 0 && !isOver(); round += 1) {
      await clock.advanceUntil(isOver, { limitMs: plan.roundMs, drain });
      open = await within(unfinished(node));
      strays = await within(strayHalves(node));
    }
    if (isOver()) return;
    const violate = (invariant: string, detail: string): void =>
      world.history.violate(invariant, node.name, detail);
    for (const { sectorId, state, failure } of open)
      violate("a sector that was begun ends", `${sectorId} is ${state}: ${failure?.message ?? ""}`);
    for (const stray of strays) violate("half a piece has a deal that wants the rest", stray);
    await within(jobsAreKept(engine, violate));
    await within(disksAreInOrder(node, violate));
    if (isOver()) return;
    world.history.record(node.name, "engine in order");
  }
}

type Violate = (invariant: string, detail: string) => void;

/** Sectors on their way to the chain. */
async function unfinished({ storage, running, identity }: SimNode): Promise<SectorInfo[]> {
  const { miner } = identity;
  if (storage === undefined || running === undefined || miner === undefined) return [];
  const { store } = running.chain;
  const { state } = running.chain.headState();
  const found: SectorInfo[] = [];
  for await (const sector of storage.everySector([
    "closing",
    "sealing",
    "sealed",
    "proving",
    "proved",
    "failed",
  ])) {
    const isThere = readSector(store, state, miner, sectorNumber(sector.sectorId)) !== undefined;
    if (!isThere) found.push(sector);
  }
  return found;
}

/** Halves of pieces of deals that fetch nothing any more. */
async function strayHalves({ storage, running }: SimNode): Promise<string[]> {
  if (storage === undefined || running === undefined) return [];
  const strays: string[] = [];
  for (const { pieceKey } of await storage.unfinishedPieces()) {
    const dealId = pieceKey.slice(0, pieceKey.lastIndexOf("/"));
    const { state } = await running.handlers["deal.show"]({ dealId }, new AbortController().signal);
    if (!fetchingStates.includes(state)) strays.push(`${pieceKey}, whose deal is ${state}`);
  }
  return strays;
}

/** Every job has gone from state to state without a gap, and none that somebody waits for is left. */
async function jobsAreKept({ queue }: EngineRoom, violate: Violate): Promise<void> {
  const left = await queue.list({ kinds: heavyKinds, states: ["waiting", "running"] }, { limit: pageCount });
  for (const { jobId, kind, state, key } of left)
    violate("no job is left", `${kind} ${jobId} (${key}) is ${state}, and no sector waits for it`);
  const last = new Map<number, JobEvent>();
  for (let after = 0; ; ) {
    const page = await queue.events(after, pageCount);
    for (const event of page) {
      const before = last.get(event.jobId);
      if ((before?.to ?? null) !== event.from)
        violate(
          "a job goes from state to state",
          `${event.kind} ${event.jobId}: ${before?.to}, then ${event.from}`,
        );
      if (before?.to === "done")
        violate("a job is done once", `${event.kind} ${event.jobId} was done, and is ${event.to}`);
      last.set(event.jobId, event);
    }
    after = page.at(-1)?.cursor ?? after;
    if (page.length < pageCount) return;
  }
}

/** What the metadata says is what lies there, and can be proven. */
async function disksAreInOrder({ storage }: SimNode, violate: Violate): Promise<void> {
  if (storage === undefined) return;
  await storage.volumes.list();
  await storage.collectGarbage();
  const { missing, orphans } = await storage.audit();
  for (const { sectorId, role } of missing) violate("no file is lost", `sector ${sectorId} lacks ${role}`);
  for (const { path } of orphans) violate("nobody's files are cleared away", path);
  for await (const { sectorId } of storage.everySector(["committed", "faulty"])) {
    const { troubles } = await storage.volumes.check(sectorId);
    for (const { role, problem } of troubles)
      violate("what is stored is whole", `sector ${sectorId}, ${role}: ${problem}`);
  }
}
