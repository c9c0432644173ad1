/** What the parts of the miner's half share. */
import { assert, type CID } from "@holdfast/base";
import { maxUserBytes } from "@holdfast/proofs";
import { heightOf, minerOn } from "../facts.ts";
import type { MinerMarketNeeds } from "../needs.ts";
import type { Tasks } from "../tasks.ts";
import type { AmendmentStore } from "./amendment-store.ts";
import type { DealPatch, DealRow, MinerStore } from "./store.ts";
import type { MinerFacts } from "./validate.ts";

export interface MinerContext {
  readonly needs: MinerMarketNeeds;
  readonly store: MinerStore;
  readonly amendments: AmendmentStore;
  readonly tasks: Tasks;
  /** Told of each payload whose pieces have all come. */
  readonly stored: Set<(payload: CID) => void>;
}

/** The storage's name of a piece of a deal. */
export function pieceKeyOf(dealId: string, index: number): string {
  return `${dealId}/${index}`;
}

export function dealById({ store }: MinerContext, dealId: string): DealRow {
  const deal = store.get(dealId);
  assert(deal !== undefined, "a deal is never deleted");
  return deal;
}

/** Writes down a new state with a line of history. */
export function move(context: MinerContext, dealId: string, patch: DealPatch, detail: string): void {
  const { clock } = context.needs;
  const deal = dealById(context, dealId);
  const state = patch.state ?? deal.state;
  context.store.update(dealId, { ...patch, detail }, { atMs: clock.nowMs(), state, detail });
  if (patch.state === "staged") for (const tell of context.stored) tell(deal.proposal.payload);
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
