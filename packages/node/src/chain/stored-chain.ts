/**
 * The chain over its database. Invariant: everything below the head is complete on disk before the head moves, so a
 * kill at any point loses nothing; and what is said to be held is held.
 */
import {
  type AttoFil,
  assert,
  attoFil,
  type CID,
  decode,
  encode,
  type Logger,
  utf8Bytes,
  utf8Text,
} from "@holdfast/base";
import {
  type BlockHeader,
  blockCid,
  blockHeaderCodec,
  createRandomness,
  createTipset,
  type FullBlock,
  messageCid,
  type NetworkParams,
  networkIdOfGenesis,
  type ProtocolState,
  type Protocols,
  protocolAt,
  type RandomnessSource,
  type Receipt,
  readProtocol,
  type SignedMessage,
  type Tipset,
  tipsetKey,
  type Upgrade,
  unknownUpgrade,
} from "@holdfast/consensus";
import { Bounded } from "../bounded.ts";
import type { Held } from "../held.ts";
import { limits } from "../limits.ts";
import { type Checkpoint, checkAgainst, checkpointText, type PlacedTipset } from "./checkpoint.ts";
import { chainErrors } from "./errors.ts";
import type { ChainDatabase } from "./needs.ts";
import { placeFacts } from "./place.ts";
import {
  bodyCodec,
  decodeHorizon,
  encodeHorizon,
  type Horizon,
  type MessageResult,
  metaKeys,
  recordLimits,
  resultsCodec,
  type TipsetRecord,
  tipsetRecordCodec,
} from "./record.ts";
import type { Chain, HeadChange, ValidatedTipset } from "./types.ts";

interface Known {
  readonly tipset: Tipset;
  readonly record: TipsetRecord;
}

export class StoredChain implements Chain {
  readonly checkpoint: Checkpoint | undefined;
  readonly protocols: Protocols | undefined;
  readonly networkId: Uint8Array;
  readonly genesis: Tipset;
  readonly genesisTimestampMs: number;
  readonly genesisTotal: AttoFil;
  readonly store: ChainDatabase;
  readonly #logger: Logger;
  readonly #cache = new Bounded<Known>(limits.cachedTipsets);
  readonly #bodies = new Bounded<FullBlock>(limits.cachedBodies);
  readonly #listeners = new Set<(change: HeadChange) => void>();
  #head: Tipset;
  #horizon: Horizon;
  #holds = 0;
  /** The rules by the head they belong to. */
  #rules: { readonly head: string; readonly held: ProtocolState; readonly params: NetworkParams } | undefined;

  /** Errors: `chain/not-on-checkpoint`. */
  constructor(database: ChainDatabase, logger: Logger, checkpoint?: Checkpoint, protocols?: Protocols) {
    this.protocols = protocols;
    this.store = database;
    this.checkpoint = checkpoint;
    this.#horizon = decodeHorizon(database.getMeta(metaKeys.horizon));
    this.#logger = logger;
    this.genesis = this.#must(this.#metaText(metaKeys.genesis)).tipset;
    this.#head = this.#must(this.#metaText(metaKeys.head)).tipset;
    const [genesisCid] = this.genesis.cids;
    assert(genesisCid !== undefined, "a genesis is one block");
    this.networkId = networkIdOfGenesis(genesisCid);
    this.genesisTimestampMs = this.genesis.blocks[0]?.timestampMs ?? 0;
    this.genesisTotal = attoFil(BigInt(this.#metaText(metaKeys.genesisTotal)));
    if (checkpoint === undefined || this.#passes(this.#head, checkpoint)) return;
    throw chainErrors.notOnCheckpoint({ checkpoint: checkpointText(checkpoint), height: this.#head.height });
  }

  get params(): NetworkParams {
    return this.#rulesOfHead().params;
  }
  protocol(): ProtocolState {
    return this.#rulesOfHead().held;
  }
  unknownUpgrade(height: number): Upgrade | undefined {
    return unknownUpgrade(this.protocol(), this.protocols, height);
  }
  #rulesOfHead() {
    const { key, height } = this.#head;
    if (this.#rules?.head === key) return this.#rules;
    const held = readProtocol(this.store, this.#must(key).record.stateRoot);
    this.#rules = { head: key, held, params: protocolAt(held, height + 1).params };
    return this.#rules;
  }

  head(): Tipset {
    return this.#head;
  }
  headState(): { state: CID; tipset: Tipset } {
    return { state: this.#must(this.#head.key).record.stateRoot, tipset: this.#head };
  }
  tipset(key: string): Tipset | undefined {
    return this.#find(key)?.tipset;
  }
  fullBlock(cid: CID): FullBlock | undefined {
    const name = cid.toString();
    const cached = this.#bodies.get(name);
    if (cached !== undefined) return cached;
    const bytes = this.store.getMeta(metaKeys.body(cid));
    const header = bytes === undefined ? undefined : this.header(cid);
    if (bytes === undefined || header === undefined) return undefined;
    const block = { header, messages: decode(bodyCodec, bytes, recordLimits) };
    this.#bodies.set(name, block);
    return block;
  }
  requireBlock(cid: CID): FullBlock | undefined {
    const block = this.fullBlock(cid);
    const header = block === undefined ? this.header(cid) : undefined;
    if (header === undefined) return block;
    throw chainErrors.pruned({ what: "messages", height: header.height, from: this.#horizon.bodiesFrom });
  }
  header(cid: CID): BlockHeader | undefined {
    const bytes = this.store.getMeta(metaKeys.header(cid));
    return bytes === undefined ? undefined : decode(blockHeaderCodec, bytes);
  }
  fullBlocks(key: string): readonly FullBlock[] | undefined {
    const known = this.#find(key);
    if (known === undefined) return undefined;
    const blocks = known.tipset.blocks.map((header) => this.fullBlock(blockCid(header)));
    return blocks.every((block) => block !== undefined) ? blocks : undefined;
  }
  hasBlock(cid: CID): boolean {
    return this.store.getMeta(metaKeys.body(cid)) !== undefined;
  }
  stateAfter(key: string): CID | undefined {
    const known = this.#find(key);
    return known === undefined || !this.#holdsState(known.tipset) ? undefined : known.record.stateRoot;
  }
  stateOf(tipset: Tipset): CID {
    const { record } = this.#must(tipset.key);
    if (this.#holdsState(tipset)) return record.stateRoot;
    throw chainErrors.pruned({ what: "state", height: tipset.height, from: this.#horizon.statesFrom });
  }
  horizon(): Horizon {
    return this.#horizon;
  }
  /** Of states and bodies that are about to go, this is said before the first one does. */
  async raiseHorizon(next: Horizon): Promise<void> {
    const facts = new Map<string, Uint8Array>([[metaKeys.horizon, encodeHorizon(next)]]);
    const { checkpoint } = this;
    const isHeld = checkpoint !== undefined && checkpoint.height >= this.#horizon.statesFrom;
    if (isHeld && this.tipset(checkpoint.key) !== undefined)
      facts.set(metaKeys.kept, utf8Bytes(checkpoint.key));
    await this.store.commit(facts);
    this.#horizon = next;
    this.#bodies.clear();
  }
  /** Tipsets below the horizon whose states are held: a checkpoint that was named while its state was here. */
  keptBelow(): readonly string[] {
    const key = this.#metaText(metaKeys.kept);
    return key !== "" && key === this.checkpoint?.key ? [key] : [];
  }
  checkCheckpoint(tipset: PlacedTipset, parent: Pick<PlacedTipset, "key" | "height"> | undefined): void {
    checkAgainst(this.checkpoint, tipset, parent);
  }
  get isHeld(): boolean {
    return this.#holds > 0;
  }
  async hold(): Promise<Disposable> {
    this.#holds += 1;
    let isHeld = true;
    const hold = {
      [Symbol.dispose]: () => {
        if (isHeld) this.#holds -= 1;
        isHeld = false;
      },
    };
    try {
      // What was being removed is gone when whoever holds begins to look.
      await this.store.commit(new Map());
      return hold;
    } catch (error) {
      hold[Symbol.dispose]();
      throw error;
    }
  }
  held(): readonly Held[] {
    return [
      { what: "chain tipsets", count: this.#cache.size, most: limits.cachedTipsets },
      { what: "chain bodies", count: this.#bodies.size, most: limits.cachedBodies },
    ];
  }
  weightOf(key: string): bigint | undefined {
    return this.#find(key)?.record.weight;
  }
  resultsOf(key: string): readonly MessageResult[] {
    return this.#results(this.#must(key).tipset) ?? [];
  }

  async addValidated({ tipset, blocks, stateRoot, results, weight }: ValidatedTipset): Promise<void> {
    const parent = this.parentOf(tipset);
    this.checkCheckpoint(tipset, parent);
    // A state that is executed on one that is being removed would lack what it shares with it.
    if (parent !== undefined && !this.#holdsState(parent))
      throw chainErrors.belowHorizon({ height: parent.height, from: this.#horizon.statesFrom });
    const { cids, height, parents } = tipset;
    const record: TipsetRecord = { cids, height, parents, stateRoot, weight };
    const meta = new Map([
      [metaKeys.tipset(tipset.key), encode(tipsetRecordCodec, record)],
      [metaKeys.results(tipset.key), encode(resultsCodec, results)],
      ...placeFacts(this.store, tipset),
    ]);
    for (const block of blocks) {
      const cid = blockCid(block.header);
      meta.set(metaKeys.header(cid), encode(blockHeaderCodec, block.header));
      meta.set(metaKeys.body(cid), encode(bodyCodec, block.messages));
    }
    await this.store.commit(meta);
    this.#cache.set(tipset.key, { tipset, record });
    for (const block of blocks) this.#bodies.set(blockCid(block.header).toString(), block);
  }

  /** The head of a chain that began at a checkpoint: everything below it is here, and nobody has watched it come. */
  async beginAt(key: string, horizon: Horizon): Promise<void> {
    const { tipset } = this.#must(key);
    const head = new Map<string, Uint8Array | null>([[metaKeys.head, utf8Bytes(key)]]);
    await this.store.commit(head.set(metaKeys.beginning, null));
    [this.#horizon, this.#head] = [horizon, tipset];
  }

  async setHead(key: string): Promise<HeadChange> {
    const to = this.#must(key).tipset;
    if (this.checkpoint !== undefined && !this.#passes(to, this.checkpoint)) {
      const checkpoint = checkpointText(this.checkpoint);
      throw chainErrors.contradictsCheckpoint({ height: to.height, checkpoint });
    }
    const from = this.#head;
    const change = { from, to, ...this.#pathBetween(from, to) };
    const meta = new Map<string, Uint8Array | null>([[metaKeys.head, utf8Bytes(key)]]);
    for (const gone of change.reverted) {
      meta.set(metaKeys.height(gone.height), null);
      for (const { message } of this.resultsOf(gone.key))
        meta.set(metaKeys.message(message.toString()), null);
    }
    for (const come of change.applied) {
      meta.set(metaKeys.height(come.height), utf8Bytes(come.key));
      for (const { message } of this.resultsOf(come.key)) {
        meta.set(metaKeys.message(message.toString()), utf8Bytes(come.key));
      }
    }
    await this.store.commit(meta);
    this.#head = to;
    const [newest] = change.reverted;
    // A wider tipset of the same blocks is no reorganisation.
    if (newest !== undefined && !newest.cids.every((cid) => to.cids.some((other) => other.equals(cid)))) {
      this.#logger.info("reorganised", { depth: change.reverted.length, height: to.height });
    }
    for (const listener of [...this.#listeners]) this.#tell(listener, change);
    return change;
  }

  /** The head has moved: a room that fails must not make that look otherwise, nor keep it from the others. */
  #tell(listener: (change: HeadChange) => void, change: HeadChange): void {
    try {
      listener(change);
    } catch (error) {
      const detail = error instanceof Error ? (error.stack ?? error.message) : String(error);
      this.#logger.error("a room failed at a new head", { height: change.to.height, detail });
    }
  }

  onHead(listener: (change: HeadChange) => void): () => void {
    this.#listeners.add(listener);
    return () => void this.#listeners.delete(listener);
  }

  *ancestors(from: Tipset): Iterable<Tipset> {
    for (let at: Tipset | undefined = from; at !== undefined; at = this.parentOf(at)) yield at;
  }
  parentOf(tipset: Tipset): Tipset | undefined {
    return tipset.parents.length === 0 ? undefined : this.tipset(tipsetKey(tipset.parents));
  }

  tipsetAt(height: number, below: Tipset = this.#head): Tipset {
    for (const tipset of this.ancestors(below)) {
      if (tipset.height <= height) return tipset;
      const indexed = this.#indexedBelow(tipset, height);
      if (indexed !== undefined) return indexed;
    }
    return this.genesis;
  }

  randomnessBelow(tipset: Tipset): RandomnessSource {
    return createRandomness((at) => this.tipsetAt(at, tipset).minTicket);
  }

  tipsetOfMessage(cid: CID): Tipset | undefined {
    const key = this.store.getMeta(metaKeys.message(cid.toString()));
    return key === undefined ? undefined : this.#must(utf8Text(key)).tipset;
  }
  findMessage(cid: CID): { tipset: Tipset; receipt: Receipt; message: SignedMessage } | undefined {
    const tipset = this.tipsetOfMessage(cid);
    if (tipset === undefined) return undefined;
    const results = this.#results(tipset);
    if (results === undefined || this.fullBlocks(tipset.key) === undefined) {
      const from = this.#horizon.bodiesFrom;
      throw chainErrors.pruned({ what: "receipts", height: tipset.height, from });
    }
    const result = results.find((entry) => entry.message.equals(cid));
    const message = this.messagesOf(tipset).find((signed) => messageCid(signed).equals(cid));
    if (result === undefined || message === undefined) return undefined;
    return { tipset, receipt: result.receipt, message };
  }
  messagesOf(tipset: Tipset): readonly SignedMessage[] {
    return (this.fullBlocks(tipset.key) ?? []).flatMap((block) => block.messages);
  }

  /** Jumps through the height index once `tipset` is on the current chain. */
  #indexedBelow(tipset: Tipset, height: number): Tipset | undefined {
    const own = this.store.getMeta(metaKeys.height(tipset.height));
    if (own === undefined || utf8Text(own) !== tipset.key) return undefined;
    const found = this.store.getMeta(metaKeys.height(height));
    return found === undefined ? undefined : this.tipset(utf8Text(found));
  }

  #pathBetween(from: Tipset, to: Tipset): { reverted: Tipset[]; applied: Tipset[] } {
    const reverted: Tipset[] = [];
    const applied: Tipset[] = [];
    let left: Tipset | undefined = from;
    let right: Tipset | undefined = to;
    while (left !== undefined && right !== undefined && left.key !== right.key) {
      if (left.height >= right.height) {
        reverted.push(left);
        left = this.parentOf(left);
      } else {
        applied.unshift(right);
        right = this.parentOf(right);
      }
    }
    return { reverted, applied };
  }

  #find(key: string): Known | undefined {
    const cached = this.#cache.get(key);
    if (cached !== undefined) return cached;
    const bytes = this.store.getMeta(metaKeys.tipset(key));
    if (bytes === undefined) return undefined;
    const record = decode(tipsetRecordCodec, bytes, recordLimits);
    const known = { tipset: createTipset(record.cids.flatMap((cid) => this.header(cid) ?? [])), record };
    this.#cache.set(key, known);
    return known;
  }
  /** The genesis stays whole: every node has its file. */
  #holdsState(tipset: Tipset): boolean {
    const { key, height } = tipset;
    return height >= this.#horizon.statesFrom || key === this.genesis.key || this.keptBelow().includes(key);
  }
  #results(tipset: Tipset): readonly MessageResult[] | undefined {
    const bytes = this.store.getMeta(metaKeys.results(tipset.key));
    return bytes === undefined ? undefined : decode(resultsCodec, bytes, recordLimits);
  }
  /** Whether the chain that ends in a tipset has the checkpoint, as far as it is that high. */
  #passes(end: Tipset, checkpoint: Checkpoint): boolean {
    if (end.height < checkpoint.height) return true;
    const at = this.tipsetAt(checkpoint.height, end);
    const isPart = at === end && at.cids.every((cid) => checkpoint.cids.some((known) => known.equals(cid)));
    return at.height === checkpoint.height && (at.key === checkpoint.key || isPart);
  }
  #must(key: string): Known {
    const known = this.#find(key);
    if (known === undefined) throw chainErrors.unknownTipset({ key });
    return known;
  }
  #metaText(name: string): string {
    const bytes = this.store.getMeta(name);
    return bytes === undefined ? "" : utf8Text(bytes);
  }
}
