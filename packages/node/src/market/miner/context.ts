/** What the parts of the miner's half share. */
import { type Address, assert, type CID } from "@holdfast/base";
import { maxUserBytes } from "@holdfast/proofs";
import { limits } from "../../limits.ts";
import { heightOf, minerOn } from "../facts.ts";
import {
  type MinerAct,
  type MinerDeal,
  type MinerEvent,
  type MinerRules,
  stepMiner,
} from "../machine/miner.ts";
import type { MinerMarketNeeds } from "../needs.ts";
import type { Tasks, Turns } from "../tasks.ts";
import type { AmendmentStore } from "./amendment-store.ts";
import type { Awaited, AwaitedDeal } from "./awaited.ts";
import type { SealDemand } from "./backlog.ts";
import type { SealDues } from "./seal-dues.ts";
import type { SealPace } from "./seal-pace.ts";
import type { DealPatch, DealRow, MinerStore } from "./store.ts";
import type { MinerFacts } from "./validate.ts";

export interface MinerContext {
  readonly needs: MinerMarketNeeds;
  readonly store: MinerStore;
  readonly amendments: AmendmentStore;
  readonly tasks: Tasks;
  /** Of the operator's program: what nobody has signed waits for its like alone. */
  readonly hookTurns: { readonly quote: Turns; readonly proposal: Turns };
  readonly pace: SealPace;
  readonly awaited: Awaited;
  readonly dues: SealDues;
  /** Of proposals that are judged still: the time of their seals, and their pieces. */
  readonly promised: Set<SealDemand>;
  readonly held: Set<AwaitedDeal>;
  /** Told of each payload whose pieces have all come. */
  readonly stored: Set<(payload: CID) => void>;
}

/** A message that is not coming, or that its sender has called off: the next is another one, under a key of its own. */
export const lostCodes: ReadonlySet<string> = new Set(["sender/replaced", "sender/cancelled"]);

/** The storage's name of a piece of a deal. */
export function pieceKeyOf(dealId: string, index: number): string {
  return `${dealId}/${index}`;
}

export function dealById({ store }: MinerContext, dealId: string): DealRow {
  const deal = store.get(dealId);
  assert(deal !== undefined, "a deal is never deleted");
  return deal;
}

/** Rounds after the last piece in which other deals that are on their way may join the sector, if nothing is said. */
const usualSealRounds = 2;

function rulesOf({ needs, pace }: MinerContext): MinerRules {
  const { chain, filling, storage } = needs;
  const { params } = chain;
  const { maxStagedMs } = filling ?? {};
  const sealAfterRounds =
    maxStagedMs === undefined ? usualSealRounds : Math.ceil(maxStagedMs / params.roundMs);
  return {
    ...params,
    sealAfterRounds,
    busySealRounds: Math.max(sealAfterRounds, limits.dealWaitRounds),
    sealRounds: pace.rounds(params, sectorBytesFor(storage), heightOf(chain)),
  };
}

/** Something has happened to a deal: what follows is written down, and what is to be done is returned. */
export function happens(context: MinerContext, dealId: string, event: MinerEvent): readonly MinerAct[] {
  const { clock, logger } = context.needs;
  const before = dealById(context, dealId);
  const { deal, acts } = stepMiner(before, event, rulesOf(context));
  const patch = patchOf(before, deal);
  const { state, detail } = deal;
  if (state === "failed" && before.state !== "failed")
    logger.warn("deal failed", { deal: dealId, reason: detail });
  const isNew = patch.state !== undefined || patch.detail !== undefined;
  if (isNew) context.store.update(dealId, patch, { atMs: clock.nowMs(), state, detail });
  else if (Object.keys(patch).length > 0) context.store.update(dealId, patch);
  if (event.type === "fetched" && state === "staged") {
    for (const tell of context.stored) tell(before.proposal.payload);
  }
  return acts;
}

const ownFields = [
  "state",
  "code",
  "detail",
  "stagedHeight",
  "redeemed",
  "settled",
  "dropped",
  "published",
  "escrowBack",
  "woundAt",
  "closed",
] as const satisfies readonly (keyof MinerDeal)[];

function patchOf(before: MinerDeal, after: MinerDeal): DealPatch {
  const changed = ownFields.filter((field) => before[field] !== after[field]);
  return Object.fromEntries(changed.map((field) => [field, after[field]]));
}

/** A line of history that leaves the deal's state, and what is said of it, as they are. */
export function note(
  { store, needs }: MinerContext,
  dealId: string,
  patch: DealPatch,
  detail = patch.detail ?? "",
): void {
  const state = store.get(dealId)?.state ?? "failed";
  store.update(dealId, patch, { atMs: needs.clock.nowMs(), state, detail });
}

/** The end of a deal of this client for the same file, if one goes on here. */
export function storedUntil({ store }: MinerContext, client: Address, payload: CID): number | undefined {
  const ends = store.keptFor(client, payload.toString()).map(({ current }) => current.endHeight);
  return ends.length === 0 ? undefined : Math.max(...ends);
}

/** What the chain says about this miner; there always is such an actor, or this half had not opened. */
export function minerFacts({ needs }: MinerContext): MinerFacts & { readonly worker: MinerFacts["owner"] } {
  const { chain, miner, storage } = needs;
  const view = minerOn(chain, miner);
  assert(view !== undefined, "the miner actor of this node is on the chain");
  const { owner, worker, asks } = view;
  const { params, networkId } = chain;
  const height = heightOf(chain);
  return { params, networkId, miner, owner, worker, asks, height, sectorBytes: sectorBytesFor(storage) };
}

/** Padded size of new sectors, from their user bytes. */
function sectorBytesFor(storage: MinerMarketNeeds["storage"]): number {
  const userBytes = storage.maxUserBytesPerStagedSector();
  let sectorBytes = 128;
  while (maxUserBytes(sectorBytes) < userBytes) sectorBytes *= 2;
  return sectorBytes;
}
