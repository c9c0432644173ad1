/**
 * The numbers of a deal on which client and miner must agree, as functions of the network's parameters and
 * the deal's size: price, bounds of the duration, and how long each side waits for the other. Pure.
 */
import { type AttoFil, attoFil } from "@holdfast/base";
import {
  type Ask,
  dealSettlementEpochs,
  inclusionGas,
  type NetworkParams,
  percentOf,
  proofGas,
  stateGas,
} from "@holdfast/consensus";
import { maxUserBytes, paddedPieceBytes } from "@holdfast/proofs";
import { limits } from "../limits.ts";
import type { DealPiece } from "./deal.ts";

/** A slice of the CAR stream. */
export interface PieceSlice {
  readonly start: number;
  readonly userBytes: number;
  /** 128·2^k. */
  readonly paddedBytes: number;
}

/** Cuts a stream into pieces that fill sectors of this padded size; only the last is smaller. */
export function sliceForSectors(carBytes: number, sectorBytes: number): PieceSlice[] {
  const most = maxUserBytes(sectorBytes);
  const slices: PieceSlice[] = [];
  for (let start = 0; start < carBytes; start += most) {
    const userBytes = Math.min(most, carBytes - start);
    slices.push({ start, userBytes, paddedBytes: paddedPieceBytes(userBytes) });
  }
  return slices;
}

/** How many pieces `sliceForSectors` would give. */
export function sliceCount(carBytes: number, sectorBytes: number): number {
  return Math.ceil(carBytes / maxUserBytes(sectorBytes));
}

export function paddedTotal(pieces: readonly Pick<DealPiece, "paddedBytes">[]): number {
  return pieces.reduce((sum, { paddedBytes }) => sum + paddedBytes, 0);
}

/** Ask × padded bytes × epochs; at least 1 attoFIL, because a channel cannot hold nothing. */
export function dealPrice(
  pricePerBytePerEpoch: AttoFil,
  paddedBytes: number,
  durationEpochs: number,
): AttoFil {
  const price = pricePerBytePerEpoch * BigInt(paddedBytes) * BigInt(durationEpochs);
  return attoFil(price > 0n ? price : 1n);
}

/** The cheapest ask that holds at this height for a deal of so many padded bytes. */
export function bestAsk(asks: readonly Ask[], paddedBytes: number, height: number): Ask | undefined {
  return asks
    .filter((ask) => ask.expiry > height && ask.minBytes <= paddedBytes && paddedBytes <= ask.maxBytes)
    .toSorted((a, b) => Number(a.pricePerBytePerEpoch - b.pricePerBytePerEpoch) || a.askId - b.askId)[0];
}

/** Epochs that take at least so many milliseconds, and not fewer than `least`. */
export function epochsIn(params: NetworkParams, ms: number, least: number): number {
  return Math.max(least, Math.ceil(ms / params.roundMs));
}

/** After the end of a deal: time to redeem the last voucher. */
export function settlementEpochs(params: NetworkParams): number {
  return dealSettlementEpochs(params);
}

export type CollateralShares = Pick<Ask, "providerCollateralPercent" | "clientCollateralPercent">;

/** What each side locks for a deal of this price: the ask's share, and no less than the network's. */
export function collateralsFor(params: NetworkParams, totalPrice: AttoFil, ask?: CollateralShares) {
  const { minClientCollateralPercent: leastOfClient, minProviderCollateralPercent: leastOfProvider } = params;
  const ofClient = Math.max(leastOfClient, ask?.clientCollateralPercent ?? 0);
  const ofProvider = Math.max(leastOfProvider, ask?.providerCollateralPercent ?? 0);
  return {
    clientCollateral: percentOf(totalPrice, ofClient),
    providerCollateral: percentOf(totalPrice, ofProvider),
  };
}

/** A shorter deal could end before its first proof, a longer one outlive its sectors. */
export function durationBounds(params: NetworkParams): {
  readonly minEpochs: number;
  readonly maxEpochs: number;
} {
  return {
    minEpochs: Math.max(params.minSectorLifetimeEpochs, 2 * params.provingPeriodEpochs),
    maxEpochs: params.maxSectorLifetimeEpochs - settlementEpochs(params) - 1,
  };
}

const tenMinutesMs = 600_000;
/** The slowest transfer and sealing that a deal waits for: 128 KiB a second. */
const slowBytesPerMs = 131;

/** From the start of a deal until all its sectors must be on the chain. */
export function activationEpochs(params: NetworkParams, paddedBytes: number): number {
  const workMs = tenMinutesMs + paddedBytes / slowBytesPerMs;
  return epochsIn(params, workMs, 20) + params.sealChallengeDelayEpochs + params.preCommitExpiryEpochs;
}

/** Beyond that, for data that people carry: days, where the deal is long enough. */
export function carryEpochs(params: NetworkParams, durationEpochs: number): number {
  return Math.min(epochsIn(params, limits.carryMs, 1), Math.floor(durationEpochs / 2));
}

/** The last height at which the sectors of a deal that starts here may be on the chain. */
export function startByFor(
  params: NetworkParams,
  startHeight: number,
  deal: { readonly paddedBytes: number; readonly durationEpochs: number; readonly isCarried: boolean },
): number {
  const { paddedBytes, durationEpochs, isCarried } = deal;
  const carrying = isCarried ? carryEpochs(params, durationEpochs) : 0;
  return startHeight + Math.min(activationEpochs(params, paddedBytes) + carrying, durationEpochs);
}

/** By how much the start of a proposal may differ from the miner's height. */
export function startToleranceEpochs(params: NetworkParams): number {
  return epochsIn(params, tenMinutesMs, 20);
}

/** The least time between a proposal and its `startBy`: a sector cannot be sealed in less. */
export function leastSealEpochs(params: NetworkParams): number {
  return params.sealChallengeDelayEpochs + 10;
}

/** How long the other side of a deal may be silent (milliseconds). */
export function silenceMs(params: NetworkParams): number {
  return Math.max(limits.dealSilenceMs, limits.dealSilenceRounds * params.roundMs);
}

/** CBOR and a sector number around each inclusion proof (bytes, generous). */
const locationOverheadBytes = 16;
/** The terms without their pieces, the message's own fields and signatures (bytes, generous). */
const startOverheadBytes = 1_024;
/** One piece in the terms: commitment and size with their CBOR. */
const termsPieceBytes = 48;
/** State and signature of a deal that is published or started (measured, with room). */
const startTouch = { objects: 60, bytes: 30_000 } as const;
const inclusionNodeBytes = 32;
const positionBytes = 8;

/** What publishing a deal of these pieces takes, or starting it with their proofs, at most. */
export function startSize(
  pieces: readonly Pick<DealPiece, "paddedBytes">[],
  sectorBytes: number,
  { gas: prices }: NetworkParams,
): { readonly messageBytes: number; readonly gas: number } {
  let messageBytes = startOverheadBytes;
  let gas = 0;
  for (const { paddedBytes } of pieces) {
    const levels = Math.max(0, Math.log2(sectorBytes / paddedBytes));
    const proofBytes = positionBytes + inclusionNodeBytes * levels;
    // The one message has the terms, the other the proofs.
    messageBytes += Math.max(proofBytes + locationOverheadBytes, termsPieceBytes);
    gas += proofGas(prices, "inclusion", proofBytes);
  }
  // Parameters are paid for in the message, in its call and in that of the miner; state and signature beside.
  const bytes = 3 * prices.paramByte * messageBytes;
  return {
    messageBytes,
    gas: gas + bytes + inclusionGas(prices, messageBytes) + stateGas(prices, startTouch),
  };
}

/** Why pieces cannot be one deal in sectors of this size; undefined if they can. */
export function oversize(
  pieces: readonly Pick<DealPiece, "paddedBytes">[],
  sectorBytes: number,
  params: NetworkParams,
): string | undefined {
  if (pieces.length > limits.piecesPerDeal) {
    return `${pieces.length} pieces for sectors of ${sectorBytes} bytes, at most ${limits.piecesPerDeal} are possible`;
  }
  const { messageBytes, gas } = startSize(pieces, sectorBytes, params);
  if (messageBytes > params.maxMessageBytes) {
    return `${messageBytes} bytes in one message, at most ${params.maxMessageBytes} are possible`;
  }
  return gas > params.blockGasLimit ? `${gas} units of gas, a block has ${params.blockGasLimit}` : undefined;
}
