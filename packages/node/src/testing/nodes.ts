/** The nodes of the test network: each a full node as in production, on simulated seams and in memory. */
import {
  type Address,
  assert,
  type JsonObject,
  type Logger,
  type NetworkByte,
  type PeerId,
  silentLogger,
} from "@holdfast/base";
import { SeededRandom, SimClock, SimDisk, SimNet } from "@holdfast/base/testing";
import {
  genesisMinerAddress,
  moneyInvariant,
  type NetworkParams,
  noIdleSpace,
  type Protocols,
  type Upgrade,
} from "@holdfast/consensus";
import { createVerifier, verifyStatement } from "@holdfast/proofs/verify";
import type { Storage } from "@holdfast/storage";
import { type ChainDatabase, memoryDatabase } from "../chain/index.ts";
import { type MinerParts, type NodeParts, type RunningNode, startNode } from "../compose.ts";
import { type Database, openDatabase } from "../database.ts";
import {
  clientFunds,
  genesisMinerOf,
  genesisVerifierOf,
  importGenesisSector,
  isVerifier,
  localIdle,
  localParams,
  nodeNames,
  ownerFunds,
  ownPinProgram,
  preseal,
} from "../devnet-genesis.ts";
import { openDiscovery } from "../discovery/index.ts";
import { aloneExecutions, type Executions } from "../executions.ts";
import { loadGenesis, makeGenesis } from "../genesis.ts";
import { installNativeKernels } from "../kernels.ts";
import { taskFailed } from "../market/index.ts";
import { type MinerPlace, openSignedHeights } from "../mine/index.ts";
import { type FileBlocks, memoryBlocks } from "../retrieval/index.ts";
import { openWallet, type Wallet } from "../wallet/index.ts";
import { classesOf, openMemoryStorage } from "./memory-storage.ts";
import {
  type KeptPins,
  keptPins,
  type PinKit,
  type PinningOptions,
  pinKit,
  pinningParts,
} from "./pinning.ts";

export interface NetworkOptions {
  readonly miners?: number;
  /** Nodes that verify idle space; the network counts small files of it if there are any. The client admits them. */
  readonly verifiers?: number;
  /** The same seed gives the same keys, tickets and winners. */
  readonly seed?: string;
  readonly roundMs?: number;
  readonly sectorBytes?: number;
  /** Further sizes of sectors that each miner has, side by side. */
  readonly otherSectorBytes?: readonly number[];
  /** Overrides of the network's parameters. */
  readonly params?: Partial<NetworkParams>;
  /** The client's account may schedule upgrades. */
  readonly clientUpgrades?: boolean;
  /** The versions of the rules that a node knows, by its name. */
  readonly protocolsOf?: (name: string) => Protocols;
  /** Planned by the genesis. */
  readonly upgrades?: readonly Upgrade[];
  /** Names of the nodes that serve a faucet. */
  readonly faucets?: readonly string[];
  /** Every node keeps pins and can attest by software that it runs this (32 bytes), or what it says of a name. */
  readonly pinning?: PinningOptions;
  /** Waits until what nodes have asked outside of virtual time is answered; time stands still meanwhile. */
  readonly atRest?: () => Promise<void>;
  /** Delay of every message on the wire. */
  readonly delayMs?: number;
  /** A miner's disk by its name; one that nobody else holds if left out. */
  readonly diskOf?: (name: string) => SimDisk;
  /** Log of all nodes. */
  readonly logger?: Logger;
  /** What the nodes have executed for one another; if left out, each executes everything itself. */
  readonly executions?: Executions;
}

export interface TestNode {
  readonly name: string;
  readonly role: "bootstrap" | "miner" | "verifier" | "client";
  readonly account: Address;
  /** The miner actor that the node runs. */
  readonly miner: Address | undefined;
  readonly storage: Storage | undefined;
  /** What it pins and how it attests, of a network with pinning. */
  readonly pinning: PinKit | undefined;
  /** The running node; replaced by a restart. */
  readonly node: RunningNode;
  readonly peerId: PeerId;
  stop(): Promise<void>;
  /** Starts again on what it had on its disk. */
  start(): Promise<void>;
  /** A second node with the same keys and sectors, an own chain and its own record of blocks; it is started. */
  copy(as: {
    readonly name: string;
    readonly database: Database;
    readonly miner: Pick<MinerParts, "place" | "isSole">;
  }): Promise<TestNode>;
  /** What it starts with the next time: another chain, a checkpoint. */
  prepare(
    next: Pick<Partial<NodeParts>, "chainDatabase" | "checkpoint" | "stateSync" | "pruning" | "netControl">,
  ): void;
}

const network: NetworkByte = 1;
export const fixturePlace: MinerPlace = { folder: "memory", boot: "first" };
const fixtureVersion = "0.1.0";
/** attoFIL per byte and epoch. */
const fixturePrice = 1_000n;

interface Plan {
  readonly name: string;
  readonly role: TestNode["role"];
  readonly wallet: Wallet;
  readonly account: Address;
  readonly blsKey: Uint8Array | undefined;
}

/** Those that have nothing to attest with are vouched for by the genesis. */
const verifiersOf = (plans: readonly Plan[], isAttesting: boolean) =>
  plans
    .filter(({ role }) => role === "verifier")
    .map(({ name, account }) => ({
      ...genesisVerifierOf({ account, peerId: name }),
      ...(isAttesting ? {} : { key: account }),
    }));

const keptPinning = ({ pinning }: NetworkOptions, name: string): Pick<FixtureParts, "pinning"> =>
  pinning === undefined ? {} : { pinning: { options: pinning, kept: keptPins(name) } };

export async function buildNodes(options: NetworkOptions, stack: AsyncDisposableStack) {
  await installNativeKernels();
  const seed = options.seed ?? "holdfast";
  const random = new SeededRandom(seed);
  const clock = new SimClock();
  const wire = new SimNet({ seed, clock, delayMs: options.delayMs ?? 1 });
  const roundMs = options.roundMs ?? 1_000;
  const plans = await Promise.all(
    nodeNames(options.miners ?? 3, options.verifiers).map((name) => planNode(name, random.fork(name))),
  );
  const authority = plans.find(({ role }) => role === "client")?.account ?? null;
  const params = {
    ...localParams(`test-${seed}`, roundMs, classesOf(options)),
    upgradeAuthority: options.clientUpgrades === true ? authority : null,
    idle: options.verifiers === undefined ? noIdleSpace : { ...localIdle, profile: "idle-32KiB", authority },
    ...options.params,
  };
  const minerPlans = plans.filter(({ role }) => role === "miner");
  const sealed = await Promise.all(
    minerPlans.map((_, index) => preseal(params, genesisMinerAddress(network, index))),
  );
  const { car } = makeGenesis({
    params,
    timestampMs: clock.nowMs(),
    accounts: plans.map(({ role, account }) => ({
      address: account,
      balance: role === "client" ? clientFunds : ownerFunds,
    })),
    miners: minerPlans.map((plan, index) => genesisMinerOf({ ...plan, peerId: plan.name }, sealed[index])),
    upgrades: options.upgrades ?? [],
    idleVerifiers: verifiersOf(plans, options.pinning !== undefined),
    ...(options.pinning === undefined ? {} : { pinPrograms: [ownPinProgram(options.pinning.program)] }),
  });
  const nodes: TestNode[] = [];
  const faults: unknown[] = [];
  for (const plan of plans) {
    const minerIndex = minerPlans.indexOf(plan);
    const miner = minerIndex < 0 ? undefined : genesisMinerAddress(network, minerIndex);
    const presealed = sealed[minerIndex];
    const storage =
      miner === undefined
        ? undefined
        : stack.use(await openMemoryStorage({ clock, params, name: plan.name }, options));
    if (miner !== undefined && storage !== undefined && presealed !== undefined) {
      await importGenesisSector(storage, params, miner, presealed);
    }
    const kept = await keep(car, stack);
    // Its keys have just been made, so the record is complete.
    if (miner !== undefined) openSignedHeights(kept.database).adopt(miner, fixturePlace, 0);
    const node = new FixtureNode({
      plan,
      miner,
      place: { place: fixturePlace },
      storage,
      kept,
      ...{ clock, wire },
      logger: faultsOf(options.logger ?? silentLogger, plan.name, faults),
      faults,
      faucet: options.faucets?.includes(plan.name) === true,
      ...(options.protocolsOf === undefined ? {} : { protocolsOf: options.protocolsOf }),
      executions: options.executions ?? aloneExecutions,
      ...keptPinning(options, plan.name),
    });
    await node.start();
    stack.defer(() => node.stop());
    nodes.push(node);
  }
  return { seed, clock, wire, nodes, faults };
}

/** A task of the market that throws what is no refusal is a bug, whatever the deal comes to. */
function faultsOf(logger: Logger, node: string, faults: unknown[]): Logger {
  const tell = (level: keyof Logger) => (event: string, data?: JsonObject) => logger[level](event, data);
  return {
    debug: tell("debug"),
    info: tell("info"),
    warn: tell("warn"),
    error(event, data) {
      logger.error(event, data);
      if (event === taskFailed) faults.push(new Error(`${node}: ${event}: ${JSON.stringify(data)}`));
    },
  };
}

async function planNode(name: string, random: SeededRandom): Promise<Plan> {
  const wallet = await openWallet({ disk: new SimDisk(), secret: random.bytes(32), random, network });
  const role = roleOf(name);
  const account = await wallet.newAccount();
  return { name, role, wallet, account, blsKey: role === "miner" ? await wallet.newBlsKey() : undefined };
}

function roleOf(name: string): TestNode["role"] {
  if (name === "bootstrap" || name === "client") return name;
  return isVerifier(name) ? "verifier" : "miner";
}

/** What a node has on its disk: it stays when the node stops. */
interface Kept {
  readonly chainDatabase: ChainDatabase;
  readonly database: Database;
  readonly fileBlocks: FileBlocks;
  readonly genesis: Awaited<ReturnType<typeof loadGenesis>>;
  /** The genesis as a file. */
  readonly car: Uint8Array;
}

async function keep(car: Uint8Array, stack: AsyncDisposableStack): Promise<Kept> {
  const chainDatabase = memoryDatabase();
  return {
    chainDatabase,
    database: stack.use(openDatabase(":memory:")),
    fileBlocks: memoryBlocks(),
    genesis: await loadGenesis(car, chainDatabase),
    car,
  };
}

interface FixtureParts {
  readonly plan: Plan;
  readonly miner: Address | undefined;
  readonly place: Pick<MinerParts, "place" | "isSole">;
  readonly storage: Storage | undefined;
  readonly kept: Kept;
  readonly clock: SimClock;
  readonly wire: SimNet;
  readonly logger: Logger;
  /** A listener cannot stop its chain: what is wrong is kept for whoever lets time pass. */
  readonly faults: unknown[];
  readonly faucet: boolean;
  readonly executions: Executions;
  readonly protocolsOf?: (name: string) => Protocols;
  readonly pinning?: { readonly options: PinningOptions; readonly kept: KeptPins };
}

class FixtureNode implements TestNode {
  readonly name: string;
  readonly role: TestNode["role"];
  readonly account: Address;
  readonly miner: Address | undefined;
  readonly storage: Storage | undefined;
  readonly peerId: PeerId;
  readonly #parts: FixtureParts;
  #running: { readonly node: RunningNode; readonly stack: AsyncDisposableStack } | undefined;
  #next: Parameters<TestNode["prepare"]>[0] = {};

  constructor(parts: FixtureParts) {
    this.#parts = parts;
    this.name = parts.plan.name;
    this.role = parts.plan.role;
    this.account = parts.plan.account;
    this.miner = parts.miner;
    this.storage = parts.storage;
    this.peerId = parts.plan.name as PeerId;
  }

  get pinning(): PinKit | undefined {
    const { pinning, plan, clock } = this.#parts;
    return pinning && pinKit(plan.name, pinning.options, { clock, kept: pinning.kept });
  }
  get node(): RunningNode {
    assert(this.#running !== undefined, `${this.name} is running`);
    return this.#running.node;
  }

  prepare(next: Parameters<TestNode["prepare"]>[0]): void {
    this.#next = next;
  }

  async start(): Promise<void> {
    const { plan, miner, place, storage, kept, clock, wire, logger, faults } = this.#parts;
    const { faucet, executions, protocolsOf, pinning } = this.#parts;
    await using stack = new AsyncDisposableStack();
    const own = stack.use(wire.createWire(plan.name));
    const verifier = createVerifier();
    const parts: NodeParts = {
      name: plan.name,
      version: fixtureVersion,
      clock,
      ...{ logger, executions },
      ...kept,
      ...(protocolsOf === undefined ? {} : { protocols: protocolsOf(plan.name) }),
      ...this.#next,
      wallet: plan.wallet,
      ...(faucet ? { faucet: { account: undefined } } : {}),
      ...(plan.role === "verifier" ? { idleVerifier: { account: undefined } } : {}),
      ...(pinning && pinningParts(plan.name, pinning.options, { clock, kept: pinning.kept })),
      wire: own,
      checker: { verify: async (statement) => verifyStatement(verifier, statement) },
      ...(miner === undefined || storage === undefined
        ? {}
        : {
            miner: {
              address: miner,
              storage,
              ...place,
              ask: {
                pricePerBytePerEpoch: fixturePrice,
                minBytes: 1,
                maxBytes: Number.MAX_SAFE_INTEGER,
                forEpochs: 1_000_000,
              },
            },
          }),
    };
    const node = stack.use(await startNode(parts));
    const { chain } = node;
    stack.defer(
      chain.onHead(({ to }) => {
        const state = chain.stateAfter(to.key);
        if (state === undefined) return;
        try {
          moneyInvariant(chain.store, state, chain.genesisTotal);
        } catch (error) {
          faults.push(error);
        }
      }),
    );
    const bootstrap = plan.role === "bootstrap" ? [] : ["/sim/bootstrap"];
    const random = new SeededRandom(`discovery of ${plan.name}`);
    stack.use(openDiscovery({ wire: own, clock, logger, random, bootstrap }));
    this.#running = { node, stack: stack.move() };
  }

  async copy({ name, database, miner: place }: Parameters<TestNode["copy"]>[0]): Promise<TestNode> {
    const { plan, kept } = this.#parts;
    const chainDatabase = memoryDatabase();
    const genesis = await loadGenesis(kept.car, chainDatabase);
    const own = { ...kept, chainDatabase, genesis, database, fileBlocks: memoryBlocks() };
    const twin = new FixtureNode({ ...this.#parts, plan: { ...plan, name }, kept: own, place });
    await twin.start();
    return twin;
  }

  async stop(): Promise<void> {
    const running = this.#running;
    this.#running = undefined;
    await running?.stack.disposeAsync();
  }
}
