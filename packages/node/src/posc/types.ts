/** What the room of attested pinning gives. */
import type { Cancel, CID } from "@holdfast/base";
import type { PinSample, WalkEnd } from "@holdfast/consensus";
import type { Disputed } from "./checks.ts";
import type { EntryState } from "./entry.ts";
import type { Look } from "./looks.ts";
import type { Answers } from "./messages.ts";
import type { Terms } from "./needs.ts";
import type { ReportCheck, ReportPage, StoredReport } from "./store.ts";

export interface PoscStatus {
  /** This node's number; undefined: it has not joined, or the chain does not know it yet. */
  readonly node: number | undefined;
  readonly entry: EntryState;
  readonly slot: number;
  readonly lastReport: StoredReport | undefined;
  readonly orders: { readonly all: number; readonly leaving: number };
  readonly reports: number;
  /** How often each fault was heard in a report of others. */
  readonly refused: { readonly [fault: string]: number };
}

/** Samples of a report. */
export interface Claim {
  readonly node: number;
  readonly slot: number;
  readonly sample?: number | undefined;
}

export interface Inspected {
  readonly place: number;
  readonly sample: PinSample;
  /** missing: the node itself said so. */
  readonly check: ReportCheck | "missing";
  readonly found: WalkEnd | undefined;
  readonly blocks: readonly Uint8Array[];
}

export interface DisputedSample extends Disputed {
  readonly place: number;
  readonly check: "false" | "silent";
}

export interface Posc extends AsyncDisposable {
  /** Makes this a pinning node of the network; its number. `posc/…`, `attestation/…`, `sender/…`. */
  join(terms: Terms, signal?: AbortSignal): Promise<number>;
  leave(signal?: AbortSignal): Promise<number>;
  status(): PoscStatus;
  reports(page: ReportPage): readonly StoredReport[];
  report(node: number, slot: number): StoredReport | undefined;
  /** Looks at samples of a report now, at all of them if none is named. `posc/no-report`. */
  inspect(claim: Claim, signal: Cancel): Promise<readonly Inspected[]>;
  /**
   * Takes a sample to the chain, the first that is not confirmed if none is named; resolves when the chain has it.
   * `posc/no-report`, `posc/nothing-to-dispute`, `posc/no-deposit`, `posc/failed`, `sender/…`.
   */
  dispute(claim: Claim, signal: Cancel): Promise<DisputedSample>;
  /** Asks a node for its key and its list; it answers by its attested key. `posc/no-answer`. */
  ask(node: number, signal: Cancel): Promise<Answers>;
  /** What this node found when it looked at a node's part in an order of its own accounts; undefined: it has not. */
  look(order: number, node: number): Look | undefined;
  /** Whether a root is pinned here. */
  readonly isPinned: (cid: CID) => Promise<boolean>;
  /** Resolves when nothing is under way. */
  settled(): Promise<void>;
}
