/**
 * The registry of pinning nodes. Whoever wants in sends the evidence itself, and every block judges it with the
 * production verifier at the time that the height stands for, so that nobody has to be believed: the time of an epoch
 * is exact, the verifier is pure, and a quote with its collateral is some 40 kB once a week. Evidence counts from the
 * epoch of the draw that it is bound to, so sending it again gains nothing.
 */
import type { AttoFil, Codec, Epoch } from "@holdfast/base";
import { c } from "@holdfast/base";
import type { PinNode } from "../../types/pin.ts";
import { maxPinBytes } from "../../types/pin.ts";
import type { ActorContext } from "../../vm/context.ts";
import { vmExitCodes } from "../../vm/exit-codes.ts";
import { type AdmissionProof, admissionProofCodec, publicKeyBytes } from "../attested.ts";
import { isPeerId } from "../calls.ts";
import type { None } from "../kit.ts";
import { none, pay } from "../kit.ts";
import { PinBook } from "./book.ts";
import { judgeEvidence } from "./judge.ts";
import { keyName, newPinNode, peerName } from "./state.ts";

export interface AdmitNode {
  /** The key that the enclave made: secp256k1, uncompressed, as accounts have it. */
  readonly publicKey: Uint8Array;
  readonly peerId: string;
  readonly capacityBytes: number;
  readonly leastPrice: AttoFil;
  readonly proof: AdmissionProof;
}
export const admitNodeCodec: Codec<AdmitNode> = c.tuple("AdmitNode", {
  publicKey: c.fixedBytes(publicKeyBytes),
  peerId: c.text(128),
  capacityBytes: c.uint(maxPinBytes),
  leastPrice: c.attoFil,
  proof: admissionProofCodec,
});

export interface RenewNode {
  readonly node: number;
  /** The same, or that of an enclave that could not open what the one before had sealed. */
  readonly publicKey: Uint8Array;
  readonly proof: AdmissionProof;
}
export const renewNodeCodec: Codec<RenewNode> = c.tuple("RenewNode", {
  node: c.uint(),
  publicKey: c.fixedBytes(publicKeyBytes),
  proof: admissionProofCodec,
});

export interface NodeTerms {
  readonly node: number;
  readonly capacityBytes: number;
  readonly leastPrice: AttoFil;
}
export const nodeTermsCodec: Codec<NodeTerms> = c.tuple("NodeTerms", {
  node: c.uint(),
  capacityBytes: c.uint(maxPinBytes),
  leastPrice: c.attoFil,
});

export interface OneNode {
  readonly node: number;
}
export const oneNodeCodec: Codec<OneNode> = c.tuple("OneNode", { node: c.uint() });

/** A key or a peer id has one node, for ever or until it left in peace. `pinNodeExists`. */
function takeName(ctx: ActorContext, book: PinBook, name: Uint8Array, node: number): void {
  const holder = book.names.get(name);
  if (holder !== undefined && holder !== node) {
    ctx.fail(vmExitCodes.pinNodeExists, `node ${holder} has this key or peer id`);
  }
  book.names.set(name, node);
}

/**
 * Admits a node with the value as its stake; returns its number. `stakeTooSmall`, `invalidPeerId`, `pinTermsInvalid`,
 * `pinNodeExists`, and what `judgeEvidence` says.
 */
export function admitNode(ctx: ActorContext, { proof, publicKey, ...given }: AdmitNode): number {
  const { from: operator, value: stake } = ctx.message;
  const { peerId, leastPrice } = given;
  if (stake < ctx.params.pinStake) ctx.fail(vmExitCodes.stakeTooSmall, `${ctx.params.pinStake} attoFIL`);
  if (!isPeerId(peerId)) ctx.fail(vmExitCodes.invalidPeerId, "a peer id is 1 to 128 characters");
  if (leastPrice < 0n) ctx.fail(vmExitCodes.pinTermsInvalid, "a price is not negative");
  const book = new PinBook(ctx);
  const seen = judgeEvidence(ctx, book, "pin-node", { publicKey, peerId, operator }, proof);
  const number = book.addNode(newPinNode(ctx.store, { ...given, ...seen, operator, stake }));
  takeName(ctx, book, keyName(seen.key), number);
  takeName(ctx, book, peerName(peerId), number);
  book.enlist(number);
  book.takeIn(stake);
  book.write();
  return number;
}

/**
 * New evidence of a node: the same program again, a new version, or a new key. Its orders, its reports and its stake
 * stay. Evidence that is no newer than the last is refused. `notOperator`, `pinNodeInactive`, `pinNodeExists`, and what
 * `judgeEvidence` says.
 */
export function renewNode(ctx: ActorContext, { node: number, publicKey, proof }: RenewNode): Epoch {
  const book = new PinBook(ctx);
  const node = activeNode(ctx, book, number);
  const { peerId, operator } = node;
  const seen = judgeEvidence(ctx, book, "pin-node", { publicKey, peerId, operator }, proof);
  if (seen.validUntil <= node.validUntil) ctx.fail(vmExitCodes.nonceTooOld, "it is not newer than the last");
  takeName(ctx, book, keyName(seen.key), number);
  book.setNode(number, { ...node, ...seen });
  book.write();
  return seen.validUntil;
}

function activeNode(ctx: ActorContext, book: PinBook, number: number): PinNode {
  const node = book.ownNode(number);
  if (node.status !== "active") ctx.fail(vmExitCodes.pinNodeInactive, `node ${number} is ${node.status}`);
  return node;
}

/** What the node takes from now on; orders that it has stay. `notOperator`, `pinNodeInactive`, `pinTermsInvalid`. */
export function setNodeTerms(ctx: ActorContext, { node: number, ...terms }: NodeTerms): None {
  const book = new PinBook(ctx);
  const node = activeNode(ctx, book, number);
  if (terms.leastPrice < 0n) ctx.fail(vmExitCodes.pinTermsInvalid, "a price is not negative");
  book.setNode(number, { ...node, ...terms });
  book.write();
  return none;
}

/** The node gets no more orders and reports no more; its stake is free later. `notOperator`, `pinNodeInactive`. */
export function leaveNetwork(ctx: ActorContext, { node: number }: OneNode): None {
  const book = new PinBook(ctx);
  activeNode(ctx, book, number);
  book.strike(number);
  book.setNode(number, { ...book.node(number), status: "leaving", endedIn: book.slot });
  book.write();
  return none;
}

/**
 * Pays the stake of a node that has left, once nothing of it can be disputed. Its key and its peer id are free again.
 * `notOperator`, `stakeStillBound`.
 */
export function withdrawStake(ctx: ActorContext, { node: number }: OneNode): AttoFil {
  const book = new PinBook(ctx);
  const node = book.ownNode(number);
  const isFree =
    node.status === "leaving" &&
    node.openChallenges === 0 &&
    node.endedIn !== null &&
    book.slot > node.endedIn + ctx.params.pinDisputeSlots;
  if (!isFree) ctx.fail(vmExitCodes.stakeStillBound, `node ${number} is ${node.status}`);
  for (const name of [keyName(node.key), peerName(node.peerId)]) {
    if (book.names.get(name) === number) book.names.delete(name);
  }
  book.setNode(number, { ...node, stake: 0n as AttoFil });
  book.giveOut(node.stake);
  book.write();
  pay(ctx, node.operator, node.stake);
  return node.stake;
}

/** Pays the operator what settled orders have earned; nothing is no failure. `notOperator`. */
export function claimEarned(ctx: ActorContext, { node: number }: OneNode): AttoFil {
  const book = new PinBook(ctx);
  const node = book.ownNode(number);
  book.setNode(number, { ...node, earned: 0n as AttoFil });
  book.giveOut(node.earned);
  book.write();
  pay(ctx, node.operator, node.earned);
  return node.earned;
}
