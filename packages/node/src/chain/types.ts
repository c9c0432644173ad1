/** The doors of the chain room: what other rooms see of the chain of a node. */
import type { AttoFil, Blockstore, CID } from "@holdfast/base";
import type {
  BlockHeader,
  FullBlock,
  NetworkParams,
  ProtocolState,
  Protocols,
  RandomnessSource,
  Receipt,
  SignedMessage,
  Tipset,
  Upgrade,
} from "@holdfast/consensus";
import type { Held } from "../held.ts";
import type { Checkpoint, PlacedTipset } from "./checkpoint.ts";
import type { Horizon, MessageResult } from "./record.ts";

export interface HeadChange {
  readonly from: Tipset;
  readonly to: Tipset;
  /** Newest first: what the current chain no longer has. */
  readonly reverted: readonly Tipset[];
  /** Oldest first: what it has now. */
  readonly applied: readonly Tipset[];
}

export interface ValidatedTipset {
  readonly tipset: Tipset;
  readonly blocks: readonly FullBlock[];
  readonly stateRoot: CID;
  readonly results: readonly MessageResult[];
  readonly weight: bigint;
}

export interface Chain {
  /** What the operator trusts; undefined if nothing was given. */
  readonly checkpoint: Checkpoint | undefined;
  /** Those of the block above the head. */
  readonly params: NetworkParams;
  /** The versions of the rules that this node knows; undefined: the program's own. */
  readonly protocols: Protocols | undefined;
  /** The rules as the head's state has them, with the upgrades that wait. */
  protocol(): ProtocolState;
  /** An upgrade on the head's chain, up to a height, that this node does not know: it follows nothing from there on. */
  unknownUpgrade(height: number): Upgrade | undefined;
  /** What signatures on this network are bound to. */
  readonly networkId: Uint8Array;
  readonly genesis: Tipset;
  readonly genesisTimestampMs: number;
  readonly genesisTotal: AttoFil;
  readonly store: Blockstore;
  head(): Tipset;
  headState(): { readonly state: CID; readonly tipset: Tipset };
  tipset(key: string): Tipset | undefined;
  fullBlock(cid: CID): FullBlock | undefined;
  fullBlocks(key: string): readonly FullBlock[] | undefined;
  /** The same; but `chain/pruned` if only the header is left. */
  requireBlock(cid: CID): FullBlock | undefined;
  hasBlock(cid: CID): boolean;
  /** Stays when the block is pruned. */
  header(cid: CID): BlockHeader | undefined;
  /** Undefined if the tipset is not known, or its state is pruned. */
  stateAfter(key: string): CID | undefined;
  /** Errors: `chain/unknown-tipset`, `chain/pruned`. */
  stateOf(tipset: Tipset): CID;
  /** From where on states, and messages with their results, are held; 0 is from the genesis on. */
  horizon(): Horizon;
  /**
   * Whether a tipset can stand on its parent beside the checkpoint, be it executed or only linked.
   * Errors: `chain/contradicts-checkpoint`.
   */
  checkCheckpoint(tipset: PlacedTipset, parent: Pick<PlacedTipset, "key" | "height"> | undefined): void;
  /**
   * Nothing is removed while somebody holds the store: for whoever writes objects that no tipset names yet, asks
   * whether objects are there in order not to fetch them, or reads an old state for long.
   */
  hold(): Promise<Disposable>;
  /** What is in memory of what is on the disk. */
  held(): readonly Held[];
  weightOf(key: string): bigint | undefined;
  resultsOf(key: string): readonly MessageResult[];
  /** Errors: `chain/contradicts-checkpoint`, `chain/below-horizon`, `chain/full`. */
  addValidated(validated: ValidatedTipset): Promise<void>;
  /** Errors: `chain/unknown-tipset`, `chain/contradicts-checkpoint`. */
  setHead(key: string): Promise<HeadChange>;
  onHead(listener: (change: HeadChange) => void): () => void;
  /** The tipset itself, then its parents down to genesis. */
  ancestors(from: Tipset): Iterable<Tipset>;
  parentOf(tipset: Tipset): Tipset | undefined;
  /** The last tipset at or below a height, on the chain that ends in `below` (default: the head). */
  tipsetAt(height: number, below?: Tipset): Tipset;
  /** Randomness for what is executed on top of this tipset. */
  randomnessBelow(tipset: Tipset): RandomnessSource;
  /** On the current chain only. */
  tipsetOfMessage(cid: CID): Tipset | undefined;
  /** On the current chain only. Errors: `chain/pruned`. */
  findMessage(
    cid: CID,
  ): { readonly tipset: Tipset; readonly receipt: Receipt; readonly message: SignedMessage } | undefined;
  messagesOf(tipset: Tipset): readonly SignedMessage[];
}
