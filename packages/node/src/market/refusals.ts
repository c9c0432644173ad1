/**
 * Every reason for which a miner does not take a deal, or gives one up, and for which a client does not hand
 * out data: one code each, so that a program on the other side can tell them apart.
 */
import { defineErrors, type HoldfastError, utf8Bytes } from "@holdfast/base";
import { limits } from "../limits.ts";

type NoData = Record<never, never>;
const again = "make a new proposal; `holdfast put` does that by itself";
const protocol = "the other side does not keep to the protocol; use another miner";

export const dealRefusals = defineErrors("deal", {
  malformed: {
    exit: "refused",
    message: (data: { detail: string }) => `the message cannot be read: ${data.detail}`,
    fix: protocol,
  },
  busy: {
    exit: "retry-later",
    message: (data: { waiting: number }) => `${data.waiting} deals wait for their turn already`,
    fix: "try again in a moment, or use another miner",
  },
  catchingUp: {
    exit: "retry-later",
    message: (data: { height: number }) =>
      `the miner is catching up with the chain, at height ${data.height}`,
    fix: "try again in a moment, or use another miner",
  },
  badSignature: {
    exit: "refused",
    message: (data: { payer: string }) => `the proposal is not signed by its payer ${data.payer}`,
    fix: protocol,
  },
  wrongMiner: {
    exit: "refused",
    message: (data: { asked: string; miner: string }) =>
      `the proposal is for ${data.asked}, this is ${data.miner}`,
    fix: again,
  },
  wrongPeer: {
    exit: "refused",
    message: (data: { named: string; peer: string }) =>
      `the proposal names the peer ${data.named}, ${data.peer} sent it`,
    fix: protocol,
  },
  badPiece: {
    exit: "refused",
    message: (data: { index: number; detail: string }) => `piece ${data.index} ${data.detail}`,
    fix: protocol,
  },
  sizeMismatch: {
    exit: "refused",
    message: (data: { carBytes: number; pieceBytes: number }) =>
      `the pieces have ${data.pieceBytes} bytes together, the stream ${data.carBytes}`,
    fix: protocol,
  },
  pieceTooLarge: {
    exit: "refused",
    message: (data: { index: number; paddedBytes: number; sectorBytes: number }) =>
      `piece ${data.index} has ${data.paddedBytes} padded bytes, a sector of this miner ${data.sectorBytes}`,
    fix: "use another miner",
  },
  tooManyPieces: {
    exit: "refused",
    message: (data: { detail: string }) =>
      `the proofs of all pieces do not fit into one message: ${data.detail}`,
    fix: "use a miner with larger sectors, or split the file",
  },
  durationOutOfRange: {
    exit: "refused",
    message: (data: { durationEpochs: number; minEpochs: number; maxEpochs: number }) =>
      `a deal of ${data.durationEpochs} epochs: ${data.minEpochs} to ${data.maxEpochs} are possible`,
    fix: "store the file for another time",
  },
  startOutOfRange: {
    exit: "refused",
    message: (data: { startHeight: number; height: number; toleranceEpochs: number }) =>
      `the deal starts at ${data.startHeight}, it is ${data.height} now, and ${data.toleranceEpochs} epochs of difference are accepted`,
    fix: again,
  },
  startByOutOfRange: {
    exit: "refused",
    message: ({ startBy, earliest, latest }: { startBy: number; earliest: number; latest: number }) =>
      `the sectors are to be on the chain by ${startBy}: for a deal of its size and way that is ${earliest} to ${latest}`,
    fix: again,
  },
  noAsk: {
    exit: "refused",
    message: (_data: NoData) => "this miner offers no storage now",
    fix: "use another miner: `holdfast ask ls`",
  },
  sizeOutsideAsk: {
    exit: "refused",
    message: (data: { paddedBytes: number }) =>
      `no ask of this miner covers ${data.paddedBytes} padded bytes`,
    fix: "use another miner: `holdfast ask ls`",
  },
  priceTooLow: {
    exit: "refused",
    message: (data: { offered: string; asked: string }) =>
      `${data.offered} attoFIL for a byte and an epoch is below the ask of ${data.asked}`,
    fix: again,
  },
  totalTooLow: {
    exit: "refused",
    message: (data: { total: string; needed: string }) =>
      `the total of ${data.total} attoFIL is below price × padded bytes × epochs = ${data.needed}`,
    fix: protocol,
  },
  closed: {
    exit: "refused",
    message: (_data: NoData) => "this miner takes no new deals now",
    fix: "use another miner: `holdfast ask ls`",
  },
  clientRefused: {
    exit: "refused",
    message: (data: { client: string }) => `this miner does not store for ${data.client}`,
    fix: "use another miner: `holdfast ask ls`",
  },
  notVerified: {
    exit: "refused",
    message: (data: { client: string }) =>
      `this miner stores for clients that it knows, and ${data.client} is none of them`,
    fix: "ask the operator to be taken in, or use another miner: `holdfast ask ls`",
  },
  duplicate: {
    exit: "refused",
    message: (data: { endHeight: number }) =>
      `this miner keeps the same file for this client already, until ${data.endHeight}`,
    fix: "let that deal live longer: `holdfast deal extend`; or use another miner",
  },
  refusedByOperator: {
    exit: "refused",
    message: (data: { reason: string }) => `the miner's operator refuses: ${data.reason}`,
    fix: "use another miner: `holdfast ask ls`",
  },
  noWordOfOperator: {
    exit: "retry-later",
    message: (_data: NoData) =>
      "the miner's operator has a program that judges deals, and it does not work now",
    fix: "try again later, or use another miner",
  },
  channelNotFound: {
    exit: "retry-later",
    message: (data: { payer: string; channel: number }) =>
      `the chain has no channel ${data.channel} of ${data.payer}`,
    fix: "try again when the channel's message is in a block",
  },
  channelTarget: {
    exit: "refused",
    message: (data: { target: string; owner: string }) =>
      `the channel pays ${data.target}, not the owner ${data.owner}`,
    fix: protocol,
  },
  channelFunds: {
    exit: "refused",
    message: (data: { amount: string; total: string }) =>
      `the channel holds ${data.amount} attoFIL, the deal costs ${data.total}`,
    fix: protocol,
  },
  channelUsed: {
    exit: "refused",
    message: (data: { channel: number }) => `the channel ${data.channel} pays for another deal already`,
    fix: "open a channel for each deal",
  },
  channelCancelled: {
    exit: "refused",
    message: (data: { channel: number; eol: number }) =>
      `the payer cancelled the channel ${data.channel} (it ends at ${data.eol})`,
    fix: again,
  },
  channelEndsTooEarly: {
    exit: "refused",
    message: (data: { eol: number; neededEol: number }) =>
      `the channel ends at ${data.eol}, before ${data.neededEol}, the time to redeem the last voucher`,
    fix: again,
  },
  noVouchers: {
    exit: "refused",
    message: (_data: NoData) => "there are no vouchers",
    fix: protocol,
  },
  voucherOrder: {
    exit: "refused",
    message: (data: { index: number }) =>
      `voucher ${data.index} is not later and worth no less than the one before`,
    fix: protocol,
  },
  voucherGap: {
    exit: "refused",
    message: (data: { index: number; gapEpochs: number; maxEpochs: number }) =>
      `voucher ${data.index} comes ${data.gapEpochs} epochs after the payment before it, at most ${data.maxEpochs} are accepted`,
    fix: protocol,
  },
  voucherTooLow: {
    exit: "refused",
    message: (data: { index: number; amount: string; expected: string }) =>
      `voucher ${data.index} is worth ${data.amount} attoFIL, ${data.expected} are due by then`,
    fix: protocol,
  },
  voucherAboveChannel: {
    exit: "refused",
    message: (data: { index: number; amount: string }) =>
      `voucher ${data.index} promises ${data.amount} attoFIL, more than the channel holds`,
    fix: protocol,
  },
  vouchersTooLate: {
    exit: "refused",
    message: (data: { validAt: number; endHeight: number }) =>
      `the last voucher is valid at ${data.validAt}, after the deal's end at ${data.endHeight}`,
    fix: protocol,
  },
  vouchersTooLow: {
    exit: "refused",
    message: (data: { amount: string; total: string }) =>
      `the last voucher is worth ${data.amount} attoFIL, the deal costs ${data.total}`,
    fix: protocol,
  },
  voucherSignature: {
    exit: "refused",
    message: (data: { index: number }) =>
      `voucher ${data.index} is not signed by the payer for this channel under the condition of exactly these pieces`,
    fix: protocol,
  },
  transferFailed: {
    exit: "network",
    message: (data: { detail: string }) => `the data could not be fetched: ${data.detail}`,
    fix: "keep the node running while a put is under way",
  },
  wrongData: {
    exit: "proof-invalid",
    message: (data: { detail: string }) => `the data is not what the deal names: ${data.detail}`,
    fix: "import the file again",
  },
  storageFailed: {
    exit: "refused",
    message: (data: { detail: string }) => `the data could not be stored: ${data.detail}`,
    fix: "use another miner",
  },
  noRoom: {
    exit: "refused",
    message: (data: { detail: string }) => `the miner has no room for it now: ${data.detail}`,
    fix: "use another miner",
  },
  noTimeToSeal: {
    exit: "refused",
    message: (data: { startBy: number; readyAt: number }) =>
      `the miner has too much to seal: with it, sectors that are due by ${data.startBy} would be on the chain at ${data.readyAt}`,
    fix: "use another miner, or try again when it has sealed what waits",
  },
  notInTime: {
    exit: "timeout",
    message: (data: { startBy: number }) => `the sectors were not on the chain by ${data.startBy}`,
    fix: "use another miner",
  },
  collateralTooSmall: {
    exit: "refused",
    message: (data: { side: string; offered: string; asked: string }) =>
      `the ${data.side} locks ${data.offered} attoFIL, at least ${data.asked} are asked for`,
    fix: again,
  },
  collateralTooLarge: {
    exit: "refused",
    message: (data: { side: string; offered: string; asked: string }) =>
      `the ${data.side} is to lock ${data.offered} attoFIL, and says that it locks ${data.asked} at most`,
    fix: again,
  },
  collateralMissing: {
    exit: "retry-later",
    message: (data: { payer: string; free: string; needed: string }) =>
      `the market holds ${data.free} free attoFIL for ${data.payer}, the deal locks ${data.needed}`,
    fix: "try again when the deposit is in a block; `holdfast put` does that by itself",
  },
  notPublished: {
    exit: "refused",
    message: (data: { detail: string }) => `the deal could not be published: ${data.detail}`,
    fix: "make a new proposal, or use another miner",
  },
  ended: {
    exit: "refused",
    message: (data: { status: string; height: number }) =>
      `the deal on the chain is ${data.status} since ${data.height}`,
    fix: "store the file again",
  },
  sectorLost: {
    exit: "proof-invalid",
    message: (data: { sectorId: number; detail: string }) =>
      `sector ${data.sectorId} is lost: ${data.detail}`,
    fix: "store the file again",
  },
  paymentGone: {
    exit: "refused",
    message: (data: { height: number }) => `the client took its money back at ${data.height}`,
    fix: "nothing to do: the client gave the deal up",
  },
  notByPolicy: {
    exit: "refused",
    message: (data: { kind: string }) =>
      data.kind === "extend" ? "this miner lets no deal live longer" : "this miner ends no deal early",
    fix: "nothing is paid and nothing has changed; to go on, store the file again with another miner",
  },
  notActive: {
    exit: "refused",
    message: (data: { status: string; endHeight: number }) =>
      `the deal on the chain is ${data.status} and ends at ${data.endHeight}: only an active one can be changed`,
    fix: "store the file again",
  },
  amendmentPending: {
    exit: "retry-later",
    message: (data: { kind: string }) => `another change of this deal is under way (${data.kind})`,
    fix: "wait until it is on the chain: `holdfast deal show DEAL`",
  },
  amendmentTimes: {
    exit: "refused",
    message: (data: { height: number; validUntil: number; endHeight: number }) =>
      `the change is to be made by ${data.validUntil} and to last until ${data.endHeight}, which at ${data.height} is not possible`,
    fix: "ask again: `holdfast deal extend`",
  },
  sectorEndsTooEarly: {
    exit: "refused",
    message: (data: { sectorId: number; expiration: number; endHeight: number }) =>
      `sector ${data.sectorId} lives until ${data.expiration} and cannot live until ${data.endHeight}`,
    fix: "ask for a shorter time, or store the file again with another miner",
  },
  settlementTooLow: {
    exit: "refused",
    message: (data: { amount: string; earned: string }) =>
      `the end is paid with ${data.amount} attoFIL in all, ${data.earned} are earned by now`,
    fix: "ask again: `holdfast deal release`",
  },
  unknownDeal: {
    exit: "not-found",
    message: (data: { dealId: string }) => `there is no deal ${data.dealId}`,
    fix: "check the id of the deal",
  },
  notYourDeal: {
    exit: "refused",
    message: (data: { peer: string }) => `the deal is not with the peer ${data.peer}`,
    fix: protocol,
  },
  givenUp: {
    exit: "refused",
    message: (_data: NoData) => "the client has given the deal up",
    fix: "nothing to do",
  },
  badDelivery: {
    exit: "refused",
    message: (data: { detail: string }) => `the way of the data is none: ${data.detail}`,
    fix: "say `--transfer stream`, `http`, `offline`, or the URL of the CAR file",
  },
  deliveryRefused: {
    exit: "refused",
    message: (data: { way: string }) =>
      data.way === "http"
        ? "this miner fetches no data from web servers"
        : "this miner takes no data that is carried to it",
    fix: "let it come over the network: `holdfast put --transfer stream`; or use another miner",
  },
  badSource: {
    exit: "refused",
    message: (data: { detail: string }) => `the data cannot be fetched from there: ${data.detail}`,
    fix: "name a public web server that answers ranges, or the one on the client's own machine",
  },
  tooManyCarried: {
    exit: "retry-later",
    message: (data: { waiting: number }) => `${data.waiting} deals wait already for data that is carried`,
    fix: "bring the data of those first, or try again later",
  },
  notCarried: {
    exit: "refused",
    message: (data: { state: string }) =>
      `no data can be brought to this deal: it is ${data.state}, or its data comes over the network by itself`,
    fix: "see `holdfast deal show DEAL`; data is brought to deals of `holdfast put --transfer offline`",
  },
  badRange: {
    exit: "usage",
    message: (data: { pieceIndex: number; offset: number }) =>
      `piece ${data.pieceIndex} has no byte ${data.offset}`,
    fix: protocol,
  },
});

/** What is said of a message that could not even be read. */
export function asRefusal(error: HoldfastError): HoldfastError {
  return error.code.startsWith("deal/") ? error : dealRefusals.malformed({ detail: error.message }, error);
}

/** The message of an error, cut to what an answer may carry. */
export function reasonOf(error: HoldfastError): string {
  const { message } = error;
  return utf8Bytes(message).length <= limits.dealReasonBytes
    ? message
    : message.slice(0, limits.dealReasonBytes / 4);
}
