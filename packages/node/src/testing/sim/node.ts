/**
 * One machine of a simulation: its disk, its keys, and the processes that live on it one after the other. Each life is
 * the whole production node (chain, sync, pool, sender, mining, market, storage, discovery) on seams that can kill it.
 */
import type { Address, Disk, Json, JsonObject, Logger, NetworkByte, PeerId, Wire } from "@holdfast/base";
import { type SeededRandom, type SimClock, SimDisk, type SimNet } from "@holdfast/base/testing";
import type { NetworkParams } from "@holdfast/consensus";
import type { Prover } from "@holdfast/proofs";
import { type Verifier, verifyStatement } from "@holdfast/proofs/verify";
import { openStorage, type Storage } from "@holdfast/storage";
import type { ChainDatabase } from "../../chain/index.ts";
import { type MinerParts, type RunningNode, startNode } from "../../compose.ts";
import type { Database } from "../../database.ts";
import { openDiscovery } from "../../discovery/index.ts";
import type { LoadedGenesis } from "../../genesis.ts";
import type { MinerPlace } from "../../mine/index.ts";
import { type FileBlocks, openDiskBlocks } from "../../retrieval/index.ts";
import { openWallet } from "../../wallet/index.ts";
import { type PinningOptions, pinningParts } from "../pinning.ts";
import { EngineRoom } from "./engine.ts";
import { openEngineStorage } from "./engine-storage.ts";
import type { History } from "./history.ts";
import { clockOf, diskOf, Life, plantDiskFaults, type Troubles } from "./life.ts";
import { chainDatabaseOf, databaseOf } from "./stores.ts";

export const network: NetworkByte = 1;
/** A machine keeps its record of signed blocks, and is not started anew. */
export const machinePlace: MinerPlace = { folder: "machine", boot: "only" };

/** A villain is its own twin and does not mind. */
const placeOf = ({ isByzantine }: Identity) => (isByzantine ? {} : { place: machinePlace });
const version = "0.1.0";
/** attoFIL per byte and epoch. */
const price = 1_000n;
const fileQuotaBytes = 64 * 1024 * 1024;
/** Of the deaths of a node that has workers; else its process alone dies, and they work on. */
const powerCutShare = 0.5;

export interface Identity {
  readonly name: string;
  readonly index: number;
  readonly account: Address;
  /** The miner actor that the node runs. */
  readonly miner: Address | undefined;
  /** Opens the keystore. */
  readonly secret: Uint8Array;
  readonly isByzantine: boolean;
  /** It verifies idle space. */
  readonly isVerifier: boolean;
}

/** The same for every node of a simulation. */
export interface Surroundings {
  readonly clock: SimClock;
  readonly net: SimNet;
  readonly history: History;
  readonly params: NetworkParams;
  readonly sectorBytes: number;
  readonly prover: Prover;
  readonly verifier: Verifier;
  readonly bootstrap: readonly string[];
  /** Every node keeps pins, and can show what it runs. */
  readonly pinning: PinningOptions | undefined;
  /** Miners have workers, and another disk; undefined: they compute in their own thread. `isSteady`: as of its room. */
  readonly workers: { readonly isSteady: boolean } | undefined;
  /** A node has started; called again for every life. */
  readonly onStart: (node: SimNode) => void;
}

/** What lies on the machine's disk. */
export interface Machine {
  disk: SimDisk;
  readonly chain: ChainDatabase;
  readonly database: Database;
  readonly storagePath: string;
  readonly jobsPath: string;
  readonly genesis: LoadedGenesis;
}

/** Lets a byzantine node see and change what leaves its machine, and what it proves. */
export interface Tamper {
  wire(wire: Wire, node: SimNode): Wire;
  storage(storage: Storage): Storage;
}

const honest: Tamper = { wire: (wire) => wire, storage: (storage) => storage };

interface Running {
  readonly life: Life;
  readonly node: RunningNode;
  readonly storage: Storage | undefined;
  /** Of people, and of what is pinned. */
  readonly blocks: { readonly files: FileBlocks; readonly pins: FileBlocks | undefined };
  readonly stack: AsyncDisposableStack;
}

export class SimNode {
  readonly identity: Identity;
  readonly machine: Machine;
  readonly troubles: Troubles = { diskFull: false, diskErrorRatio: 0, skewMs: 0 };
  /** Of an honest miner, where miners have one. */
  readonly engine: EngineRoom | undefined;
  readonly #around: Surroundings;
  readonly #random: SeededRandom;
  readonly #tamper: Tamper;
  #life: Life | undefined;
  #running: Running | undefined;
  #lives = 0;

  constructor(
    identity: Identity,
    machine: Machine,
    around: Surroundings,
    { random, tamper = honest }: { readonly random: SeededRandom; readonly tamper?: Tamper },
  ) {
    this.identity = identity;
    this.machine = machine;
    this.#around = around;
    this.#random = random;
    this.#tamper = tamper;
    this.engine = this.#buildEngine();
  }

  get name(): string {
    return this.identity.name;
  }
  get peerId(): PeerId {
    return this.identity.name as PeerId;
  }
  /** The node, if it runs; another object after every start. */
  get running(): RunningNode | undefined {
    return this.#running?.life.alive === true ? this.#running.node : undefined;
  }
  get storage(): Storage | undefined {
    return this.running === undefined ? undefined : this.#running?.storage;
  }
  get blocks(): Running["blocks"] | undefined {
    return this.running === undefined ? undefined : this.#running?.blocks;
  }
  get life(): Life | undefined {
    return this.#life?.alive === true ? this.#life : undefined;
  }
  get lives(): number {
    return this.#lives;
  }

  /** Starts, unless it runs or is starting. Says whether it runs now. */
  async start(): Promise<boolean> {
    if (this.life !== undefined) return this.running !== undefined;
    this.#lives += 1;
    const life = this.#newLife();
    this.#life = life;
    this.#around.history.record(this.name, "start", { life: this.#lives });
    const start = this.#open(life);
    try {
      const running = await start;
      if (!life.alive) return false;
      this.#running = running;
    } catch (error) {
      this.#around.history.record(this.name, "start failed", { detail: String(error) });
      life.kill("a failed start");
      return false;
    }
    this.#around.history.record(this.name, "started", { height: this.running?.chain.head().height ?? -1 });
    this.#around.onStart(this);
    return true;
  }

  /** An orderly stop. */
  async stop(): Promise<void> {
    const running = this.#running;
    if (running === undefined || !running.life.alive) return;
    this.#around.history.record(this.name, "stop");
    this.#running = undefined;
    await running.stack.disposeAsync();
    running.life.kill("its stop");
  }

  /** From one instant to the next. */
  crash(): void {
    this.#life?.kill("the nemesis");
  }
  /** In the middle of whatever it does then. */
  crashAfter(effects: number): void {
    this.life?.killAfter(effects);
  }
  pause(): void {
    this.life?.pause();
    this.#around.history.record(this.name, "pause");
  }
  resume(): void {
    this.life?.resume();
    this.#around.history.record(this.name, "resume");
  }

  #cutPower(): void {
    this.machine.disk = this.machine.disk.crash();
    this.engine?.cutPower();
  }

  #buildEngine(): EngineRoom | undefined {
    const { identity, machine, troubles, name } = this;
    const { workers, clock, history, prover } = this.#around;
    if (workers === undefined || identity.miner === undefined || identity.isByzantine) return undefined;
    const random = this.#random.fork("engine room");
    return new EngineRoom({
      ...{ name, machine, troubles, clock, history, prover, random, ...workers },
      drive: new SimDisk({ random: random.fork("drive") }),
      below: new SimDisk(),
      queuePath: machine.jobsPath,
    });
  }

  #newLife(): Life {
    const { history, net } = this.#around;
    const random = this.#random.fork(`life ${this.#lives}`);
    const life: Life = new Life({
      name: this.name,
      troubles: this.troubles,
      chance: (probability) => random.chance(probability),
      onEffect: (what) => history.tick("effect", `${this.name} ${what}`),
      onDeath: (where) => {
        history.record(this.name, "killed", { where });
        net.kill(this.name);
        if (this.engine === undefined || random.chance(powerCutShare)) this.#cutPower();
        if (this.#life === life) this.#life = undefined;
        if (this.#running?.life === life) this.#running = undefined;
      },
    });
    return life;
  }

  async #open(life: Life): Promise<Running> {
    const { clock, net, bootstrap } = this.#around;
    const { machine, identity } = this;
    await using stack = new AsyncDisposableStack();
    const random = this.#random.fork(`stores ${this.#lives}`);
    plantDiskFaults(life, machine.disk);
    const disk = diskOf(life, machine.disk);
    const own = clockOf(life, clock);
    const logger = this.#loggerOf(life);
    const wallet = await openWallet({ disk, secret: identity.secret, random, network });
    const { storage, ...engine } = await this.#openStorage(life, logger, stack);
    const fileBlocks = stack.use(await openDiskBlocks({ disk, folder: "files", quotaBytes: fileQuotaBytes }));
    const { pinBlocks, ...pinning } = await this.#openPins(life, disk, stack);
    life.assertAlive();
    const wire = this.#tamper.wire(stack.use(wireOf(life, net.createWire(this.name))), this);
    const { verifier } = this.#around;
    const node = stack.use(
      await startNode({
        name: this.name,
        version,
        clock: own,
        logger,
        chainDatabase: chainDatabaseOf(life, machine.chain, random),
        genesis: machine.genesis,
        database: databaseOf(life, machine.database),
        fileBlocks,
        wallet,
        wire,
        checker: { verify: async (statement) => verifyStatement(verifier, statement) },
        verifier,
        ...pinning,
        ...(identity.isVerifier ? { idleVerifier: { account: undefined } } : {}),
        ...(identity.miner === undefined || storage === undefined
          ? {}
          : {
              miner: {
                address: identity.miner,
                storage: this.#tamper.storage(storage),
                ...engine,
                ask: this.#ask(),
                ...placeOf(identity),
              },
            }),
      }),
    );
    const others = bootstrap.filter((address) => !address.endsWith(`/${this.name}`));
    const drawn = random.fork("discovery");
    stack.use(openDiscovery({ wire, clock: own, logger, random: drawn, bootstrap: others }));
    return { life, node, storage, blocks: { files: fileBlocks, pins: pinBlocks }, stack: stack.move() };
  }

  /** As in the product: pinned blocks in a folder of their own, and the key of its enclave sealed in a file. */
  async #openPins(life: Life, disk: Disk, stack: AsyncDisposableStack) {
    const { clock, pinning } = this.#around;
    if (pinning === undefined) return { pinBlocks: undefined };
    const pinBlocks = stack.use(await openDiskBlocks({ disk, folder: "pins", quotaBytes: fileQuotaBytes }));
    const kept = { blocks: pinBlocks, disk, random: this.#random.fork(`pins ${this.#lives}`) };
    return { pinBlocks, ...pinningParts(this.name, pinning, { clock: clockOf(life, clock), kept }) };
  }

  async #openStorage(
    life: Life,
    logger: Logger,
    stack: AsyncDisposableStack,
  ): Promise<Partial<Pick<MinerParts, "storage" | "jobs" | "sealSpeed" | "chores">>> {
    const { clock, params, sectorBytes, prover } = this.#around;
    const { machine, identity, name, engine } = this;
    const { miner } = identity;
    if (miner === undefined) return {};
    const own = clockOf(life, clock);
    const options = {
      sectorBytes,
      classes: params.sectorClasses,
      disk: diskOf(life, machine.disk),
      dbPath: machine.storagePath,
      clock: own,
      logger,
    };
    if (engine === undefined) return { storage: stack.use(await openStorage({ ...options, prover })) };
    const random = this.#random.fork(`engine ${this.#lives}`);
    return openEngineStorage(engine, { name, miner, life, clock: own, logger, random, options }, stack);
  }

  #ask() {
    return {
      pricePerBytePerEpoch: price,
      minBytes: 1,
      maxBytes: Number.MAX_SAFE_INTEGER,
      forEpochs: 1_000_000,
    };
  }

  #loggerOf(life: Life): Logger {
    const { history } = this.#around;
    const line =
      (level: string) =>
      (event: string, data: JsonObject = {}): void => {
        if (life.alive)
          history.record(this.name, `log ${level}`, { event, ...(data as { [key: string]: Json }) });
      };
    return { debug: line("debug"), info: line("info"), warn: line("warn"), error: line("error") };
  }
}

/** The wire that a process sees: what it sends is an effect, and after its death it sends nothing. */
function wireOf(life: Life, wire: Wire): Wire {
  const sending = <Result>(what: string, run: () => Promise<Result>): Promise<Result> => {
    try {
      life.pass(what);
    } catch {
      return new Promise<never>(() => undefined);
    }
    return life.gate(run());
  };
  return {
    self: wire.self,
    addresses: () => wire.addresses(),
    peers: () => wire.peers(),
    connect: (address, signal) => sending("connect", () => wire.connect(address, signal)),
    disconnect: (peer) => wire.disconnect(peer),
    open: (peer, protocol, signal) => sending(`open ${protocol}`, () => wire.open(peer, protocol, signal)),
    handle: (protocol, handler) =>
      wire.handle(protocol, async (stream) => {
        life.pass(`serve ${protocol}`);
        await life.gate(handler(stream));
      }),
    publish: (topic, bytes) => sending(`publish ${topic}`, () => wire.publish(topic, bytes)),
    subscribe: (topic, handler) =>
      wire.subscribe(topic, (bytes, from) => {
        if (!life.alive) return "ignore";
        return handler(bytes, from);
      }),
    onPeer: (listener) =>
      wire.onPeer((event, peer) => {
        if (life.alive) listener(event, peer);
      }),
    [Symbol.asyncDispose]: () => wire[Symbol.asyncDispose](),
  };
}
