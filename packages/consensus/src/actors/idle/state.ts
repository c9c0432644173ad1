/**
 * State of the idle space actor. Invariants: its balance covers what it holds for miners (free, bound, pledged,
 * announced) and verifiers (bonds); a miner's power here is what the market counts of it; a miner that claims or has
 * announced something stands in the queue at `due`, one that has nothing at stake costs a tick nothing.
 */
import type { Address, AttoFil, Blockstore, CID, Codec, Epoch } from "@holdfast/base";
import { Amt, addressBytes, c, compareBytes, Hamt, putObject } from "@holdfast/base";
import { type IdleState, idleStateCodec } from "@holdfast/proofs/idle";
import { type PinEvidenceKind, pinEvidenceKindCodec, pinProgramBytes } from "../../types/pin.ts";
import { maxPeerIdBytes } from "../calls.ts";

/** Verifiers that a network has at a time. */
export const maxVerifiers = 64;

/** As evidence has shown it. */
export interface RunningProgram {
  readonly kind: PinEvidenceKind;
  readonly program: Uint8Array;
  /** BLAKE2b-256 of the evidence. */
  readonly evidence: Uint8Array;
}
const runningProgramCodec: Codec<RunningProgram> = c.tuple("RunningProgram", {
  kind: pinEvidenceKindCodec,
  program: c.fixedBytes(pinProgramBytes),
  evidence: c.fixedBytes(32),
});

export interface IdleVerifier {
  /** Answers for it: brings the evidence, and gets the bond back. */
  readonly operator: Address;
  readonly peerId: string;
  /** Account of the key that signs its statements; null: it has not attested. */
  readonly key: Address | null;
  /** The key before it, which is accounted for too. */
  readonly formerKey: Address | null;
  readonly keySince: Epoch;
  /** What it has shown to run; null: nothing, or the genesis vouches for its key. */
  readonly runs: RunningProgram | null;
  /** The evidence counts below this height. */
  readonly validUntil: Epoch;
  readonly bond: AttoFil;
  readonly since: Epoch;
  /** Its statements count below this height. */
  readonly expires: Epoch;
}
export const idleVerifierCodec: Codec<IdleVerifier> = c.tuple("IdleVerifier", {
  operator: c.address,
  peerId: c.text(maxPeerIdBytes),
  key: c.nullable(c.address),
  formerKey: c.nullable(c.address),
  keySince: c.epoch,
  runs: c.nullable(runningProgramCodec),
  validUntil: c.epoch,
  bond: c.attoFil,
  since: c.epoch,
  expires: c.epoch,
});
export const idleVerifiersCodec: Codec<readonly IdleVerifier[]> = c.list(idleVerifierCodec, maxVerifiers);

/** A kept layer that a miner has made; what is asked of it is drawn after this stands. */
export interface IdleAnnouncement {
  readonly at: Epoch;
  /** `idleAppendDigest`. */
  readonly digest: Uint8Array;
  readonly pledge: AttoFil;
}
const announcementCodec: Codec<IdleAnnouncement> = c.tuple("IdleAnnouncement", {
  at: c.epoch,
  digest: c.fixedBytes(32),
  pledge: c.attoFil,
});

/** A challenge, and what was claimed when it was drawn: what is released since is asked for all the same. */
export interface IdleChallenge {
  readonly at: Epoch;
  /** 32 bytes of the chain that the questions follow from. */
  readonly randomness: Uint8Array;
  readonly state: IdleState;
  /** The pledge then: fees are shares of it. */
  readonly stake: AttoFil;
  /** The last height at which the total is taken, and the last for what follows it. */
  readonly answerBy: Epoch;
  readonly settleBy: Epoch;
  readonly total: Uint8Array | null;
  readonly answeredAt: Epoch | null;
}
export const idleChallengeCodec: Codec<IdleChallenge> = c.tuple("IdleChallenge", {
  at: c.epoch,
  randomness: c.fixedBytes(32),
  state: idleStateCodec,
  stake: c.attoFil,
  answerBy: c.epoch,
  settleBy: c.epoch,
  total: c.nullable(c.fixedBytes(32)),
  answeredAt: c.nullable(c.epoch),
});

export interface IdleMiner {
  /** What is certified: as the protocol names it. */
  readonly state: IdleState;
  /** Locked for what is certified. */
  readonly pledge: AttoFil;
  readonly free: AttoFil;
  /** Pledge of what was released: it answers for consensus faults until `boundUntil`, and is free then. */
  readonly bound: AttoFil;
  readonly boundUntil: Epoch;
  readonly announcement: IdleAnnouncement | null;
  readonly challenge: IdleChallenge | null;
  /** What the market counts (weighted bytes). */
  readonly power: bigint;
  readonly faultySince: Epoch | null;
  /** Challenges missed, one after another. */
  readonly faults: number;
  readonly lastProven: Epoch | null;
  /** When the tick looks at it next; null: there is nothing to look at. */
  readonly due: Epoch | null;
  /** Everything lost to fees and penalties so far. */
  readonly burnt: AttoFil;
}
export const idleMinerCodec: Codec<IdleMiner> = c.tuple("IdleMiner", {
  state: idleStateCodec,
  pledge: c.attoFil,
  free: c.attoFil,
  bound: c.attoFil,
  boundUntil: c.epoch,
  announcement: c.nullable(announcementCodec),
  challenge: c.nullable(idleChallengeCodec),
  power: c.bigUint(16),
  faultySince: c.nullable(c.epoch),
  faults: c.uint(),
  lastProven: c.nullable(c.epoch),
  due: c.nullable(c.epoch),
  burnt: c.attoFil,
});

export interface IdleActorState {
  /** The list of verifiers, ascending by the bytes of their operators. */
  readonly verifiers: CID;
  /** HAMT: 22 bytes of the miner's address → IdleMiner. */
  readonly miners: CID;
  /** AMT: epoch → AMT of the addresses that are due then. */
  readonly queue: CID;
  /** Height of the last tick. */
  readonly lastTick: Epoch;
  /** Where the last long gap in the chain ended; 0 if there was none. */
  readonly stallTo: Epoch;
}
export const idleActorStateCodec: Codec<IdleActorState> = c.tuple("IdleActorState", {
  verifiers: c.cid,
  miners: c.cid,
  queue: c.cid,
  lastTick: c.epoch,
  stallTo: c.epoch,
});

export function loadIdleMiners(store: Blockstore, state: IdleActorState): Hamt<IdleMiner> {
  return Hamt.load(store, idleMinerCodec, state.miners);
}
export function loadIdleQueue(store: Blockstore, state: IdleActorState): Amt<CID> {
  return Amt.load(store, c.cid, state.queue);
}

/** Puts a miner into the queue at an epoch; the caller keeps its `due` in step. */
export function enqueueIdle(store: Blockstore, queue: Amt<CID>, at: Epoch, miner: Address): void {
  const root = queue.get(at);
  const members = root === undefined ? Amt.empty(store, c.address) : Amt.load(store, c.address, root);
  members.push(miner);
  queue.set(at, members.flush());
}

/** A verifier that a genesis admits; its bond is money of the genesis. */
export interface GenesisVerifier extends Pick<IdleVerifier, "operator" | "peerId" | "bond" | "expires"> {
  /** Who makes the genesis vouches for this key until `expires`; left out: it attests as others do. */
  readonly key?: Address;
}

export function createIdleState(store: Blockstore, verifiers: readonly GenesisVerifier[] = []): CID {
  const admitted = verifiers.map(({ key, ...given }) => ({
    ...newVerifier(given, 0 as Epoch),
    ...(key === undefined ? {} : { key, validUntil: given.expires }),
  }));
  return putObject(store, idleActorStateCodec, {
    verifiers: putObject(store, idleVerifiersCodec, admitted.sort(byOperator)),
    miners: Hamt.empty(store, idleMinerCodec).flush(),
    queue: Amt.empty(store, c.cid).flush(),
    lastTick: 0 as Epoch,
    stallTo: 0 as Epoch,
  });
}

/** One that has shown nothing yet. */
export function newVerifier(
  given: Pick<IdleVerifier, "operator" | "peerId" | "bond" | "expires">,
  since: Epoch,
): IdleVerifier {
  const none = { key: null, formerKey: null, keySince: since, runs: null, validUntil: 0 as Epoch };
  return { ...given, ...none, since };
}

export function byOperator(a: Pick<IdleVerifier, "operator">, b: Pick<IdleVerifier, "operator">): number {
  return compareBytes(addressBytes(a.operator), addressBytes(b.operator));
}
