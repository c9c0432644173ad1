/**
 * How the two sides change a deal that is under way. The client asks with what the chain needs of it, already signed:
 * a longer life with vouchers that are worth nothing before the chain has it, or an early end with one voucher that
 * is worth nothing before the chain has that. The miner answers by its policy and brings it onto the chain. So neither
 * side ever holds what the other could miss.
 */
import {
  type Address,
  addressNetwork,
  type CborValue,
  type CID,
  type Codec,
  c,
  cidOfCbor,
  concatBytes,
  type Decoded,
  encode,
  epoch,
  utf8Bytes,
  verifySignature,
} from "@holdfast/base";
import {
  dealExtensionSigningBytes,
  dealPredicate,
  dealReleaseSigningBytes,
  type NetworkParams,
  releasePredicate,
  type Voucher,
} from "@holdfast/consensus";
import { limits } from "../limits.ts";
import { type DealProposal, type DealVoucher, dealVoucherCodec, endHeightOf, termsOf } from "./deal.ts";
import { epochsIn } from "./terms.ts";

export const amendProtocol = "/fil/storage/amend/1.0.0";

export const amendmentKinds = ["extend", "release"] as const;
export type AmendmentKind = (typeof amendmentKinds)[number];

const kindCodec: Codec<AmendmentKind> = {
  name: "AmendmentKind",
  toCbor: (kind) => amendmentKinds.indexOf(kind),
  fromCbor: (value: CborValue, path: string) =>
    amendmentKinds[c.uint(amendmentKinds.length - 1).fromCbor(value, path)] ?? "extend",
};

export const amendmentCodec = c.tuple("DealAmendment", {
  dealId: c.cid,
  kind: kindCodec,
  /** The later end; of a release, the end that the deal had. */
  endHeight: c.epoch,
  /** What the deal costs in all; of a release, what is paid in all. */
  totalPrice: c.attoFil,
  clientCollateral: c.attoFil,
  providerCollateral: c.attoFil,
  /** The last height at which the miner can make use of it. */
  validUntil: c.epoch,
  /** By the client, over what the chain asks for. */
  signature: c.fixedBytes(65),
  vouchers: c.list(dealVoucherCodec, limits.vouchersPerDeal),
});
export type Amendment = Decoded<typeof amendmentCodec>;

export function amendmentIdOf(amendment: Amendment): CID {
  return cidOfCbor(encode(amendmentCodec, amendment));
}

/** What the client signs for the chain. */
export function amendmentSigningBytes(
  given: Omit<Amendment, "signature" | "vouchers">,
  networkId: Uint8Array,
) {
  const {
    dealId: deal,
    kind,
    endHeight,
    totalPrice,
    clientCollateral,
    providerCollateral,
    validUntil,
  } = given;
  return kind === "release"
    ? dealReleaseSigningBytes({ deal, validUntil }, networkId)
    : dealExtensionSigningBytes(
        { deal, endHeight, totalPrice, clientCollateral, providerCollateral, validUntil },
        networkId,
      );
}

/** What a voucher of a change says to the chain, but for its signature. */
export function draftAmendedVoucher(
  proposal: DealProposal,
  target: Address,
  { kind, endHeight }: Pick<Amendment, "kind" | "endHeight">,
  { amount, validAt }: Pick<DealVoucher, "amount" | "validAt">,
): Omit<Voucher, "signature"> {
  const { payer, channel } = proposal;
  const network = addressNetwork(payer);
  const terms = termsOf(proposal);
  const condition =
    kind === "release" ? releasePredicate(network, terms) : dealPredicate(network, terms, endHeight);
  return { payer, channel, target, amount, validAt, condition };
}

const answerFields = {
  amendment: c.cid,
  isAccepted: c.bool,
  /** Why not; empty otherwise. */
  code: c.text(64),
  message: c.text(limits.dealReasonBytes),
  /** Height of the miner's head. */
  height: c.epoch,
};
const unsignedAnswerCodec = c.tuple("UnsignedAmendmentAnswer", answerFields);
export type UnsignedAmendmentAnswer = Decoded<typeof unsignedAnswerCodec>;
/** Signed by the miner's worker. */
export const amendmentAnswerCodec = c.tuple("AmendmentAnswer", {
  ...answerFields,
  signature: c.fixedBytes(65),
});
export type AmendmentAnswer = Decoded<typeof amendmentAnswerCodec>;

const answerDomain = utf8Bytes("holdfast deal amendment answer\n");

export function amendmentAnswerBytes(answer: UnsignedAmendmentAnswer): Uint8Array {
  return concatBytes(answerDomain, encode(unsignedAnswerCodec, answer));
}
export function isAmendmentAnswerSigned(answer: AmendmentAnswer, worker: Address): boolean {
  return verifySignature(amendmentAnswerBytes(answer), answer.signature, worker);
}

/** How long a change may take from its signature to the chain. */
export function amendmentEpochs(params: NetworkParams): number {
  return epochsIn(params, 1_800_000, 60);
}
/** A change that the miner takes must have at least so many rounds left. */
export const leastAmendmentRounds = 10;
/** The early end is paid to so many rounds after it was asked for: meanwhile it may land. */
export const settlementRounds = 10;

/** What a miner accepts of its clients. */
export interface AmendmentPolicy {
  readonly extend: boolean;
  readonly release: boolean;
}

/** A voucher, and to which end the deal must go for it to be worth anything. */
export interface LivingVoucher extends DealVoucher {
  readonly until: Amendment["endHeight"];
}
/** What a deal has become. */
export interface CurrentTerms {
  readonly endHeight: number;
  readonly totalPrice: DealProposal["totalPrice"];
  readonly clientCollateral: DealProposal["clientCollateral"];
  readonly providerCollateral: DealProposal["providerCollateral"];
  readonly vouchers: readonly LivingVoucher[];
  /** Of a deal that both have ended. */
  readonly settlement: DealVoucher | undefined;
}

/** The proposal and the changes of it that the chain has, oldest first. */
export function currentTerms(proposal: DealProposal, made: readonly Amendment[]): CurrentTerms {
  const { totalPrice, clientCollateral, providerCollateral } = proposal;
  const first = epoch(endHeightOf(proposal));
  let terms: CurrentTerms = {
    endHeight: first,
    totalPrice,
    clientCollateral,
    providerCollateral,
    vouchers: proposal.vouchers.map((voucher) => ({ ...voucher, until: first })),
    settlement: undefined,
  };
  for (const { kind, vouchers, endHeight, ...more } of made) {
    if (kind === "release") terms = { ...terms, settlement: vouchers[0] };
    else {
      const added = vouchers.map((voucher) => ({ ...voucher, until: endHeight }));
      terms = {
        endHeight,
        totalPrice: more.totalPrice,
        clientCollateral: more.clientCollateral,
        providerCollateral: more.providerCollateral,
        vouchers: [...terms.vouchers, ...added],
        settlement: terms.settlement,
      };
    }
  }
  return terms;
}
