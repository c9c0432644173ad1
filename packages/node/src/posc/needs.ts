/** What attested pinning needs: the chain's view of nodes and orders, pinned blocks, the wire, an enclave's key. */
import type { Address, AttoFil, Cancel, CID, Clock, Epoch, Logger, Random, Wire } from "@holdfast/base";
import type {
  Pin,
  PinAsk,
  PinChallenge,
  PinEvidenceKind,
  PinMark,
  PinNode,
  PinReplica,
  PinReport,
  PinReportFacts,
} from "@holdfast/consensus";
import type { Evidence } from "@holdfast/proofs/attestation";
import type { Database } from "../database.ts";

export interface AssignedPin {
  readonly number: number;
  readonly pin: Pin;
  readonly isConfirmed: boolean;
}

export type NumberedPin = Pin & { readonly number: number };

/** One head of the chain. */
export interface PoscView {
  readonly height: number;
  readonly slotEpochs: number;
  readonly disputeSlots: number;
  /** What a message of the next epoch would be judged by; undefined: no such node, or the slot's draw is not known. */
  facts(node: number): PinReportFacts | undefined;
  node(number: number): PinNode | undefined;
  nodeOfKey(key: Address): number | undefined;
  /** In ascending order of numbers. */
  assigned(number: number): Iterable<AssignedPin>;
  markOf(node: PinNode, slot: number): PinMark | undefined;
  challenges(): Iterable<PinChallenge & { readonly number: number }>;
  nodeCount(): number;
  /** Of these, how many have neither left nor lost their stake. */
  activeNodes(): number;
  /** How many numbers of orders were given. */
  orderCount(): number;
  /** The orders that stand, from a number on, ascending. */
  orders(from: number): Iterable<NumberedPin>;
  order(number: number): Pin | undefined;
  /** How long an ask can be answered, and where the chain went on after it last stood still for long. */
  readonly answerEpochs: number;
  readonly gapEnd: Epoch;
  /** The draw of the walk that is asked for; undefined: it is not known yet. */
  askSeed(order: number, node: number, ask: PinAsk): Uint8Array | undefined;
  /** What an order owes a node for its reports below this slot. */
  owed(node: PinNode, order: Pin, replica: PinReplica): AttoFil;
  /** Who pays for an order; undefined: it is over. */
  buyerOf(order: number): Address | undefined;
  /** The end of what may run; undefined: it is not on the list. */
  programEnds(kind: PinEvidenceKind, program: Uint8Array): number | undefined;
  /** How long evidence lasts. */
  readonly evidenceEpochs: number;
  /** What the chain drew at an epoch, for evidence to be bound to; undefined if there is none of it yet. */
  draw(epoch: number): Uint8Array | undefined;
  readonly stake: AttoFil;
}

export interface PoscChain {
  readonly network: string;
  readonly networkId: Uint8Array;
  view(): PoscView;
  onHead(listener: (change: PoscChange) => void): () => void;
}

/** The head has moved. */
export interface PoscChange {
  /** Those that came in the tipsets of the change. */
  readonly reports: readonly PinReport[];
  /** The lowest height at which the chain is another now; undefined: it has only grown. */
  readonly changedFrom: number | undefined;
}

/** Pinned content of orders. */
export interface PoscPins {
  /** Whether orders can be kept here; the errors are those of pins. */
  ready(): Promise<void>;
  /** Wants a root for an order; the id of the pin. */
  add(order: number, cid: CID, maxBytes: number): string;
  /** Undefined if there is no such pin any more. */
  find(
    id: string,
  ): { readonly state: "queued" | "pinning" | "pinned" | "failed"; readonly bytes: number } | undefined;
  retry(id: string): void;
  remove(id: string): Promise<void>;
  /** No network is asked. */
  block(cid: CID): Promise<Uint8Array | undefined>;
  /** The same for a block's length. */
  sizeBytes(cid: CID): Promise<number | undefined>;
  isPinned(cid: CID): Promise<boolean>;
}

/** The key that the enclave made. */
export interface PoscKey {
  readonly address: Address;
  readonly publicKey: Uint8Array;
  sign(bytes: Uint8Array): Uint8Array;
}

/** What shows which program runs here. */
export interface Attesting {
  readonly kind: PinEvidenceKind;
  readonly program: Uint8Array;
  readonly key: PoscKey;
  /** Who else could open the file that the key lies in. */
  readonly boundTo: "program" | "machine";
  evidence(
    bound: { readonly operator: Address; readonly epoch: number; readonly nonce: Uint8Array },
    signal?: AbortSignal,
  ): Promise<FreshEvidence>;
}

export interface FreshEvidence {
  readonly evidence: Evidence;
  /** Seconds since 1970 at which the first part of its collateral is over. */
  readonly collateralEndSeconds: number;
}

export interface PoscSender {
  /** Who pays, and is paid. */
  operator(): Address;
  /** Of which this node has the keys. */
  accounts(): readonly Address[];
  isOwn(account: Address): boolean;
  /** Resolves when it is in the chain. `posc/failed`, `sender/…`. */
  wait(message: CID, method: string, signal?: Cancel): Promise<void>;
  /** To the actor of pins; the same key gives the same message. */
  send(request: {
    readonly method: string;
    readonly params: Uint8Array;
    readonly key: string;
    readonly value?: AttoFil;
    /** An account of this node's wallet; left out: who pays for everything. */
    readonly from?: Address;
  }): Promise<CID>;
  /** The chain has executed the message of this key, and refused it. */
  isRefused(key: string): boolean;
}

export interface Terms {
  readonly capacityBytes: number;
  readonly leastPrice: AttoFil;
}

export interface PoscNeeds {
  readonly chain: PoscChain;
  readonly pins: PoscPins | undefined;
  readonly sender: PoscSender;
  readonly wire: Pick<Wire, "self" | "open" | "handle" | "publish" | "subscribe" | "peers">;
  readonly database: Database;
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
  /** Name and version, for people. */
  readonly program: string;
  /** Deposit of a challenge; undefined: this node challenges nobody on the chain. */
  readonly challengeDeposit: () => AttoFil | undefined;
  /** Deposit of an ask that this node may put by itself about orders of its accounts; undefined: it may put none. */
  readonly askDeposit: () => AttoFil | undefined;
  /** It joins by itself, with these terms. */
  readonly joins?: Terms;
  /** Errors say why this node cannot attest. Left out: it has no way to. */
  readonly attest?: () => Promise<Attesting>;
}
