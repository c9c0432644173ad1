/**
 * Whether a miner takes a deal: everything that a proposal claims is checked against the chain and against its
 * own numbers, the cheap things first. Each lie has its own refusal. Pure: what it needs to know is given.
 */
import { type Address, verifySignature } from "@holdfast/base";
import {
  type Ask,
  type Channel,
  dealTermsSigningBytes,
  isVoucherSigned,
  type NetworkParams,
  percentOf,
} from "@holdfast/consensus";
import { isPieceCommitment, paddedPieceBytes } from "@holdfast/proofs";
import {
  type DealProposal,
  draftVoucher,
  endHeightOf,
  isProposalSigned,
  type SignedProposal,
  termsOf,
} from "../deal.ts";
import { checkDelivery, isCarried } from "../delivery.ts";
import { dealRefusals } from "../refusals.ts";
import {
  bestAsk,
  collateralsFor,
  dealPrice,
  durationBounds,
  leastSealEpochs,
  oversize,
  paddedTotal,
  settlementEpochs,
  startByFor,
  startToleranceEpochs,
} from "../terms.ts";
import { checkPayments } from "../vouchers.ts";

export interface MinerFacts {
  readonly params: NetworkParams;
  /** What vouchers are signed for. */
  readonly networkId: Uint8Array;
  readonly miner: Address;
  readonly owner: Address;
  /** All asks of the chain, also expired ones. */
  readonly asks: readonly Ask[];
  /** What this client pays of them; default: all. */
  readonly pricePercent?: number;
  /** Padded size of new sectors. */
  readonly sectorBytes: number;
  /** Height of the head. */
  readonly height: number;
}

/** What can be said without the channel. `deal/…`, see `dealRefusals`. */
export function checkTerms(facts: MinerFacts, signed: SignedProposal, peer: string): void {
  const { proposal } = signed;
  if (!isProposalSigned(signed)) throw dealRefusals.badSignature({ payer: proposal.payer });
  if (proposal.miner !== facts.miner)
    throw dealRefusals.wrongMiner({ asked: proposal.miner, miner: facts.miner });
  if (proposal.clientPeer !== peer) throw dealRefusals.wrongPeer({ named: proposal.clientPeer, peer });
  checkDelivery(proposal.delivery);
  checkPieces(facts, proposal);
  checkTimes(facts, proposal);
  checkPrice(facts, proposal);
  checkCollaterals(facts, proposal);
}

function checkPieces({ sectorBytes, params }: MinerFacts, { pieces, carBytes }: DealProposal): void {
  let pieceBytes = 0;
  for (const [index, { commP, paddedBytes, userBytes }] of pieces.entries()) {
    if (!isPieceCommitment(commP)) throw dealRefusals.badPiece({ index, detail: "has no piece commitment" });
    if (userBytes < 1) throw dealRefusals.badPiece({ index, detail: "is empty" });
    if (userBytes > sectorBytes || paddedBytes > sectorBytes) {
      throw dealRefusals.pieceTooLarge({ index, paddedBytes, sectorBytes });
    }
    const needed = paddedPieceBytes(userBytes);
    if (paddedBytes !== needed) {
      throw dealRefusals.badPiece({ index, detail: `has ${needed} padded bytes, not ${paddedBytes}` });
    }
    pieceBytes += userBytes;
  }
  if (pieces.length === 0 || pieceBytes !== carBytes)
    throw dealRefusals.sizeMismatch({ carBytes, pieceBytes });
  const detail = oversize(pieces, sectorBytes, params);
  if (detail !== undefined) throw dealRefusals.tooManyPieces({ detail });
}

function checkTimes({ params, height }: MinerFacts, proposal: DealProposal): void {
  const { durationEpochs, startHeight, startBy } = proposal;
  const { minEpochs, maxEpochs } = durationBounds(params);
  if (durationEpochs < minEpochs || durationEpochs > maxEpochs) {
    throw dealRefusals.durationOutOfRange({ durationEpochs, minEpochs, maxEpochs });
  }
  const toleranceEpochs = startToleranceEpochs(params);
  if (Math.abs(startHeight - height) > toleranceEpochs) {
    throw dealRefusals.startOutOfRange({ startHeight, height, toleranceEpochs });
  }
  const size = {
    ...{ paddedBytes: paddedTotal(proposal.pieces), durationEpochs },
    isCarried: isCarried(proposal),
  };
  // Until then the miner keeps room for the data and a turn for its transfer, for nothing if they never come.
  const [earliest, latest] = [height + leastSealEpochs(params), startByFor(params, startHeight, size)];
  if (startBy < earliest || startBy > latest) {
    throw dealRefusals.startByOutOfRange({ startBy, earliest, latest });
  }
}

function checkPrice({ asks, height, pricePercent = 100 }: MinerFacts, proposal: DealProposal): void {
  const { pricePerBytePerEpoch, totalPrice, durationEpochs, pieces } = proposal;
  const paddedBytes = paddedTotal(pieces);
  if (!asks.some((one) => one.expiry > height)) throw dealRefusals.noAsk({});
  const best = bestAsk(asks, paddedBytes, height);
  if (best === undefined) throw dealRefusals.sizeOutsideAsk({ paddedBytes });
  const asked = percentOf(best.pricePerBytePerEpoch, pricePercent);
  if (pricePerBytePerEpoch < asked) {
    throw dealRefusals.priceTooLow({ offered: pricePerBytePerEpoch.toString(), asked: asked.toString() });
  }
  const needed = dealPrice(pricePerBytePerEpoch, paddedBytes, durationEpochs);
  if (totalPrice < needed) {
    throw dealRefusals.totalTooLow({ total: totalPrice.toString(), needed: needed.toString() });
  }
}

/** The client locks at least what the ask wants; this miner no more than it says, no less than the network asks. */
function checkCollaterals(facts: MinerFacts, proposal: DealProposal): void {
  const { params, networkId, asks, height } = facts;
  const { totalPrice, termsSignature, payer } = proposal;
  const best = bestAsk(asks, paddedTotal(proposal.pieces), height);
  checkShares(proposal, collateralsFor(params, totalPrice), collateralsFor(params, totalPrice, best));
  const signed = dealTermsSigningBytes(termsOf(proposal), networkId);
  if (!verifySignature(signed, termsSignature, payer)) throw dealRefusals.badSignature({ payer });
}

type Collaterals = Pick<DealProposal, "clientCollateral" | "providerCollateral">;

/** `least`: the network's; `wanted`: of the ask. `deal/collateral-too-small`, `deal/collateral-too-large`. */
export function checkShares(offered: Collaterals, least: Collaterals, wanted: Collaterals): void {
  const refused = (side: "client" | "provider", given: bigint, asked: bigint) => {
    const data = { side, offered: given.toString(), asked: asked.toString() };
    return given < asked ? dealRefusals.collateralTooSmall(data) : dealRefusals.collateralTooLarge(data);
  };
  const { clientCollateral: ofClient, providerCollateral: ofUs } = offered;
  if (ofClient < wanted.clientCollateral) throw refused("client", ofClient, wanted.clientCollateral);
  if (ofUs < least.providerCollateral) throw refused("provider", ofUs, least.providerCollateral);
  if (ofUs > wanted.providerCollateral) throw refused("provider", ofUs, wanted.providerCollateral);
}

/**
 * That the channel pays this deal and nothing else, and long enough; then the vouchers one by one. `isTaken`:
 * another deal of this miner is paid from the same channel.
 */
export function checkPayment(
  { params, networkId, owner }: MinerFacts,
  proposal: DealProposal,
  channel: Channel,
  isTaken: boolean,
): void {
  const { totalPrice, channel: id } = proposal;
  if (channel.target !== owner) throw dealRefusals.channelTarget({ target: channel.target, owner });
  // Amounts are cumulative: on a channel with a past, or with two deals, the same money would be promised twice.
  if (isTaken || channel.redeemed > 0n) throw dealRefusals.channelUsed({ channel: id });
  if (channel.amount < totalPrice) {
    throw dealRefusals.channelFunds({ amount: channel.amount.toString(), total: totalPrice.toString() });
  }
  const { eol, agreedEol } = channel;
  if (eol < agreedEol) throw dealRefusals.channelCancelled({ channel: id, eol });
  const neededEol = endHeightOf(proposal) + settlementEpochs(params);
  if (eol < neededEol) throw dealRefusals.channelEndsTooEarly({ eol, neededEol });
  checkPayments(proposal, proposal.vouchers);
  for (const [index, voucher] of proposal.vouchers.entries()) {
    const { amount, signature } = voucher;
    if (amount > channel.amount) throw dealRefusals.voucherAboveChannel({ index, amount: amount.toString() });
    const draft = draftVoucher(proposal, owner, voucher);
    if (!isVoucherSigned({ ...draft, signature }, networkId)) throw dealRefusals.voucherSignature({ index });
  }
}
