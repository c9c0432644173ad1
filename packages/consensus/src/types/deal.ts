/**
 * What a client signs of a deal: the terms, a longer life, an early end. The id of a deal is the CID of its terms.
 * The number of a payment channel never returns, so the terms of two deals are never the same. A voucher's condition
 * names the terms, so these need not know the vouchers: they grow from nothing at `startHeight` to `totalPrice` at
 * `endHeight`.
 */
import type { Address, AttoFil, ChannelId, CID, Codec, Epoch } from "@holdfast/base";
import { c, ceilDivAtto, cidOfCbor, encode, utf8Bytes } from "@holdfast/base";
import { domainBytes } from "./network-id.ts";
import type { NetworkParams } from "./params.ts";

/** Most pieces of one deal, and of one condition. */
export const maxDealPieces = 1_024;

export interface DealTermsPiece {
  /** Piece commitment, 32 bytes. */
  readonly commP: Uint8Array;
  /** 128 · 2^k. */
  readonly paddedBytes: number;
}

export interface DealTerms {
  /** Pays by voucher, and answers with its collateral for keeping the channel open. */
  readonly client: Address;
  readonly miner: Address;
  /** Root of the file: what the client calls it. */
  readonly payload: CID;
  readonly pieces: readonly DealTermsPiece[];
  /** From here on the price is counted. */
  readonly startHeight: Epoch;
  /** The last height at which the pieces can be proven to lie in sectors. */
  readonly startBy: Epoch;
  /** The first epoch that is not paid for. */
  readonly endHeight: Epoch;
  readonly totalPrice: AttoFil;
  readonly clientCollateral: AttoFil;
  readonly providerCollateral: AttoFil;
  /** The client's channel that pays this deal and nothing else. */
  readonly channel: ChannelId;
}

export const dealTermsCodec: Codec<DealTerms> = c.tuple("DealTerms", {
  client: c.address,
  miner: c.address,
  payload: c.cid,
  pieces: c.list(
    c.tuple("DealTermsPiece", { commP: c.fixedBytes(32), paddedBytes: c.uint() }),
    maxDealPieces,
  ),
  startHeight: c.epoch,
  startBy: c.epoch,
  endHeight: c.epoch,
  totalPrice: c.attoFil,
  clientCollateral: c.attoFil,
  providerCollateral: c.attoFil,
  channel: c.channelId,
});

/** The client lets a deal live longer, for a greater price in all. */
export interface DealExtension {
  /** The deal's id. */
  readonly deal: CID;
  readonly endHeight: Epoch;
  readonly totalPrice: AttoFil;
  /** What each side has locked from then on: no less than before. */
  readonly clientCollateral: AttoFil;
  readonly providerCollateral: AttoFil;
  /** The last height at which the miner can make use of the signature. */
  readonly validUntil: Epoch;
}
export const dealExtensionCodec: Codec<DealExtension> = c.tuple("DealExtension", {
  deal: c.cid,
  endHeight: c.epoch,
  totalPrice: c.attoFil,
  clientCollateral: c.attoFil,
  providerCollateral: c.attoFil,
  validUntil: c.epoch,
});

/** The client lets the miner go. */
export interface DealRelease {
  readonly deal: CID;
  /** The last height at which the miner can make use of the signature. */
  readonly validUntil: Epoch;
}
export const dealReleaseCodec: Codec<DealRelease> = c.tuple("DealRelease", {
  deal: c.cid,
  validUntil: c.epoch,
});

const domains = {
  terms: utf8Bytes("holdfast deal terms\n"),
  extension: utf8Bytes("holdfast deal extension\n"),
  release: utf8Bytes("holdfast deal release\n"),
} as const;

/** The id of a deal. */
export function dealIdOfTerms(terms: DealTerms): CID {
  return cidOfCbor(encode(dealTermsCodec, terms));
}

/** The bytes under the signature of who signs the channel's vouchers: the client itself, if it is an account. */
export function dealTermsSigningBytes(terms: DealTerms, networkId: Uint8Array): Uint8Array {
  return domainBytes(domains.terms, networkId, encode(dealTermsCodec, terms));
}
export function dealExtensionSigningBytes(extension: DealExtension, networkId: Uint8Array): Uint8Array {
  return domainBytes(domains.extension, networkId, encode(dealExtensionCodec, extension));
}
export function dealReleaseSigningBytes(release: DealRelease, networkId: Uint8Array): Uint8Array {
  return domainBytes(domains.release, networkId, encode(dealReleaseCodec, release));
}

/** So much of a price (percent), rounded up. */
export function percentOf(amount: AttoFil, percent: number): AttoFil {
  return ceilDivAtto(amount, BigInt(percent), 100n);
}

/**
 * After the end of a deal: time to redeem its last voucher. Two proving periods, so that a miner with a faulty
 * sector at the end can recover it and still get its money.
 */
export function dealSettlementEpochs(
  params: Pick<NetworkParams, "provingPeriodEpochs" | "proofWindowEpochs">,
): number {
  return 2 * params.provingPeriodEpochs + params.proofWindowEpochs;
}
