/** What the chain store needs: one database for blocks and a few facts beside them. */
import type { Blockstore } from "@holdfast/base";

export interface ChainDatabase extends Blockstore, AsyncDisposable {
  /** A fact that was committed, or is about to be. */
  getMeta(key: string): Uint8Array | undefined;
  /**
   * Makes all blocks put so far and these facts durable, all or nothing. `null` removes a fact.
   * Concurrent commits are carried out in order.
   */
  commit(meta: ReadonlyMap<string, Uint8Array | null>): Promise<void>;
}
