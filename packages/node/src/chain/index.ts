/**
 * The chain of one node: executed tipsets, the head, and the index of the current chain. It stores and
 * answers; what is valid is decided in `sync` by the rules of `consensus`. Invariant: everything below
 * the head is complete on disk before the head moves, so a kill at any point loses nothing.
 */
import {
  type AttoFil,
  assert,
  attoFil,
  type Blockstore,
  type CID,
  decode,
  encode,
  type Logger,
  utf8Bytes,
  utf8Text,
} from "@holdfast/base";
import {
  blockCid,
  createRandomness,
  createTipset,
  type FullBlock,
  fullBlockCodec,
  messageCid,
  moneyInvariant,
  type NetworkParams,
  networkIdOfGenesis,
  type RandomnessSource,
  type Receipt,
  readNetworkParams,
  type SignedMessage,
  type Tipset,
  tipsetKey,
} from "@holdfast/consensus";
import { Bounded } from "../bounded.ts";
import { chainErrors } from "./errors.ts";
import type { ChainDatabase } from "./needs.ts";
import {
  type MessageResult,
  metaKeys,
  recordLimits,
  type TipsetRecord,
  tipsetRecordCodec,
} from "./record.ts";

export { memoryDatabase, openLevelDatabase } from "./database.ts";
export { chainErrors } from "./errors.ts";
export type { ChainDatabase } from "./needs.ts";
export type { MessageResult } from "./record.ts";

/** Decoded tipsets kept in memory: more than finality, below which only single heights are looked up. */
const cachedTipsets = 256;
/** Decoded bodies kept in memory: every room looks at the newest tipset. */
const cachedBodies = 16;

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
  readonly params: NetworkParams;
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
  hasBlock(cid: CID): boolean;
  stateAfter(key: string): CID | undefined;
  weightOf(key: string): bigint | undefined;
  resultsOf(key: string): readonly MessageResult[];
  addValidated(validated: ValidatedTipset): Promise<void>;
  /** Errors: `chain/unknown-tipset`. */
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
  /** On the current chain only. */
  findMessage(
    cid: CID,
  ): { readonly tipset: Tipset; readonly receipt: Receipt; readonly message: SignedMessage } | undefined;
  messagesOf(tipset: Tipset): readonly SignedMessage[];
}

export interface ChainOptions {
  readonly database: ChainDatabase;
  /** Needed when the database is empty; checked against it otherwise. */
  readonly genesis?: { readonly block: FullBlock; readonly stateRoot: CID };
  readonly logger: Logger;
}

/** Errors: `chain/no-genesis`, `chain/wrong-genesis`. The genesis state must lie in the database already. */
export async function openChain({ database, genesis, logger }: ChainOptions): Promise<Chain> {
  const known = database.getMeta(metaKeys.genesis);
  if (genesis !== undefined) {
    const cid = blockCid(genesis.block.header).toString();
    if (known === undefined) await writeGenesis(database, genesis);
    else if (utf8Text(known) !== cid)
      throw chainErrors.wrongGenesis({ found: utf8Text(known), expected: cid });
  } else if (known === undefined) throw chainErrors.noGenesis({});
  return new StoredChain(database, logger);
}

async function writeGenesis(
  database: ChainDatabase,
  genesis: { readonly block: FullBlock; readonly stateRoot: CID },
): Promise<void> {
  const tipset = createTipset([genesis.block.header]);
  const money = moneyInvariant(database, genesis.stateRoot);
  const record: TipsetRecord = {
    cids: tipset.cids,
    height: tipset.height,
    parents: [],
    stateRoot: genesis.stateRoot,
    weight: 0n,
    results: [],
  };
  await database.commit(
    new Map([
      [metaKeys.genesis, utf8Bytes(tipset.key)],
      [metaKeys.genesisTotal, utf8Bytes(money.total.toString())],
      [metaKeys.head, utf8Bytes(tipset.key)],
      [metaKeys.tipset(tipset.key), encode(tipsetRecordCodec, record)],
      [metaKeys.body(blockCid(genesis.block.header)), encode(fullBlockCodec, genesis.block)],
      [metaKeys.height(0), utf8Bytes(tipset.key)],
    ]),
  );
}

interface Known {
  readonly tipset: Tipset;
  readonly record: TipsetRecord;
}

class StoredChain implements Chain {
  readonly params: NetworkParams;
  /** What signatures on this network are bound to. */
  readonly networkId: Uint8Array;
  readonly genesis: Tipset;
  readonly genesisTimestampMs: number;
  readonly genesisTotal: AttoFil;
  readonly store: ChainDatabase;
  readonly #logger: Logger;
  readonly #cache = new Bounded<Known>(cachedTipsets);
  readonly #bodies = new Bounded<FullBlock>(cachedBodies);
  readonly #listeners = new Set<(change: HeadChange) => void>();
  #head: Tipset;

  constructor(database: ChainDatabase, logger: Logger) {
    this.store = database;
    this.#logger = logger;
    this.genesis = this.#must(this.#metaText(metaKeys.genesis)).tipset;
    this.#head = this.#must(this.#metaText(metaKeys.head)).tipset;
    this.networkId = networkIdOfGenesis(this.#genesisCid());
    this.genesisTimestampMs = this.genesis.blocks[0]?.timestampMs ?? 0;
    this.genesisTotal = attoFil(BigInt(this.#metaText(metaKeys.genesisTotal)));
    this.params = readNetworkParams(database, this.#must(this.genesis.key).record.stateRoot);
  }

  #genesisCid(): CID {
    const [cid] = this.genesis.cids;
    assert(cid !== undefined, "a genesis is one block");
    return cid;
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
    if (bytes === undefined) return undefined;
    const block = decode(fullBlockCodec, bytes, recordLimits);
    this.#bodies.set(name, block);
    return block;
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
    return this.#find(key)?.record.stateRoot;
  }
  weightOf(key: string): bigint | undefined {
    return this.#find(key)?.record.weight;
  }
  resultsOf(key: string): readonly MessageResult[] {
    return this.#must(key).record.results;
  }

  async addValidated({ tipset, blocks, stateRoot, results, weight }: ValidatedTipset): Promise<void> {
    const record: TipsetRecord = {
      cids: tipset.cids,
      height: tipset.height,
      parents: tipset.parents,
      stateRoot,
      weight,
      results,
    };
    const meta = new Map([[metaKeys.tipset(tipset.key), encode(tipsetRecordCodec, record)]]);
    for (const block of blocks)
      meta.set(metaKeys.body(blockCid(block.header)), encode(fullBlockCodec, block));
    await this.store.commit(meta);
    this.#cache.set(tipset.key, { tipset, record });
    for (const block of blocks) this.#bodies.set(blockCid(block.header).toString(), block);
  }

  async setHead(key: string): Promise<HeadChange> {
    const to = this.#must(key).tipset;
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
    const { record } = this.#must(tipset.key);
    const result = record.results.find((entry) => entry.message.equals(cid));
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
    const blocks = record.cids.map((cid) => this.fullBlock(cid));
    const headers = blocks.flatMap((block) => (block === undefined ? [] : [block.header]));
    const known = { tipset: createTipset(headers), record };
    this.#cache.set(key, known);
    return known;
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
