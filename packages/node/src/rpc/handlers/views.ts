/** From the chain's own types to the shapes of the API. */
import type { MethodResult } from "@holdfast/api";
import { filText, formatDuration, parseCid, toHex } from "@holdfast/base";
import {
  exitCodeMeaning,
  messageCid,
  type NetworkParams,
  type Receipt,
  type SignedMessage,
  type Tipset,
} from "@holdfast/consensus";
import { roundedUp, shortestPrice } from "../../price-text.ts";
import type { ChainDoor, MinedMessage } from "../needs.ts";

export type AskView = MethodResult<"ask.ls">[number];

const bytesPerGiB = 2 ** 30;
const msPerDay = 86_400_000;

export function tipsetView(chain: ChainDoor, tipset: Tipset): MethodResult<"chain.head"> {
  return {
    key: tipset.key,
    height: tipset.height,
    cids: tipset.cids.map(String),
    miners: tipset.blocks.map(({ miner }) => miner),
    parentWeight: tipset.parentWeight.toString(),
    messages: chain.messagesOf(tipset).length,
    timestampMs: tipset.blocks[0]?.timestampMs ?? 0,
  };
}

export function messageView(signed: SignedMessage): MethodResult<"message.ls">[number] {
  const { message } = signed;
  return {
    cid: messageCid(signed).toString(),
    from: message.from,
    to: message.to,
    nonce: message.nonce,
    valueFil: filText(message.value),
    method: message.method,
    paramsHex: toHex(message.params),
    gasPriceFil: filText(message.gasPrice),
    gasLimit: message.gasLimit,
  };
}

export function receiptView(receipt: Receipt): NonNullable<MethodResult<"message.show">["receipt"]> {
  return {
    exitCode: receipt.exitCode,
    meaning: exitCodeMeaning(receipt.exitCode),
    returnsHex: toHex(receipt.returns),
    gasUsed: receipt.gasUsed,
  };
}

export function messageStateView(
  chain: ChainDoor,
  signed: SignedMessage,
  mined: MinedMessage | undefined,
): MethodResult<"message.show"> {
  return {
    message: messageView(signed),
    state: mined === undefined ? "pending" : "mined",
    height: mined?.tipset.height ?? null,
    tipset: mined?.tipset.key ?? null,
    confirmations: mined === undefined ? 0 : chain.head().height - mined.tipset.height,
    receipt: mined === undefined ? null : receiptView(mined.receipt),
  };
}

const ratio = ({ roundMs }: NetworkParams) => ({
  times: BigInt(roundMs),
  per: BigInt(bytesPerGiB) * BigInt(msPerDay),
});

/** attoFIL per byte and epoch as FIL per GiB and day. */
export const priceFilPerGiBPerDay = (atto: bigint, params: NetworkParams): string =>
  shortestPrice({ stored: atto, ...ratio(params) });

/** FIL per GiB and day as attoFIL per byte and epoch, rounded up so that no price becomes nothing. */
export const attoPerByteEpoch = (attoPerGiBPerDay: bigint, params: NetworkParams): bigint =>
  roundedUp(attoPerGiBPerDay, ratio(params));

export function epochsOf(ms: number, params: NetworkParams): number {
  return Math.max(1, Math.ceil(ms / params.roundMs));
}

export function inRounds(epochs: number, params: NetworkParams): string {
  return `${epochs} rounds (${formatDuration(Math.max(0, epochs) * params.roundMs)})`;
}

export const cidOf = parseCid;
