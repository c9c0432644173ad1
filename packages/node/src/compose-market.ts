/** The market with its neighbours: retrieval on one side, storage on the other, and the API's view of both. */
import type { MethodResult } from "@holdfast/api";
import type { FolderItem } from "@holdfast/api/folder-tar";
import { attoFil, type Cancel, HoldfastError, type PeerId, parseCid, parseFil } from "@holdfast/base";
import { listMiners, readMinerState } from "@holdfast/consensus";
import type { Chain } from "./chain/index.ts";
import type { Channels } from "./channels/index.ts";
import type { MinerParts, NodeParts } from "./compose.ts";
import { carDoorOf } from "./compose-gateway.ts";
import { paymentsOf } from "./compose-retrieval.ts";
import { dealPages } from "./deal-pages.ts";
import { openEncryption, type PeoplesFiles, type StoredFiles } from "./encryption/index.ts";
import type { RunningGateway } from "./gateway/index.ts";
import {
  type ClientMarket,
  type MarketFiles,
  type MinerMarket,
  openClientMarket,
  openMinerMarket,
} from "./market/index.ts";
import type { Sender } from "./mempool/index.ts";
import { Budget, nameProblem, openRetrieval, type Retrieval, type TreeView } from "./retrieval/index.ts";
import { type CarDoor, type HandlerNeeds, rpcErrors } from "./rpc/index.ts";
import type { BlockSwap } from "./swap/index.ts";
import type { Sync } from "./sync/index.ts";
import { openUnsealed } from "./unsealed-pieces.ts";

export interface MarketParts {
  readonly door: HandlerNeeds["market"];
  readonly files: HandlerNeeds["files"];
  readonly cars: CarDoor;
  readonly retrieval: Retrieval;
  readonly serving: HandlerNeeds["retrieval"];
}

export function openMarkets(
  parts: NodeParts,
  rooms: {
    readonly chain: Chain;
    readonly sync: Pick<Sync, "state">;
    readonly sender: Sender;
    readonly channels: Channels;
    readonly swap: Pick<BlockSwap, "serve" | "session">;
    /** It opens later. */
    readonly gateway: () => Pick<RunningGateway, "url"> | undefined;
    readonly stack: AsyncDisposableStack;
  },
): MarketParts {
  const { chain, sync, sender, channels, swap, gateway, stack } = rooms;
  const { wire, clock, logger, database, wallet: signer, fileBlocks } = parts;
  const isCatchingUp = (): boolean => sync.state().state === "syncing";
  const shared = { chain, sender, signer, wire, database, clock, logger, isCatchingUp };
  let client: ClientMarket | undefined;
  const minerMarket =
    parts.miner === undefined
      ? undefined
      : stack.use(
          openMinerMarket({
            ...shared,
            miner: parts.miner.address,
            storage: dealStorageOf(parts.miner, logger),
            policyHook: parts.miner.policyHook,
            filling: parts.miner.filling,
            sealSpeed: parts.miner.sealSpeed,
            fetchWeb: parts.fetchWeb,
            isChannelUsed: (payer, channel) =>
              channels.vouchers(payer, channel).some(({ side }) => side === "received"),
          }),
        );
  const retrieval = stack.use(
    openRetrieval({
      wire,
      clock,
      logger,
      blocks: fileBlocks,
      worthOf: (root) => client?.worthOf(root) ?? "unknown",
      sources: minerMarket === undefined ? [] : [minerMarket.carSource],
      database,
      payments: paymentsOf({
        ...{ chain, channels, sender, wallet: signer, self: wire.self },
        paysDeal: (payer, channel) => minerMarket?.isPaidFrom(payer, channel) ?? false,
      }),
      peers: () => providersOf(chain, wire),
      elsewhere: () => swap.session(),
      ...(parts.netControl?.routing === undefined ? {} : { routing: parts.netControl.routing }),
    }),
  );
  stack.defer(swap.serve(retrieval.gifts));
  client = stack.use(openClientMarket({ ...shared, files: filesOf(retrieval), retrieval }));
  const files = openEncryption({ files: filesDoor(chain, wire, retrieval), keys: signer, nameProblem });
  const cars: CarDoor = {
    ...carDoorOf(retrieval, () => providersOf(chain, wire)),
    async bringData(dealId, bytes, signal) {
      if (minerMarket === undefined) throw rpcErrors.notAMiner({ node: parts.name });
      return minerMarket.bring(dealId, bytes, signal);
    },
  };
  const gatewayUrl = (): string => parts.gateway?.publicUrl || (gateway()?.url ?? "");
  const door = marketDoor(chain, { retrieval, files, gatewayUrl }, client, minerMarket);
  return { door, files, cars, retrieval, serving: retrievalDoor(chain, wire, retrieval) };
}

/** The storage: pieces come in as jobs, and decoded ones are kept for the next reader if there is a place for them. */
function dealStorageOf({ storage, chores, unsealed }: MinerParts, logger: NodeParts["logger"]) {
  const adding = chores === undefined ? storage : { ...storage, addPiece: chores.addPiece };
  if (unsealed === undefined) return adding;
  return { ...adding, readPiece: openUnsealed(unsealed, storage, logger).read };
}

type Counts = { readonly [state: string]: number };

function addedUp(one: Counts, other: Counts): Counts {
  const states = Object.keys({ ...one, ...other });
  return Object.fromEntries(states.map((state) => [state, (one[state] ?? 0) + (other[state] ?? 0)]));
}

/** What lies here is looked at at once. */
const never = new AbortController().signal;

interface StoredThings {
  readonly retrieval: Retrieval;
  readonly files: PeoplesFiles;
  /** Under which others reach this node's gateway; empty if there is none. */
  readonly gatewayUrl: () => string;
}

/** What a proposal says of how its data comes: the own gateway by its address, another place with the CID in it. */
function deliveryOf(transfer: string, cid: string, gatewayUrl: string): string {
  if (transfer !== "http") return transfer.replaceAll("{cid}", cid);
  if (gatewayUrl === "") throw rpcErrors.noGateway({});
  return `${gatewayUrl}/ipfs/${cid}?format=car`;
}

function marketDoor(
  chain: Chain,
  { retrieval, files, gatewayUrl }: StoredThings,
  client: ClientMarket,
  miner: MinerMarket | undefined,
): HandlerNeeds["market"] {
  const epochs = (ms: number): number => Math.max(1, Math.ceil(ms / chain.params.roundMs));
  return {
    quote: ({ sizeBytes, copies, forMs, spread }) =>
      client.quote({ carBytes: sizeBytes, copies, durationEpochs: epochs(forMs), spread }),
    async startPut({ cid, name, copies, forMs, maxPrice, key, transfer, ...policy }) {
      const root = parseCid(cid);
      if (!(await retrieval.hasLocal(root))) throw rpcErrors.notFound({ what: `imported file ${cid}` });
      const encrypted = await files.isEncrypted(cid, never);
      return client.startPut({
        cid: root,
        copies,
        ...policy,
        encrypted,
        delivery: deliveryOf(transfer, cid, gatewayUrl()),
        durationEpochs: epochs(forMs),
        ...(name === undefined ? {} : { name }),
        ...(maxPrice === undefined ? {} : { maxPrice: parseFil(maxPrice) }),
        ...(key === undefined ? {} : { key }),
      });
    },
    keep: (jobId, { renew, repair, maxPrice }) =>
      client.keep(jobId, {
        renew,
        repair,
        termLimit: maxPrice === undefined ? undefined : parseFil(maxPrice),
      }),
    puts: (page) => client.jobs(page),
    put: (jobId) => unlessUnknown(() => client.job(jobId)),
    watch: (jobId, signal) => client.watch(jobId, signal),
    receipt: async (jobId) => client.receipt(jobId),
    files: (page) => client.files(page),
    dealCounts: () => addedUp(client.dealCounts(), miner?.dealCounts() ?? {}),
    ...dealPages(client, miner),
    change: (dealId, request) => client.change(dealId, request),
    redemption: (dealId) => miner?.redemption(dealId),
    policy: (change) => miner?.policy(change),
    terms: (request) => client.terms(request),
    explain: async (id) => client.explain(id) ?? (await miner?.explain(id)),
  };
}

function unlessUnknown<Result>(find: () => Result): Result | undefined {
  try {
    return find();
  } catch (error) {
    if (error instanceof HoldfastError && error.code === "market/unknown-job") return undefined;
    throw error;
  }
}

/** Miners of the chain, by their peer ids. */
function minersOf(chain: Chain): ReadonlyMap<string, string> {
  const { state } = chain.headState();
  return new Map(
    listMiners(chain.store, state, chain.params.networkByte).map((miner) => [
      readMinerState(chain.store, state, miner).peerId,
      miner,
    ]),
  );
}

function retrievalDoor(
  chain: Chain,
  wire: NodeParts["wire"],
  retrieval: Retrieval,
): HandlerNeeds["retrieval"] {
  return {
    async *find(cid, signal) {
      const wanted = parseCid(cid);
      const miners = minersOf(chain);
      const here = await retrieval.localFile(wanted);
      if (here !== undefined) {
        const own = {
          peerId: wire.self,
          miner: miners.get(wire.self) ?? null,
          answerMs: 0,
          from: "here" as const,
        };
        yield { ...own, pricePerByte: attoFil(0n), carBytes: here.carBytes };
      }
      for await (const found of retrieval.find(wanted, providersOf(chain, wire), signal)) {
        const { peer, pricePerByte, carBytes, answerMs, isFromTable } = found;
        const from = isFromTable ? "table" : "peer";
        yield { peerId: peer, miner: miners.get(peer) ?? null, pricePerByte, carBytes, answerMs, from };
      }
    },
    service: (change) => retrieval.service(change),
  };
}

/** Connected peers, those first that mine: anybody may have files, but they are paid for keeping them. */
function providersOf(chain: Chain, wire: NodeParts["wire"]): readonly PeerId[] {
  const miners = minersOf(chain);
  const peers = wire.peers().map(({ id }) => id);
  return [...peers.filter((peer) => miners.has(peer)), ...peers.filter((peer) => !miners.has(peer))];
}

/** The files as they are stored. */
function filesDoor(chain: Chain, wire: NodeParts["wire"], retrieval: Retrieval): StoredFiles {
  /** A request has one budget, however often it opens something; it is known by its signal. */
  const budgets = new WeakMap<Cancel, Budget>();
  const placeOf = (path: string, signal: Cancel) => {
    const budget = budgets.get(signal);
    const names = path.split("/").filter((name) => name !== "");
    return {
      path: names,
      providers: providersOf(chain, wire),
      signal,
      ...(budget === undefined ? {} : { budget }),
    };
  };
  return {
    allow: (signal, maxPrice) => void budgets.set(signal, new Budget(parseFil(maxPrice))),
    async importFile(bytes, signal, layout) {
      const made = await retrieval.importFile(bytes, { ...layout, signal });
      return { cid: made.root.toString(), sizeBytes: made.sizeBytes, carBytes: made.carBytes };
    },
    async importFolder(items, signal, layout) {
      const made = await retrieval.importFolder(items, { ...layout, signal });
      return { cid: made.root.toString(), sizeBytes: made.sizeBytes, carBytes: made.carBytes };
    },
    openFile: (cid, { path = "", raw: _raw, maxPrice: _max, ...range }, signal) =>
      retrieval.openFile(parseCid(cid), { ...range, ...placeOf(path, signal) }),
    async openFolder(cid, path, signal) {
      const place = { ...placeOf(path, signal), deep: true };
      return folderItems((await retrieval.openTree(parseCid(cid), place)).entries);
    },
    async *list(cid, path, signal) {
      const place = { ...placeOf(path, signal), deep: false };
      const { at, entries } = await retrieval.openTree(parseCid(cid), place);
      if (at.kind !== "folder") yield listed(at);
      for await (const entry of entries) yield listed(entry);
    },
    remove: (cid) => retrieval.deleteFile(parseCid(cid)),
    async stat(cid, signal) {
      const found = await retrieval.stat(parseCid(cid), providersOf(chain, wire), signal);
      const miners = minersOf(chain);
      return {
        cid,
        sizeBytes: found.sizeBytes ?? 0,
        localBytes: found.localBytes,
        providers: found.providers.map(({ peer, answerMs }) => ({
          miner: miners.get(peer) ?? "",
          peerId: peer,
          answerMs,
        })),
      };
    },
  };
}

function listed({ path, kind, cid, sizeBytes, target }: TreeView): MethodResult<"folder.ls"> {
  return { name: path.at(-1) ?? "", kind, cid: cid.toString(), sizeBytes, target };
}

async function* folderItems(views: AsyncIterable<TreeView>): AsyncGenerator<FolderItem, void, undefined> {
  for await (const { path, kind, target, read } of views) {
    if (kind === "folder") yield { kind, path };
    else if (kind === "symlink") yield { kind, path, target: target ?? "" };
    else yield { kind, path, ...(await read()) };
  }
}

/** Files that are wholly here, as the market sees them. */
function filesOf(retrieval: Retrieval): MarketFiles {
  return {
    async stat(root) {
      const record = await retrieval.localFile(root);
      return record === undefined ? undefined : { sizeBytes: record.fileBytes, carBytes: record.carBytes };
    },
    carStream: (root, skipBytes) => retrieval.carStream(root, { skipBytes }),
    ensureLocal: (root, peers, signal) => retrieval.ensureLocal(root, peers, { signal }),
  };
}
