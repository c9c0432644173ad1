/** What the ledger of pinning (pin-ledger.ts) has of nodes, orders and quarrels, and what a call to it is made in. */
import type { Address, CID } from "@holdfast/base";
import type { NetworkParams, PinSample, RandomnessSource } from "@holdfast/consensus";

export interface BookedReport {
  readonly slot: number;
  readonly digest: Uint8Array;
  /** In millionths of the slot's price. */
  readonly worth: number;
}

export interface BookedNode {
  readonly operator: Address;
  readonly key: Address;
  readonly status: "active" | "leaving" | "expelled";
  /** First height at which its evidence is too old. */
  readonly validUntil: number;
  readonly stake: bigint;
  readonly earned: bigint;
  readonly reports: readonly BookedReport[];
  readonly unpaidBefore: number;
  readonly endedIn: number | undefined;
  /** Orders that it was let go from in a slot: samples of that slot may still be of them. */
  readonly released: { readonly slot: number; readonly orders: readonly number[] };
}

export interface BookedPart {
  readonly node: number;
  readonly assignedIn: number;
  readonly fromSlot: number | null;
  /** Slots below this are settled. */
  readonly paidTo: number;
  /** The buyer's question, while it stands. */
  readonly ask: { readonly askedAt: number; readonly deposit: bigint } | undefined;
}

export interface BookedOrder {
  readonly buyer: Address;
  readonly cid: CID;
  readonly bytes: number;
  readonly wanted: number;
  readonly price: bigint;
  readonly endSlot: number;
  readonly escrow: bigint;
  readonly parts: readonly BookedPart[];
  /** Who has failed the buyer is not drawn again. */
  readonly dropped: readonly number[];
}

export interface BookedChallenge {
  readonly challenger: Address;
  readonly node: number;
  readonly deposit: bigint;
  readonly askedAt: number;
  readonly seed: Uint8Array;
  readonly sample: PinSample;
}

/** What a call is made in. */
export interface At {
  readonly height: number;
  readonly slot: number;
  readonly params: NetworkParams;
  readonly networkId: Uint8Array;
  /** Where the chain went on after it last stood still for long. */
  readonly gapEnd: number;
  readonly rand: RandomnessSource;
}

/** What a call has paid out of the actor. */
export type Payouts = (readonly [to: Address, amount: bigint])[];

/** A running order is credited for the slots below this one: what is newer can still be lost by an ask. */
export const creditedSlot = ({ slot, params }: At): number => slot - params.pinDisputeSlots;

/** The last height at which an ask can be answered: a chain that stood still is nobody's silence. */
export function lastAnswer(askedAt: number, { gapEnd, params }: At): number {
  return Math.max(askedAt, gapEnd) + params.pinAnswerEpochs;
}
