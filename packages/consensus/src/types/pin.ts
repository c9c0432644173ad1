/**
 * What the chain knows of attested pinning: programs that may run, nodes that were admitted with proof of running one,
 * orders of storage by CID, and challenges. Time is counted in slots of `pinSlotEpochs`: one report by each node in
 * each. The idea is the contracts of 4EVERLAND and the pallets of Crust, without their accounting.
 */
import type { Address, AttoFil, CID, Codec, Epoch } from "@holdfast/base";
import { c } from "@holdfast/base";
import { type PlatformRule, platformRuleCodec } from "@holdfast/proofs/attestation";
import { pinReportDigestBytes } from "./pin-report.ts";

/** Nodes that one order can ask for. */
export const maxPinReplicas = 32;
/** Nodes that an order remembers for what they failed to show: as many as it can have at once. */
export const maxPinDropped = 32;
/**
 * Tag of the draw that a node's evidence is bound to, which makes it fresh: `rand(epoch, pinNonceTag, empty)` of the
 * chain is the nonce of its `AttestedIdentity`, whose use is "pin-node".
 */
export const pinNonceTag = "pin admission";
/** Largest content of one order (bytes): 2^50. */
export const maxPinBytes: number = 2 ** 50;
/** Kinds of evidence that can admit a node; reports of the service that was switched off cannot. */
export const pinEvidenceKinds = ["sgx-dcap", "tdx", "sev-snp", "software"] as const;
export type PinEvidenceKind = (typeof pinEvidenceKinds)[number];

function oneOf<const Word extends string>(name: string, words: readonly [Word, ...Word[]]): Codec<Word> {
  return {
    name,
    toCbor: (word) => words.indexOf(word),
    fromCbor: (value, path) => words[c.uint(words.length - 1).fromCbor(value, path)] ?? words[0],
  };
}

export const pinEvidenceKindCodec: Codec<PinEvidenceKind> = oneOf("PinEvidenceKind", pinEvidenceKinds);

export const pinProgramBytes = 32;

/** One line of the list of programs that may run. */
export interface PinProgram {
  readonly kind: PinEvidenceKind;
  /** What evidence of this kind measures of it: `programOf` of the attestation. */
  readonly program: Uint8Array;
  /** For people, for example "holdfast 0.1.0". */
  readonly name: string;
  /** First epoch at which it may run no more. */
  readonly expires: Epoch;
  /** What evidence must say of the platform, each time that it is brought. */
  readonly platform: PlatformRule;
}
export const pinProgramCodec: Codec<PinProgram> = c.tuple("PinProgram", {
  kind: pinEvidenceKindCodec,
  program: c.fixedBytes(pinProgramBytes),
  name: c.text(64),
  expires: c.epoch,
  platform: platformRuleCodec,
});

export const pinNodeStatuses = ["active", "leaving", "expelled"] as const;
export type PinNodeStatus = (typeof pinNodeStatuses)[number];

export interface PinNode {
  /** Who staked for it and takes what it earns. */
  readonly operator: Address;
  /** Account of the key that its enclave made: signs its reports. */
  readonly key: Address;
  readonly peerId: string;
  readonly kind: PinEvidenceKind;
  /** The program that it was seen to run. */
  readonly program: Uint8Array;
  /** Hash of the evidence that it was last admitted with. */
  readonly evidence: Uint8Array;
  readonly status: PinNodeStatus;
  /** First epoch at which its evidence is too old. */
  readonly validUntil: Epoch;
  readonly stake: AttoFil;
  /** Paid for and not taken yet. */
  readonly earned: AttoFil;
  /** Takes no order that pays less (attoFIL for a GiB and a slot). */
  readonly leastPrice: AttoFil;
  readonly capacityBytes: number;
  /** AMT: number → number of every order that it was drawn for, confirmed or not. */
  readonly assigned: CID;
  /** The bytes of these. */
  readonly assignedBytes: number;
  /** Position among the nodes that orders are drawn from, null if they are not. */
  readonly position: number | null;
  /** AMT: position → number of the order; what it has confirmed. */
  readonly set: CID;
  readonly setCount: number;
  /** What `set` and `setCount` were when the slot began in which they changed last. */
  readonly setBefore: CID;
  readonly setBeforeCount: number;
  readonly setChangedIn: number;
  /** The slot of its last report; null before the first. */
  readonly lastSlot: number | null;
  readonly lastReport: Uint8Array;
  /** AMT of `PinMark`, one for each report, in ascending order of slots. */
  readonly history: CID;
  /** Sum of the accuracies of all reports that count, in millionths. */
  readonly index: number;
  /** Reports of slots below this count nothing. */
  readonly unpaidBefore: number;
  /** The slot in which it left or was expelled; null before. */
  readonly endedIn: number | null;
  /** Challenges that it has not answered yet. */
  readonly openChallenges: number;
  /** Orders about which it is being asked. */
  readonly openAsks: number;
}
export const pinNodeCodec: Codec<PinNode> = c.tuple("PinNode", {
  operator: c.address,
  key: c.address,
  peerId: c.text(128),
  kind: pinEvidenceKindCodec,
  program: c.fixedBytes(pinProgramBytes),
  evidence: c.fixedBytes(32),
  status: oneOf("PinNodeStatus", pinNodeStatuses),
  validUntil: c.epoch,
  stake: c.attoFil,
  earned: c.attoFil,
  leastPrice: c.attoFil,
  capacityBytes: c.uint(maxPinBytes),
  assigned: c.cid,
  assignedBytes: c.uint(),
  position: c.nullable(c.uint()),
  set: c.cid,
  setCount: c.uint(),
  setBefore: c.cid,
  setBeforeCount: c.uint(),
  setChangedIn: c.uint(),
  lastSlot: c.nullable(c.uint()),
  lastReport: c.fixedBytes(pinReportDigestBytes),
  history: c.cid,
  index: c.uint(),
  unpaidBefore: c.uint(),
  endedIn: c.nullable(c.uint()),
  openChallenges: c.uint(),
  openAsks: c.uint(),
});

/** After a report: its slot, its digest and the sum of accuracies with it. */
export interface PinMark {
  readonly slot: number;
  readonly report: Uint8Array;
  readonly index: number;
}
export const pinMarkCodec: Codec<PinMark> = c.tuple("PinMark", {
  slot: c.uint(),
  report: c.fixedBytes(pinReportDigestBytes),
  index: c.uint(),
});

/** The buyer asks one node to show one walk of the order's content. */
export interface PinAsk {
  readonly askedAt: Epoch;
  readonly deposit: AttoFil;
}

/** One node's part in an order. */
export interface PinReplica {
  readonly node: number;
  /** The slot in which it was drawn. */
  readonly assignedIn: number;
  /** The first slot that counts; null until the node has said that it holds the content. */
  readonly fromSlot: number | null;
  /** The node's `index` up to which it is paid. */
  readonly paidIndex: number;
  /** Place in the node's set, while it is confirmed. */
  readonly place: number | null;
  /** While it stands the node is paid nothing for the order. */
  readonly ask: PinAsk | null;
}

/** An order of storage: somebody pays so many nodes to pin a CID for a time. */
export interface Pin {
  readonly buyer: Address;
  readonly cid: CID;
  /** What the buyer says that it has; nodes confirm no larger content. */
  readonly bytes: number;
  /** How many nodes shall hold it. */
  readonly wanted: number;
  /** attoFIL for a GiB and a slot of one node. */
  readonly price: AttoFil;
  /** First slot that is not paid for any more. */
  readonly endSlot: number;
  /** What is left to pay with. */
  readonly escrow: AttoFil;
  readonly replicas: readonly PinReplica[];
  /** Nodes that did not show what they were asked for, the newest last: not drawn for it while remembered. */
  readonly dropped: readonly number[];
}
export const pinCodec: Codec<Pin> = c.tuple("Pin", {
  buyer: c.address,
  cid: c.cid,
  bytes: c.uint(maxPinBytes),
  wanted: c.uint(maxPinReplicas),
  price: c.attoFil,
  endSlot: c.uint(),
  escrow: c.attoFil,
  replicas: c.list(
    c.tuple("PinReplica", {
      node: c.uint(),
      assignedIn: c.uint(),
      fromSlot: c.nullable(c.uint()),
      paidIndex: c.uint(),
      place: c.nullable(c.uint()),
      ask: c.nullable(c.tuple("PinAsk", { askedAt: c.epoch, deposit: c.attoFil })),
    }),
    maxPinReplicas,
  ),
  dropped: c.list(c.uint(), maxPinDropped),
});

/** Somebody asks a node to show on the chain what it reported to have read. */
export interface PinChallenge {
  readonly challenger: Address;
  readonly node: number;
  readonly slot: number;
  /** What the answer must lead to: the seed of the walk, where it starts, and what was reported. */
  readonly seed: Uint8Array;
  readonly root: CID;
  readonly block: CID;
  readonly answer: Uint8Array;
  readonly deposit: AttoFil;
  /** Last epoch at which the node can answer. */
  readonly answerBy: Epoch;
}
export const pinChallengeCodec: Codec<PinChallenge> = c.tuple("PinChallenge", {
  challenger: c.address,
  node: c.uint(),
  slot: c.uint(),
  seed: c.fixedBytes(32),
  root: c.cid,
  block: c.cid,
  answer: c.fixedBytes(32),
  deposit: c.attoFil,
  answerBy: c.epoch,
});

const gib = 1n << 30n;

/** What one node gets for one slot with every answer right, rounded up. */
export function pinSlotPrice(bytes: number, price: AttoFil): AttoFil {
  return ((BigInt(bytes) * price + gib - 1n) / gib) as AttoFil;
}

/** What an order costs: every node for every slot. */
export function pinCost(
  order: { readonly bytes: number; readonly price: AttoFil; readonly wanted: number },
  slots: number,
): AttoFil {
  return (pinSlotPrice(order.bytes, order.price) * BigInt(order.wanted) * BigInt(slots)) as AttoFil;
}

/**
 * When an ask was put, for the time to answer and for the draw. A chain that stood still afterwards is not the node's
 * silence: the time begins anew where it went on, `gapEnd`.
 */
export function askStart({ askedAt }: Pick<PinAsk, "askedAt">, gapEnd: Epoch): Epoch {
  return gapEnd > askedAt ? gapEnd : askedAt;
}

/** Evidence and standing let a node hold orders. */
export function isPinNodeFit({ status, validUntil }: PinNode, height: number): boolean {
  return status === "active" && validUntil > height;
}

interface PinTime {
  readonly height: number;
  readonly slot: number;
  readonly disputeSlots: number;
}

/** Who was heard last in a slot is silent when no report of that slot can be disputed any more. */
export const isPinSilent = (heard: number, { slot, disputeSlots }: Omit<PinTime, "height">): boolean =>
  slot > heard + disputeSlots;

/** A part of an order whose node is gone or silent. */
export function isPinPartVacant(
  node: PinNode,
  { assignedIn }: Pick<PinReplica, "assignedIn">,
  at: PinTime,
): boolean {
  return !isPinNodeFit(node, at.height) || isPinSilent(Math.max(assignedIn, node.lastSlot ?? 0), at);
}

/** The slot that an epoch lies in. */
export function pinSlotAt(slotEpochs: number, height: number): number {
  return Math.floor(height / slotEpochs);
}
