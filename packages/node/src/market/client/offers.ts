/**
 * Which miners could keep a file, and for how much: from their asks on the chain, cheapest first, then those
 * that we are connected to. Whether a miner answers is asked of it directly, because an ask on the chain
 * outlives the node that published it.
 */
import type { Address, AttoFil, CID, Clock, PeerId } from "@holdfast/base";
import { filText, HoldfastError, zeroAtto } from "@holdfast/base";
import { listMiners, type NetworkParams, sectorSizes } from "@holdfast/consensus";
import { limits } from "../../limits.ts";
import type { Way } from "../delivery.ts";
import { marketErrors } from "../errors.ts";
import { heightOf, minerOn, peerOf } from "../facts.ts";
import type { MarketChain, MarketSigner, MarketWire } from "../needs.ts";
import {
  bestAsk,
  type CollateralShares,
  collateralsFor,
  dealPrice,
  oversize,
  paddedTotal,
  sliceCount,
  sliceForSectors,
} from "../terms.ts";
import type { Quote, Spread } from "../types.ts";
import { noFile, termsFrom } from "./terms.ts";

export interface Offer extends CollateralShares {
  readonly miner: Address;
  readonly owner: Address;
  readonly worker: Address;
  readonly peer: PeerId;
  readonly askId: number;
  readonly pricePerBytePerEpoch: AttoFil;
  /** Pieces are cut for sectors of this size. */
  readonly sectorBytes: number;
  readonly total: AttoFil;
  readonly connected: boolean;
}
export interface Unusable {
  readonly miner: Address;
  readonly askId: number;
  readonly total: AttoFil;
  /** "size": another file could go there; "none": no ask at all. */
  readonly kind: "size" | "none" | "self";
  readonly reason: string;
}
export interface Offers {
  readonly offers: readonly Offer[];
  readonly unusable: readonly Unusable[];
}

export interface OfferNeeds {
  readonly needs: {
    readonly chain: MarketChain;
    readonly wire: MarketWire;
    readonly clock: Clock;
    readonly signer: Pick<MarketSigner, "payer">;
  };
  /** What `probe` has learnt of miners' sectors. */
  readonly sectorBytes: Map<Address, number>;
}
export interface Wanted {
  readonly carBytes: number;
  readonly durationEpochs: number;
  /** Of a file; else of any. */
  readonly payload?: CID;
  readonly payer?: Address;
  /** How its data would come; default: over a stream. */
  readonly way?: Way;
}

/** Every miner of the network, as an offer or with the reason why it is none. */
export function findOffers({ needs, sectorBytes }: OfferNeeds, wanted: Wanted): Offers {
  const { chain, wire } = needs;
  const { state } = chain.headState();
  const connected = new Set(wire.peers().map(({ id }) => id));
  // Until a miner has told, the largest sectors of the network: then no miner is passed over for its size.
  const guess = Math.max(...sectorSizes(chain.params));
  const sizes = new Map<number, SizeInSectors>();
  const offers: Offer[] = [];
  const unusable: Unusable[] = [];
  for (const miner of listMiners(chain.store, state, chain.params.networkByte)) {
    const cut = sectorBytes.get(miner) ?? guess;
    const size = sizes.get(cut) ?? sizeInSectors(chain, wanted.carBytes, cut);
    sizes.set(cut, size);
    const found = offerOf(chain, miner, size, wanted.durationEpochs);
    if ("reason" in found) unusable.push(found);
    else if (found.peer === wire.self) {
      const { askId, total } = found;
      unusable.push({ miner, askId, total, kind: "self", reason: "it is this node itself" });
    } else offers.push({ ...found, connected: connected.has(found.peer) });
  }
  offers.sort(
    (a, b) =>
      (a.total < b.total ? -1 : a.total > b.total ? 1 : 0) ||
      // Of equal prices the one that answers with more.
      b.providerCollateralPercent - a.providerCollateralPercent ||
      Number(b.connected) - Number(a.connected) ||
      (a.miner < b.miner ? -1 : 1),
  );
  return { offers, unusable };
}

interface SizeInSectors {
  readonly sectorBytes: number;
  readonly paddedBytes: number;
  readonly obstacle: string | undefined;
}

function sizeInSectors(chain: MarketChain, carBytes: number, sectorBytes: number): SizeInSectors {
  const count = sliceCount(carBytes, sectorBytes);
  if (count > limits.piecesPerDeal) {
    const obstacle = `it takes ${count} sectors of ${sectorBytes} bytes, at most ${limits.piecesPerDeal} are possible`;
    return { sectorBytes, paddedBytes: count * sectorBytes, obstacle };
  }
  const slices = sliceForSectors(carBytes, sectorBytes);
  const obstacle = oversize(slices, sectorBytes, chain.params);
  return { sectorBytes, paddedBytes: paddedTotal(slices), obstacle };
}

function offerOf(
  chain: MarketChain,
  miner: Address,
  { sectorBytes, paddedBytes, obstacle }: SizeInSectors,
  durationEpochs: number,
): Omit<Offer, "connected"> | Unusable {
  const facts = minerOn(chain, miner);
  const height = heightOf(chain);
  const holding = (facts?.asks ?? []).filter((one) => one.expiry > height);
  const [any] = holding;
  if (facts === undefined || any === undefined) {
    return { miner, askId: 0, total: zeroAtto, kind: "none", reason: "it publishes no price" };
  }
  const best = bestAsk(holding, paddedBytes, height);
  const { askId, pricePerBytePerEpoch, providerCollateralPercent, clientCollateralPercent } = best ?? any;
  const total = dealPrice(pricePerBytePerEpoch, paddedBytes, durationEpochs);
  if (best === undefined || obstacle !== undefined) {
    const range = `its asks take ${any.minBytes} to ${any.maxBytes} bytes, these are ${paddedBytes} with padding`;
    return { miner, askId, total, kind: "size", reason: obstacle ?? range };
  }
  const { owner, worker } = facts;
  const shares = { providerCollateralPercent, clientCollateralPercent };
  const peer = peerOf(facts);
  return { miner, owner, worker, peer, askId, pricePerBytePerEpoch, ...shares, sectorBytes, total };
}

/** The same offer on the terms that the miner itself names now, or why it is none. Nothing is paid before that. */
export async function probe(
  context: OfferNeeds,
  offer: Offer,
  wanted: Wanted,
  signal: AbortSignal,
): Promise<Offer | string> {
  const { miner } = offer;
  const { chain, signer } = context.needs;
  const { carBytes, durationEpochs, payload = noFile, payer: client = signer.payer() } = wanted;
  const { way = "stream" } = wanted;
  try {
    const question = { client, payload, carBytes, durationEpochs, way };
    const terms = await termsFrom(context.needs, offer, question, signal);
    context.sectorBytes.set(miner, terms.sectorBytes);
    if (!terms.isWilling) return `${miner}: ${terms.message} (${terms.code})`;
    const size = sizeInSectors(chain, carBytes, terms.sectorBytes);
    const settled = offerOf(chain, miner, size, durationEpochs);
    if ("reason" in settled) return `${miner}: ${settled.reason}`;
    const { pricePerBytePerEpoch } = terms;
    if (pricePerBytePerEpoch > settled.pricePerBytePerEpoch)
      return `${miner} asks for more than it publishes`;
    const total = dealPrice(pricePerBytePerEpoch, size.paddedBytes, durationEpochs);
    return { ...settled, pricePerBytePerEpoch, total, connected: true };
  } catch (error) {
    signal.throwIfAborted();
    if (!(error instanceof HoldfastError)) throw error;
    return error.message;
  }
}

/** Why no miner, or too few of them, can be used; undefined if there are enough. */
export function shortage(
  found: Offers,
  wanted: Wanted & { readonly copies: number; readonly spread: Spread },
): HoldfastError | undefined {
  const { offers, unusable } = found;
  const { copies, carBytes } = wanted;
  const operators = new Set(offers.map(({ owner }) => owner)).size;
  if (operators >= copies || (wanted.spread === "miners" && offers.length >= copies)) return undefined;
  if (offers.length >= copies) {
    return marketErrors.tooFewOperators({ copies, miners: offers.length, operators });
  }
  const reasons = unusable.map(({ miner, reason }) => `${miner}: ${reason}`).join("; ");
  const isOffering = unusable.some(({ kind }) => kind !== "none");
  if (offers.length === 0 && !isOffering) return marketErrors.noMiners({ miners: unusable.length });
  if (offers.length === 0 && unusable.every(({ kind }) => kind !== "self")) {
    return marketErrors.tooLarge({ carBytes, reasons });
  }
  return marketErrors.tooFewMiners({ copies, miners: offers.length, reasons });
}

export function quoteLine(
  offer: Pick<Offer, "miner" | "askId" | "total"> & Partial<CollateralShares>,
  params: NetworkParams,
  chosen: boolean,
  reason: string,
): Quote["miners"][number] {
  const { miner, askId, total, providerCollateralPercent, clientCollateralPercent } = offer;
  const shares =
    providerCollateralPercent === undefined || clientCollateralPercent === undefined
      ? undefined
      : { providerCollateralPercent, clientCollateralPercent };
  const { clientCollateral, providerCollateral } = collateralsFor(params, total, shares);
  return {
    miner,
    askId,
    priceFil: filText(total),
    clientCollateralFil: filText(clientCollateral),
    providerCollateralFil: filText(providerCollateral),
    chosen,
    reason,
  };
}
