/**
 * A few whole nodes for long chains: the first is the only miner and wins every round, the others follow it by gossip,
 * or catch up when they start later. Every room is the product's, and so are headers, draws and signatures; only the
 * bytes of the sector and their proofs are the simulator's. Time is virtual; a round is over when every node that runs
 * has its block, however long the disk takes.
 */
import { join } from "node:path";
import {
  type Address,
  accountAddress,
  assert,
  attoFil,
  blake2b256,
  blsPublicKey,
  concatBytes,
  encode,
  equalBytes,
  filToAtto,
  gasUnits,
  installCryptoKernel,
  type Logger,
  nonce,
  publicKeyOf,
  silentLogger,
  toHex,
  utf8Bytes,
} from "@holdfast/base";
import { SeededRandom, SimClock, SimDisk, SimNet, type SimWire } from "@holdfast/base/testing";
import {
  genesisMinerAddress,
  type NetworkParams,
  type SignedMessage,
  signedMessageCodec,
  signMessage,
  vanillaClasses,
} from "@holdfast/consensus";
import { verifyStatement } from "@holdfast/proofs/verify";
import { openStorage } from "@holdfast/storage";
import { type ChainDatabase, memoryDatabase, openLevelDatabase, type PrunePolicy } from "../chain/index.ts";
import type { ClaimChecker } from "../claims.ts";
import { type MinerParts, type RunningNode, startNode } from "../compose.ts";
import { openDatabase } from "../database.ts";
import { genesisMinerOf, importGenesisSector, localParams, ownerFunds } from "../devnet-genesis.ts";
import { loadGenesis, makeGenesis } from "../genesis.ts";
import { installNativeKernels } from "../kernels.ts";
import { messageTopic } from "../mempool/index.ts";
import { memoryBlocks } from "../retrieval/index.ts";
import { openWallet, type Wallet } from "../wallet/index.ts";
import { createSimulatedProver, createSimulatedVerifier } from "./sim/proofs.ts";
import { preseal } from "./sim/world.ts";

export interface LongRunOptions {
  readonly seed?: string;
  readonly roundMs?: number;
  readonly params?: Partial<NetworkParams>;
  /** Accounts with money whose keys the caller has. */
  readonly accounts?: number;
  /** Where the nodes' databases are; in memory if left out. */
  readonly folder?: string;
  readonly pruning?: PrunePolicy;
  readonly logger?: Logger;
  /** Draws of the lottery as cheap as three hashes, in the whole process while this runs: where they do not matter. */
  readonly cheapDraws?: boolean;
}

export interface Account {
  readonly privateKey: Uint8Array;
  readonly address: Address;
}

export interface LongNode extends AsyncDisposable {
  readonly node: RunningNode;
  readonly database: ChainDatabase;
}

export interface StartOptions {
  /** Where signatures are verified; in this thread if left out. */
  readonly claims?: ClaimChecker;
  /** Without a connection nothing comes. */
  readonly alone?: boolean;
}

export interface LongRun extends AsyncDisposable {
  readonly clock: SimClock;
  readonly wire: SimNet;
  readonly accounts: readonly Account[];
  readonly miner: LongNode;
  /** Another node, from the genesis on; connected with the miner. */
  follow(name: string, options?: StartOptions): Promise<LongNode>;
  /** So many rounds, one after the other. */
  rounds(count: number): Promise<void>;
  /** Gossips a transfer from one of the accounts to the next; nonces are counted. */
  transfer(from: number): Promise<SignedMessage>;
}

const network = 1;
const sectorBytes = 1_024;
/** A round that takes longer than this by the machine's clock will not come. */
const roundLimitMs = 120_000;
const transferGas = gasUnits(100_000);

export async function createLongRun(options: LongRunOptions = {}): Promise<LongRun> {
  await installNativeKernels();
  const stack = new AsyncDisposableStack();
  if (options.cheapDraws === true) stack.defer(installCheapDraws());
  try {
    const run = await LongChain.begin(options, stack);
    return Object.assign(run, { [Symbol.asyncDispose]: () => run.end() });
  } catch (error) {
    await stack.disposeAsync();
    throw error;
  }
}

interface Genesis {
  readonly car: Uint8Array;
  readonly wallet: Wallet;
  readonly parts: MinerParts;
}

class LongChain {
  readonly clock: SimClock;
  readonly wire: SimNet;
  readonly accounts: readonly Account[];
  readonly #options: LongRunOptions;
  readonly #genesis: Genesis;
  readonly #stack: AsyncDisposableStack;
  readonly #running = new Map<string, LongNode>();
  readonly #nonces = new Map<number, number>();
  /** Through which people's messages come. */
  #gossip: SimWire | undefined;

  private constructor(
    options: LongRunOptions,
    clock: SimClock,
    genesis: Genesis,
    stack: AsyncDisposableStack,
  ) {
    this.#options = options;
    this.#genesis = genesis;
    this.#stack = stack;
    this.clock = clock;
    this.wire = new SimNet({ seed: options.seed ?? "long", clock });
    this.accounts = accountsOf(options);
  }

  static async begin(options: LongRunOptions, stack: AsyncDisposableStack): Promise<LongChain> {
    const clock = new SimClock();
    const chain = new LongChain(options, clock, await makeNetwork(options, clock, stack), stack);
    await chain.#start(minerName, {});
    // Half of a round further everybody has had the time to say what there is to say about the one before.
    await chain.#pass(chain.#roundMs / 2);
    return chain;
  }

  get miner(): LongNode {
    const miner = this.#running.get(minerName);
    assert(miner !== undefined, "the miner runs");
    return miner;
  }
  get #roundMs(): number {
    return this.#options.roundMs ?? 1_000;
  }

  follow(name: string, options: StartOptions = {}): Promise<LongNode> {
    return this.#start(name, options);
  }

  async rounds(count: number): Promise<void> {
    for (let round = 0; round < count; round += 1) {
      await this.#pass(this.#roundMs);
      const { genesisTimestampMs } = this.miner.node.chain;
      const height = Math.floor((this.clock.nowMs() - genesisTimestampMs) / this.#roundMs);
      for (const { node } of this.#running.values()) await reached(node, height);
    }
  }

  async transfer(from: number): Promise<SignedMessage> {
    const [sender, to] = [this.accounts[from], this.accounts[(from + 1) % this.accounts.length]];
    assert(sender !== undefined && to !== undefined, "there is an account of this number");
    const number = this.#nonces.get(from) ?? 0;
    this.#nonces.set(from, number + 1);
    const { chain, wire } = this.miner.node;
    const signed = signMessage(sender.privateKey, chain.networkId, {
      to: to.address,
      from: sender.address,
      nonce: nonce(number),
      value: attoFil(1n),
      method: "",
      params: new Uint8Array(0),
      gasPrice: attoFil(1n),
      gasLimit: transferGas,
    });
    this.#gossip ??= this.wire.createWire("people");
    if (this.#gossip.peers().length === 0) await this.#gossip.connect(`/sim/${wire.self}`);
    await this.#gossip.publish(messageTopic(chain.params.name), encode(signedMessageCodec, signed));
    await drain();
    return signed;
  }
  /** Whoever waits for a time while it stops is let through by its passing. */
  async end(): Promise<void> {
    let isOver = false;
    const over = this.#stack.disposeAsync().finally(() => {
      isOver = true;
    });
    over.catch(() => undefined);
    // Databases on a disk take real time to close.
    for (; !isOver; await new Promise((done) => setTimeout(done, 1))) await this.#pass(this.#roundMs);
    await over;
  }

  #pass(ms: number): Promise<void> {
    return this.clock.advance(ms, drain);
  }

  async #start(name: string, { claims, alone = false }: StartOptions): Promise<LongNode> {
    const { folder, pruning, logger = silentLogger } = this.#options;
    const isMiner = name === minerName;
    const stack = new AsyncDisposableStack();
    const database = stack.use(
      folder === undefined ? memoryDatabase() : await openLevelDatabase(join(folder, `${name}-chain`)),
    );
    const tables = stack.use(openDatabase(folder === undefined ? ":memory:" : join(folder, `${name}.db`)));
    const verifier = createSimulatedVerifier();
    const wire = stack.use(this.wire.createWire(name));
    const node = stack.use(
      await startNode({
        name,
        version: "0.1.0",
        clock: this.clock,
        logger,
        chainDatabase: database,
        genesis: await loadGenesis(this.#genesis.car, database),
        ...(pruning === undefined ? {} : { pruning }),
        database: tables,
        wallet: isMiner ? this.#genesis.wallet : await walletOf(name),
        wire,
        fileBlocks: memoryBlocks(),
        checker: { verify: async (statement) => verifyStatement(verifier, statement) },
        verifier,
        ...(claims === undefined ? {} : { claims }),
        ...(isMiner ? { miner: this.#genesis.parts } : {}),
      }),
    );
    if (!isMiner && !alone) await wire.connect(`/sim/${minerName}`);
    const started = {
      node,
      database,
      [Symbol.asyncDispose]: async () => {
        this.#running.delete(name);
        await stack.disposeAsync();
      },
    };
    this.#running.set(name, started);
    this.#stack.use(started);
    return started;
  }
}

const minerName = "miner";

/** Anybody who knows the public key can draw. */
function installCheapDraws(): () => void {
  const keys = new Map<string, Uint8Array>();
  const drawOf = (publicKey: Uint8Array, message: Uint8Array): Uint8Array => {
    const part = (n: number): Uint8Array => blake2b256(concatBytes(Uint8Array.of(n), publicKey, message));
    return concatBytes(part(0), part(1), part(2));
  };
  return installCryptoKernel({
    blsSign(privateKey, message) {
      const name = toHex(privateKey);
      const key = keys.get(name) ?? blsPublicKey(privateKey);
      keys.set(name, key);
      return drawOf(key, message);
    },
    blsVerify: (publicKey, message, output) => equalBytes(drawOf(publicKey, message), output),
  });
}

function walletOf(name: string): Promise<Wallet> {
  const random = new SeededRandom(`long ${name}`);
  return openWallet({ disk: new SimDisk(), secret: random.bytes(32), random, network });
}

function accountsOf({ accounts = 0, seed = "long" }: LongRunOptions): readonly Account[] {
  return Array.from({ length: accounts }, (_, index) => {
    const privateKey = blake2b256(utf8Bytes(`${seed} account ${index}`));
    return { privateKey, address: accountAddress(network, publicKeyOf(privateKey)) };
  });
}

/** The genesis, and the miner with its sector. */
async function makeNetwork(
  options: LongRunOptions,
  clock: SimClock,
  stack: AsyncDisposableStack,
): Promise<Genesis> {
  const { roundMs = 1_000, seed = "long", folder, logger = silentLogger } = options;
  const params = { ...localParams(seed, roundMs, vanillaClasses([sectorBytes])), ...options.params };
  const prover = createSimulatedProver();
  const wallet = await walletOf(minerName);
  const account = await wallet.newAccount();
  const blsKey = await wallet.newBlsKey();
  const address = genesisMinerAddress(network, 0);
  const presealed = await preseal(params, prover, address);
  const { car } = makeGenesis({
    params,
    timestampMs: clock.nowMs(),
    accounts: [
      { address: account, balance: ownerFunds },
      ...accountsOf(options).map((one) => ({ address: one.address, balance: filToAtto(100) })),
    ],
    miners: [genesisMinerOf({ account, blsKey, peerId: minerName }, presealed)],
  });
  const storage = stack.use(
    await openStorage({
      sectorBytes,
      classes: params.sectorClasses,
      disk: new SimDisk(),
      dbPath: folder === undefined ? ":memory:" : join(folder, "storage.db"),
      prover,
      clock,
      logger,
    }),
  );
  await importGenesisSector(storage, params, address, presealed);
  return { car, wallet, parts: { address, storage, ask: undefined } };
}

async function reached({ name, chain }: RunningNode, height: number): Promise<void> {
  if (chain.head().height >= height) return;
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  const end = chain.onHead(({ to }) => {
    if (to.height >= height) resolve();
  });
  const late = setTimeout(
    () => reject(new TypeError(`${name} stands at ${chain.head().height} and not at ${height}`)),
    roundLimitMs,
  );
  try {
    await promise;
  } finally {
    clearTimeout(late);
    end();
  }
}

/** Between two instants of virtual time what was started comes to rest, but for what waits for the disk. */
async function drain(): Promise<void> {
  for (let turn = 0; turn < 2; turn += 1) await new Promise((done) => setImmediate(done));
}
