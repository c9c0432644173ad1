/**
 * Nodes on this machine: one on its repo (`holdfast daemon`), or a whole network in one process
 * (`holdfast up`), where each node has its own repo, keys and sockets and only the worker threads are
 * shared. This is the door that the command line opens.
 */
import {
  type Address,
  attoFil,
  type CID,
  type Clock,
  filText,
  type PeerId,
  parseAddress,
} from "@holdfast/base";
import { blockCid, type NetworkParams, readActor, readNetworkParams } from "@holdfast/consensus";
import { checkRecords, homeVolumeId, openNodeDisk, openStorage } from "@holdfast/storage";
import { openLevelDatabase, parseCheckpoint } from "./chain/index.ts";
import { realClock, realRandom } from "./clock.ts";
import { type MinerParts, type NodeParts, type RunningNode, startNode } from "./compose.ts";
import { gatewayOf } from "./compose-gateway.ts";
import { verifierOf } from "./compose-verifier.ts";
import { pinningOf } from "./daemon-pins.ts";
import { openDatabase } from "./database.ts";
import { dealsOf } from "./deal-dials.ts";
import { type Discovery, openDiscovery, openPeerStore } from "./discovery/index.ts";
import type { Executions } from "./executions.ts";
import { loadGenesis } from "./genesis.ts";
import { beginWithSnapshot } from "./import-chain.ts";
import { dialsOf, openJobEngine } from "./job-engine.ts";
import { installNativeKernels } from "./kernels.ts";
import { openKeys } from "./keys.ts";
import { isOnLan, mdnsTagOf } from "./lan.ts";
import { limits } from "./limits.ts";
import { openLogger } from "./logger.ts";
import { messageTopic } from "./mempool/index.ts";
import { type NetNeeds, type NetWire, openBanStore, openLibp2pWire, openScoreStore } from "./net/index.ts";
import { placeOf } from "./place.ts";
import { keyTopic, listTopic, reportTopic } from "./posc/index.ts";
import { placesOfRecords, recordsMover } from "./records.ts";
import { type NodeConfig, openRepo, type Repo } from "./repo/index.ts";
import { openNodeJobs } from "./repo-jobs.ts";
import { openDiskBlocks } from "./retrieval/index.ts";
import type { PageFile } from "./rpc/index.ts";
import { readClockOffset } from "./start-worker.ts";
import { blockTopic } from "./sync/index.ts";
import { checkTreeDial, treeOptions, watchTreeDial } from "./tree-dial.ts";
import { webData } from "./web-data.ts";
import { openWorkers, type Workers } from "./workers.ts";

export interface StartDaemonOptions {
  readonly repo: string;
  readonly version: string;
  /** Loopback address of the API instead of the configured one. */
  readonly listen?: string;
  readonly passphrase?: string;
  readonly offline?: boolean;
  /** Give test money, also if the configuration does not say so. */
  readonly faucet?: boolean;
  /** Verify idle space, also if the configuration does not say so. */
  readonly verifier?: boolean;
  /** The caller knows that no other node mines with the keys of this one: nothing is waited for. */
  readonly soleMiner?: boolean;
  /** Bucket for sectors instead of the configured one. */
  readonly blob?: string;
  /** Instead of the configured one: `CID[,CID…]@HEIGHT`. */
  readonly checkpoint?: string;
  /** File of a snapshot to begin with, if the repo has nothing but the genesis yet. */
  readonly snapshot?: string;
  /** What the API server shows to a person who opens it in a browser. */
  readonly pages?: readonly PageFile[];
  /** Log file; standard error if left out. */
  readonly logFile?: string;
  readonly logLevel?: NodeConfig["log"]["level"];
  /** Worker threads that several nodes of one process share. */
  readonly workers?: Workers;
  /** Executions of tipsets that several nodes of one network and process share. */
  readonly executions?: Executions;
  /** postgres://…, instead of the configured database of sectors and jobs. */
  readonly database?: string;
  /** Processes that seal, prove and unseal, instead of the configured number. */
  readonly workerProcesses?: number;
  /** Ends the start with its reason, at its next step. */
  readonly signal?: AbortSignal;
}

export interface DaemonHandle extends AsyncDisposable {
  readonly name: string;
  readonly api: string;
  readonly token: string;
  readonly peerId: string;
  readonly addresses: readonly string[];
  readonly repo: string;
  readonly address: Address;
  readonly balanceFil: string;
  readonly node: RunningNode;
}

function loggerOf(config: NodeConfig, { logLevel, logFile }: StartDaemonOptions) {
  return openLogger({
    name: config.name,
    level: logLevel ?? config.log.level,
    ...(logFile === undefined ? {} : { file: logFile }),
  });
}

/** Errors: `repo/…`, `keystore/…`, `chain/…`, `storage/…`, `net/…`, `rpc/…`, the signal's reason. */
export async function startDaemon(options: StartDaemonOptions): Promise<DaemonHandle> {
  const { proofs, ...crypto } = await installNativeKernels();
  await using stack = new AsyncDisposableStack();
  const repo = stack.use(await openRepo(options.repo));
  const { config, paths } = repo;
  const logger = stack.use(loggerOf(config, options));
  if (proofs.reason !== undefined) logger.warn("proofs are slow", { reason: proofs.reason });
  logger.debug("back ends", { ...crypto, ...proofs });
  const clock = realClock(await readClockOffset(options.repo));
  const workers = options.workers ?? stack.use(openWorkers(config.mining));
  const checkpoint = parseCheckpoint(options.checkpoint ?? config.chain.checkpoint);
  await beginWithSnapshot({ paths, checkpoint, checker: workers.checker, clock, logger }, options.snapshot);
  options.signal?.throwIfAborted();
  const chainDatabase = stack.use(await openLevelDatabase(paths.chain));
  const database = stack.use(openDatabase(paths.database));
  const genesis = await loadGenesis(await repo.genesis(), chainDatabase);
  const params = readNetworkParams(chainDatabase, genesis.stateRoot);
  const { passphrase } = options;
  const forKeys = { keystore: paths.keystore, network: params.networkByte };
  const keys = await openKeys({ ...forKeys, ...(passphrase === undefined ? {} : { passphrase }) });
  const around = { clock, logger, params, bans: openBanStore(database), scores: openScoreStore(database) };
  let discovery: Discovery | undefined;
  const addressesOf = (peer: PeerId): readonly string[] => discovery?.addressesOf(peer) ?? [];
  const wire = stack.use(await openWire(config, keys.peerSeed, options, { ...around, addressesOf }));
  const fileBlocks = stack.use(
    await openDiskBlocks({
      disk: await openNodeDisk(options.repo),
      folder: "blocks",
      quotaBytes: config.files.quotaBytes,
    }),
  );
  const miner =
    config.mining.miner === ""
      ? undefined
      : await openMiner({ repo, options, clock, logger, workers, params, stack });
  const parts: NodeParts = {
    name: config.name,
    version: options.version,
    clock,
    logger,
    chainDatabase,
    genesis,
    ...(checkpoint === undefined ? {} : { checkpoint }),
    stateSync: config.chain.stateSync,
    pruning: config.chain,
    database,
    wallet: keys.wallet,
    wire,
    netControl: wire.control,
    fileBlocks,
    checker: workers.checker,
    claims: workers.claims,
    ...(options.executions === undefined ? {} : { executions: options.executions }),
    api: apiOf(repo, options),
    ...gatewayOf(config),
    ...(await pinningOf({ repo, clock, peerSeed: keys.peerSeed, stack })),
    fetchWeb: webData((peer) => wire.control.remoteOf(peer)),
    ...(miner === undefined ? {} : { miner }),
    ...faucetOf(config, options, params),
    ...verifierOf(config, options, params),
  };
  options.signal?.throwIfAborted();
  const node = stack.use(await startNode(parts));
  if (options.offline !== true) {
    const cid = blockCid(genesis.block.header);
    discovery = stack.use(startDiscovery(repo, { wire, clock, logger, database, params, genesis: cid }));
  }
  await repo.announce(node.apiUrl);
  return handleOf(node, { repo, path: options.repo, running: stack.move() });
}

function startDiscovery(
  repo: Repo,
  parts: Pick<NodeParts, "clock" | "logger" | "database"> & {
    readonly wire: NetWire;
    readonly params: NetworkParams;
    readonly genesis: CID;
  },
): Discovery {
  const { wire, clock, logger, database, params, genesis } = parts;
  return openDiscovery({
    wire,
    clock,
    logger,
    random: realRandom,
    bootstrap: repo.config.net.bootstrap,
    store: openPeerStore(database),
    redialMaxMs: hurryMs(params),
    remoteOf: wire.control.remoteOf,
    genesis: { cid: genesis, file: () => repo.genesis() },
  });
}

function handleOf(
  node: RunningNode,
  {
    repo,
    path,
    running,
  }: { readonly repo: Repo; readonly path: string; readonly running: AsyncDisposableStack },
): DaemonHandle {
  const address = node.wallet.payer();
  const balance = readActor(node.chain.store, node.chain.headState().state, address)?.balance ?? attoFil(0);
  return {
    name: node.name,
    api: node.apiUrl,
    token: repo.token,
    peerId: node.wire.self,
    addresses: node.wire.addresses(),
    repo: path,
    address,
    balanceFil: filText(balance),
    node,
    [Symbol.asyncDispose]: () => running.disposeAsync(),
  };
}

function openWire(
  config: NodeConfig,
  peerSeed: Uint8Array,
  options: StartDaemonOptions,
  around: Pick<NetNeeds, "clock" | "logger" | "bans" | "scores" | "addressesOf"> & {
    readonly params: NetworkParams;
  },
): Promise<NetWire> {
  const online = options.offline !== true;
  const { params, ...needs } = around;
  const listen = online ? config.net.listen : [];
  return openLibp2pWire(
    { ...needs, limits },
    {
      privateKey: peerSeed,
      listen,
      announce: config.net.announce,
      keepAliveMs: hurryMs(params),
      gossipSeenMs: Math.min(longestSeenMs, Math.max(5_000, hurryRounds * params.roundMs)),
      topics: [blockTopic, messageTopic, reportTopic, keyTopic, listTopic].map((topic) => topic(params.name)),
      agent: `holdfast/${options.version}`,
      mdns: online && (config.net.mdns === "auto" ? isOnLan(listen) : config.net.mdns),
      mdnsTag: mdnsTagOf(params.name),
      kad: config.net.kad && online,
    },
  );
}

/** A network with short rounds notices within some of them that a connection is dead, or can be made again. */
const hurryRounds = 10;

/** What every node remembers of gossip at rounds of some seconds and more. */
const longestSeenMs = 120_000;

function hurryMs({ roundMs }: NetworkParams): number {
  return Math.min(limits.redialMaxMs, Math.max(5_000, hurryRounds * roundMs));
}

function apiOf({ config, token }: Repo, { listen, pages }: StartDaemonOptions) {
  return { listen: listen ?? config.api.listen, token, ...(pages === undefined ? {} : { pages }) };
}

function faucetOf(
  { faucet: { serve, account } }: NodeConfig,
  options: StartDaemonOptions,
  { networkByte: network }: NetworkParams,
): Pick<NodeParts, "faucet"> {
  if (options.faucet !== true && !serve) return {};
  return { faucet: { account: account === "" ? undefined : parseAddress(account, { network }) } };
}

interface MinerContext {
  readonly repo: Repo;
  readonly options: StartDaemonOptions;
  readonly clock: Clock;
  readonly logger: NodeParts["logger"];
  readonly workers: Workers;
  readonly params: NetworkParams;
  readonly stack: AsyncDisposableStack;
}

async function openMiner({
  repo,
  options,
  clock,
  logger,
  workers,
  params,
  stack,
}: MinerContext): Promise<MinerParts> {
  const { config } = repo;
  const { mining } = config;
  const database = options.database ?? mining.database;
  const disk = await openNodeDisk(repo.paths.storage);
  const miner = parseAddress(mining.miner, { network: params.networkByte });
  const records = { ...placesOfRecords(repo.paths.root, database), miner };
  await checkRecords(records); // who cannot start with them marks no queue
  const nodeJobs = stack.use(await openNodeJobs({ repo: repo.paths.root, database, miner, clock, logger }));
  const jobs = stack.use(
    await openJobEngine({
      queue: nodeJobs.queue,
      miner,
      pool: workers.sealing,
      parallel: workers.sealingThreads,
      dials: dialsOf(mining),
      processes: processesOf(mining, options),
      repo: repo.paths.root,
      get database() {
        return nodeJobs.database;
      },
      ...{ clock, logger, random: realRandom },
    }),
  );
  const storage = stack.use(
    await openStorage({
      ...{ sectorBytes: mining.sectorBytes, classes: params.sectorClasses, disk },
      ...{ ...records, prover: jobs.prover, clock, logger },
      keepUnsealed: mining.keepUnsealed,
      ...treeOptions(mining.trees, { params, clock }),
      minFillPercent: mining.minFillPercent,
      otherSectorBytes: mining.otherSectorBytes,
      isDrainedByJobs: true,
      ...(mining.maxStorageBytes === 0 ? {} : { maxBytes: mining.maxStorageBytes }),
    }),
  );
  await jobs.reconcile(storage);
  if (mining.trees === "rebuilt") {
    const dial = { sectorBytes: mining.sectorBytes, params, clock, logger };
    await checkTreeDial(storage, dial);
    stack.use(watchTreeDial(storage, dial));
  }
  const blob = options.blob ?? mining.blob;
  if (blob !== "") await keepOnBucket(storage, blob);
  const chores = stack.use(
    await jobs.openChores(storage, { scrubMs: mining.scrubMs, parallel: mining.parallelChores }),
  );
  return {
    address: miner,
    storage,
    chores,
    folder: repo.paths.root,
    jobs: jobs.queue,
    sealSpeed: jobs.sealSpeed,
    moveRecords: recordsMover(repo.paths.root, storage, nodeJobs),
    ...dealsOf(config, params, clock),
    ...(await unsealedOf(repo)),
    place: await placeOf(repo.paths.root),
    isSole: options.soleMiner === true,
    idlePatrolMs: mining.scrubMs,
  };
}

async function unsealedOf({ config, paths }: Repo): Promise<Pick<MinerParts, "unsealed">> {
  const { keepUnsealed, unsealedCacheBytes: quotaBytes } = config.mining;
  if (keepUnsealed || quotaBytes === 0) return {};
  return { unsealed: { disk: await openNodeDisk(paths.root), folder: "unsealed", quotaBytes } };
}

/** From this size on a seal takes much longer than the start of a process (0.8 s of processor time, 120 MB). */
const ownProcessSectorBytes = 8 * 2 ** 20;

/** Nodes that share their threads share them for seals too, unless they are told otherwise. */
function processesOf(
  { workerProcesses, sectorBytes, sealingThreads }: NodeConfig["mining"],
  options: StartDaemonOptions,
): number {
  if (options.workerProcesses !== undefined) return options.workerProcesses;
  if (workerProcesses !== "auto") return workerProcesses;
  if (options.workers !== undefined) return 0;
  return sectorBytes < ownProcessSectorBytes ? 0 : sealingThreads;
}

/** Sectors go to the bucket; this disk keeps pieces that are coming in, and what is on its way. */
async function keepOnBucket({ volumes }: MinerParts["storage"], place: string): Promise<void> {
  await volumes.attach({ place, roles: ["seal", "store"] });
  await volumes.change(homeVolumeId, { roles: [] });
}
