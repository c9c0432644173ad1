/**
 * A node's answers as data: one of each method of the API, checked against the API's own schemas when this
 * file is loaded, so that what the tests believe cannot rot.
 */
import { type CallName, type MethodResult, methods, type StreamName } from "@holdfast/api";
import { f1Text } from "@holdfast/base";
import { amendment, authorityCalls, channelCalls, dealOnChain } from "./canned-channels.ts";
import { faucetCalls } from "./canned-faucet.ts";
import { folderEntries } from "./canned-folder.ts";
import { idleAnswers } from "./canned-idle.ts";
import { ipfsStatus, pullLines } from "./canned-ipfs.ts";
import { jobAnswers, jobEvents } from "./canned-jobs.ts";
import { cid, client, dealId, fileBytes, fileCid, headMs, messageCid, miner, owner } from "./canned-names.ts";
import { netCalls } from "./canned-net.ts";
import { cannedNetwork, minedBlocks } from "./canned-network.ts";
import { pinOrderCalls } from "./canned-pin-orders.ts";
import { pinCalls } from "./canned-pins.ts";
import { poscCalls } from "./canned-posc.ts";
import { putDone, putKept, putRunning, receipt } from "./canned-puts.ts";
import { retrievalCalls } from "./canned-retrieval.ts";
import { storageAnswers } from "./canned-storage.ts";
import { verifierAnswers } from "./canned-verifier.ts";

export { cid, client, dealId, fileBytes, fileCid, messageCid, miner, owner } from "./canned-names.ts";
export { putDone, putRunning, receipt } from "./canned-puts.ts";

const peerId = "12D3KooWNRgiFRiyixcVhNBwhQjyzGqwG9Uvgis3TPtFBvBNM7gr";
const pruned = { statesFrom: 70, bodiesFrom: 70 };
const head: MethodResult<"chain.head"> = {
  key: cid("block 100"),
  height: 100,
  cids: [cid("block 100")],
  miners: [miner],
  parentWeight: "123456",
  messages: 2,
  timestampMs: headMs,
};

const message: MethodResult<"message.ls">[number] = {
  cid: messageCid,
  from: client,
  to: miner,
  nonce: 7,
  valueFil: "1.5",
  method: "",
  paramsHex: "",
  gasPriceFil: "0.000000000000000001",
  gasLimit: 1000,
};

export const mined: MethodResult<"message.wait"> = {
  message,
  state: "mined",
  height: 99,
  tipset: cid("block 99"),
  confirmations: 1,
  receipt: { exitCode: 0, meaning: "ok: the message took effect", returnsHex: "", gasUsed: 600 },
};

const ask: MethodResult<"ask.set"> = {
  miner,
  askId: 1,
  priceFilPerGiBPerDay: "0.0100192997081088",
  providerCollateralPercent: 20,
  clientCollateralPercent: 5,
  priceAttoPerByteEpoch: "108",
  minBytes: 1,
  maxBytes: 34_359_738_368,
  expiresAt: 1_000_001,
  peerId,
  reachable: true,
};

const sector: MethodResult<"sector.ls">[number] = {
  sectorId: 3,
  miner,
  sectorBytes: 262_144,
  state: "active",
  commD: "aa".repeat(32),
  commR: "bb".repeat(32),
  pieces: 1,
  usedBytes: 131_072,
  activatedAt: 80,
  expiresAt: 500,
  lastProvenAt: 95,
  detail: "",
};

const deal: MethodResult<"deal.ls">[number] = {
  dealId,
  role: "client",
  payload: fileCid,
  name: "photo.jpg",
  client,
  miner,
  state: "active",
  detail: "",
  sizeBytes: fileBytes.length,
  pieces: 1,
  sectors: [3],
  provenSectors: 1,
  faultySectors: 0,
  totalFil: "0.02",
  redeemedFil: "0.001",
  channelId: 5,
  startHeight: 70,
  endHeight: 190,
  keeping: "renew-and-repair",
  onChain: dealOnChain,
};

const walletEntry: MethodResult<"wallet.new"> = {
  address: client,
  f1: f1Text(client),
  balanceFil: "49998.5",
  escrowFil: "0.5",
  lockedFil: "0.2",
  channelsFil: "0.019",
  isDefault: true,
};

const actor: MethodResult<"actor.ls">[number] = {
  address: miner,
  kind: "miner",
  balanceFil: "1000",
  nonce: 0,
  head: cid("miner state"),
};

type Calls = { readonly [Name in CallName]: MethodResult<Name> };
type Streams = { readonly [Name in StreamName]: readonly MethodResult<Name>[] };

export const calls: Calls = {
  "node.status": {
    name: "client",
    version: "0.1.0",
    network: "canned",
    roundMs: 1000,
    protocol: { version: 1, known: 1, next: null },
    peerId,
    addresses: [`/ip4/127.0.0.1/tcp/6000/p2p/${peerId}`],
    peers: 4,
    head,
    headAgeMs: 400,
    syncState: "synced",
    syncCode: "none",
    syncReason: "new blocks come in",
    believedFrom: null,
    health: { light: "ok", reason: "the newest block is no round old", fix: null },
    defaultAddress: client,
    balanceFil: "49998.5",
    pendingMessages: 0,
    roles: ["client"],
    sectors: [{ sectorBytes: 65_536, profile: "zigzag-64KiB", proofMode: "vanilla" }],
    uptimeMs: 3_723_000,
  },
  ...netCalls,
  "ipfs.status": ipfsStatus,
  ...pinCalls,
  ...poscCalls,
  "chain.head": head,
  "chain.ls": [head, { ...head, height: 99, messages: 0, timestampMs: headMs - 1000 }],
  "chain.show": {
    cid: cid("block 100"),
    miner,
    height: 100,
    parents: [cid("block 99")],
    parentWeight: "123456",
    stateRoot: cid("state"),
    receipts: cid("receipts"),
    ticketHex: "cc".repeat(96),
    timestampMs: headMs,
    messages: [message],
  },
  "chain.prune": { ...pruned, removedObjects: 900, keptObjects: 400, prunedTipsets: 60, isComplete: true },
  "chain.store": {
    height: 100,
    kinds: [
      { kind: "objects of states", entries: 400, bytes: 120_000 },
      { kind: "headers", entries: 110, bytes: 220_000 },
    ],
    totalBytes: 340_000,
    diskBytes: 250_000,
    ...pruned,
    pruneEpochs: 0,
    quotaBytes: 1_000_000,
  },
  "chain.snapshot": { height: 88, cids: [cid("root")], messageEpochs: 12, isFinal: true },
  "chain.money": {
    height: 100,
    balancesFil: "900",
    escrowFil: "50",
    pledgeFil: "49.999999999999999999",
    burntFil: "0.000000000000000001",
    totalFil: "1000",
    genesisTotalFil: "1000",
    exact: true,
  },
  "chain.bad": [
    {
      key: cid("bad block"),
      height: 90,
      code: "block/wrong-state-root",
      reason: "The block claims the state a; it is b.",
      root: cid("bad block"),
      foundAtMs: headMs,
    },
  ],
  "chain.clearBad": { cleared: 1 },
  "message.send": { cid: messageCid, nonce: 7 },
  "message.show": { ...mined, state: "pending", height: null, tipset: null, receipt: null },
  "message.wait": mined,
  "network.show": cannedNetwork(cid("genesis"), client),
  "network.schedule": { to: miner, method: "scheduleUpgrade", paramsHex: "83", cid: cid("upgrade") },
  "network.cancel": { to: miner, method: "cancelUpgrade", paramsHex: "81", cid: null },
  "message.ls": [message],
  ...channelCalls,
  ...authorityCalls,
  "actor.ls": [actor],
  "actor.show": { ...actor, state: { owner, sectors: 2 } },
  "wallet.ls": [walletEntry, { ...walletEntry, address: owner, f1: f1Text(owner), isDefault: false }],
  "wallet.new": walletEntry,
  "wallet.default": walletEntry,
  "wallet.recipient": { address: client, recipient: "age1canned" },
  "wallet.identity": { address: client, identity: "AGE-SECRET-KEY-1CANNED" },
  "wallet.export": { address: client, keyHex: "7b7d", privateKeyBase64: "AAAA" },
  "wallet.import": [walletEntry],
  ...faucetCalls(client, owner, messageCid),
  ...verifierAnswers,
  ...jobAnswers(headMs),
  ...storageAnswers,
  ...idleAnswers,
  "storage.migrate": {
    from: "/net/miner-1/storage.db",
    to: "postgres://holdfast@db.example/holdfast?schema=miner1",
    rows: 4_711,
    passes: 1,
    wasThere: false,
  },
  "ask.ls": [ask],
  "ask.show": [ask],
  "ask.set": ask,
  "mine.status": {
    miner,
    owner,
    light: "earning",
    reason: "the last proof was accepted at 95; the next deadline is in 12 rounds (12s)",
    powerBytes: 524_288,
    idlePowerBytes: 131_072,
    networkPowerBytes: 1_048_576,
    ...minedBlocks,
    sectors: { active: 2, faulty: 0, pending: 1 },
    pledgeFil: "0.002",
    availableFil: "999.998",
    provingPeriodStart: 94,
    nextDeadline: 112,
    lastPostAt: 95,
    deadlines: [
      {
        index: 0,
        sectors: 1,
        faulty: 0,
        partitions: 1,
        opensAt: 95,
        closesAt: 111,
        isOpen: true,
        toProve: 0,
      },
      {
        index: 1,
        sectors: 1,
        faulty: 0,
        partitions: 1,
        opensAt: 113,
        closesAt: 129,
        isOpen: false,
        toProve: 0,
      },
    ],
    asks: [ask],
    earnedFil: "18000",
  },
  "sector.ls": [sector, { ...sector, sectorId: 4, state: "sealing", lastProvenAt: null, expiresAt: null }],
  "sector.show": {
    ...sector,
    pieceList: [{ pieceCid: cid("piece"), dealId, offsetBytes: 0, paddedBytes: 131_072 }],
  },
  "deal.ls": [deal, { ...deal, dealId: cid("deal 2"), provenSectors: 0, faultySectors: 1 }],
  "deal.show": {
    ...deal,
    pieceList: [
      { pieceCid: cid("piece"), paddedBytes: 262_144, userBytes: 200_400, sectorId: 3, lastProvenAt: 95 },
    ],
    vouchers: [
      { amountFil: "0.001", validAt: 71, redeemed: true },
      { amountFil: "0.02", validAt: 190, redeemed: false },
    ],
    amendments: [amendment],
    history: [{ atMs: headMs - 30_000, state: "accepted", detail: "by the miner" }],
  },
  "file.ls": [
    {
      cid: fileCid,
      name: "photo.jpg",
      sizeBytes: fileBytes.length,
      copies: 1,
      encrypted: false,
      activeCopies: 1,
      state: "stored",
      reason: "",
      storedUntilHeight: 190,
    },
  ],
  "put.start": putRunning,
  "put.show": putRunning,
  "put.ls": [putDone, putRunning, putKept],
  "put.keep": putKept,
  "put.receipt": receipt,
  "file.rm": { cid: fileCid, removed: true },
  "file.stat": { cid: fileCid, sizeBytes: fileBytes.length, localBytes: 0, providers: [] },
  ...pinOrderCalls,
  ...retrievalCalls(miner, owner),
  why: {
    subject: dealId,
    kind: "deal",
    state: "active",
    light: "ok",
    summary: "the file is proven",
    causes: ["its last proof was accepted at 95"],
    fix: null,
  },
};

export const streams: Streams = {
  "chain.watch": [head, { ...head, height: 101 }],
  "put.watch": [putRunning, putDone],
  "folder.ls": folderEntries,
  "ipfs.pull": pullLines(fileCid),
  "jobs.watch": jobEvents(headMs),
  "sector.watch": [
    { cursor: 7, sectorId: 4, from: "closing", to: "sealing", reason: null, atMs: headMs - 60_000 },
  ],
};

for (const [name, answer] of Object.entries(calls)) methods[name as CallName].result.parse(answer);
for (const [name, list] of Object.entries(streams)) methods[name as StreamName].result.array().parse(list);
