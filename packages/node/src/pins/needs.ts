/**
 * What pinning needs: a back end, tables, time; and what the embedded back end needs: a place for blocks, and others
 * who have them.
 */
import type { Cancel, CID, Clock, Logger, Random } from "@holdfast/base";
import type { Database } from "../database.ts";
import type { PinBackend } from "./backend.ts";

/** A place for blocks by their CIDs; the node's file blocks are one. */
export interface PinBlocks {
  readonly quotaBytes: number;
  usedBytes(): Promise<number>;
  get(cid: CID): Promise<Uint8Array | undefined>;
  sizeBytes(cid: CID): Promise<number | undefined>;
  has(cid: CID): Promise<boolean>;
  /** Checked here, unless it has been; a copy is durable when it is settled. */
  put(
    cid: CID,
    bytes: Uint8Array,
    how?: { readonly isVerified?: boolean; readonly isCopy?: boolean },
  ): Promise<boolean>;
  settle(cids: readonly CID[]): Promise<void>;
  delete(cid: CID, unless?: () => boolean): Promise<number>;
  list(): AsyncIterable<CID>;
}

/** Others' blocks of one tree; what comes is not believed. */
export interface BlockFetch {
  get(cid: CID, signal: Cancel): Promise<Uint8Array | undefined>;
}

export interface EmbeddedNeeds {
  readonly blocks: PinBlocks;
  readonly database: Database;
  fetch(root: CID, origins: readonly string[], signal: Cancel): Promise<BlockFetch>;
  addresses(): readonly string[];
}

export interface PinNeeds {
  readonly backend: PinBackend;
  readonly database: Database;
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
}
