/**
 * The network's verifiers. The authority says whose they may be; each shows by evidence, which every block judges as it
 * does that of pinning nodes, that the key that signs is that of an allowed program, and answers with a bond for what
 * it signs. In every matter a few have seats, drawn by the chain among operators, so that nobody chooses who judges.
 * Invariants: a bond leaves only when nothing that its verifier signed can be used any more; a key is one verifier's,
 * and is accounted for as long as one of its statements may count.
 */
import type { Address, AttoFil, Codec, Epoch } from "@holdfast/base";
import {
  addAtto,
  addressBytes,
  blake2b256,
  c,
  compareBytes,
  concatBytes,
  encode,
  epoch,
  subAtto,
  utf8Bytes,
  zeroAtto,
} from "@holdfast/base";
import type { IdleParams } from "../../types/idle.ts";
import { decodeReturns } from "../../vm/actor-code.ts";
import type { ActorContext } from "../../vm/context.ts";
import { vmExitCodes } from "../../vm/exit-codes.ts";
import {
  type AdmissionProof,
  admissionProofCodec,
  getProgramCall,
  judgeVerifierCall,
  publicKeyBytes,
} from "../attested.ts";
import { isPeerId, maxPeerIdBytes } from "../calls.ts";
import type { None } from "../kit.ts";
import { callActor, none, pay } from "../kit.ts";
import { readVerifiers, writeVerifiers } from "./access.ts";
import { type IdleVerifier, maxVerifiers, newVerifier, type RunningProgram } from "./state.ts";

export interface AdmitVerifier {
  readonly operator: Address;
  readonly peerId: string;
  readonly expires: Epoch;
}
export const admitVerifierCodec: Codec<AdmitVerifier> = c.tuple("AdmitVerifier", {
  operator: c.address,
  peerId: c.text(maxPeerIdBytes),
  expires: c.epoch,
});

export interface AttestVerifier {
  /** Of the key that signs from now on: secp256k1, uncompressed, as accounts have it. */
  readonly publicKey: Uint8Array;
  readonly proof: AdmissionProof;
}
export const attestVerifierCodec: Codec<AttestVerifier> = c.tuple("AttestVerifier", {
  publicKey: c.fixedBytes(publicKeyBytes),
  proof: admissionProofCodec,
});

export interface OfVerifier {
  /** Its operator. */
  readonly verifier: Address;
}
export const ofVerifierCodec: Codec<OfVerifier> = c.tuple("OfVerifier", { verifier: c.address });

const seatDomain = utf8Bytes("holdfast idle seat\n");

/** Whether what it signs counts at a height. */
export function isInOffice(verifier: IdleVerifier, params: IdleParams, height: number): boolean {
  const { key, expires, validUntil, bond } = verifier;
  return key !== null && height < expires && height < validUntil && bond >= params.verifierBond;
}

/** Whose statements count, with the key that signs them. */
export type SeatedVerifier = IdleVerifier & { readonly key: Address };

/** Who may speak in the matter of this seed: the first few of those in office, in an order that the seed draws. */
export function idleSeats(
  verifiers: readonly IdleVerifier[],
  params: IdleParams,
  seed: Uint8Array,
  height: number,
): readonly SeatedVerifier[] {
  // Of the operator: a key can be changed, and whoever knows a seed would try until one has a seat.
  const lot = (one: IdleVerifier) => blake2b256(concatBytes(seatDomain, seed, addressBytes(one.operator)));
  return verifiers
    .filter((one): one is SeatedVerifier => isInOffice(one, params, height))
    .map((verifier) => ({ verifier, lot: lot(verifier) }))
    .sort((a, b) => compareBytes(a.lot, b.lot))
    .slice(0, params.seats)
    .map(({ verifier }) => verifier);
}

/** Whether the verifier that signs with this key has a seat, and runs a program that may run still. */
export function isSeated(ctx: ActorContext, signer: Address, seed: Uint8Array): boolean {
  const seats = idleSeats(readVerifiers(ctx), ctx.params.idle, seed, ctx.height);
  const seat = seats.find(({ key }) => key === signer);
  return seat !== undefined && (seat.runs === null || mayRun(ctx, seat.runs));
}

/** A program is revoked by moving its end: evidence of it that was judged before must not outlive that. */
function mayRun(ctx: ActorContext, { kind, program }: RunningProgram): boolean {
  const { method, params, returns } = getProgramCall;
  const asked = ctx.send(ctx.builtins.pins, method, zeroAtto, encode(params, { kind, program }));
  return asked.exitCode === 0 && ctx.height < decodeReturns(returns, asked.returns).expires;
}

function findVerifier(ctx: ActorContext, operator: Address): IdleVerifier {
  const found = readVerifiers(ctx).find((verifier) => verifier.operator === operator);
  return found ?? ctx.fail(vmExitCodes.verifierUnknown, `${operator} has no verifier`);
}

const isKeyOf = (key: Address, verifier: IdleVerifier): boolean =>
  verifier.key === key || verifier.formerKey === key;

/** Whose key it is, or was before the present one. `verifierUnknown`. */
export function verifierOfKey(ctx: ActorContext, key: Address): IdleVerifier {
  const found = readVerifiers(ctx).find((verifier) => isKeyOf(key, verifier));
  return found ?? ctx.fail(vmExitCodes.verifierUnknown, `${key} is the key of no verifier`);
}

function put(ctx: ActorContext, changed: IdleVerifier): None {
  const others = readVerifiers(ctx).filter(({ operator }) => operator !== changed.operator);
  return writeVerifiers(ctx, [...others, changed]);
}

/** Takes a verifier out at once; gives its bond, which stays with the actor. */
export function strikeOff(ctx: ActorContext, { operator, bond }: IdleVerifier): AttoFil {
  writeVerifiers(
    ctx,
    readVerifiers(ctx).filter((verifier) => verifier.operator !== operator),
  );
  return bond;
}

function mustBeAuthority(ctx: ActorContext): void {
  if (ctx.message.from !== ctx.params.idle.authority) {
    ctx.fail(vmExitCodes.notAuthorized, "only the network's authority for verifiers may do this");
  }
}

/**
 * Admits a verifier, or moves the end of its office; its bond and what it has shown stay, unless it is another peer,
 * because evidence is bound to one. It has no voice before it has attested. `notAuthorized`, `verifierInvalid`.
 */
export function admitVerifier(ctx: ActorContext, given: AdmitVerifier): None {
  mustBeAuthority(ctx);
  const verifiers = readVerifiers(ctx);
  const known = verifiers.find(({ operator }) => operator === given.operator);
  if (!isPeerId(given.peerId)) ctx.fail(vmExitCodes.verifierInvalid, "the peer id is malformed");
  if (given.expires <= ctx.height) ctx.fail(vmExitCodes.verifierInvalid, "it would be over at once");
  if (known === undefined && verifiers.length >= maxVerifiers) {
    ctx.fail(vmExitCodes.verifierInvalid, `there are ${maxVerifiers} verifiers already`);
  }
  if (known === undefined) return put(ctx, newVerifier({ ...given, bond: zeroAtto }, ctx.height));
  const { validUntil } = known.peerId === given.peerId ? known : { validUntil: epoch(0) };
  return put(ctx, { ...known, ...given, validUntil });
}

/**
 * The operator of an admitted verifier shows what it runs, again before the evidence is too old. Another key than
 * before is that of another program, or of an enclave that could not open what the one before had sealed; there is one
 * in `finalityEpochs`, so that whoever signed a lie has it under one of the two keys that are remembered. Evidence that
 * is no newer than the last is refused. Returns until when it counts. `verifierUnknown`, `verifierInvalid`,
 * `verifierKeyTooNew`, `nonceTooOld`, and what judging the evidence says.
 */
export function attestVerifier(ctx: ActorContext, { publicKey, proof }: AttestVerifier): Epoch {
  const { from: operator } = ctx.message;
  const known = findVerifier(ctx, operator);
  const { peerId, key: before } = known;
  const party = { publicKey, peerId, operator };
  const seen = callActor(ctx, ctx.builtins.pins, judgeVerifierCall, { ...party, proof });
  const { key, validUntil, ...runs } = seen;
  // What a genesis vouches for is no evidence, however long it holds.
  if (known.runs !== null && validUntil <= known.validUntil)
    ctx.fail(vmExitCodes.nonceTooOld, "it is not newer than the last");
  const isTaken = readVerifiers(ctx).some((one) => one.operator !== operator && isKeyOf(key, one));
  if (isTaken) ctx.fail(vmExitCodes.verifierInvalid, "another verifier has this key");
  if (key === before) {
    put(ctx, { ...known, runs, validUntil });
    return validUntil;
  }
  const isFirst = before === null;
  if (!isFirst && ctx.height < known.keySince + ctx.params.finalityEpochs) {
    ctx.fail(vmExitCodes.verifierKeyTooNew, `its key is new since ${known.keySince}`);
  }
  put(ctx, { ...known, key, formerKey: before, keySince: ctx.height, runs, validUntil });
  return validUntil;
}

/** Ends a verifier's office now; its bond is at stake a while longer. `notAuthorized`, `verifierUnknown`. */
export function removeVerifier(ctx: ActorContext, { verifier: operator }: OfVerifier): None {
  const verifier = findVerifier(ctx, operator);
  if (ctx.message.from !== operator) mustBeAuthority(ctx);
  return put(ctx, { ...verifier, expires: epoch(Math.min(verifier.expires, ctx.height)) });
}

/** Adds the value to a verifier's bond. `verifierUnknown`. */
export function postBond(ctx: ActorContext, { verifier: operator }: OfVerifier): None {
  const verifier = findVerifier(ctx, operator);
  return put(ctx, { ...verifier, bond: addAtto(verifier.bond, ctx.message.value as AttoFil) });
}

/**
 * Pays back the bond of a verifier whose office has ended `finalityEpochs` ago, and forgets it. `verifierUnknown`,
 * `verifierBound`.
 */
export function withdrawBond(ctx: ActorContext, { verifier: operator }: OfVerifier): None {
  const verifier = findVerifier(ctx, operator);
  const { expires } = verifier;
  // The authority's number, which may well mean "for ever".
  const free = expires + ctx.params.finalityEpochs;
  if (ctx.height < free) ctx.fail(vmExitCodes.verifierBound, `the bond is at stake until ${free}`);
  pay(ctx, operator, strikeOff(ctx, verifier));
  return none;
}

/** What a liar loses: a share goes to who has shown it. */
export function splitBond(bond: AttoFil, share: (amount: AttoFil) => AttoFil) {
  const reward = share(bond);
  return { reward, burnt: subAtto(bond, reward) };
}
