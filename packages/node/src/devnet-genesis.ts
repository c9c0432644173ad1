/**
 * A fresh network for one machine: keys, pre-sealed first sectors (real replicas, so that the first
 * block is won by a proof), funded accounts, and a repo per node.
 */
import { randomBytes, randomInt } from "node:crypto";
import { writeFile } from "node:fs/promises";
import { createServer } from "node:net";
import { join } from "node:path";
import {
  type Address,
  assert,
  type Clock,
  epoch,
  filToAtto,
  type NetworkByte,
  sectorId,
} from "@holdfast/base";
import {
  devnetParams,
  type GenesisMiner,
  type GenesisVerifier,
  genesisMinerAddress,
  genesisSectorTicket,
  type IdleParams,
  maxEpochs,
  type NetworkParams,
  networkIdOf,
  noIdleSpace,
  type PinProgram,
  sectorSizes,
} from "@holdfast/consensus";
import {
  createProver,
  layoutPieces,
  type SealedReplica,
  type SectorClass,
  type SectorIdentity,
} from "@holdfast/proofs";
import { anyPlatform } from "@holdfast/proofs/attestation";
import { makeFolder, openNodeDisk, openStorage, type Storage } from "@holdfast/storage";
import { ownProgram } from "./attestation/index.ts";
import { openDatabase } from "./database.ts";
import { type DevnetClassOptions, devnetClasses } from "./devnet-classes.ts";
import { makeGenesis } from "./genesis.ts";
import { openKeys } from "./keys.ts";
import { openSignedHeights } from "./mine/index.ts";
import { peerIdOfSeed } from "./peer-identity.ts";
import { placeOf } from "./place.ts";
import { defaultConfig, initRepo, repoPaths } from "./repo/index.ts";

/** Of a network of one machine: this very program may run on its pinning nodes, until its authority says otherwise. */
export const ownPinProgram = (program: Uint8Array): PinProgram => ({
  ...{ kind: "software", program, name: "the program that made this network" },
  ...{ expires: epoch(Number.MAX_SAFE_INTEGER), platform: anyPlatform },
});

export interface DevnetOptions extends DevnetClassOptions {
  /** Folder of the network; one folder per node below it. */
  readonly state: string;
  readonly roundMs: number;
  readonly miners: number;
  /** Nodes that verify idle space; the network counts it if there are any. */
  readonly verifiers?: number;
  /** Attested pinning nodes, by evidence of software. */
  readonly pinningNodes?: number;
  readonly apiPort: number;
  readonly clock: Clock;
  /** What of the rules for idle space is another than usual. */
  readonly idle?: Partial<IdleParams>;
  /** Instead of a local network's own. */
  readonly params?: Partial<NetworkParams>;
  /** Ends the sealing of first sectors with its reason. */
  readonly signal?: AbortSignal;
}

/** Sector in which a miner of the genesis has its first power: of the network's smallest size, for a quick start. */
const genesisSectorBytes = (params: NetworkParams): number => Math.min(...sectorSizes(params));
const genesisSectorId = 0;
/** A devnet's addresses are those of the test network. */
const network: NetworkByte = 1;
/** As much as the first account of the 2019 devnets held (go-filecoin's default genesis). */
export const clientFunds = filToAtto(50_000);
export const ownerFunds = filToAtto(10_000);
const minerFunds = filToAtto(1_000);
/** What the bootstrap node, which has no other use for its money, gives to a guest: a hundred times. */
const faucetAmount = filToAtto(100);

const numbered = (word: string, count: number): readonly string[] =>
  Array.from({ length: count }, (_, index) => `${word}-${index + 1}`);

export const nodeNames = (miners: number, verifiers = 0, pinningNodes = 0): readonly string[] => [
  "bootstrap",
  ...numbered("miner", miners),
  ...numbered("verifier", verifiers),
  ...numbered("pinning", pinningNodes),
  "client",
];

/** What each pinning node of a local network takes. */
const pinningBytes = 2 ** 30;

/** Idle space of a network on one machine: files of a mebibyte, lots so often that a challenge is seen in seconds. */
export const localIdle: IdleParams = {
  ...noIdleSpace,
  profile: "idle-1MiB",
  weightPercent: 10,
  pledgePerGiB: filToAtto(10),
  lotEpochs: 20,
  answerEpochs: 20,
  settleEpochs: 40,
  certifyEpochs: 400,
  verifierBond: filToAtto(100),
};

/** The genesis entry of a verifier, which has no voice before it has shown what it runs. */
export function genesisVerifierOf(node: {
  readonly account: Address;
  readonly peerId: string;
}): GenesisVerifier {
  return {
    operator: node.account,
    peerId: node.peerId,
    bond: localIdle.verifierBond,
    expires: epoch(maxEpochs),
  };
}

/** Periods so short that a first proof is seen in seconds, and so long that a slow machine keeps them. */
export function localParams(
  name: string,
  roundMs: number,
  sectorClasses: readonly SectorClass[],
): NetworkParams {
  return devnetParams({
    name,
    roundMs,
    networkByte: network,
    sectorClasses,
    provingPeriodEpochs: 24,
    deadlinesPerPeriod: 2,
    proofWindowEpochs: 10,
    declarationCutoffEpochs: 1,
    sealChallengeDelayEpochs: 2,
    ticketLookbackEpochs: 2_000,
    preCommitExpiryEpochs: 1_000,
    maxMessageBytes: 524_288,
  });
}

/** Writes the repos. Errors: `proofs/unknown-sector-size`, `repo/exists`, `repo/unwritable`. */
export async function createDevnet(options: DevnetOptions): Promise<void> {
  await makeFolder(options.state);
  const classes = await devnetClasses(options);
  const name = `local-${randomBytes(4).toString("hex")}`;
  const { verifiers = 0, pinningNodes = 0 } = options;
  const local = { ...localParams(name, options.roundMs, classes), faucetAmount };
  const idle = { ...localIdle, ...options.idle };
  const params = { ...local, ...(verifiers === 0 ? {} : { idle }), ...options.params };
  const names = nodeNames(options.miners, verifiers, pinningNodes);
  const ports = await freePorts(names.length);
  const nodes = await Promise.all(names.map((name) => makeKeys(options.state, name)));
  const miners = nodes.filter((node) => node.blsKey !== undefined);
  const sealed = await Promise.all(
    miners.map((_, index) => preseal(params, genesisMinerAddress(network, index), options)),
  );
  const { car } = makeGenesis({
    params,
    timestampMs: options.clock.nowMs(),
    accounts: nodes.map(({ name, account }) => ({
      address: account,
      balance: name === "client" ? clientFunds : ownerFunds,
    })),
    miners: miners.map((node, index) => genesisMinerOf(node, sealed[index])),
    idleVerifiers: nodes.filter(({ name }) => isVerifier(name)).map(genesisVerifierOf),
    pinPrograms: [ownPinProgram((await ownProgram()).measurement)],
  });
  const [bootstrap] = nodes;
  const bootstrapAddress = `/ip4/127.0.0.1/tcp/${ports[0]}/p2p/${bootstrap?.peerId}`;
  await Promise.all(
    nodes.map(async (node, index) => {
      const minerIndex = miners.indexOf(node);
      const base = defaultConfig();
      await initRepo(node.root, {
        genesis: car,
        config: {
          ...base,
          name: node.name,
          api: { listen: `127.0.0.1:${node.name === "client" ? options.apiPort : 0}` },
          gateway: { ...base.gateway, listen: "127.0.0.1:0" },
          pins: {
            ...base.pins,
            listen: "127.0.0.1:0",
            attestation: "software",
            capacityBytes: isPinning(node.name) ? pinningBytes : 0,
          },
          net: {
            ...base.net,
            listen: [`/ip4/127.0.0.1/tcp/${ports[index]}`],
            bootstrap: index === 0 ? [] : [bootstrapAddress],
          },
          faucet: { ...base.faucet, serve: index === 0 },
          verifier: { ...base.verifier, serve: isVerifier(node.name) },
          mining: {
            ...base.mining,
            miner: minerIndex < 0 ? "" : genesisMinerAddress(network, minerIndex),
            sectorBytes: options.sectorBytes,
            maxStagedMs: options.roundMs * 2,
          },
        },
      });
      const replica = sealed[minerIndex];
      if (replica === undefined) return;
      const miner = genesisMinerAddress(network, minerIndex);
      await storePresealed(node.root, params, miner, replica, options);
      await beginRecord(node.root, miner);
    }),
  );
}

export const isVerifier = (name: string): boolean => name.startsWith("verifier-");
export const isPinning = (name: string): boolean => name.startsWith("pinning-");

interface PlannedNode {
  readonly name: string;
  readonly root: string;
  readonly account: Address;
  readonly blsKey: Uint8Array | undefined;
  readonly peerId: string;
}

async function makeKeys(state: string, name: string): Promise<PlannedNode> {
  const root = join(state, name);
  const { keystore } = repoPaths(root);
  await makeFolder(keystore, 0o700);
  const { wallet, peerSeed } = await openKeys({ keystore, network });
  const account = await wallet.newAccount();
  const blsKey = name.startsWith("miner-") ? await wallet.newBlsKey() : undefined;
  return { name, root, account, blsKey, peerId: await peerIdOfSeed(peerSeed) };
}

/** The genesis entry of a miner that its node's account owns and works for. */
export function genesisMinerOf(
  node: { readonly account: Address; readonly blsKey: Uint8Array | undefined; readonly peerId: string },
  replica: Presealed | undefined,
): GenesisMiner {
  return {
    owner: node.account,
    worker: node.account,
    workerKey: node.blsKey ?? new Uint8Array(48),
    peerId: node.peerId,
    balance: minerFunds,
    sectors:
      replica === undefined
        ? []
        : [
            {
              sectorId: sectorId(genesisSectorId),
              sectorBytes: replica.sectorBytes,
              commD: replica.identity.commD,
              commR: replica.sealed.commR,
              commRStar: replica.sealed.commRStar,
            },
          ],
  };
}

export interface Presealed {
  readonly sectorBytes: number;
  readonly identity: SectorIdentity;
  readonly sealed: SealedReplica;
}

/** A real replica of an empty sector, for the miner's first power. */
export async function preseal(
  params: NetworkParams,
  miner: Address,
  { signal }: { readonly signal?: AbortSignal } = {},
  { number = genesisSectorId, sectorBytes = genesisSectorBytes(params) } = {},
): Promise<Presealed> {
  const { commD } = layoutPieces([], sectorBytes);
  const identity = {
    networkId: networkIdOf(params),
    miner,
    sectorId: sectorId(number),
    ticket: genesisSectorTicket,
    commD,
  };
  const data = new Uint8Array(sectorBytes);
  return {
    sectorBytes,
    identity,
    sealed: await createProver().replicate(
      { classes: params.sectorClasses, sectorBytes, identity, data },
      signal === undefined ? {} : { cancel: signal },
    ),
  };
}

async function storePresealed(
  root: string,
  params: NetworkParams,
  miner: Address,
  presealed: Presealed,
  options: DevnetOptions,
): Promise<void> {
  await using storage = await openStorage({
    sectorBytes: options.sectorBytes,
    classes: params.sectorClasses,
    disk: await openNodeDisk(repoPaths(root).storage),
    dbPath: join(root, "storage.db"),
    prover: createProver(),
    clock: options.clock,
  });
  await importGenesisSector(storage, params, miner, presealed);
}

/** The record of signed blocks begins with the keys: a node that runs where they were made need look for no other. */
export async function beginRecord(root: string, miner: Address): Promise<void> {
  using database = openDatabase(repoPaths(root).database);
  openSignedHeights(database).adopt(miner, await placeOf(root), 0);
}

/** Puts a miner's pre-sealed sector where its node will look for it. */
export async function importGenesisSector(
  storage: Storage,
  params: NetworkParams,
  miner: Address,
  { sectorBytes, identity, sealed }: Presealed,
): Promise<void> {
  await storage.importPresealed({
    sectorId: identity.sectorId,
    sectorBytes,
    commD: identity.commD,
    commR: sealed.commR,
    commRStar: sealed.commRStar,
    ticket: { epoch: 0, bytes: identity.ticket },
    identity: { networkId: networkIdOf(params), miner },
    replica: sealed.replica,
    replicaTree: sealed.replicaTree,
  });
}

/** Below the ports from which systems take those of outgoing connections: 32768 and up on Linux, 49152 elsewhere. */
const [firstPort, lastPort] = [15_000, 32_000];
const mostPortTries = 100;

/**
 * Ports that were free a moment ago, so that a stopped network finds its addresses again. Drawn, because one that a
 * system gives could be gone to somebody's outgoing connection before the node listens.
 */
async function freePorts(count: number): Promise<number[]> {
  const ports = new Set<number>();
  for (let tries = 0; ports.size < count && tries < count * mostPortTries; tries += 1) {
    const port = randomInt(firstPort, lastPort);
    if (await isFree(port)) ports.add(port);
  }
  assert(ports.size === count, "free ports for the nodes of a local network");
  return [...ports];
}

function isFree(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once("error", () => resolve(false));
    server.listen(port, "127.0.0.1", () => server.close(() => resolve(true)));
  });
}

/** Remembers how far the network's time lies behind the machine's. */
export async function writeClockOffset(root: string, offsetMs: number): Promise<void> {
  await writeFile(join(root, "clock.json"), `${JSON.stringify({ offsetMs })}\n`);
}
