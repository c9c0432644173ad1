/**
 * The original's two other messages between pinning nodes: which key a node has, and what it holds. Both are questions
 * to a node by its number and answers that its attested key signs, under the network's genesis. What an answer says
 * stands in the chain's state too, so nobody has to believe it. The original's forms were never published.
 */
import type { Address, CID, Codec, Epoch } from "@holdfast/base";
import { c, encode, utf8Bytes, verifySignature } from "@holdfast/base";
import { domainBytes } from "./network-id.ts";
import type { PinEvidenceKind } from "./pin.ts";
import { pinEvidenceKindCodec, pinProgramBytes } from "./pin.ts";

export const pinNonceBytes = 16;

/** The nonce makes each question one of its own. */
export interface PinQuestion {
  readonly node: number;
  readonly nonce: Uint8Array;
}

/** What the chain admitted the node with. */
export interface PinKeyFacts extends PinQuestion {
  /** Account of the key. */
  readonly key: Address;
  readonly peerId: string;
  readonly evidenceKind: PinEvidenceKind;
  readonly program: Uint8Array;
  /** Hash of the evidence. */
  readonly evidence: Uint8Array;
  readonly validUntil: Epoch;
}

/** The list of orders that a node has confirmed, by its root and length. */
export interface PinListFacts extends PinQuestion {
  readonly key: Address;
  readonly set: CID;
  readonly count: number;
}

interface Signed {
  readonly signature: Uint8Array;
}
export type PinKeyAnswer = PinKeyFacts & Signed;
export type PinListAnswer = PinListFacts & Signed;

const question = { version: c.literal(1), node: c.uint(), nonce: c.fixedBytes(pinNonceBytes) };
const keyFacts = {
  ...question,
  key: c.address,
  peerId: c.text(128),
  evidenceKind: pinEvidenceKindCodec,
  program: c.fixedBytes(pinProgramBytes),
  evidence: c.fixedBytes(32),
  validUntil: c.epoch,
};
const listFacts = { ...question, key: c.address, set: c.cid, count: c.uint() };
const signature = c.fixedBytes(65);

type Versioned<Fields> = Fields & { readonly version: 1 };

export type PinKeyMessage =
  | ({ readonly kind: "question" } & Versioned<PinQuestion>)
  | ({ readonly kind: "answer" } & Versioned<PinKeyAnswer>);
export const pinKeyMessageCodec: Codec<PinKeyMessage> = c.variant("PinKeyMessage", {
  question: c.tuple("PinQuestion", question),
  answer: c.tuple("PinKeyAnswer", { ...keyFacts, signature }),
});

export type PinListMessage =
  | ({ readonly kind: "question" } & Versioned<PinQuestion>)
  | ({ readonly kind: "answer" } & Versioned<PinListAnswer>);
export const pinListMessageCodec: Codec<PinListMessage> = c.variant("PinListMessage", {
  question: c.tuple("PinQuestion", question),
  answer: c.tuple("PinListAnswer", { ...listFacts, signature }),
});

const keyFactsCodec: Codec<Versioned<PinKeyFacts>> = c.tuple("PinKeyFacts", keyFacts);
const listFactsCodec: Codec<Versioned<PinListFacts>> = c.tuple("PinListFacts", listFacts);
const keyDomain = utf8Bytes("holdfast pin key\n");
const listDomain = utf8Bytes("holdfast pin list\n");

/** The bytes under an answer's signature. */
export function pinKeySigningBytes(facts: PinKeyFacts, networkId: Uint8Array): Uint8Array {
  return domainBytes(keyDomain, networkId, encode(keyFactsCodec, { ...facts, version: 1 }));
}
export function pinListSigningBytes(facts: PinListFacts, networkId: Uint8Array): Uint8Array {
  return domainBytes(listDomain, networkId, encode(listFactsCodec, { ...facts, version: 1 }));
}

/** True if the key that it names has signed exactly this, for this network. */
export function isPinKeyAnswerSigned(answer: PinKeyAnswer, networkId: Uint8Array): boolean {
  return verifySignature(pinKeySigningBytes(answer, networkId), answer.signature, answer.key);
}
export function isPinListAnswerSigned(answer: PinListAnswer, networkId: Uint8Array): boolean {
  return verifySignature(pinListSigningBytes(answer, networkId), answer.signature, answer.key);
}
