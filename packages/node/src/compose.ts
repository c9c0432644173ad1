/**
 * One node, on one page: the rooms in the order in which they start. A start that fails half-way undoes
 * itself; stopping is the same list backwards. Rooms know each other only through what is handed to
 * them here.
 */
import { type Address, assert, type Clock, type Logger, type Wire } from "@holdfast/base";
import { type Env, type Protocols, readMinerState, type Tipset } from "@holdfast/consensus";
import { createVerifier, type Verifier } from "@holdfast/proofs/verify";
import type { Chores, JobQueue, SealSpeed, Storage } from "@holdfast/storage";
import {
  Beginning,
  type Chain,
  type ChainDatabase,
  type Checkpoint,
  openChain,
  openPruner,
  type PrunePolicy,
  type Pruner,
  watchBelief,
} from "./chain/index.ts";
import { type Channels, openChannels } from "./channels/index.ts";
import type { ClaimChecker } from "./claims.ts";
import { archiveOf } from "./compose-archive.ts";
import { openFaucetOf } from "./compose-faucet.ts";
import { ipfsDoorOf, openGateway, type WebParts } from "./compose-gateway.ts";
import { besideIdleSpace, idleDoorsOf, openIdleSpace } from "./compose-idle-space.ts";
import { jobsDoorOf } from "./compose-jobs.ts";
import { type MarketParts, openMarkets } from "./compose-market.ts";
import { metricsOf } from "./compose-metrics.ts";
import { openPinning, type PinningParts } from "./compose-posc.ts";
import { minerDoorOf, mineStorageOf } from "./compose-storage.ts";
import { type IdleVerifierService, openVerifierOf, type VerifierService } from "./compose-verifier.ts";
import { storageDoorOf } from "./compose-volumes.ts";
import type { Database } from "./database.ts";
import { createInvitation } from "./discovery/index.ts";
import { aloneExecutions, type Executions } from "./executions.ts";
import type { Faucet, FaucetService } from "./faucet/index.ts";
import { finalTipset } from "./final.ts";
import type { RunningGateway } from "./gateway/index.ts";
import type { LoadedGenesis } from "./genesis.ts";
import { createHeaderPass, type HeaderPass } from "./header-pass.ts";
import type { Held } from "./held.ts";
import type { Idle, IdleMaker } from "./idle/index.ts";
import { headersFrom, proofOf, serveLight } from "./light/index.ts";
import { limits } from "./limits.ts";
import type { SectorFilling } from "./market/index.ts";
import { type Mempool, openMempool, openSender, type Sender } from "./mempool/index.ts";
import { openMetrics } from "./metrics.ts";
import { type AskPolicy, type MineNeeds, type MinerPlace, type Mining, startMining } from "./mine/index.ts";
import type { NetControl } from "./net/index.ts";
import { verdictsTo } from "./peer-deeds.ts";
import type { PolicyHook } from "./policy-hook.ts";
import { createProofPass, type ProofChecker, type ProofPass } from "./proof-pass.ts";
import type { FileBlocks } from "./retrieval/index.ts";
import {
  believedFix,
  believedText,
  createHandlers,
  type HandlerNeeds,
  type MoveRecords,
  type PageFile,
  startServer,
} from "./rpc/index.ts";
import { openBlockSwap } from "./swap/index.ts";
import { type FoundFault, openSync, type Sync } from "./sync/index.ts";
import type { UnsealedOptions } from "./unsealed-pieces.ts";
import type { Wallet } from "./wallet/index.ts";

export interface MinerParts {
  readonly address: Address;
  readonly storage: Storage;
  /** The node's own; undefined where it has none, as in a simulation. */
  readonly folder?: string;
  readonly moveRecords?: MoveRecords;
  /** The storage's jobs; undefined where it computes in its own thread. */
  readonly jobs?: JobQueue;
  /** How fast they are done; if left out: nobody knows. */
  readonly sealSpeed?: () => Promise<SealSpeed | undefined>;
  /** What is done to the storage's files as jobs; undefined where it is done on the spot. */
  readonly chores?: Chores;
  readonly ask: AskPolicy | undefined;
  /** When a sector with deals is closed that is not full; if left out: after two rounds. */
  readonly filling?: SectorFilling;
  /** The operator's program for deals. */
  readonly policyHook?: PolicyHook | undefined;
  /** Where decoded pieces are kept, if plain copies are not. */
  readonly unsealed?: UnsealedOptions;
  /** Where the record of signed blocks is; undefined: nothing is done against another node with the same keys. */
  readonly place?: MinerPlace;
  /** Makes layers of idle space; if left out: threads, or this one on a simulated disk. */
  readonly idleMaker?: IdleMaker;
  /** In which every file of idle space is read once; left out, or 0: never. */
  readonly idlePatrolMs?: number;
  /** The operator knows that there is no other. */
  readonly isSole?: boolean;
}

export interface NodeParts extends WebParts, PinningParts {
  readonly name: string;
  readonly version: string;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly chainDatabase: ChainDatabase;
  readonly genesis?: LoadedGenesis;
  /** The versions of the rules that this node knows; default: the program's own. */
  readonly protocols?: Protocols;
  /** A tipset that the chain must contain. */
  readonly checkpoint?: Checkpoint;
  /** A chain that is empty begins at the checkpoint, with a state that peers give, and not at the genesis. */
  readonly stateSync?: boolean;
  /** Default: all is kept. */
  readonly pruning?: PrunePolicy;
  readonly database: Database;
  readonly wallet: Wallet;
  readonly wire: Wire;
  /** Of a wire over sockets. */
  readonly netControl?: NetControl;
  readonly fileBlocks: FileBlocks;
  /** Where costly proofs are verified. */
  readonly checker: ProofChecker;
  /** Verifies what is asked in this thread; a simulation has its own. */
  readonly verifier?: Verifier;
  /** What the nodes of a network in this process have executed; this node executes everything itself if left out. */
  readonly executions?: Executions;
  /** Where signatures and draws of headers are verified; in this thread if left out. */
  readonly claims?: ClaimChecker;
  readonly miner?: MinerParts;
  /** The node gives test money. */
  readonly faucet?: FaucetService;
  /** The node verifies idle space. */
  readonly idleVerifier?: VerifierService;
  readonly api?: {
    readonly listen: string;
    readonly token: string;
    readonly pages?: readonly PageFile[];
  };
}

export interface RunningNode extends AsyncDisposable {
  readonly name: string;
  readonly chain: Chain;
  readonly sync: Sync;
  readonly sender: Sender;
  readonly channels: Channels;
  readonly wallet: Wallet;
  readonly wire: Wire;
  readonly mining: Mining | undefined;
  readonly idle: Idle | undefined;
  readonly pruner: Pruner;
  readonly idleVerifier: IdleVerifierService | undefined;
  readonly handlers: ReturnType<typeof createHandlers>;
  readonly files: HandlerNeeds["files"];
  /** The jobs that store files, newest first. */
  readonly puts: () => ReturnType<HandlerNeeds["market"]["puts"]>;
  /** URL of the API; empty if none was asked for. */
  readonly apiUrl: string;
  /** URL of the gateway; empty if there is none. */
  readonly gatewayUrl: string;
  /** What it has in memory, of all that could grow with the chain or its traffic. */
  held(): readonly Held[];
}

const keepAll: PrunePolicy = { pruneEpochs: 0, quotaBytes: 0 };

export async function startNode(given: NodeParts): Promise<RunningNode> {
  await using stack = new AsyncDisposableStack();
  const { name, clock, logger, wire, wallet, database } = given;
  const proofs = createProofPass(given.checker, given.verifier ?? createVerifier());
  const opened = await openChain(chainOptions(given));
  const chain = Object.assign(opened, {
    envOn: (tipset: Tipset): Env => envOn(opened, tipset, proofs.inline),
  });
  const headers = createHeaderPass(proofs, given.claims);
  const mempool = stack.use(openMempool({ chain, wire, clock, logger, database, signatures: headers }));
  const sender = stack.use(openSender({ chain, wire, clock, logger, database, signer: wallet }, mempool));
  const onVerdict = verdictsTo(given.netControl);
  const onFault = (fault: FoundFault): void => void reportFault({ chain, sender, logger }, fault);
  const believedFrom = believedBy(opened, given, stack);
  const beginning = Beginning.of(opened, given.stateSync === true);
  const swap = stack.use(openBlockSwap({ wire, clock, logger }));
  const sync = stack.use(
    openSync({
      ...{ chain, wire, swap, proofs, headers, clock, logger, beginning, onFault, onVerdict },
      executions: given.executions ?? aloneExecutions,
    }),
  );
  stack.defer(serveLight({ chain, wire, clock }));
  const channels = stack.use(openChannels({ chain, sender, signer: wallet, database, logger }));
  const idle = stack.use(openIdleSpace(given, { chain, sender }));
  const parts = besideIdleSpace(given, idle);
  let gateway: RunningGateway | undefined;
  const market = openMarkets(parts, { chain, sync, sender, channels, swap, stack, gateway: () => gateway });
  const faucet = stack.use(openFaucetOf(parts, { chain, sender }));
  const idleVerifier = stack.use(openVerifierOf(parts, { chain, sender }));
  const { mining, miner } = minerOf(parts, { chain, sync, mempool, sender, proofs, headers }, stack);
  const pruner = stack.use(openPruner({ chain: opened, clock, logger, policy: parts.pruning ?? keepAll }));
  const archive = archiveOf(opened, pruner, clock);
  const shown = { chain, swap, retrieval: market.retrieval };
  const { pins, doors } = await openPinning(parts, { ...shown, sender }, stack);
  gateway = stack.use(await openGateway(parts, { ...shown, pins }));
  const rooms = { chain, sync, mempool, sender, proofs, headers, channels, faucet };
  const needs = {
    ...handlerNeeds(parts, rooms, market, miner),
    ipfs: ipfsDoorOf(parts, shown, gateway),
    ...doors,
    ...idleDoorsOf({ idle, idleVerifier, chain }, given.miner?.address),
  };
  const handlers = createHandlers({ ...needs, archive, believedFrom });
  const held = () => [opened, sync, mempool, headers, proofs].flatMap((room) => room.held());
  const measured = metricsOf({ ...rooms, clock, wire, mining, miner, market: market.door, held });
  const metrics = openMetrics(name, measured);
  const { files, cars } = market;
  const served = { files, cars, version: parts.version, handlers, archive, metrics, logger };
  const api = parts.api && stack.use(await startServer({ ...parts.api, ...served }));
  logger.info("node started", { height: chain.head().height, peerId: wire.self });
  const running = stack.move();
  return {
    name,
    chain,
    sync,
    ...{ sender, channels, wallet, wire },
    mining,
    idle,
    pruner,
    handlers,
    files: market.files,
    puts: () => market.door.puts({ limit: limits.putsAtOnce, kept: false }),
    idleVerifier,
    held,
    apiUrl: api?.url ?? "",
    gatewayUrl: gateway?.url ?? "",
    [Symbol.asyncDispose]: () => running.disposeAsync(),
  };
}

function chainOptions({
  chainDatabase: database,
  logger,
  ...parts
}: NodeParts): Parameters<typeof openChain>[0] {
  return {
    database,
    logger,
    ...(parts.genesis === undefined ? {} : { genesis: parts.genesis }),
    ...(parts.checkpoint === undefined ? {} : { checkpoint: parts.checkpoint }),
    protocols: parts.protocols,
  };
}

/** From which height on the chain was believed; said once in the log. */
function believedBy(
  chain: Parameters<typeof watchBelief>[0],
  { clock, logger }: NodeParts,
  stack: AsyncDisposableStack,
): () => number | null {
  const belief = watchBelief(chain, clock, (from) => logger.warn(believedText(from), { fix: believedFix }));
  stack.defer(() => belief.end());
  return () => belief.from();
}

/**
 * Anyone may report; the first report is paid out of what the miner loses. The key allows a miner one report until it
 * is punished or finality has passed: who signs a thousand brothers of a block must not fill our outbox, before
 * which our own proofs would have to wait.
 */
async function reportFault(
  { chain, sender, logger }: { readonly chain: Chain; readonly sender: Sender; readonly logger: Logger },
  { miner, params, kind, height }: FoundFault,
): Promise<void> {
  try {
    const { slashedAt } = readMinerState(chain.store, chain.headState().state, miner);
    if (slashedAt !== null && height <= slashedAt) return;
    const span = Math.floor(height / (chain.params.finalityEpochs + 1));
    const key = `fault:${miner}:${slashedAt ?? "never"}:${span}`;
    if (sender.sentAs(key) !== undefined) return;
    const { cid } = await sender.send({ to: miner, method: "reportConsensusFault", params, key });
    logger.info("a consensus fault is reported", { miner, kind, message: cid.toString() });
  } catch (error) {
    logger.info("a consensus fault is not reported", { miner, detail: String(error) });
  }
}

function envOn(chain: Chain, tipset: Tipset, verifier: Env["verifier"]): Env {
  return {
    params: chain.params,
    networkId: chain.networkId,
    protocols: chain.protocols,
    verifier,
    randomness: chain.randomnessBelow(tipset),
  };
}

interface MineRooms {
  readonly chain: Chain & { envOn(tipset: Tipset): Env };
  readonly sync: Sync;
  readonly mempool: Mempool;
  readonly sender: Sender;
  readonly proofs: ProofPass;
  readonly headers: HeaderPass;
}

function minerOf(
  parts: NodeParts,
  rooms: MineRooms,
  stack: AsyncDisposableStack,
): { readonly mining: Mining | undefined; readonly miner: HandlerNeeds["miner"] } {
  if (parts.miner === undefined) return { mining: undefined, miner: undefined };
  const mining = stack.use(startMining(mineNeeds(parts, parts.miner, rooms)));
  return { mining, miner: minerDoorOf(parts.miner, mining) };
}

function mineNeeds(parts: NodeParts, miner: MinerParts, rooms: MineRooms): MineNeeds {
  return {
    miner: miner.address,
    chain: rooms.chain,
    submitBlock: (block) => rooms.sync.submitOwnBlock(block),
    candidates: (limit) => rooms.mempool.candidates(limit),
    sender: rooms.sender,
    storage: mineStorageOf(miner.storage, miner.jobs !== undefined),
    signer: parts.wallet,
    proofs: rooms.proofs,
    verified: rooms.headers.verified,
    database: parts.database,
    clock: parts.clock,
    logger: parts.logger,
    ask: miner.ask,
    twins: miner.place && {
      place: miner.place,
      isSole: miner.isSole === true,
      isFollowing: () => isFollowing(parts.wire, rooms.sync),
      isUnconnected: () => parts.wire.peers().length === 0,
      onBlock: (listener) => rooms.sync.onBlock(listener),
    },
  };
}

/** A chain that stands still is followed too: perhaps all its miners wait for each other. */
function isFollowing(wire: Wire, sync: Sync): boolean {
  const { state, code } = sync.state();
  const hasHeard = wire.peers().length > 0 && sync.peerHeights().size > 0;
  return hasHeard && (state === "synced" || code === "chain-stands-still");
}

function handlerNeeds(
  parts: NodeParts,
  rooms: MineRooms & { readonly channels: Channels; readonly faucet: Faucet },
  market: MarketParts,
  miner: HandlerNeeds["miner"],
): Omit<HandlerNeeds, "archive" | "believedFrom" | "ipfs" | "pins" | "posc" | "idle" | "verifier"> {
  const { chain, sync, mempool, sender, channels, faucet } = rooms;
  const { name, version, clock, logger, wallet, wire } = parts;
  const [genesis] = chain.genesis.cids;
  assert(genesis !== undefined, "a chain has a genesis block");
  const inviting = { wire, clock, network: chain.params.name, genesis };
  return {
    name,
    version,
    startedMs: clock.nowMs(),
    clock,
    logger,
    chain,
    sync,
    net: {
      self: wire.self,
      addresses: () => wire.addresses(),
      peers: () => wire.peers(),
      control: parts.netControl,
      connect: (address, signal) => wire.connect(address, signal),
      disconnect: (peer) => wire.disconnect(peer),
      peerHeights: () => sync.peerHeights(),
      invite: ({ checkpoint, ...options }) =>
        createInvitation(inviting, { ...options, ...(checkpoint ? checkpointOf(chain) : {}) }),
    },
    sender,
    pending: () => mempool.pending(),
    wallet,
    market: market.door,
    channels,
    light: { headers: (wanted) => headersFrom(chain, wanted), prove: (wanted) => proofOf(chain, wanted) },
    faucet,
    files: market.files,
    retrieval: market.serving,
    miner,
    jobs: parts.miner?.jobs && jobsDoorOf(parts.miner.jobs, parts.miner.storage),
    storage: parts.miner && storageDoorOf(parts.miner.storage, parts.miner.folder, parts.miner.chores),
  };
}

/** The newest tipset below which this node lets nobody change anything; none while the chain is young. */
function checkpointOf(chain: Chain): { readonly checkpoint?: Pick<Checkpoint, "cids" | "height"> } {
  const { height, cids } = finalTipset(chain);
  return height === 0 ? {} : { checkpoint: { height, cids } };
}
