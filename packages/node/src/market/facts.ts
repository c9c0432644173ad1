/** What the chain says now about the parties, sectors and money of a deal. */
import { type Address, type CID, channelId, HoldfastError, type PeerId, sectorId } from "@holdfast/base";
import {
  type Deal as ChainDeal,
  type Channel,
  type MinerView,
  type PreCommit,
  readActor,
  readChannel,
  readDeal,
  readDealLoss,
  readEscrow,
  readMinerState,
  readPreCommit,
  readSector,
  type Sector,
} from "@holdfast/consensus";
import { finalTipset } from "../final.ts";
import type { Taking } from "./machine/taking.ts";
import type { MarketChain, MarketSender } from "./needs.ts";

/** The state of one tipset: of the head, or of what is final. */
export type ChainState = Pick<MarketChain, "store" | "headState">;

/** What no branch takes back; undefined where its state is not here. */
export function finalState(chain: MarketChain): ChainState | undefined {
  const tipset = finalTipset(chain);
  const state = chain.stateAfter(tipset.key);
  return state === undefined ? undefined : { store: chain.store, headState: () => ({ state, tipset }) };
}

export function heightOf(chain: ChainState): number {
  return chain.headState().tipset.height;
}

/** Undefined if there is no miner actor at this address. */
export function minerOn(chain: ChainState, miner: Address): MinerView | undefined {
  try {
    return readMinerState(chain.store, chain.headState().state, miner);
  } catch (error) {
    if (error instanceof HoldfastError && error.code.startsWith("state/")) return undefined;
    throw error;
  }
}

export function peerOf(miner: Pick<MinerView, "peerId">): PeerId {
  return miner.peerId as PeerId;
}

/** Undefined if the miner has no such sector (any more). */
export function sectorOn(chain: ChainState, miner: Address, id: number): Sector | undefined {
  return readSector(chain.store, chain.headState().state, miner, sectorId(id));
}
export function preCommitOn(chain: ChainState, miner: Address, id: number): PreCommit | undefined {
  return readPreCommit(chain.store, chain.headState().state, miner, sectorId(id));
}

/** Undefined before its message is in the chain, and when it was settled. */
export function channelOn(chain: ChainState, payer: Address, id: number): Channel | undefined {
  return readChannel(chain.store, chain.headState().state, payer, channelId(id));
}

/** The deal on a channel, if it is this one; undefined before it is published, and when its time is past. */
export function dealOn(
  chain: ChainState,
  {
    payer,
    channel,
    dealId,
  }: { readonly payer: Address; readonly channel: number; readonly dealId: CID | string },
): ChainDeal | undefined {
  const ref = { client: payer, channel: channelId(channel) };
  const deal = readDeal(chain.store, chain.headState().state, ref);
  return deal?.id.toString() === dealId.toString() ? deal : undefined;
}

/** True if a sector of the deal is lost and nobody has settled that yet. */
export function isLossOpen(chain: ChainState, deal: ChainDeal): boolean {
  if (deal.status !== "active") return false;
  const lostAt = readDealLoss(chain.store, chain.headState().state, deal);
  return lostAt !== null && lostAt < deal.endHeight;
}

/** What the market holds for a party and has not locked. */
export function freeEscrowOf(chain: ChainState, party: Address): bigint {
  const { escrow, locked } = readEscrow(chain.store, chain.headState().state, party);
  return escrow - locked;
}

export function balanceOf(chain: ChainState, address: Address): bigint {
  return readActor(chain.store, chain.headState().state, address)?.balance ?? 0n;
}

/** Whether the account has used this nonce. */
export function isNonceUsed(chain: ChainState, address: Address, nonce: number): boolean {
  return nonce < (readActor(chain.store, chain.headState().state, address)?.nonce ?? 0);
}

/** Of the message of this key, in the head's branch up to a height. */
export function takingOf(
  sender: Pick<MarketSender, "sentAs" | "find">,
  key: string,
  height = Number.POSITIVE_INFINITY,
): Taking {
  const sent = sender.sentAs(key);
  if (sent === undefined) return "none";
  const mined = sender.find(sent.cid)?.mined;
  return mined?.receipt.exitCode === 0 && mined.tipset.height <= height ? "taken" : "open";
}
