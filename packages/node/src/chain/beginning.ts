/**
 * Beginning at a checkpoint with what peers give: headers down to the genesis, the state before the checkpoint object
 * for object, and then the records of the tipsets, as a snapshot has them. What is believed is the checkpoint; all
 * else has a hash that leads there. Invariants: while it lasts the head is the genesis and no tipset is known that was
 * not executed; what has come is on the disk and is not asked for again after a kill; the head moves in one commit,
 * when everything below it is here.
 */
import { type CID, decode, encode, utf8Bytes, utf8Text } from "@holdfast/base";
import {
  type BlockHeader,
  blockCid,
  blockHeaderCodec,
  createTipset,
  moneyInvariant,
  type Tipset,
  tipsetKey,
} from "@holdfast/consensus";
import { limits } from "../limits.ts";
import { type Checkpoint, checkpointText } from "./checkpoint.ts";
import { DigestSet } from "./digest-set.ts";
import { chainErrors } from "./errors.ts";
import { placeFact } from "./place.ts";
import { encodeHorizon, metaKeys, tipsetRecordCodec } from "./record.ts";
import type { StoredChain } from "./stored-chain.ts";
import { linksOf } from "./walk.ts";

/** Tipsets of headers that are written at once. */
const tipsetsPerCommit = 256;
/** Objects that are looked at before the node does its other work. */
const objectsPerSlice = 512;

export class Beginning {
  readonly checkpoint: Checkpoint;
  readonly #chain: StoredChain;
  readonly #seen = new DigestSet();
  readonly #wanted = new Map<string, CID>();
  #stack: CID[] | undefined;
  #child: Tipset | undefined;
  #headersLeft: readonly CID[] | undefined;
  #uncommittedBytes = 0;
  headers = 0;
  objects = 0;
  bytes = 0;

  private constructor(chain: StoredChain, checkpoint: Checkpoint) {
    this.#chain = chain;
    this.checkpoint = checkpoint;
    this.#headersLeft = checkpoint.cids;
  }

  /**
   * Undefined if the chain has begun, has no checkpoint above the genesis, or shall not begin so.
   * Error `chain/beginning-cut`: it was about to begin at another checkpoint and was not finished.
   */
  static of(chain: StoredChain, isWanted: boolean): Beginning | undefined {
    const noted = chain.store.getMeta(metaKeys.beginning);
    const { checkpoint } = chain;
    if (noted !== undefined && (checkpoint === undefined || utf8Text(noted) !== checkpointText(checkpoint)))
      throw chainErrors.beginningCut({ checkpoint: utf8Text(noted) });
    if (checkpoint === undefined || checkpoint.height === 0 || chain.head().height > 0) return undefined;
    if (noted === undefined && !isWanted) return undefined;
    const begun = new Beginning(chain, checkpoint);
    begun.#resumeHeaders();
    return begun;
  }

  get isCut(): boolean {
    return this.#chain.store.getMeta(metaKeys.beginning) !== undefined;
  }
  hold(): Promise<Disposable> {
    return this.#chain.hold();
  }

  /** What is here already is followed down. */
  #resumeHeaders(): void {
    for (;;) {
      const cids = this.#headersLeft;
      const headers = cids?.map((cid) => this.#chain.header(cid));
      if (cids === undefined || headers === undefined || !headers.every((header) => header !== undefined))
        return;
      this.#link(createTipset(headers), cids);
    }
  }

  /** The tipset whose headers are missing, from which on downwards; undefined when all are here. */
  get missingHeaders(): readonly CID[] | undefined {
    return this.#headersLeft;
  }

  /** Newest first, from the missing one down. Error `chain/beginning-foreign`. */
  async addHeaders(tipsets: readonly (readonly BlockHeader[])[]): Promise<void> {
    const facts = new Map<string, Uint8Array>();
    for (const headers of tipsets) {
      if (this.#headersLeft === undefined) break;
      const tipset = createTipset(headers);
      for (const header of headers)
        facts.set(metaKeys.header(blockCid(header)), encode(blockHeaderCodec, header));
      this.#link(tipset, this.#headersLeft);
    }
    await this.#chain.store.commit(facts);
  }

  #link(tipset: Tipset, expected: readonly CID[]): void {
    const child = this.#child;
    if (tipset.key !== tipsetKey(expected)) throw this.#foreign("a header has another name than it should");
    if (child === undefined && tipset.height !== this.checkpoint.height)
      throw this.#foreign(`the checkpoint's blocks are of height ${tipset.height}`);
    if (child !== undefined) checkLink(child, tipset, this.#chain);
    this.#child = tipset;
    this.headers += tipset.cids.length;
    if (tipset.height > 0) this.#headersLeft = tipset.parents;
    else if (tipset.key === this.#chain.genesis.key) this.#headersLeft = undefined;
    else throw this.#foreign("its first block is another genesis");
  }

  #foreign(detail: string): Error {
    return chainErrors.beginningForeign({ checkpoint: checkpointText(this.checkpoint), detail });
  }

  /**
   * Objects of the state that are not here, at most so many; none if it is complete. `isSlice`: there is more to look
   * at among what is here. Error `chain/too-many-objects`.
   */
  missingObjects(count: number): { readonly cids: readonly CID[]; readonly isSlice: boolean } {
    this.#stack ??= [this.#rootTipset().parentState];
    let looked = 0;
    while (this.#stack.length > 0 && this.#wanted.size < count && looked < objectsPerSlice) {
      const cid = this.#stack.pop();
      if (cid === undefined || !this.#seen.add(cid.bytes)) continue;
      looked += 1;
      const bytes = this.#chain.store.get(cid);
      if (bytes === undefined) this.#wanted.set(cid.toString(), cid);
      else this.#follow(bytes);
    }
    const cids = [...this.#wanted.values()].slice(0, count);
    return { cids, isSlice: this.#stack.length > 0 && cids.length < count };
  }

  /** Those that were missing, by their hash; others are not taken. */
  async addObjects(found: ReadonlyMap<string, Uint8Array>): Promise<void> {
    for (const [name, bytes] of found) {
      const cid = this.#wanted.get(name);
      if (cid === undefined) continue;
      this.#wanted.delete(name);
      this.#chain.store.put(cid, bytes);
      this.objects += 1;
      this.bytes += bytes.length;
      this.#uncommittedBytes += bytes.length;
      this.#follow(bytes);
    }
    if (this.#uncommittedBytes < limits.snapshotCommitBytes) return;
    await this.#chain.store.commit(new Map());
    this.#uncommittedBytes = 0;
  }

  #follow(bytes: Uint8Array): void {
    const stack = this.#stack ?? [];
    stack.push(...linksOf(bytes).reverse());
    if (stack.length > limits.snapshotPendingLinks)
      throw this.#foreign("an object of its state has too many links");
  }

  /** In the order of the checkpoint's CIDs. */
  rootHeaders(): readonly BlockHeader[] {
    return this.checkpoint.cids.flatMap((cid) => this.#chain.header(cid) ?? []);
  }
  #rootTipset(): Tipset {
    return createTipset(this.rootHeaders());
  }

  /**
   * Everything is here: the parents of the checkpoint become the head. The checkpoint itself remains to be executed.
   * Error `chain/beginning-foreign`: the state's money is not the genesis'.
   */
  async finish(pause: () => Promise<void>): Promise<void> {
    const chain = this.#chain;
    const { store } = chain;
    const root = this.#rootTipset();
    this.#checkMoney(root);
    await store.commit(new Map([[metaKeys.beginning, utf8Bytes(checkpointText(this.checkpoint))]]));
    const parent = this.#tipsetOf(root.parents);
    const horizon = { statesFrom: parent.height, bodiesFrom: root.height };
    let facts = new Map<string, Uint8Array>();
    for (let child = root; child.height > 0; ) {
      const at = this.#tipsetOf(child.parents);
      const { cids, height, parents } = at;
      if (height > 0) {
        const record = { cids, height, parents, stateRoot: child.parentState, weight: child.parentWeight };
        facts.set(metaKeys.tipset(at.key), encode(tipsetRecordCodec, record));
        facts.set(metaKeys.height(height), utf8Bytes(at.key));
        if (child === root) facts.set(...placeFact(store, at));
      }
      if (facts.size > 2 * tipsetsPerCommit) {
        await store.commit(facts);
        facts = new Map();
        await pause();
      }
      child = at;
    }
    await store.commit(facts.set(metaKeys.horizon, encodeHorizon(horizon)));
    await chain.beginAt(parent.key, horizon);
  }

  #checkMoney({ parentState }: Tipset): void {
    const { total } = moneyInvariant(this.#chain.store, parentState);
    if (total !== this.#chain.genesisTotal)
      throw this.#foreign(`its state holds ${total} attoFIL, the genesis ${this.#chain.genesisTotal}`);
  }

  #tipsetOf(cids: readonly CID[]): Tipset {
    const headers = cids.map((cid) => {
      const bytes = this.#chain.store.getMeta(metaKeys.header(cid));
      if (bytes === undefined) throw chainErrors.unknownTipset({ key: cids.join(",") });
      return decode(blockHeaderCodec, bytes);
    });
    return createTipset(headers);
  }
}

/** What a header says about its parents, beside what only their execution shows. Error `chain/beginning-foreign`. */
function checkLink(child: Tipset, parent: Tipset, chain: StoredChain): void {
  const [only] = parent.blocks.length === 1 ? parent.blocks : [];
  const isOfGenesis = parent.height === 0;
  const state = only?.stateRoot;
  const isLinked =
    child.height > parent.height &&
    (state === undefined || state.equals(child.parentState)) &&
    (isOfGenesis ? child.parentWeight === 0n : child.parentWeight > parent.parentWeight);
  if (isLinked) return;
  const checkpoint = chain.checkpoint === undefined ? "" : checkpointText(chain.checkpoint);
  throw chainErrors.beginningForeign({
    checkpoint,
    detail: `height ${child.height} does not fit its parents`,
  });
}
