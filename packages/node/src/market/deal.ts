/**
 * What the two sides of a deal say to each other (after go-filecoin 2019). A deal's id is the CID of the terms that
 * go onto the chain, so that the same proposal sent twice is one deal. Vouchers travel without what follows
 * from the proposal (payer, channel, target, condition): nothing can be said twice and differently, and
 * their signatures show that the payer meant exactly these pieces at exactly this miner.
 */
import {
  type Address,
  addressNetwork,
  type CborValue,
  type CID,
  type Codec,
  c,
  concatBytes,
  type Decoded,
  encode,
  epoch,
  utf8Bytes,
  verifySignature,
} from "@holdfast/base";
import { type DealTerms, dealIdOfTerms, dealPredicate, type Voucher } from "@holdfast/consensus";
import { limits } from "../limits.ts";

export const proposeProtocol = "/fil/storage/mk/1.0.0";
export const queryProtocol = "/fil/storage/qry/1.0.0";
export const dataProtocol = "/fil/storage/data/1.0.0";

/** Longest text of a peer id (bytes), as in the miner actor. */
const peerIdBytes = 128;
const codeBytes = 64;
/** An inclusion proof: 8 bytes of position and at most 28 siblings (sectors of 32 GiB). */
const inclusionProofBytes = 8 + 28 * 32;

export const dealPieceCodec = c.tuple("DealPiece", {
  commP: c.fixedBytes(32),
  /** 128·2^k: what is paid for. */
  paddedBytes: c.uint(),
  /** Bytes of the CAR stream. */
  userBytes: c.uint(),
});
export type DealPiece = Decoded<typeof dealPieceCodec>;

export const dealVoucherCodec = c.tuple("DealVoucher", {
  /** Cumulative. */
  amount: c.attoFil,
  validAt: c.epoch,
  signature: c.fixedBytes(65),
});
export type DealVoucher = Decoded<typeof dealVoucherCodec>;

export const dealProposalCodec = c.tuple("DealProposal", {
  /** Root of the file. */
  payload: c.cid,
  /** Length of its CAR stream, of which the pieces are consecutive slices. */
  carBytes: c.uint(),
  pieces: c.list(dealPieceCodec, limits.piecesPerDeal),
  startHeight: c.epoch,
  durationEpochs: c.uint(),
  /** All sectors are on the chain at this height, or the deal is off. */
  startBy: c.epoch,
  pricePerBytePerEpoch: c.attoFil,
  totalPrice: c.attoFil,
  miner: c.address,
  /** The peer that gives the data. */
  clientPeer: c.text(peerIdBytes),
  /** How the data comes, see `delivery.ts`. */
  delivery: c.text(limits.deliveryBytes),
  payer: c.address,
  channel: c.channelId,
  /** What each side locks on the chain. */
  clientCollateral: c.attoFil,
  providerCollateral: c.attoFil,
  /** By the payer, over the terms that the miner publishes. */
  termsSignature: c.fixedBytes(65),
  vouchers: c.list(dealVoucherCodec, limits.vouchersPerDeal),
});
export type DealProposal = Decoded<typeof dealProposalCodec>;

export const signedProposalCodec = c.tuple("SignedDealProposal", {
  proposal: dealProposalCodec,
  /** Recoverable secp256k1 signature by the payer. */
  signature: c.fixedBytes(65),
});
export type SignedProposal = Decoded<typeof signedProposalCodec>;

const proposalDomain = utf8Bytes("holdfast deal proposal\n");

/** All that the terms on the chain say. */
export type TermsOfProposal = Omit<DealProposal, "vouchers" | "termsSignature">;

/** What of a proposal goes onto the chain. */
export function termsOf(proposal: TermsOfProposal): DealTerms {
  const { payer, miner, payload, startHeight, startBy, totalPrice, channel } = proposal;
  const { clientCollateral, providerCollateral } = proposal;
  return {
    client: payer,
    miner,
    payload,
    pieces: proposal.pieces.map(({ commP, paddedBytes }) => ({ commP, paddedBytes })),
    startHeight,
    startBy,
    // A sum that no height can be is refused with the other times.
    endHeight: epoch(Math.min(endHeightOf(proposal), Number.MAX_SAFE_INTEGER)),
    totalPrice,
    clientCollateral,
    providerCollateral,
    channel,
  };
}

/** The id of a deal. */
export function dealIdOf(proposal: TermsOfProposal): CID {
  return dealIdOfTerms(termsOf(proposal));
}
export function proposalSigningBytes(proposal: DealProposal): Uint8Array {
  return concatBytes(proposalDomain, encode(dealProposalCodec, proposal));
}
export function isProposalSigned({ proposal, signature }: SignedProposal): boolean {
  return verifySignature(proposalSigningBytes(proposal), signature, proposal.payer);
}
export function endHeightOf(proposal: Pick<DealProposal, "startHeight" | "durationEpochs">): number {
  return proposal.startHeight + proposal.durationEpochs;
}

/** What a voucher of this deal says to the chain, but for its signature. */
export function draftVoucher(
  deal: TermsOfProposal,
  target: Address,
  voucher: Pick<DealVoucher, "amount" | "validAt">,
): Omit<Voucher, "signature"> {
  const { amount, validAt } = voucher;
  const { payer, channel } = deal;
  const condition = dealPredicate(addressNetwork(payer), termsOf(deal));
  return { payer, channel, target, amount, validAt, condition };
}

/** In the order in which a deal goes through them; `rejected` and `failed` are ends. */
export const wireStates = [
  "unknown",
  "rejected",
  "accepted",
  "transferring",
  "staged",
  "sealing",
  "committed",
  "active",
  "complete",
  "failed",
] as const;
export type WireState = (typeof wireStates)[number];

const wireStateCodec: Codec<WireState> = {
  name: "DealState",
  toCbor: (state) => wireStates.indexOf(state),
  fromCbor(value: CborValue, path: string): WireState {
    const state = wireStates[c.uint(wireStates.length - 1).fromCbor(value, path)];
    return state ?? "unknown";
  },
};

export const pieceLocationCodec = c.tuple("PieceLocation", {
  sectorId: c.sectorId,
  /** Inclusion of the piece in the sector's commD. */
  proof: c.bytes(inclusionProofBytes),
});
export type PieceLocation = Decoded<typeof pieceLocationCodec>;

const answerFields = {
  dealId: c.cid,
  state: wireStateCodec,
  /** Why, for states that are ends; empty otherwise. */
  code: c.text(codeBytes),
  message: c.text(limits.dealReasonBytes),
  /** Height of the miner's head. */
  height: c.epoch,
  /** Padded size of the miner's new sectors, to which pieces are cut: the chain knows only its old ones. */
  sectorBytes: c.uint(),
  /** The first piece of `locations`. */
  firstPiece: c.uint(limits.piecesPerDeal),
  /** Where pieces are; of sealed deals, some at a time. */
  locations: c.list(pieceLocationCodec, limits.dealLocations),
};
const unsignedAnswerCodec = c.tuple("UnsignedDealAnswer", answerFields);
export type UnsignedAnswer = Decoded<typeof unsignedAnswerCodec>;

/** The miner's answer to a proposal and to a question; signed by its worker. */
export const dealAnswerCodec = c.tuple("DealAnswer", { ...answerFields, signature: c.fixedBytes(65) });
export type DealAnswer = Decoded<typeof dealAnswerCodec>;

const answerDomain = utf8Bytes("holdfast deal answer\n");

export function answerSigningBytes(answer: UnsignedAnswer): Uint8Array {
  return concatBytes(answerDomain, encode(unsignedAnswerCodec, answer));
}
export function isAnswerSigned(answer: DealAnswer, worker: Address): boolean {
  return verifySignature(answerSigningBytes(answer), answer.signature, worker);
}

export const dealQueryCodec = c.tuple("DealQuery", {
  dealId: c.cid,
  /** Locations from this piece on. */
  firstPiece: c.uint(limits.piecesPerDeal),
});

export const dataRequestCodec = c.tuple("DealDataRequest", {
  dealId: c.cid,
  pieceIndex: c.uint(limits.piecesPerDeal),
  /** First byte, counted in the piece. */
  offset: c.uint(),
});

/** What comes before the bytes; an empty code says that they follow, in frames. */
export const dataHeadCodec = c.tuple("DealDataHead", {
  code: c.text(codeBytes),
  message: c.text(limits.dealReasonBytes),
  /** From the offset to the end of the piece. */
  bytes: c.uint(),
});
