/**
 * What can be said about a block's body without running it, and the Merkle roots that tie messages and
 * receipts to the header (AMTs; the original left the contents of receipts unchecked).
 */
import type { Blockstore, CID } from "@holdfast/base";
import { Amt, c, MemoryBlockstore } from "@holdfast/base";
import { blockErrors } from "../errors.ts";
import type { FullBlock } from "../types/block.ts";
import type { SignedMessage } from "../types/message.ts";
import { messageCid } from "../types/message.ts";
import type { Receipt } from "../types/receipt.ts";
import { receiptCodec } from "../types/receipt.ts";
import type { Env, VerifiedMessages } from "../vm/env.ts";
import { checkMessage } from "./message-checks.ts";

/** Root of the AMT of signed-message CIDs, in the order of the block. */
export function messagesRoot(store: Blockstore, messages: readonly SignedMessage[]): CID {
  const amt = Amt.empty(store, c.cid);
  for (const signed of messages) amt.push(messageCid(signed));
  return amt.flush();
}

/** Root of the AMT of receipts, in the order of the messages. */
export function receiptsRoot(store: Blockstore, receipts: readonly Receipt[]): CID {
  const amt = Amt.empty(store, receiptCodec);
  for (const receipt of receipts) amt.push(receipt);
  return amt.flush();
}

/** The receipts below a header's root, in the order of its messages; `store/missing-block`. */
export function readReceipts(store: Blockstore, root: CID): Receipt[] {
  return [...Amt.load(store, receiptCodec, root).entries()].map(([, receipt]) => receipt);
}

/** The message CIDs below a header's root, in order; `store/missing-block`. */
export function readMessageCids(store: Blockstore, root: CID): CID[] {
  return [...Amt.load(store, c.cid, root).entries()].map(([, cid]) => cid);
}

/**
 * Checks a body against its header and the network's limits, signatures included, without any state.
 * Errors: `block/too-many-messages`, `gas-above-limit`, `duplicate-message`, `wrong-messages-root`,
 * `invalid-message`.
 */
export function checkBlockBody(
  block: FullBlock,
  network: Pick<Env, "params" | "networkId">,
  verified?: VerifiedMessages,
): void {
  const { messages, header } = block;
  const { params } = network;
  if (messages.length > params.maxBlockMessages) {
    throw blockErrors.tooManyMessages({ messages: messages.length, limit: params.maxBlockMessages });
  }
  const gas = messages.reduce((sum, signed) => sum + signed.message.gasLimit, 0);
  if (gas > params.blockGasLimit) throw blockErrors.gasAboveLimit({ gas, limit: params.blockGasLimit });
  const seen = new Set<string>();
  for (const signed of messages) {
    const cid = messageCid(signed).toString();
    if (seen.has(cid)) throw blockErrors.duplicateMessage({ message: cid });
    seen.add(cid);
  }
  const computed = messagesRoot(new MemoryBlockstore(), messages).toString();
  const claimed = header.messages.toString();
  if (computed !== claimed) throw blockErrors.wrongMessagesRoot({ claimed, computed });
  for (const signed of messages) {
    const wrong = checkMessage(signed, network, verified);
    if (wrong !== undefined) {
      const message = messageCid(signed).toString();
      throw blockErrors.invalidMessage({ message, reason: wrong.code, text: wrong.message }, wrong);
    }
  }
}
