/**
 * The network's verifiers. The authority admits them after it has seen the evidence of what they run; each answers with
 * a bond for what it signs. In every matter a few of them have seats, drawn by the chain, so that nobody chooses who
 * judges. Invariant: a bond leaves only when nothing that its verifier signed can be used any more.
 */
import type { Address, AttoFil, Codec, Epoch } from "@holdfast/base";
import {
  addAtto,
  addEpochs,
  addressBytes,
  blake2b256,
  c,
  compareBytes,
  concatBytes,
  epoch,
  subAtto,
  utf8Bytes,
  zeroAtto,
} from "@holdfast/base";
import type { IdleParams } from "../../types/idle.ts";
import type { ActorContext } from "../../vm/context.ts";
import { vmExitCodes } from "../../vm/exit-codes.ts";
import { isPeerId, maxPeerIdBytes } from "../calls.ts";
import type { None } from "../kit.ts";
import { none, pay } from "../kit.ts";
import { readVerifiers, writeVerifiers } from "./access.ts";
import { type IdleVerifier, maxVerifiers } from "./state.ts";

export interface AdmitVerifier {
  readonly address: Address;
  readonly peerId: string;
  /** Hash of the program, and of the evidence that it runs there. */
  readonly measurement: Uint8Array;
  readonly evidence: Uint8Array;
  readonly expires: Epoch;
}
export const admitVerifierCodec: Codec<AdmitVerifier> = c.tuple("AdmitVerifier", {
  address: c.address,
  peerId: c.text(maxPeerIdBytes),
  measurement: c.fixedBytes(32),
  evidence: c.fixedBytes(32),
  expires: c.epoch,
});

export interface OfVerifier {
  readonly verifier: Address;
}
export const ofVerifierCodec: Codec<OfVerifier> = c.tuple("OfVerifier", { verifier: c.address });

const seatDomain = utf8Bytes("holdfast idle seat\n");

/** Whether what it signs counts at a height. */
export function isInOffice(verifier: IdleVerifier, params: IdleParams, height: number): boolean {
  return height < verifier.expires && verifier.bond >= params.verifierBond;
}

/** Who may speak in the matter of this seed: the first few of those in office, in an order that the seed draws. */
export function idleSeats(
  verifiers: readonly IdleVerifier[],
  params: IdleParams,
  seed: Uint8Array,
  height: number,
): readonly IdleVerifier[] {
  const lot = ({ address }: IdleVerifier) => blake2b256(concatBytes(seatDomain, seed, addressBytes(address)));
  return verifiers
    .filter((verifier) => isInOffice(verifier, params, height))
    .map((verifier) => ({ verifier, lot: lot(verifier) }))
    .sort((a, b) => compareBytes(a.lot, b.lot))
    .slice(0, params.seats)
    .map(({ verifier }) => verifier);
}

export function isSeated(ctx: ActorContext, verifier: Address, seed: Uint8Array): boolean {
  const seats = idleSeats(readVerifiers(ctx), ctx.params.idle, seed, ctx.height);
  return seats.some(({ address }) => address === verifier);
}

export function findVerifier(ctx: ActorContext, address: Address): IdleVerifier {
  const found = readVerifiers(ctx).find((verifier) => verifier.address === address);
  return found ?? ctx.fail(vmExitCodes.verifierUnknown, `${address} is no verifier`);
}

function put(ctx: ActorContext, changed: IdleVerifier): None {
  const others = readVerifiers(ctx).filter(({ address }) => address !== changed.address);
  return writeVerifiers(ctx, [...others, changed]);
}

/** Takes a verifier out at once; gives its bond, which stays with the actor. */
export function strikeOff(ctx: ActorContext, address: Address): AttoFil {
  const { bond } = findVerifier(ctx, address);
  writeVerifiers(
    ctx,
    readVerifiers(ctx).filter((verifier) => verifier.address !== address),
  );
  return bond;
}

function mustBeAuthority(ctx: ActorContext): void {
  if (ctx.message.from !== ctx.params.idle.authority) {
    ctx.fail(vmExitCodes.notAuthorized, "only the network's authority for verifiers may do this");
  }
}

/**
 * Admits a verifier, or renews one with what it runs now; its bond stays. `notAuthorized`, `verifierInvalid`.
 */
export function admitVerifier(ctx: ActorContext, given: AdmitVerifier): None {
  mustBeAuthority(ctx);
  const verifiers = readVerifiers(ctx);
  const known = verifiers.find(({ address }) => address === given.address);
  if (!isPeerId(given.peerId)) ctx.fail(vmExitCodes.verifierInvalid, "the peer id is malformed");
  if (given.expires <= ctx.height) ctx.fail(vmExitCodes.verifierInvalid, "it would be over at once");
  if (known === undefined && verifiers.length >= maxVerifiers) {
    ctx.fail(vmExitCodes.verifierInvalid, `there are ${maxVerifiers} verifiers already`);
  }
  return put(ctx, { ...given, bond: known?.bond ?? zeroAtto, since: known?.since ?? ctx.height });
}

/** Ends a verifier's office now; its bond is at stake a while longer. `notAuthorized`, `verifierUnknown`. */
export function removeVerifier(ctx: ActorContext, { verifier: address }: OfVerifier): None {
  const verifier = findVerifier(ctx, address);
  if (ctx.message.from !== address) mustBeAuthority(ctx);
  return put(ctx, { ...verifier, expires: epoch(Math.min(verifier.expires, ctx.height)) });
}

/** Adds the value to a verifier's bond. `verifierUnknown`. */
export function postBond(ctx: ActorContext, { verifier: address }: OfVerifier): None {
  const verifier = findVerifier(ctx, address);
  return put(ctx, { ...verifier, bond: addAtto(verifier.bond, ctx.message.value as AttoFil) });
}

/**
 * Pays back the bond of a verifier whose office has ended `finalityEpochs` ago, and forgets it. `verifierUnknown`,
 * `verifierBound`.
 */
export function withdrawBond(ctx: ActorContext, { verifier: address }: OfVerifier): None {
  const { expires } = findVerifier(ctx, address);
  const free = addEpochs(expires, ctx.params.finalityEpochs);
  if (ctx.height < free) ctx.fail(vmExitCodes.verifierBound, `the bond is at stake until ${free}`);
  pay(ctx, address, strikeOff(ctx, address));
  return none;
}

/** What a liar loses: a share goes to who has shown it. */
export function splitBond(bond: AttoFil, share: (amount: AttoFil) => AttoFil) {
  const reward = share(bond);
  return { reward, burnt: subAtto(bond, reward) };
}
