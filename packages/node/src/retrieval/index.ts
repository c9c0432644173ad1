/**
 * Files of this node and of others: import, the deterministic CAR stream that deals and retrievals are made of,
 * and getting a file, verified, from whoever has it. Content is identified by its CID and nothing else: no peer
 * is trusted with a single byte.
 */
import { abortable, type Cancel, type CID, HoldfastError, type PeerId } from "@holdfast/base";
import { readCar } from "../car.ts";
import { carV2Head, carV2Index } from "../car-v2.ts";
import type { FileRecord } from "./blocks.ts";
import type { ImportedCar } from "./car-import.ts";
import { streamCar } from "./car-plan.ts";
import { type ClientTools, carFrom } from "./client.ts";
import { type Dag, type DagSource, dagOf, type WholeCar } from "./dag.ts";
import { retrievalErrors } from "./errors.ts";
import type { FetchResult } from "./fetch.ts";
import { type FoundProvider, findProviders } from "./find.ts";
import type { FolderSource } from "./folder-import.ts";
import { type ImportedFile, type ImportOptions, Imports } from "./import.ts";
import { CarPlans } from "./local-cars.ts";
import { type Collected, LocalFiles } from "./local-files.ts";
import type { RetrievalNeeds } from "./needs.ts";
import {
  type FetchOptions,
  type OpenTree,
  openersOf,
  type ReadOptions,
  type TreeOptions,
} from "./openers.ts";
import type { RetrievalPolicy } from "./pay/store.ts";
import { type Gifts, openProvider, type Provider, type ServiceView } from "./provider.ts";
import { type BlockReader, type ByteRange, type OpenFile, openFileBytes } from "./read-file.ts";
import { type Sampled, sampleFrom } from "./sample.ts";
import { SharedFetches } from "./shared-fetches.ts";
import { type FileStat, statFile } from "./stat.ts";
import type { PulledFile, PullOptions } from "./tree-pull.ts";

export { type FileBlocks, type FileRecord, memoryBlocks } from "./blocks.ts";
export { Budget } from "./budget.ts";
export type { ImportedCar } from "./car-import.ts";
export { type CarPlan, type PieceSlice, pieceSlices, planCar, streamCar } from "./car-plan.ts";
export type { ProviderOffer } from "./client.ts";
export type { Dag, DagPlace, DagQuery, DagSource } from "./dag.ts";
export { type DiskBlocksOptions, openDiskBlocks } from "./disk-blocks.ts";
export { retrievalErrors } from "./errors.ts";
export type { FetchProgress, FetchResult } from "./fetch.ts";
export type { FoundProvider } from "./find.ts";
export type { FolderSource, SourceEntry } from "./folder-import.ts";
export type { ImportedFile, ImportOptions } from "./import.ts";
export type { ImportLayout } from "./imported-blocks.ts";
export type { Collected } from "./local-files.ts";
export type { CarSource, ContentRouting, OpenCar, RetrievalNeeds } from "./needs.ts";
export type { FetchOptions, OpenTree, ReadOptions, TreeOptions, TreeView } from "./openers.ts";
export type { PayingDoor } from "./pay/purse.ts";
export type { RetrievalPolicy } from "./pay/store.ts";
export type { PaidDoor } from "./pay/till.ts";
export {
  answerCodec,
  frameCodec,
  framedParts,
  readFrame,
  requestCodec,
  retrievalProtocol,
  retrievalStatus,
} from "./protocol.ts";
export type { ServiceView } from "./provider.ts";
export type { ProviderFailure } from "./providers.ts";
export type { ByteRange, OpenFile } from "./read-file.ts";
export type { ProgressListener } from "./shared-fetches.ts";
export type { FileStat } from "./stat.ts";
export type { ReadProgress } from "./swarm-reader.ts";
export type { GetBlock, PulledFile, PullOptions, PullProgress } from "./tree-pull.ts";
export { nameProblem } from "./unixfs.ts";
export { dagBlocks, type WalkLimits } from "./walk.ts";

export interface Elsewhere extends Pick<DagSource, "get"> {
  /** Whoever reads is a stranger, who gets nothing from here that has a price. */
  readonly forOthers?: boolean;
}

export interface Retrieval extends AsyncDisposable {
  /**
   * Stores a stream of bytes as a file, with the CID that Kubo gives it. `retrieval/bad-layout`, `/empty-file`,
   * `/too-large`, `/quota-full`, `disk/…`; a failed import leaves nothing behind.
   */
  importFile(source: AsyncIterable<Uint8Array>, options?: ImportOptions): Promise<ImportedFile>;
  /**
   * Stores a folder, with the CID that Kubo gives it. Errors as `importFile`, and `retrieval/bad-name`, `/bad-entry`.
   */
  importFolder(source: FolderSource, options?: ImportOptions): Promise<ImportedFile>;
  /**
   * Stores the files and folders of a CAR file of version 1 or 2: every root must be whole. `car/…`,
   * `retrieval/missing-block`, `/unsupported-cid`, `/too-large`, `/quota-full`, `disk/…`.
   */
  importCar(source: AsyncIterable<Uint8Array>, options?: { readonly signal?: Cancel }): Promise<ImportedCar>;
  /** Stores a tree whose blocks come from somewhere else. Errors as `pullTree`. */
  pull(root: CID, options: PullOptions): Promise<PulledFile>;
  /** A tree whose blocks come from a source that is asked for what is not here. */
  dag(root: CID, elsewhere: Elsewhere): Dag;
  /** Asks all providers. `retrieval/no-provider` if neither they nor this node have the file. */
  stat(root: CID, providers: readonly PeerId[], signal?: Cancel): Promise<FileStat>;
  /**
   * Resolves when all of the file is here. An interrupted call goes on next time. `retrieval/no-provider`,
   * `/quota-full`, `/not-a-file`, `/dag-too-big`, `/unsupported-cid`, `disk/…`, or the signal's reason.
   */
  ensureLocal(root: CID, providers: readonly PeerId[], options?: FetchOptions): Promise<FetchResult>;
  /**
   * The file from an offset on, fetched from the providers as far as it is not here; the first bytes come as
   * soon as they are verified. Read `bytes` or abort the signal, else the file stays held. Errors, of the call
   * and of the stream, as `ensureLocal`, and `retrieval/bad-offset`.
   */
  openFile(root: CID, options: ReadOptions & ByteRange): Promise<OpenFile>;
  /** The file from an offset on, from local blocks only. `retrieval/missing-block`, `retrieval/bad-offset`. */
  readFile(root: CID, offsetBytes?: number): Promise<OpenFile>;
  /**
   * What is at the end of a path, and if it is a folder, its entries. Read them or abort, as with `openFile`; errors as
   * there, and `retrieval/no-entry`; with `deep` also `/not-a-folder`.
   */
  openTree(root: CID, options: TreeOptions): Promise<OpenTree>;
  /** The CAR stream of a local file from an offset on. `retrieval/missing-block`, `retrieval/bad-offset`. */
  carStream(root: CID, options?: { readonly skipBytes?: number }): AsyncIterable<Uint8Array>;
  /** The same with what version 2 puts around it; its index is at the end. */
  carV2Stream(root: CID): AsyncIterable<Uint8Array>;
  /** The length of the CAR stream of a local file. `retrieval/missing-block`. */
  carBytes(root: CID): Promise<number>;
  /** The CAR stream as this peer sends it now, unverified and never from local blocks. */
  carFrom(peer: PeerId, payload: CID, signal: Cancel): AsyncIterable<Uint8Array>;
  /** Whether this peer gives it: a block at a place that `draw` names, from 0 to below 1. Errors as `sampleFrom`. */
  sample(peer: PeerId, payload: CID, draw: () => number, signal: Cancel): Promise<Sampled>;
  /**
   * Who has a block, as they answer: these peers, and those that the network's table names. The signal's reason.
   */
  find(cid: CID, peers: readonly PeerId[], signal: Cancel): AsyncIterable<FoundProvider>;
  /** What this node gives to others and asks for it, after the change. */
  service(change?: Partial<RetrievalPolicy>): ServiceView;
  /** Blocks that anybody may have, of files and of pieces; none while they have a price. */
  readonly gifts: Gifts;
  /** Resolves when all that the sources have is in the index. */
  indexed(): Promise<void>;
  /** Whether all of the file is here. */
  hasLocal(root: CID): Promise<boolean>;
  /** What is remembered of a file that is wholly here. */
  localFile(root: CID): Promise<FileRecord | undefined>;
  /** All files, those among them that were fetched only in part. */
  files(): Promise<readonly FileRecord[]>;
  /** Whether there was such a file; blocks that other files need stay. */
  deleteFile(root: CID): Promise<boolean>;
  /** Removes blocks that no file needs, left by a process that was killed. Reads the trees of all files. */
  collect(): Promise<Collected>;
}

/** Serves retrievals at once. */
export function openRetrieval(needs: RetrievalNeeds): Retrieval {
  const { wire, clock, blocks, logger } = needs;
  const files = new LocalFiles({ blocks, clock, logger, worthOf: needs.worthOf });
  const plans = new CarPlans(blocks);
  const provider = openProvider(needs, files, plans);
  const tools: ClientTools = { wire, clock, logger, readCar: needs.readCar ?? readCar };
  const fetches = new SharedFetches(tools, files);
  const imports = new Imports(files);
  let closed = false;
  return {
    importFile: (source, options) => announced(provider, imports.file(source, options)),
    importFolder: (source, options) => announced(provider, imports.folder(source, options)),
    importCar: (source, options) => imports.car(source, options),
    pull: (root, options) => imports.pull(root, options),
    dag: (root, { get, forOthers = false }) => {
      const isSold = forOthers && provider.service().pricePerByte > 0n;
      return isSold
        ? dagOf({ get, sizeBytes: async () => undefined }, root)
        : ownDagOf({ files, plans }, get, root);
    },
    stat: (root, providers, signal) => statFile({ tools, files, root, providers, signal }),
    async ensureLocal(root, providers, { signal, progress } = {}) {
      signal?.throwIfAborted();
      const record = await files.complete(root);
      if (record !== undefined) return alreadyHere(record);
      const joined = fetches.join(root, providers, progress);
      try {
        return await abortable(signal, joined.done);
      } finally {
        joined.leave();
      }
    },
    ...openersOf(provider.tools, files),
    find: (cid, peers, signal) =>
      findProviders({ tools: provider.tools, cid, peers, routing: needs.routing, signal }),
    service: (change) => provider.service(change),
    gifts: provider.gifts,
    indexed: () => provider.indexed(),
    readFile: (root, offsetBytes = 0) => openFileBytes(localReader(files, root), root, { offsetBytes }),
    async *carStream(root, { skipBytes = 0 } = {}) {
      yield* streamCar(blocks, await plans.of(root), skipBytes);
    },
    async *carV2Stream(root) {
      const plan = await plans.of(root);
      yield carV2Head(plan.carBytes);
      yield* streamCar(blocks, plan);
      yield carV2Index(plan);
    },
    carBytes: async (root) => (await files.complete(root))?.carBytes ?? (await plans.of(root)).carBytes,
    carFrom: (peer, payload, signal) => carFrom(tools, peer, payload, signal),
    sample: (peer, root, draw, signal) => sampleFrom(tools, { peer, root, draw }, signal),
    hasLocal: async (root) => (await files.complete(root)) !== undefined,
    localFile: (root) => files.complete(root),
    files: () => files.list(),
    async deleteFile(root) {
      plans.forget(root);
      return files.delete(root);
    },
    collect: () => files.collect(),
    async [Symbol.asyncDispose]() {
      if (closed) return;
      closed = true;
      await provider[Symbol.asyncDispose]();
      await imports[Symbol.asyncDispose]();
      await fetches[Symbol.asyncDispose]();
      await files[Symbol.asyncDispose]();
    },
  };
}

interface Here {
  readonly files: LocalFiles;
  readonly plans: CarPlans;
}

/** With what lies here. */
function ownDagOf(here: Here, get: DagSource["get"], root: CID): Dag {
  const { blocks } = here.files;
  const source: DagSource = {
    get: async (cid) => (await blocks.get(cid)) ?? get(cid),
    sizeBytes: (cid) => blocks.sizeBytes(cid),
  };
  const dag = dagOf(source, root);
  return { ...dag, wholeCar: () => wholeCarOf(here, dag, root) };
}

/** A block that is damaged meanwhile may come from elsewhere, as in any other answer. */
async function wholeCarOf({ files, plans }: Here, dag: Dag, root: CID): Promise<WholeCar | undefined> {
  if ((await files.complete(root)) === undefined) return undefined;
  try {
    const plan = await plans.of(root);
    return { carBytes: plan.carBytes, read: (skip) => streamCar({ get: dag.block }, plan, skip) };
  } catch (error) {
    if (error instanceof HoldfastError && error.code === "retrieval/missing-block") return undefined;
    throw error;
  }
}

async function announced(provider: Provider, importing: Promise<ImportedFile>): Promise<ImportedFile> {
  const made = await importing;
  provider.announce(made.root);
  return made;
}

function alreadyHere({ root, fileBytes, carBytes }: FileRecord): FetchResult {
  return { root, fileBytes, carBytes, from: [], failures: [] };
}

function localReader(files: LocalFiles, root: CID): BlockReader {
  return async (cid) => {
    const bytes = await files.blocks.get(cid);
    if (bytes !== undefined) return bytes;
    throw retrievalErrors.missingBlock({ root: root.toString(), cid: cid.toString() });
  };
}
