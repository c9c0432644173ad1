/** An honest proposal and what its miner knows, to be made dishonest one field at a time. */
import { attoFil, channelId, encode, epoch, rawCid, sectorId } from "@holdfast/base";
import {
  type Channel,
  dealTermsSigningBytes,
  genesisMinerAddress,
  voucherSigningBytes,
} from "@holdfast/consensus";
import { commP } from "@holdfast/proofs";
import {
  type DealProposal,
  type DealVoucher,
  draftVoucher,
  endHeightOf,
  type PieceLocation,
  proposalSigningBytes,
  type SignedProposal,
  type TermsOfProposal,
  termsOf,
} from "../../../src/market/deal.ts";
import type { MinerFacts } from "../../../src/market/miner/validate.ts";
import {
  collateralsFor,
  dealPrice,
  paddedTotal,
  settlementEpochs,
  sliceForSectors,
} from "../../../src/market/terms.ts";
import { paymentSchedule } from "../../../src/market/vouchers.ts";
import { keysOf, noise, sectorBytes, signerOf, testParams } from "./world.ts";

const testNetworkId = new Uint8Array(32).fill(5);
export const payer = keysOf("client");
export const owner = keysOf("owner 0");
const { sign } = signerOf(payer, owner);
export const clientPeer = "client";

const car = noise(5_000);
const slices = sliceForSectors(car.length, sectorBytes);
const pieces = slices.map(({ start, userBytes, paddedBytes }) => ({
  commP: commP(car.subarray(start, start + userBytes)).commitment,
  paddedBytes,
  userBytes,
}));

/** Of the asks: more than the network asks for. */
export const shares = { providerCollateralPercent: 30, clientCollateralPercent: 8 };

export const facts: MinerFacts = {
  params: testParams(),
  networkId: testNetworkId,
  miner: genesisMinerAddress(1, 0),
  owner: owner.address,
  asks: [
    {
      askId: 0,
      pricePerBytePerEpoch: attoFil(7),
      minBytes: 1,
      maxBytes: 1_000_000,
      ...shares,
      expiry: epoch(5),
    },
    {
      askId: 1,
      pricePerBytePerEpoch: attoFil(10),
      minBytes: 128,
      maxBytes: 100_000,
      ...shares,
      expiry: epoch(9_999),
    },
    {
      askId: 2,
      pricePerBytePerEpoch: attoFil(20),
      minBytes: 1,
      maxBytes: 1_000_000,
      ...shares,
      expiry: epoch(9_999),
    },
  ],
  sectorBytes,
  height: 50,
};

type Terms = TermsOfProposal;
const totalPrice = dealPrice(attoFil(10), paddedTotal(pieces), 480);
const base: Terms = {
  payload: rawCid(car),
  carBytes: car.length,
  pieces,
  startHeight: epoch(50),
  durationEpochs: 480,
  startBy: epoch(400),
  pricePerBytePerEpoch: attoFil(10),
  totalPrice,
  miner: facts.miner,
  clientPeer,
  delivery: "stream",
  payer: payer.address,
  channel: channelId(3),
  ...collateralsFor(facts.params, totalPrice, shares),
};

export function vouchersOf(terms: Terms, by = payer): DealVoucher[] {
  return paymentSchedule(terms).map((due) => {
    const draft = draftVoucher(terms, facts.owner, due);
    return { ...due, signature: signerOf(by).sign(by.address, voucherSigningBytes(draft, testNetworkId)) };
  });
}

/** A signed proposal with these terms; the vouchers follow from them unless they are given. */
export function proposalWith(
  change: Partial<DealProposal> = {},
  by = payer,
  networkId: Uint8Array = testNetworkId,
): SignedProposal {
  const terms: Terms = { ...base, ...change };
  const signed = dealTermsSigningBytes(termsOf(terms), networkId);
  const termsSignature = signerOf(by).sign(by.address, signed);
  const vouchers = change.vouchers ?? vouchersOf(terms);
  const proposal: DealProposal = { termsSignature, ...terms, vouchers };
  return { proposal, signature: signerOf(by).sign(by.address, proposalSigningBytes(proposal)) };
}

export function channelWith(change: Partial<Channel> = {}, proposal = proposalWith().proposal): Channel {
  const eol = epoch(endHeightOf(proposal) + settlementEpochs(facts.params));
  const { totalPrice } = proposal;
  return {
    target: facts.owner,
    amount: totalPrice,
    redeemed: attoFil(0),
    eol,
    agreedEol: eol,
    signer: null,
    ...change,
  };
}

export const someLocation: PieceLocation = { sectorId: sectorId(7), proof: new Uint8Array(8) };
export { encode, pieces, sign };
