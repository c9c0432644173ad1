/**
 * Reading a snapshot into an empty database. The order of a snapshot is fixed, so the reader knows which object must
 * come next: one that is missing, changed, out of place or too many ends it at that byte, and all that is kept was
 * asked for by a header. Memory is bounded by the set of seen objects and one batch of writes.
 *
 * What is believed: that the roots are on the true chain (a checkpoint says so, or whoever gave the file). All else is
 * checked: hashes, the links of headers down to this network's genesis, that the state is complete, that its money is
 * the genesis', and the tipset of the roots itself by executing it. Invariant: the database is worth nothing until
 * `importSnapshot` returns.
 */
import {
  type CID,
  decode,
  encode,
  HoldfastError,
  type Logger,
  MemoryBlockstore,
  utf8Bytes,
} from "@holdfast/base";
import {
  type BlockHeader,
  blockCid,
  blockHeaderCodec,
  createTipset,
  type FullBlock,
  maxMessagesInBody,
  maxParents,
  messageCid,
  messagesRoot,
  moneyInvariant,
  readMessageCids,
  readReceipts,
  type SignedMessage,
  signedMessageCodec,
  type Tipset,
  tipsetKey,
} from "@holdfast/consensus";
import { type CarBlock, readCarOf } from "../car.ts";
import { limits } from "../limits.ts";
import { type Checkpoint, checkAgainst } from "./checkpoint.ts";
import { DigestSet } from "./digest-set.ts";
import { chainErrors } from "./errors.ts";
import type { ChainDatabase } from "./needs.ts";
import { type ChainGenesis, openChain } from "./open.ts";
import { placeFact } from "./place.ts";
import { bodyCodec, encodeHorizon, metaKeys, resultsCodec, tipsetRecordCodec } from "./record.ts";
import { type Manifest, manifestCodec } from "./snapshot.ts";
import { StoredChain } from "./stored-chain.ts";
import { linksOf } from "./walk.ts";

export interface SnapshotImport {
  /** Empty but for the state of the genesis. */
  readonly database: ChainDatabase;
  readonly genesis: ChainGenesis;
  readonly checkpoint?: Checkpoint;
  readonly logger: Logger;
  /** Validates the blocks of one tipset on its parent and adds them to the chain; errors as validation. */
  readonly judge: (chain: StoredChain, blocks: readonly FullBlock[]) => Promise<void>;
  readonly onProgress?: (readBytes: number) => void;
}

export interface ImportedSnapshot {
  readonly chain: StoredChain;
  readonly messageEpochs: number;
  readonly objects: number;
  readonly bytes: number;
}

/**
 * Errors: `chain/snapshot-cut`, `-altered`, `-padded`, `-foreign`, `chain/contradicts-checkpoint`, `car/too-long`,
 * `car/malformed`, `chain/too-many-objects`, `chain/full`.
 */
export async function importSnapshot(
  source: AsyncIterable<Uint8Array>,
  request: SnapshotImport,
): Promise<ImportedSnapshot> {
  try {
    return await new Import(request).run(source);
  } catch (error) {
    throw asRefusal(error);
  }
}

/** What a decoder or a rule finds wrong in an object that its hash vouches for is wrong in the snapshot. */
function asRefusal(error: unknown): unknown {
  if (!(error instanceof HoldfastError)) return error;
  if (error.code === "car/truncated")
    return chainErrors.snapshotCut({ expected: "the rest of an object" }, error);
  const isOfContent = /^(cid|codec|tree|store|tipset|block|message|state|actor)\//.test(error.code);
  return isOfContent || error.code === "car/corrupt" ? altered(error.message, error) : error;
}

const altered = (detail: string, cause?: unknown): HoldfastError =>
  chainErrors.snapshotAltered({ detail }, cause);

/** Tipsets of headers that are written at once. */
const tipsetsPerCommit = 256;

class Import {
  readonly #request: SnapshotImport;
  readonly #seen = new DigestSet();
  #blocks: AsyncIterator<CarBlock> | undefined;
  #objects = 0;
  #bytes = 0;
  #uncommittedBytes = 0;

  constructor(request: SnapshotImport) {
    this.#request = request;
  }

  async run(source: AsyncIterable<Uint8Array>): Promise<ImportedSnapshot> {
    const { database, genesis, checkpoint, logger, judge } = this.#request;
    await openChain({ database, genesis, logger });
    const { roots, blocks } = await readCarOf(source, maxParents);
    this.#blocks = blocks[Symbol.asyncIterator]();
    const manifest = await this.#manifest();
    const root = await this.#headers(roots, manifest);
    const parentKey = tipsetKey(root.parents);
    await this.#walk(root.parentState);
    const bodyOfRoot = await this.#bodies(root, manifest);
    const more = await this.#blocks.next();
    if (more.done !== true) throw chainErrors.snapshotPadded({ found: more.value.cid.toString() });
    this.#checkMoney(root);
    await database.commit(new Map([[metaKeys.head, utf8Bytes(parentKey)]]));
    const chain = new StoredChain(database, logger, checkpoint);
    await judge(chain, bodyOfRoot);
    await chain.setHead(root.key);
    const { messageEpochs } = manifest;
    return { chain, messageEpochs, objects: this.#objects, bytes: this.#bytes };
  }

  /** The next object, which must be this one, or any if it is the first. */
  async #take(expected?: CID): Promise<CarBlock> {
    const next = await this.#blocks?.next();
    if (next === undefined || next.done === true)
      throw chainErrors.snapshotCut({ expected: expected?.toString() ?? "its manifest" });
    const { cid, bytes } = next.value;
    const [found, wanted] = [cid.toString(), expected?.toString()];
    if (wanted !== undefined && found !== wanted)
      throw altered(`it goes on with ${found} where ${wanted} belongs`);
    this.#objects += 1;
    this.#bytes += bytes.length;
    this.#request.onProgress?.(this.#bytes);
    return next.value;
  }

  async #manifest(): Promise<Manifest> {
    const { bytes } = await this.#take();
    const manifest = decode(manifestCodec, bytes);
    const expected = blockCid(this.#request.genesis.block.header).toString();
    const found = manifest.genesis.toString();
    if (found === expected) return manifest;
    throw chainErrors.snapshotForeign({ found, expected });
  }

  /** Down to the genesis, newest first; of each tipset what its child says about it becomes its record. */
  async #headers(roots: readonly CID[], manifest: Manifest): Promise<Tipset> {
    const { database, genesis, checkpoint } = this.#request;
    const own = createTipset([genesis.block.header]);
    const lowestBody = manifest.height - manifest.messageEpochs;
    let facts = new Map<string, Uint8Array>();
    let root: Tipset | undefined;
    let child: Tipset | undefined;
    for (let cids = roots; ; ) {
      const tipset = await this.#tipset(cids, facts);
      if (child !== undefined) {
        checkLink(child, tipset, genesis);
        checkAgainst(checkpoint, child, tipset);
        const { height, parents } = tipset;
        const record = { cids, height, parents, stateRoot: child.parentState, weight: child.parentWeight };
        facts.set(metaKeys.tipset(tipset.key), encode(tipsetRecordCodec, record));
        facts.set(metaKeys.height(height), utf8Bytes(tipset.key));
        if (height > lowestBody || child === root) facts.set(...placeFact(database, tipset));
      } else if (tipset.height !== manifest.height) throw altered("its roots are not of its height");
      root ??= tipset;
      if (facts.size > tipsetsPerCommit || tipset.height === 0) {
        await database.commit(facts);
        facts = new Map();
      }
      if (tipset.height === 0) {
        if (tipset.key === own.key && root !== tipset) break;
        throw chainErrors.snapshotForeign({ found: tipset.key, expected: own.key });
      }
      child = tipset;
      cids = tipset.parents;
    }
    await this.#setHorizon(root, manifest);
    return root;
  }

  async #setHorizon(root: Tipset, { height, messageEpochs }: Manifest): Promise<void> {
    const { database } = this.#request;
    const parent = database.getMeta(metaKeys.tipset(tipsetKey(root.parents)));
    const statesFrom = parent === undefined ? root.height : decode(tipsetRecordCodec, parent).height;
    const bodiesFrom = Math.max(0, height - messageEpochs + 1);
    await database.commit(new Map([[metaKeys.horizon, encodeHorizon({ statesFrom, bodiesFrom })]]));
  }

  async #tipset(cids: readonly CID[], facts: Map<string, Uint8Array>): Promise<Tipset> {
    const headers: BlockHeader[] = [];
    for (const cid of cids) {
      const { bytes } = await this.#take(cid);
      facts.set(metaKeys.header(cid), bytes);
      headers.push(decode(blockHeaderCodec, bytes));
    }
    const tipset = createTipset(headers);
    if (tipset.cids.join() !== cids.join())
      throw altered(`blocks of height ${tipset.height} are out of order`);
    return tipset;
  }

  /** Takes all objects that a root reaches and that have not come yet. */
  async #walk(root: CID): Promise<void> {
    const { database } = this.#request;
    const stack = [root];
    for (let cid = stack.pop(); cid !== undefined; cid = stack.pop()) {
      if (!this.#seen.add(cid.bytes)) continue;
      const { bytes } = await this.#take(cid);
      database.put(cid, bytes);
      this.#uncommittedBytes += bytes.length;
      if (this.#uncommittedBytes > limits.snapshotCommitBytes) {
        await database.commit(new Map());
        this.#uncommittedBytes = 0;
      }
      stack.push(...linksOf(bytes).reverse());
      if (stack.length > limits.snapshotPendingLinks) throw altered("an object of it has too many links");
    }
  }

  /** Messages and receipts of the last epochs; gives the blocks of the root. */
  async #bodies(root: Tipset, { height, messageEpochs }: Manifest): Promise<FullBlock[]> {
    const { database } = this.#request;
    const ofRoot: FullBlock[] = [];
    let at: Tipset | undefined = root;
    while (at !== undefined && at.height > height - messageEpochs && at.height > 0) {
      const facts = new Map<string, Uint8Array>();
      for (const header of at.blocks) {
        await this.#walk(header.messages);
        await this.#walk(header.receipts);
        const messages = messagesOf(database, header);
        if (at === root) ofRoot.push({ header, messages });
        else
          for (const [name, value] of bodyFacts(database, at, { header, messages })) facts.set(name, value);
      }
      await database.commit(facts);
      at = parentOf(database, at);
    }
    if (ofRoot.length === 0) throw altered("it has no messages of its roots");
    return ofRoot;
  }

  /** A state whose books do not balance is none of this network's. */
  #checkMoney({ parentState }: Tipset): void {
    const { database, genesis } = this.#request;
    const { total } = moneyInvariant(database, genesis.stateRoot);
    let found: bigint;
    try {
      found = moneyInvariant(database, parentState).total;
    } catch (cause) {
      throw altered("its state is none", cause);
    }
    if (found !== total) throw altered(`its state holds ${found} attoFIL, the genesis ${total}`);
  }
}

/** What a header says about its parents, beside what only their execution shows. */
function checkLink(child: Tipset, parent: Tipset, genesis: ChainGenesis): void {
  const fail = (what: string): never => {
    throw altered(`${what} of height ${child.height} does not fit its parents`);
  };
  const [only] = parent.blocks.length === 1 ? parent.blocks : [];
  const ofGenesis = parent.height === 0;
  const state = ofGenesis ? genesis.stateRoot : only?.stateRoot;
  if (child.parents.join() !== parent.cids.join()) fail("the list of parents");
  if (child.height <= parent.height) fail("the height");
  if (state !== undefined && !state.equals(child.parentState)) fail("the state");
  if (ofGenesis ? child.parentWeight !== 0n : child.parentWeight <= parent.parentWeight) fail("the weight");
}

function parentOf(database: ChainDatabase, tipset: Tipset): Tipset | undefined {
  const headers = tipset.parents.flatMap((cid) => {
    const bytes = database.getMeta(metaKeys.header(cid));
    return bytes === undefined ? [] : decode(blockHeaderCodec, bytes);
  });
  return headers.length === 0 ? undefined : createTipset(headers);
}

/** The messages under a header's root, which must be a list as a miner makes it. */
function messagesOf(database: ChainDatabase, header: BlockHeader): SignedMessage[] {
  const messages: SignedMessage[] = [];
  for (const cid of readMessageCids(database, header.messages)) {
    const bytes = database.get(cid);
    if (bytes === undefined || messages.length >= maxMessagesInBody)
      throw altered("a list of messages is none");
    messages.push(decode(signedMessageCodec, bytes));
  }
  const computed = messagesRoot(new MemoryBlockstore(), messages);
  if (!computed.equals(header.messages)) throw altered("a list of messages is none");
  return messages;
}

/** The results of a tipset of several blocks are in no header, so they are not taken over. */
function bodyFacts(
  database: ChainDatabase,
  tipset: Tipset,
  { header, messages }: FullBlock,
): [string, Uint8Array][] {
  const facts: [string, Uint8Array][] = [[metaKeys.body(blockCid(header)), encode(bodyCodec, messages)]];
  for (const signed of messages)
    facts.push([metaKeys.message(messageCid(signed).toString()), utf8Bytes(tipset.key)]);
  if (tipset.blocks.length > 1) return facts;
  const receipts = readReceipts(database, header.receipts);
  if (receipts.length !== messages.length) throw altered("a block has not one receipt for each message");
  const results = messages.flatMap((signed, index) => {
    const receipt = receipts[index];
    return receipt === undefined ? [] : { message: messageCid(signed), receipt };
  });
  return [...facts, [metaKeys.results(tipset.key), encode(resultsCodec, results)]];
}
