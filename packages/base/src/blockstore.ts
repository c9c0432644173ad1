/**
 * Content-addressed blocks, read synchronously: the state transition is a synchronous function.
 * `BufferedBlockstore` collects the writes of one run so that a failed run leaves nothing behind.
 */
import type { CID } from "multiformats/cid";

export interface Blockstore {
  get(cid: CID): Uint8Array | undefined;
  put(cid: CID, bytes: Uint8Array): void;
  has(cid: CID): boolean;
}

export class MemoryBlockstore implements Blockstore {
  readonly #blocks = new Map<string, Uint8Array>();

  get(cid: CID): Uint8Array | undefined {
    return this.#blocks.get(cid.toString());
  }
  put(cid: CID, bytes: Uint8Array): void {
    this.#blocks.set(cid.toString(), bytes);
  }
  has(cid: CID): boolean {
    return this.#blocks.has(cid.toString());
  }
  get blockCount(): number {
    return this.#blocks.size;
  }
}

export class BufferedBlockstore implements Blockstore {
  readonly #below: Blockstore;
  readonly #written = new Map<string, { readonly cid: CID; readonly bytes: Uint8Array }>();

  constructor(below: Blockstore) {
    this.#below = below;
  }
  get(cid: CID): Uint8Array | undefined {
    return this.#written.get(cid.toString())?.bytes ?? this.#below.get(cid);
  }
  put(cid: CID, bytes: Uint8Array): void {
    this.#written.set(cid.toString(), { cid, bytes });
  }
  has(cid: CID): boolean {
    return this.#written.has(cid.toString()) || this.#below.has(cid);
  }
  /** What was written and not flushed yet. */
  written(): readonly { readonly cid: CID; readonly bytes: Uint8Array }[] {
    return [...this.#written.values()];
  }
  /** Hands every collected write to the store below and forgets them. */
  flush(): void {
    for (const { cid, bytes } of this.#written.values()) this.#below.put(cid, bytes);
    this.#written.clear();
  }
}
