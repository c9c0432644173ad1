/**
 * What a verifier says, and why not. It believes nothing that it is told: which state a miner has, what was
 * announced, what is asked and who has a seat it reads from its own chain, and so it keeps nothing about a miner
 * between two requests.
 */
import { type Address, addressBytes, type CID, epoch, equalBytes } from "@holdfast/base";
import {
  type IdleMinerView,
  type IdleVerdict,
  idleAuditOf,
  idleChallengeOf,
  idleRandomnessTags,
  idleSeats,
  listPinPrograms,
  readIdleMiner,
  readIdleVerifiers,
  readMinerState,
} from "@holdfast/consensus";
import {
  emptyIdleRange,
  type IdleAppend,
  type IdleAppendChallenge,
  IdleAuditor,
  type IdleBatch,
  type IdleCertificate,
  type IdleProfile,
  type IdleRange,
  idleAppendDigest,
  idleAuditSeed,
  idleProfiles,
  idleRangeRoot,
  idleStateDigest,
  verifyIdleAppend,
} from "@holdfast/proofs";
import type { VerifierChain } from "./needs.ts";

export type Refusal =
  | "no-idle-space"
  | "unknown-miner"
  | "not-its-peer"
  | "not-announced"
  | "not-drawn"
  | "no-seat"
  | "not-attested"
  | "not-asked"
  | "bad-batch"
  | "wrong-total"
  | "expired"
  | "bad-proof"
  | "bad-append";

export interface Refused {
  readonly refused: Refusal;
}

export interface Matter {
  readonly profile: IdleProfile;
  readonly record: IdleMinerView;
  readonly state: CID;
  readonly height: number;
}

/** What the head says of a miner. */
export function matterOf(chain: VerifierChain, miner: Address): Matter | Refused {
  const profile = idleProfiles.get(chain.params.idle.profile);
  if (profile === undefined) return { refused: "no-idle-space" };
  const { state, tipset } = chain.headState();
  const record = readIdleMiner(chain.store, state, miner);
  return record === undefined
    ? { refused: "unknown-miner" }
    : { profile, record, state, height: tipset.height };
}

/** Why a peer has no business with this verifier: nothing was announced, or asked, or it is another miner's. */
export function refusalOf(
  chain: VerifierChain,
  { kind, miner }: { readonly kind: "certify" | "judge"; readonly miner: Address },
  peer: string,
): Refusal | undefined {
  const matter = matterOf(chain, miner);
  if ("refused" in matter) return matter.refused;
  const { announcement, challenge } = matter.record;
  if (kind === "certify" && announcement === null) return "not-announced";
  if (kind === "judge" && (challenge === null || challenge.total === null)) return "not-asked";
  return readMinerState(chain.store, matter.state, miner).peerId === peer ? undefined : "not-its-peer";
}

/**
 * Who has a seat in the matter of a seed, for a message in the next block, and runs a program that may run still: the
 * chain takes nothing that another signs.
 */
export function seatsOf(
  chain: VerifierChain,
  { state, height }: Pick<Matter, "state" | "height">,
  seed: Uint8Array,
) {
  const seats = idleSeats(readIdleVerifiers(chain.store, state), chain.params.idle, seed, height + 1);
  if (seats.every(({ runs }) => runs === null)) return seats;
  const allowed = listPinPrograms(chain.store, state).filter(({ expires }) => height + 1 < expires);
  const mayRun = ({ kind, program }: RunningProgram): boolean =>
    allowed.some((one) => one.kind === kind && equalBytes(one.program, program));
  return seats.filter(({ runs }) => runs === null || mayRun(runs));
}
type RunningProgram = NonNullable<ReturnType<typeof idleSeats>[number]["runs"]>;

/** What the chain asks of what a miner has announced. */
export function announcedOf(
  chain: VerifierChain,
  { record, height }: Matter,
): { readonly challenge: IdleAppendChallenge; readonly randomness: Uint8Array } | Refused {
  const { announcement, miner } = record;
  if (announcement === null) return { refused: "not-announced" };
  const challenge = idleChallengeOf(announcement, chain.params.idle);
  if (challenge.height > height) return { refused: "not-drawn" };
  const { tipset } = chain.headState();
  const { announcement: tag } = idleRandomnessTags;
  const randomness = chain.randomnessBelow(tipset)(challenge.height, tag, addressBytes(miner));
  return { challenge, randomness };
}

/** The certificate that the verifier with this key signs. */
export function certificateOf(
  chain: VerifierChain,
  signer: Address,
  request: { readonly miner: Address; readonly append: IdleAppend },
  proof: Uint8Array,
): IdleCertificate | Refused {
  const matter = matterOf(chain, request.miner);
  if ("refused" in matter) return matter;
  const { record, profile, height } = matter;
  const asked = announcedOf(chain, matter);
  if ("refused" in asked) return asked;
  const { challenge, randomness } = asked;
  if (!equalBytes(challenge.append, idleAppendDigest(request.append))) return { refused: "not-announced" };
  if (!seatsOf(chain, matter, randomness).some(({ key }) => key === signer)) return { refused: "no-seat" };
  const given = { state: record.state, profile, append: request.append, challenge, randomness, height };
  const change = verifyIdleAppend(given, proof);
  if ("refused" in change) {
    const { refused } = change;
    return { refused: refused === "expired" || refused === "bad-proof" ? refused : "bad-append" };
  }
  const { validUntil } = challenge;
  return { before: idleStateDigest(record.state), after: change.state, validUntil, verifier: signer };
}

/** Judges the answers to a challenge batch by batch; of those before it keeps the peaks of their range. */
export class Judgement {
  readonly #auditor: IdleAuditor;
  readonly #audit: ReturnType<typeof idleAuditOf>;
  readonly #total: Uint8Array;
  readonly #validUntil: number;
  #range: IdleRange = emptyIdleRange;

  private constructor(audit: ReturnType<typeof idleAuditOf>, total: Uint8Array, validUntil: number) {
    this.#audit = audit;
    this.#auditor = new IdleAuditor(audit);
    this.#total = total;
    this.#validUntil = validUntil;
  }

  static of(chain: VerifierChain, signer: Address, miner: Address): Judgement | Refused {
    const matter = matterOf(chain, miner);
    if ("refused" in matter) return matter;
    const { challenge } = matter.record;
    if (challenge === null || challenge.total === null) return { refused: "not-asked" };
    if (matter.height >= challenge.settleBy) return { refused: "expired" };
    const seats = seatsOf(chain, matter, challenge.randomness);
    if (!seats.some(({ key }) => key === signer)) return { refused: "no-seat" };
    const audit = idleAuditOf(challenge, matter.profile, chain.params.idle);
    return new Judgement(audit, challenge.total, challenge.settleBy);
  }

  /** Whether there are answers left to come. */
  get isOpen(): boolean {
    return this.#range.leaves < this.#auditor.files.length;
  }

  /** False: something in it is wrong. */
  take(batch: IdleBatch): boolean {
    const next = this.#auditor.take(this.#range, batch);
    if (next === undefined) return false;
    this.#range = next;
    return true;
  }

  verdict(verifier: Address): IdleVerdict | Refused {
    if (this.isOpen) return { refused: "bad-batch" };
    if (!equalBytes(idleRangeRoot(this.#range), this.#total)) return { refused: "wrong-total" };
    const audit = idleAuditSeed(this.#audit);
    return { verifier, audit, total: this.#total, validUntil: epoch(this.#validUntil) };
  }
}
