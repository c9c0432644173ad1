/**
 * The state of all actors while it is being changed: a HAMT from address bytes to actor record, with layers
 * of changes above it. A snapshot opens a layer, for records and state objects alike; a commit folds it into
 * the one below; a revert drops it. Nothing reaches the caller's store before `persist`, so a run that
 * aborts leaves nothing behind.
 */
import type { Address, Blockstore, CID } from "@holdfast/base";
import { addressBytes, addressFromBytes, assert, BufferedBlockstore, Hamt } from "@holdfast/base";
import type { ActorRecord } from "../types/actor.ts";
import { actorRecordCodec } from "../types/actor.ts";

interface Layer {
  readonly records: Map<Address, ActorRecord>;
  readonly objects: BufferedBlockstore;
}

export class StateTree {
  readonly #hamt: Hamt<ActorRecord>;
  readonly #base: BufferedBlockstore;
  readonly #layers: Layer[];
  /** Records as the HAMT has them. */
  readonly #loaded = new Map<Address, ActorRecord | undefined>();

  private constructor(base: BufferedBlockstore, hamt: Hamt<ActorRecord>) {
    this.#base = base;
    this.#hamt = hamt;
    this.#layers = [{ records: new Map(), objects: base }];
  }

  /** A tree without actors. */
  static empty(store: Blockstore): StateTree {
    const base = new BufferedBlockstore(store);
    return new StateTree(base, Hamt.empty(base, actorRecordCodec));
  }

  /** The tree with this root; `store/missing-block` if the store does not hold it. */
  static load(store: Blockstore, root: CID): StateTree {
    const base = new BufferedBlockstore(store);
    return new StateTree(base, Hamt.load(base, actorRecordCodec, root));
  }

  /** The store as the running call sees it: with the changes of all open layers. */
  get objects(): Blockstore {
    return this.#top.objects;
  }

  get #top(): Layer {
    const top = this.#layers.at(-1);
    assert(top !== undefined, "a state tree has at least one layer");
    return top;
  }

  get(address: Address): ActorRecord | undefined {
    for (let i = this.#layers.length - 1; i >= 0; i--) {
      const record = this.#layers[i]?.records.get(address);
      if (record !== undefined) return record;
    }
    if (this.#loaded.has(address)) return this.#loaded.get(address);
    const record = this.#hamt.get(addressBytes(address));
    this.#loaded.set(address, record);
    return record;
  }

  set(address: Address, record: ActorRecord): void {
    assert(record.balance >= 0n, `the balance of ${address} is not negative`);
    this.#top.records.set(address, record);
  }

  /** Opens a layer; the returned depth must be handed to `commit` or `revert`. */
  snapshot(): number {
    this.#layers.push({ records: new Map(), objects: new BufferedBlockstore(this.#top.objects) });
    return this.#layers.length;
  }

  commit(depth: number): void {
    assert(this.#layers.length === depth && depth > 1, "layers are committed in the order of nesting");
    const layer = this.#layers.pop();
    assert(layer !== undefined, "there is a layer to commit");
    layer.objects.flush();
    const below = this.#top.records;
    for (const [address, record] of layer.records) below.set(address, record);
  }

  revert(depth: number): void {
    assert(this.#layers.length === depth && depth > 1, "layers are reverted in the order of nesting");
    this.#layers.pop();
  }

  /** Writes all records into the tree and gives its root. No snapshot may be open. */
  flush(): CID {
    assert(this.#layers.length === 1, "a tree is flushed between messages");
    const { records } = this.#top;
    for (const [address, record] of records) {
      this.#hamt.set(addressBytes(address), record);
      this.#loaded.set(address, record);
    }
    records.clear();
    return this.#hamt.flush();
  }

  /** Hands everything written so far to the store below. */
  persist(): void {
    this.#base.flush();
  }

  /** All actors, in the order of the HAMT. No snapshot may be open. */
  *entries(): IterableIterator<[Address, ActorRecord]> {
    this.flush();
    for (const [key, record] of this.#hamt.entries()) yield [addressFromBytes(key), record];
  }
}
