/**
 * When a message may be in a block. The syntax needs no state and never changes; a message that fails it
 * can be dropped for good. The check against the state decides between never (nonce used, not an account)
 * and not yet (nonce gap, no funds). Order of the checks: cheap ones first, the signature last.
 */
import type { Address, AttoFil } from "@holdfast/base";
import { addressNetwork, type HoldfastError, zeroAddress } from "@holdfast/base";
import { messageErrors } from "../errors.ts";
import type { ActorRecord } from "../types/actor.ts";
import type { Message, SignedMessage } from "../types/message.ts";
import { isMessageSigned, messageBytes, messageCid } from "../types/message.ts";
import type { NetworkParams } from "../types/params.ts";
import { isAccountCode, isEmptyCode } from "../vm/codes.ts";
import type { Env, VerifiedMessages } from "../vm/env.ts";
import { inclusionGas } from "../vm/gas.ts";

/**
 * What is wrong with a message whatever the state; undefined if nothing is. Does not check the signature.
 * Codes: `message/too-large`, `wrong-network`, `zero-recipient`, `self-send`, `negative-amount`,
 * `gas-limit-too-high`, `gas-limit-too-low`.
 */
export function checkMessageSyntax(signed: SignedMessage, params: NetworkParams): HoldfastError | undefined {
  const { message } = signed;
  const bytes = messageBytes(signed);
  if (bytes > params.maxMessageBytes) {
    return messageErrors.tooLarge({ bytes, limit: params.maxMessageBytes });
  }
  for (const address of [message.from, message.to]) {
    if (addressNetwork(address) !== params.networkByte) {
      return messageErrors.wrongNetwork({ address, network: params.networkByte });
    }
  }
  if (message.to === zeroAddress(params.networkByte)) return messageErrors.zeroRecipient({});
  if (message.to === message.from) return messageErrors.selfSend({ address: message.from });
  if (message.value < 0n) return messageErrors.negativeAmount({ field: "value" });
  if (message.gasPrice < 0n) return messageErrors.negativeAmount({ field: "gas price" });
  if (message.gasLimit > params.blockGasLimit) {
    return messageErrors.gasLimitTooHigh({ gasLimit: message.gasLimit, limit: params.blockGasLimit });
  }
  const needed = inclusionGas(params.gas, bytes);
  if (message.gasLimit < needed) return messageErrors.gasLimitTooLow({ gasLimit: message.gasLimit, needed });
  return undefined;
}

/** Syntax, then the signature (`message/bad-signature`); undefined if the message is sound. */
export function checkMessage(
  signed: SignedMessage,
  { params, networkId }: Pick<Env, "params" | "networkId">,
  verified?: VerifiedMessages,
): HoldfastError | undefined {
  const wrong = checkMessageSyntax(signed, params);
  if (wrong !== undefined) return wrong;
  const cid = verified === undefined ? "" : messageCid(signed).toString();
  if (verified?.has(cid)) return undefined;
  if (!isMessageSigned(signed, networkId)) return messageErrors.badSignature({ from: signed.message.from });
  verified?.add(cid);
  return undefined;
}

/** What the sender must hold before the message runs (attoFIL): value and the whole gas limit. */
export function requiredFunds(message: Message): AttoFil {
  return (message.value + message.gasPrice * BigInt(message.gasLimit)) as AttoFil;
}

/**
 * Whether the message can be applied next, given its sender's record. Codes: `message/sender-not-found`,
 * `sender-not-account`, `nonce-too-low`, `nonce-too-high`, `insufficient-funds`.
 */
export function checkAgainstState(
  message: Message,
  sender: ActorRecord | undefined,
): HoldfastError | undefined {
  const from: Address = message.from;
  if (sender === undefined) return messageErrors.senderNotFound({ from });
  if (!isAccountCode(sender.code) && !isEmptyCode(sender.code))
    return messageErrors.senderNotAccount({ from });
  const data = { from, nonce: message.nonce, expected: sender.nonce };
  if (message.nonce < sender.nonce) return messageErrors.nonceTooLow(data);
  if (message.nonce > sender.nonce) return messageErrors.nonceTooHigh(data);
  const needed = requiredFunds(message);
  if (sender.balance < needed) {
    return messageErrors.insufficientFunds({
      from,
      balance: sender.balance.toString(),
      needed: needed.toString(),
    });
  }
  return undefined;
}

const temporary = new Set(["sender-not-found", "nonce-too-high", "insufficient-funds", "block-full"]);

/** True if no later state can make the message valid, so that a pool drops it. */
export function isPermanentRejection(error: HoldfastError): boolean {
  const [family, name = ""] = error.code.split("/");
  return !(family === "message" && temporary.has(name));
}
