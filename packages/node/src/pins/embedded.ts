/**
 * The node itself as back end: blocks in a place of their own, fetched from peers by whatever finds them. Which root
 * needs which block is a table, so that a block goes exactly when no root needs it, however many pins there are, and
 * nothing of their number is held in memory. Invariants: a block's row is there before the block; a root is pinned
 * when its walk has ended and not before; a removal and a walk of one root never run at the same time.
 */
import { abortable, type Cancel, type CID, cidFromBytes, HoldfastError, verifyCid } from "@holdfast/base";
import { limits } from "../limits.ts";
import { Settling } from "../settling.ts";
import type { PinBackend, PinOptions, PinSize, PinUsage } from "./backend.ts";
import { pinErrors } from "./errors.ts";
import { checkPinCid, linksOf } from "./links.ts";
import type { BlockFetch, EmbeddedNeeds } from "./needs.ts";
import { openRootStore, type RootStore } from "./root-store.ts";

const identityCode = 0x00;

export function openEmbedded(needs: EmbeddedNeeds): PinBackend {
  return new Embedded(needs);
}

const keyOf = (cid: CID): Uint8Array => cid.toV1().bytes;
/** A character a byte: the smallest key of a set that compares by value. */
const textKey = (cid: CID): string => String.fromCharCode(...keyOf(cid));

class Embedded implements PinBackend {
  readonly kind = "embedded";
  readonly #needs: EmbeddedNeeds;
  readonly #roots: RootStore;
  /** What is under way with a root, one after the other. */
  readonly #turns = new Map<string, Promise<unknown>>();
  /** Blocks that are being deleted: who wants one in that moment waits. */
  readonly #deleting = new Map<string, Promise<unknown>>();

  constructor(needs: EmbeddedNeeds) {
    this.#needs = needs;
    this.#roots = openRootStore(needs.database);
  }

  /** Its blocks are the node's own. */
  async ready(): Promise<void> {}
  check(root: CID): void {
    checkPinCid(root);
  }
  pin(root: CID, options: PinOptions): Promise<PinSize> {
    return this.#inTurn(root, async () => {
      checkPinCid(root);
      const key = keyOf(root);
      const done = this.#roots.sizeOf(key);
      if (done !== undefined && options.again !== true) {
        if (done.bytes > options.maxBytes) throw tooBig(root, options);
        return done;
      }
      const id = this.#roots.begin(key);
      const walk = new Walk(this.#needs, { root, id, roots: this.#roots, options, settled: this.#settled });
      const size = await walk.run();
      this.#roots.finish(id, size);
      return size;
    });
  }
  unpin(root: CID): Promise<void> {
    return this.#inTurn(root, async () => {
      const id = this.#roots.idOf(keyOf(root));
      if (id === undefined) return;
      this.#roots.unfinish(id); // what is left after a crash is no pin any more, and goes with the next removal
      for (;;) {
        const orphans = this.#roots.release(id, limits.pinRowsAtOnce);
        if (orphans === undefined) return;
        for (const bytes of orphans) await this.#deleteIfFree(cidFromBytes(bytes));
      }
    });
  }
  async isPinned(root: CID): Promise<boolean> {
    return this.#roots.sizeOf(keyOf(root)) !== undefined;
  }
  async block(cid: CID): Promise<Uint8Array | undefined> {
    const { code, digest } = cid.multihash;
    return code === identityCode ? digest : this.#needs.blocks.get(cid);
  }
  async sizeBytes(cid: CID): Promise<number | undefined> {
    const { code, digest } = cid.multihash;
    return code === identityCode ? digest.length : this.#needs.blocks.sizeBytes(cid);
  }
  async usage(): Promise<PinUsage> {
    const { blocks } = this.#needs;
    return { usedBytes: await blocks.usedBytes(), quotaBytes: blocks.quotaBytes };
  }
  async collect(signal: Cancel): Promise<PinSize> {
    let [blocks, bytes] = [0, 0];
    for await (const cid of this.#needs.blocks.list()) {
      signal.throwIfAborted();
      const freed = await this.#deleteIfFree(cid);
      if (freed > 0) blocks += 1;
      bytes += freed;
    }
    return { blocks, bytes };
  }
  async delegates(): Promise<readonly string[]> {
    return this.#needs.addresses();
  }
  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.allSettled([...this.#turns.values()]);
  }

  /** Looks and begins in one step: a row that comes later finds it among those that are being deleted. */
  async #deleteIfFree(cid: CID): Promise<number> {
    const key = textKey(cid);
    await this.#deleting.get(key);
    if (this.#roots.needs(keyOf(cid))) return 0;
    const deleted = this.#needs.blocks.delete(cid, () => this.#roots.needs(keyOf(cid)));
    this.#deleting.set(key, deleted);
    try {
      return await deleted;
    } finally {
      if (this.#deleting.get(key) === deleted) this.#deleting.delete(key);
    }
  }
  readonly #settled = async (cid: CID): Promise<void> => {
    await this.#deleting.get(textKey(cid))?.catch(() => undefined);
  };

  #inTurn<Result>(root: CID, work: () => Promise<Result>): Promise<Result> {
    const key = textKey(root);
    const turn = (this.#turns.get(key) ?? Promise.resolve()).then(work, work);
    const settled = turn.then(
      () => undefined,
      () => undefined,
    );
    this.#turns.set(key, settled);
    void settled.then(() => {
      if (this.#turns.get(key) === settled) this.#turns.delete(key);
    });
    return turn;
  }
}

const tooBig = (root: CID, { maxBytes }: Pick<PinOptions, "maxBytes">): Error =>
  pinErrors.tooBig({ cid: root.toString(), maxBytes });

interface WalkTask {
  readonly root: CID;
  /** Of the root in the tables. */
  readonly id: number;
  readonly roots: RootStore;
  readonly options: PinOptions;
  /** Waits for a removal of the block that is under way. */
  readonly settled: (cid: CID) => Promise<void>;
}

/** Every block that a root reaches, several at a time, in no order: those found last go first, so that little waits. */
class Walk {
  readonly #needs: EmbeddedNeeds;
  readonly #task: WalkTask;
  readonly #seen = new Set<string>();
  readonly #waiting: CID[] = [];
  readonly #stop = new AbortController();
  readonly #settling: Settling;
  #fetch: Promise<BlockFetch> | undefined;
  #failure: { readonly error: unknown } | undefined;
  #running = 0;
  #blocks = 0;
  #bytes = 0;

  constructor(needs: EmbeddedNeeds, task: WalkTask) {
    this.#needs = needs;
    this.#task = task;
    this.#settling = new Settling(needs.blocks);
  }

  async run(): Promise<PinSize> {
    const { root, options } = this.#task;
    const { signal } = options;
    signal.throwIfAborted();
    const onAbort = (): void => this.#fail(signal.reason);
    signal.addEventListener("abort", onAbort, { once: true });
    const { promise, resolve } = Promise.withResolvers<void>();
    try {
      this.#found([root]);
      this.#fill(resolve);
      await promise;
    } finally {
      signal.removeEventListener("abort", onAbort);
      this.#stop.abort(pinErrors.ended({}));
      await this.#settling.ended();
    }
    if (this.#failure !== undefined) throw this.#failure.error;
    await this.#settling.done();
    return { blocks: this.#blocks, bytes: this.#bytes };
  }

  #fail(error: unknown): void {
    this.#failure ??= { error };
    this.#waiting.length = 0;
    this.#stop.abort(error);
  }

  /** New ones are the root's from now on, before they are looked for. */
  #found(cids: readonly CID[]): void {
    const { root, id, roots } = this.#task;
    const keys: Uint8Array[] = [];
    for (const cid of cids) {
      const key = textKey(cid);
      if (this.#seen.has(key)) continue;
      const limit = limits.pinBlocks;
      if (this.#seen.size >= limit) throw pinErrors.tooManyBlocks({ cid: root.toString(), limit });
      this.#seen.add(key);
      this.#waiting.push(cid);
      if (cid.multihash.code !== identityCode) keys.push(keyOf(cid));
    }
    if (keys.length > 0) roots.need(id, keys);
  }

  #fill(done: () => void): void {
    while (this.#running < limits.pinBlocksAtOnce) {
      const cid = this.#waiting.pop();
      if (cid === undefined) break;
      this.#running += 1;
      this.#take(cid)
        .catch((error: unknown) => this.#fail(error))
        .finally(() => {
          this.#running -= 1;
          this.#fill(done);
        });
    }
    if (this.#running === 0 && this.#waiting.length === 0) done();
  }

  async #take(cid: CID): Promise<void> {
    const { options, root } = this.#task;
    if (this.#failure !== undefined) return;
    const bytes = await this.#bytesOf(cid);
    if (this.#failure !== undefined) return;
    this.#blocks += 1;
    this.#bytes += bytes.length;
    if (this.#bytes > options.maxBytes) throw tooBig(root, options);
    options.progress({ blocks: this.#blocks, bytes: this.#bytes });
    this.#found([...linksOf(cid, bytes)].reverse());
  }

  async #bytesOf(cid: CID): Promise<Uint8Array> {
    const { code, digest } = cid.multihash;
    if (code === identityCode) return digest;
    const { blocks } = this.#needs;
    await this.#task.settled(cid);
    const here = await blocks.get(cid);
    if (here !== undefined) {
      this.#settling.add(cid); // a walk before this one may have left a copy
      return here;
    }
    const { signal } = this.#stop;
    this.#fetch ??= this.#needs.fetch(this.#task.root, this.#task.options.origins, signal);
    const fetched = this.#fetch.then((from) => from.get(cid, signal));
    const bytes = await abortable(signal, fetched);
    if (bytes === undefined) throw pinErrors.blockMissing({ cid: cid.toString() });
    if (!verifyCid(cid, bytes)) throw pinErrors.corruptBlock({ cid: cid.toString() });
    try {
      await blocks.put(cid, bytes, { isVerified: true, isCopy: true });
      this.#settling.add(cid);
    } catch (error) {
      if (!(error instanceof HoldfastError && error.code === "retrieval/quota-full")) throw error;
      const { quotaBytes } = blocks;
      throw pinErrors.noRoom({ usedBytes: await blocks.usedBytes(), quotaBytes }, error);
    }
    return bytes;
  }
}
