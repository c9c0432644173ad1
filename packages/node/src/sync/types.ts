/** The door of synchronisation: what other rooms see of it. */
import type { Cancel, CID, PeerId } from "@holdfast/base";
import type { BlockHeader, FullBlock } from "@holdfast/consensus";
import type { Held } from "../held.ts";
import type { BadEntry } from "./bad.ts";
import type { BeginProgress } from "./begin.ts";
import type { PeerScore } from "./scores.ts";
import type { SyncState } from "./stall.ts";

export interface Sync extends AsyncDisposable {
  /** Validates, takes in and gossips a block of this node's miner; errors as validation. */
  submitOwnBlock(block: FullBlock): Promise<void>;
  /** How the node follows the chain, and if it does not, why and what helps. */
  state(): SyncState;
  /** What it has in memory. */
  held(): readonly Held[];
  /** How far a chain is that begins at a checkpoint; undefined if it does not, or has begun. */
  beginning(): BeginProgress | undefined;
  /** Tells of every block that is valid by itself, the own miner's too. The listener must not throw. */
  onBlock(listener: (header: BlockHeader) => void): () => void;
  /** Heights that peers told in their hello or showed by a block. */
  peerHeights(): ReadonlyMap<PeerId, number>;
  /** What each peer was worth for fetching the chain. */
  peerScores(): readonly PeerScore[];
  /** Blocks and tipsets that were found invalid, newest first. */
  badTipsets(): readonly BadEntry[];
  /** Forgets one of them and all that stands on it, or all; says how many. They are looked at again. */
  clearBad(key?: string): number;
  /** Single blocks of the chain by their CIDs, from any peers; those that nobody has are left out. */
  fetchBlocks(cids: readonly CID[], signal: Cancel): Promise<ReadonlyMap<string, Uint8Array>>;
  /** Resolves when everything received so far is dealt with. */
  settled(): Promise<void>;
}
