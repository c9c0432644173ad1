/** What the chain store needs: one database for objects and a few facts beside them. */
import type { Blockstore, CID } from "@holdfast/base";

/** Objects are what a CID names; facts are what the chain keeps about tipsets. */
export type Space = "objects" | "facts";

export interface StoredEntry {
  /** Of an object the bytes of its CID, of a fact its name. */
  readonly key: Uint8Array;
  /** Of the value; 0 if it was not asked for. */
  readonly valueBytes: number;
}

export interface ScanOptions {
  /** The key after which to go on; the whole space from its beginning if left out. */
  readonly after?: Uint8Array;
  readonly count: number;
  readonly sizes?: boolean;
}

export interface ChainDatabase extends Blockstore, AsyncDisposable {
  /** A fact that was committed, or is about to be. */
  getMeta(key: string): Uint8Array | undefined;
  /**
   * Makes all blocks put so far and these facts durable, all or nothing. `null` removes a fact.
   * Concurrent commits are carried out in order.
   */
  commit(meta: ReadonlyMap<string, Uint8Array | null>): Promise<void>;
  /** Ascending by key, durable entries only; fewer than `count` are the last ones. */
  scan(space: Space, options: ScanOptions): Promise<readonly StoredEntry[]>;
  /** Tells of every object at the moment in which it is put. */
  onPut(listener: (cid: CID) => void): () => void;
  /**
   * Removes objects (bytes of their CIDs), in order with commits: one that is put later is there. `isAlive` is asked
   * at the last moment before, and keeps what it names. How many went.
   */
  discard(keys: readonly Uint8Array[], isAlive: (key: Uint8Array) => boolean): Promise<number>;
  /** Gives the place of what was removed back to the disk. */
  compact(): Promise<void>;
  /** What the database's files take on the disk; in memory, what it holds. */
  diskBytes(): Promise<number>;
}
