/**
 * What a place in a block costs now, seen from the head: nothing while blocks have room, and a quarter more than the
 * cheapest message of a full one. A message that was passed over by full blocks is offered more, up to a ceiling.
 */
import { type AttoFil, attoFil } from "@holdfast/base";
import { messageBytes, type NetworkParams, type SignedMessage, type Tipset } from "@holdfast/consensus";
import { limits } from "../limits.ts";

interface PricesChain {
  readonly params: NetworkParams;
  headState(): { readonly tipset: Tipset };
  messagesOf(tipset: Tipset): readonly SignedMessage[];
}

/** Next to nothing, but not nothing. */
export const leastGasPrice = attoFil(1);
/** What a node offers by itself at most (attoFIL per unit of gas). */
export const mostGasPrice = attoFil(limits.gasPriceAtto);
/** What the next block is assumed to have room for where no message is named: a small call. */
const smallGas = 100_000;
const smallBytes = 1_024;

interface Needs {
  readonly gasLimit: number;
  readonly bytes: number;
}

/** The cheapest price in the newest tipset, if its blocks had no room for such a message. */
export function fullBlockPrice(chain: PricesChain, { gasLimit, bytes }: Needs): AttoFil | undefined {
  const { tipset } = chain.headState();
  const messages = chain.messagesOf(tipset);
  const { blockGasLimit, maxBlockMessages } = chain.params;
  let gas = 0;
  let size = 0;
  let cheapest: AttoFil | undefined;
  for (const signed of messages) {
    const { gasPrice, gasLimit: own } = signed.message;
    gas += own;
    size += messageBytes(signed);
    if (cheapest === undefined || gasPrice < cheapest) cheapest = gasPrice;
  }
  const blocks = tipset.blocks.length;
  const hasRoom =
    gas + gasLimit <= blockGasLimit * blocks &&
    size + bytes <= limits.blockBodyBytes * blocks &&
    messages.length < maxBlockMessages * blocks;
  return hasRoom ? undefined : cheapest;
}

export function needsOf(signed: SignedMessage): Needs {
  return { gasLimit: signed.message.gasLimit, bytes: messageBytes(signed) };
}

const capped = (price: bigint): AttoFil => (price > mostGasPrice ? mostGasPrice : attoFil(price));

/** For a new message whose sender names no price. */
export function suggestedPrice(chain: PricesChain): AttoFil {
  const rivals = fullBlockPrice(chain, { gasLimit: smallGas, bytes: smallBytes });
  return rivals === undefined ? leastGasPrice : capped((rivals * 5n) / 4n + 1n);
}

/** More than before, and more than a full block asked; undefined at the ceiling. */
export function higherPrice(before: AttoFil, rivals: AttoFil): AttoFil | undefined {
  const wanted = before * 2n > (rivals * 5n) / 4n ? before * 2n : (rivals * 5n) / 4n;
  const price = capped(wanted + 1n);
  return price * 10n >= before * 11n ? price : undefined;
}
