/**
 * Messages: the only way by which an account changes the state. The signature covers every field
 * (go-filecoin 2019, section "signed messages") and the network, the CID is of the signed form.
 */
import type { Address, AttoFil, CID, Codec, GasUnits, Nonce } from "@holdfast/base";
import { c, cidOfCbor, encode, signRecoverable, utf8Bytes, verifySignature } from "@holdfast/base";
import { domainBytes } from "./network-id.ts";

export interface Message {
  readonly to: Address;
  readonly from: Address;
  readonly nonce: Nonce;
  readonly value: AttoFil;
  /** Name in the recipient's method table; "" is a plain transfer. */
  readonly method: string;
  readonly params: Uint8Array;
  /** attoFIL for one unit of gas. */
  readonly gasPrice: AttoFil;
  readonly gasLimit: GasUnits;
}

export interface SignedMessage {
  readonly message: Message;
  /** Recoverable secp256k1 signature by `from`, 65 bytes. */
  readonly signature: Uint8Array;
}

/** Longest method name (bytes). */
export const maxMethodBytes = 64;
/** Longest parameters that any network can allow (bytes); `maxMessageBytes` is the network's own bound. */
export const maxParamBytes = 4_194_304;

export const messageCodec: Codec<Message> = c.tuple("Message", {
  to: c.address,
  from: c.address,
  nonce: c.nonce,
  value: c.attoFil,
  method: c.text(maxMethodBytes),
  params: c.bytes(maxParamBytes),
  gasPrice: c.attoFil,
  gasLimit: c.gasUnits,
});

export const signedMessageCodec: Codec<SignedMessage> = c.tuple("SignedMessage", {
  message: messageCodec,
  signature: c.fixedBytes(65),
});

const domain = utf8Bytes("holdfast message\n");

/** The bytes under a message's signature. */
export function messageSigningBytes(message: Message, networkId: Uint8Array): Uint8Array {
  return domainBytes(domain, networkId, encode(messageCodec, message));
}

/** Signs with the sender's secp256k1 key. */
export function signMessage(privateKey: Uint8Array, networkId: Uint8Array, message: Message): SignedMessage {
  return { message, signature: signRecoverable(privateKey, messageSigningBytes(message, networkId)) };
}

/** True if `from` signed exactly this message for this network. */
export function isMessageSigned({ message, signature }: SignedMessage, networkId: Uint8Array): boolean {
  return verifySignature(messageSigningBytes(message, networkId), signature, message.from);
}

interface Encoded {
  readonly cid: CID;
  readonly bytes: number;
}

/** A message is asked for its CID by pool, block and receipts; it never changes, so it is hashed once. */
const known = new WeakMap<SignedMessage, Encoded>();

function encoded(signed: SignedMessage): Encoded {
  const found = known.get(signed);
  if (found !== undefined) return found;
  const bytes = encode(signedMessageCodec, signed);
  const made = { cid: cidOfCbor(bytes), bytes: bytes.length };
  known.set(signed, made);
  return made;
}

/** "The message CID" everywhere: of the signed form. */
export function messageCid(signed: SignedMessage): CID {
  return encoded(signed).cid;
}

/** Size of a signed message as gas and limits count it (bytes). */
export function messageBytes(signed: SignedMessage): number {
  return encoded(signed).bytes;
}
