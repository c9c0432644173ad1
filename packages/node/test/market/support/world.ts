/**
 * A network for tests of the market in virtual time: the real chain, VM, pool, sender and retrieval on a
 * simulated wire. Left out are blocks' elections and the proofs of seals and of spacetime; what the vouchers'
 * conditions and the client check, the inclusion of pieces, is real.
 */
import {
  type Address,
  type AttoFil,
  accountAddress,
  addEpochs,
  attoFil,
  blake2b256,
  blsKeyFromSeed,
  blsPublicKey,
  type CID,
  concatBytes,
  encode,
  epoch,
  filToAtto,
  installCryptoKernel,
  type Logger,
  type PeerId,
  publicKeyOf,
  signRecoverable,
  silentLogger,
  sectorId as toSectorId,
  utf8Bytes,
} from "@holdfast/base";
import { SimClock, SimNet, type SimWire } from "@holdfast/base/testing";
import {
  type BlockHeader,
  createGenesis,
  createTipset,
  devnetParams,
  type Env,
  executeForMining,
  genesisMinerAddress,
  messageCid,
  methods,
  moneyInvariant,
  type NetworkParams,
  provingPeriodAt,
  readPreCommit,
  readSector,
  readSectors,
  type SignedMessage,
  sectorsToProve,
  type Tipset,
} from "@holdfast/consensus";
import { createVerifier } from "@holdfast/proofs/verify";
import { type Chain, memoryDatabase, openChain } from "../../../src/chain/index.ts";
import { type Database, openDatabase } from "../../../src/database.ts";
import { buildNativeKernel } from "../../../src/kernels.ts";
import {
  type ClientMarket,
  type ClientMarketNeeds,
  type MinerMarket,
  type MinerMarketNeeds,
  openClientMarket,
  openMinerMarket,
  type PutJob,
} from "../../../src/market/index.ts";
import { type Mempool, openMempool, openSender, type Sender } from "../../../src/mempool/index.ts";
import { memoryBlocks, openRetrieval, type Retrieval } from "../../../src/retrieval/index.ts";
import { HonestStorage } from "./storage.ts";

installCryptoKernel((await buildNativeKernel()).functions);

export const signal = new AbortController().signal;
export const sectorBytes = 2048;
/** attoFIL per byte and epoch. */
export const askPrice = 10n;

export interface Keys {
  readonly address: Address;
  readonly privateKey: Uint8Array;
}
export function keysOf(name: string): Keys {
  const privateKey = blake2b256(utf8Bytes(`market test ${name}`));
  return { privateKey, address: accountAddress(1, publicKeyOf(privateKey)) };
}

export function signerOf(...keys: readonly Keys[]): ClientMarketNeeds["signer"] {
  const byAddress = new Map(keys.map((one) => [one.address, one]));
  const [first] = keys;
  return {
    payer: () => first?.address ?? keysOf("nobody").address,
    has: (address) => byAddress.has(address),
    sign: (address, message) => {
      const key = byAddress.get(address);
      if (key === undefined) throw new TypeError(`no key of ${address}`);
      return signRecoverable(key.privateKey, message);
    },
  };
}

export const testParams = (overrides: Partial<NetworkParams> = {}): NetworkParams =>
  devnetParams({
    name: "market",
    roundMs: 1_000,
    sectorBytes: [sectorBytes],
    provingPeriodEpochs: 20,
    proofWindowEpochs: 12,
    sealChallengeDelayEpochs: 2,
    minSectorLifetimeEpochs: 40,
    maxSectorLifetimeEpochs: 100_000,
    channelCancelDelayEpochs: 30,
    ...overrides,
  });

/** What a node is besides its market, and stays when the market is opened again. */
interface Base {
  readonly wire: SimWire;
  readonly sender: Sender;
  readonly database: Database;
  readonly signer: ClientMarketNeeds["signer"];
}
export interface TestClient extends Base {
  readonly keys: Keys;
  readonly retrieval: Retrieval;
  readonly needs: ClientMarketNeeds;
  market: ClientMarket;
}
export interface TestMiner extends Base {
  readonly address: Address;
  readonly owner: Keys;
  readonly worker: Keys;
  readonly storage: HonestStorage;
  readonly needs: MinerMarketNeeds;
  market: MinerMarket;
  /** Switches of the sealer. */
  seals: boolean;
  proves: boolean;
}

export interface WorldOptions {
  readonly miners?: number;
  readonly params?: Partial<NetworkParams>;
  /** attoFIL per byte and epoch of each miner; default: 10, 11, 12 … */
  readonly prices?: readonly bigint[];
  readonly maxAskBytes?: number;
  readonly clientFunds?: AttoFil;
  readonly delayMs?: number;
  readonly logger?: Logger;
  /** No asks at the start. */
  readonly silentMiners?: boolean;
}

const inclusion = createVerifier();
const verifier: Env["verifier"] = {
  verifySeal: () => true,
  verifyPost: () => true,
  verifyPieceInclusion: (statement) => inclusion.verifyPieceInclusion(statement),
};

export class World implements AsyncDisposable {
  readonly clock: SimClock;
  readonly net: SimNet;
  readonly chain: Chain & { envOn(): Env };
  readonly pool: Mempool;
  readonly clients: TestClient[] = [];
  readonly miners: TestMiner[] = [];
  readonly logger: Logger;
  readonly #closings: (() => Promise<void>)[] = [];
  /** Messages in blocks, oldest first. */
  readonly mined: { readonly method: string; readonly from: Address; readonly exitCode: number }[] = [];

  private constructor(given: Pick<World, "clock" | "net" | "chain" | "pool" | "logger">) {
    this.clock = given.clock;
    this.net = given.net;
    this.chain = given.chain;
    this.pool = given.pool;
    this.logger = given.logger;
  }

  static async create(options: WorldOptions = {}): Promise<World> {
    const clock = new SimClock();
    const net = new SimNet({ seed: "market", clock, delayMs: options.delayMs ?? 1 });
    const params = testParams(options.params);
    const database = memoryDatabase();
    const count = options.miners ?? 2;
    const genesis = createGenesis(
      {
        params,
        timestampMs: clock.nowMs(),
        accounts: [
          { address: keysOf("client").address, balance: options.clientFunds ?? filToAtto(100) },
          ...Array.from({ length: count }, (_, i) => [
            { address: keysOf(`owner ${i}`).address, balance: filToAtto(10) },
            { address: keysOf(`worker ${i}`).address, balance: filToAtto(10) },
          ]).flat(),
        ],
        miners: Array.from({ length: count }, (_, i) => ({
          owner: keysOf(`owner ${i}`).address,
          worker: keysOf(`worker ${i}`).address,
          workerKey: blsPublicKey(blsKeyFromSeed(utf8Bytes(`bls of the miner number ${i} ..........`))),
          peerId: `miner-${i}`,
          balance: filToAtto(10),
          sectors: [0].map(() => ({
            sectorId: toSectorId(0),
            sectorBytes,
            commD: blake2b256(utf8Bytes("d")),
            commR: blake2b256(utf8Bytes("r")),
            commRStar: blake2b256(utf8Bytes("r*")),
          })),
        })),
      },
      database,
    );
    const logger = options.logger ?? silentLogger;
    const block = { header: genesis.header, messages: [] };
    const opened = await openChain({ database, genesis: { block, stateRoot: genesis.state }, logger });
    const chain = Object.assign(opened, {
      envOn: (): Env => ({ params, verifier, randomness: opened.randomnessBelow(opened.head()) }),
    });
    const pool = openMempool({ chain, wire: net.createWire("pool"), clock, logger });
    const world = new World({ clock, net, chain, pool, logger });
    for (let i = 0; i < count; i += 1) world.#addMiner(i);
    await world.addClient("client");
    await world.rounds(1);
    if (options.silentMiners !== true) {
      for (const [i, miner] of world.miners.entries()) {
        await world.publishAsk(miner, options.prices?.[i] ?? askPrice + BigInt(i), options.maxAskBytes);
      }
      await world.rounds(2);
    }
    return world;
  }

  async publishAsk(miner: TestMiner, price: bigint, maxBytes = 1_000_000): Promise<void> {
    await miner.sender.send({
      from: miner.worker.address,
      to: miner.address,
      method: "addAsk",
      params: encode(methods.miner.addAsk.params, {
        pricePerBytePerEpoch: attoFil(price),
        minBytes: 1,
        maxBytes,
        expiresAfterEpochs: 1_000_000,
      }),
    });
  }

  #base(peer: string, keys: readonly Keys[]): Base & Omit<ClientMarketNeeds, "files" | "retrieval"> {
    const { clock, chain, pool, logger } = this;
    const wire = this.net.createWire(peer);
    const database = openDatabase(":memory:");
    const signer = signerOf(...keys);
    const sender = openSender(
      { chain, wire, clock, logger, database: openDatabase(":memory:"), signer },
      pool,
    );
    this.#closings.push(() => sender[Symbol.asyncDispose]());
    return { wire, database, signer, sender, chain, clock, logger };
  }

  async addClient(name: string): Promise<TestClient> {
    const keys = keysOf(name);
    const base = this.#base(name, [keys]);
    for (const miner of this.miners) await this.net_connect(base.wire, miner.wire.self);
    const { clock, logger } = this;
    const retrieval = openRetrieval({ wire: base.wire, clock, logger, blocks: memoryBlocks(), sources: [] });
    const files: ClientMarketNeeds["files"] = {
      async stat(root) {
        const found = await retrieval.localFile(root);
        return found === undefined ? undefined : { sizeBytes: found.fileBytes, carBytes: found.carBytes };
      },
      carStream: (root, skipBytes) => retrieval.carStream(root, { skipBytes }),
    };
    const needs: ClientMarketNeeds = { ...base, files, retrieval };
    const client: TestClient = { ...base, keys, retrieval, needs, market: openClientMarket(needs) };
    this.clients.push(client);
    this.#closings.push(async () => {
      await client.market[Symbol.asyncDispose]();
      await retrieval[Symbol.asyncDispose]();
    });
    return client;
  }

  async net_connect(wire: SimWire, peer: PeerId): Promise<void> {
    await this.clock.settle(wire.connect(`/sim/${peer}`), { limitMs: 60_000, drain });
  }

  #addMiner(index: number): void {
    const owner = keysOf(`owner ${index}`);
    const worker = keysOf(`worker ${index}`);
    const base = this.#base(`miner-${index}`, [owner, worker]);
    const storage = new HonestStorage(sectorBytes, 1);
    const address = genesisMinerAddress(1, index);
    const needs: MinerMarketNeeds = { ...base, miner: address, storage };
    const market = openMinerMarket(needs);
    const miner: TestMiner = {
      ...base,
      address,
      owner,
      worker,
      storage,
      needs,
      market,
      seals: true,
      proves: true,
    };
    this.miners.push(miner);
    const { clock, logger } = this;
    const source = { open: (payload: CID) => miner.market.carSource.open(payload) };
    const retrieval = openRetrieval({
      wire: base.wire,
      clock,
      logger,
      blocks: memoryBlocks(),
      sources: [source],
    });
    this.#closings.push(async () => {
      await miner.market[Symbol.asyncDispose]();
      await retrieval[Symbol.asyncDispose]();
    });
  }

  get client(): TestClient {
    const [client] = this.clients;
    if (client === undefined) throw new TypeError("the world has a client");
    return client;
  }
  miner(index: number): TestMiner {
    const miner = this.miners[index];
    if (miner === undefined) throw new TypeError(`there is no miner ${index}`);
    return miner;
  }
  get height(): number {
    return this.chain.head().height;
  }

  /** Lets rounds pass; each ends with a block of everything that waits. */
  async rounds(count: number): Promise<void> {
    for (let i = 0; i < count; i += 1) {
      await this.clock.advance(this.chain.params.roundMs, drain);
      await this.#block();
      await drain();
      await this.#work();
      await drain();
    }
  }
  /** Rounds until `done` holds; says after how many. */
  async until(done: () => boolean, limit = 400): Promise<number> {
    for (let count = 0; ; count += 1) {
      if (done()) return count;
      if (count >= limit) throw new TypeError(`not within ${limit} rounds: ${done}`);
      await this.rounds(1);
    }
  }
  /** Rounds until the promise settles. */
  async settle<Result>(promise: Promise<Result>, limit = 400): Promise<Result> {
    let isSettled = false;
    promise.then(
      () => (isSettled = true),
      () => (isSettled = true),
    );
    await drain();
    await this.until(() => isSettled, limit);
    return await promise;
  }

  async import(bytes: Uint8Array, client = this.client): Promise<CID> {
    const { root } = await this.settle(client.retrieval.importFile(once(bytes)));
    return root;
  }
  /** Stores a file and waits until the job is over. */
  async put(
    cid: CID,
    given: { copies?: number; durationEpochs?: number } = {},
    limit?: number,
  ): Promise<PutJob> {
    const { market } = this.client;
    const { copies = 1, durationEpochs = 240 } = given;
    const { jobId } = await this.settle(market.startPut({ cid, copies, durationEpochs }));
    await this.until(() => this.client.market.job(jobId).state !== "running", limit);
    return this.client.market.job(jobId);
  }

  async reopenClient(needs: ClientMarketNeeds = this.client.needs): Promise<void> {
    await this.settle(Promise.resolve(this.client.market[Symbol.asyncDispose]()));
    this.client.market = openClientMarket(needs);
  }
  async reopenMiner(miner: TestMiner, needs: MinerMarketNeeds = miner.needs): Promise<void> {
    await this.settle(Promise.resolve(miner.market[Symbol.asyncDispose]()));
    miner.market = openMinerMarket(needs);
  }

  money() {
    return moneyInvariant(this.chain.store, this.chain.headState().state, this.chain.genesisTotal);
  }
  count(method: string): number {
    return this.mined.filter((one) => one.method === method && one.exitCode === 0).length;
  }

  /** Replaces the last blocks by empty ones and one more: their messages are waiting again. */
  async reorg(depth: number): Promise<void> {
    const { chain } = this;
    let parent = chain.tipsetAt(chain.head().height - depth);
    for (let i = 0; i <= depth; i += 1) parent = await this.#blockOn(parent, []);
    await chain.setHead(parent.key);
    await drain();
  }

  async #block(): Promise<void> {
    const next = await this.#blockOn(this.chain.head(), this.pool.candidates(1_000));
    await this.chain.setHead(next.key);
    this.money();
  }

  async #blockOn(tipset: Tipset, candidates: readonly SignedMessage[]): Promise<Tipset> {
    const { chain } = this;
    const state = chain.stateAfter(tipset.key);
    if (state === undefined) throw new TypeError("the parent was executed");
    const [producer] = this.miners;
    const miner = producer?.address ?? genesisMinerAddress(1, 0);
    const height = addEpochs(tipset.height, 1);
    const env = { ...chain.envOn(), randomness: chain.randomnessBelow(tipset) };
    const result = executeForMining({
      store: chain.store,
      parentState: state,
      miner,
      height,
      candidates,
      env,
    });
    const fork = candidates.length === 0 ? this.mined.length : 0;
    const part = blake2b256(utf8Bytes(`ticket ${height} ${fork}`));
    const header: BlockHeader = {
      miner,
      height,
      parents: tipset.cids,
      parentWeight: 0n,
      ticket: concatBytes(part, part, part),
      electionProof: new Uint8Array(96),
      winningPost: new Uint8Array(0),
      stateRoot: result.stateRoot,
      messages: result.messagesRoot,
      receipts: result.receiptsRoot,
      timestampMs: this.clock.nowMs(),
      signature: new Uint8Array(65),
    };
    const next = createTipset([header]);
    await chain.addValidated({
      tipset: next,
      blocks: [{ header, messages: result.included }],
      stateRoot: result.stateRoot,
      results: result.included.map((signed, i) => {
        const receipt = result.receipts[i];
        if (receipt === undefined) throw new TypeError("every message has a receipt");
        this.mined.push({
          method: signed.message.method,
          from: signed.message.from,
          exitCode: receipt.exitCode,
        });
        return { message: messageCid(signed), receipt };
      }),
      weight: BigInt(height),
    });
    return next;
  }

  /** What the mining room would do: bring sectors onto the chain and prove them. */
  async #work(): Promise<void> {
    for (const miner of this.miners) {
      if (miner.seals) for (const sector of miner.storage.sectors) await this.#advance(miner, sector);
      if (miner.proves) await this.#post(miner);
    }
  }

  async #advance(miner: TestMiner, sector: HonestStorage["sectors"][number]): Promise<void> {
    const { chain } = this;
    const { state } = chain.headState();
    const id = toSectorId(sector.sectorId);
    if (sector.state === "staging" || sector.state === "expired") return;
    if (readSector(chain.store, state, miner.address, id) !== undefined) {
      sector.state = "committed";
      return;
    }
    const preCommit = readPreCommit(chain.store, state, miner.address, id);
    if (preCommit === undefined) {
      const { sectorBytes: size } = sector;
      const params = encode(methods.miner.preCommitSector.params, {
        sectorId: id,
        sectorBytes: size,
        commD: miner.storage.commD(id),
        commR: blake2b256(utf8Bytes(`r ${id}`)),
        commRStar: blake2b256(utf8Bytes(`r* ${id}`)),
        ticketEpoch: epoch(Math.max(0, this.height - 2)),
        expiration: epoch(this.height + chain.params.maxSectorLifetimeEpochs - 1),
      });
      sector.state = "sealed";
      await this.#send(miner, "preCommitSector", params, `pre/${id}/${patience(this.height)}`);
    } else if (this.height > preCommit.preCommittedAt + chain.params.sealChallengeDelayEpochs) {
      const params = encode(methods.miner.commitSector.params, { sectorId: id, proof: new Uint8Array(8) });
      await this.#send(miner, "commitSector", params, `commit/${id}/${patience(this.height)}`);
    }
  }

  async #post(miner: TestMiner): Promise<void> {
    const { chain } = this;
    const { params } = chain;
    const next = addEpochs(epoch(this.height), 1);
    const { start } = provingPeriodAt(params, miner.address, next);
    if (start === null || next > start + params.proofWindowEpochs) return;
    const sectors = readSectors(chain.store, chain.headState().state, miner.address);
    const due = sectorsToProve(sectors, start);
    if (due.length === 0) return;
    const post = encode(methods.miner.submitPost.params, { periodStart: start, proof: new Uint8Array(8) });
    const last = Math.max(...due.map(({ sectorId: id }) => id));
    await this.#send(miner, "submitPost", post, `post/${start}/${due.length}/${last}`);
  }

  async #send(miner: TestMiner, method: string, params: Uint8Array, key: string): Promise<void> {
    const { sender, address, worker } = miner;
    const gasLimit = 400_000;
    await sender
      .send({ from: worker.address, to: address, method, params, key, gasLimit })
      .catch(() => undefined);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const closed = (async () => {
      for (const close of this.#closings.toReversed()) await close();
    })();
    await this.clock.settle(closed, { limitMs: 600_000, drain });
  }
}

/** A message that a reorganisation made fail is sent anew after some rounds. */
const patience = (height: number): number => Math.floor(height / 8);

/** Between two instants everything that was started comes to rest. */
export async function drain(): Promise<void> {
  for (let turn = 0; turn < 4; turn += 1) await new Promise((done) => setImmediate(done));
}

async function* once(bytes: Uint8Array): AsyncIterable<Uint8Array> {
  yield bytes;
}

/** Bytes that do not repeat. */
export function noise(length: number, seed = 1): Uint8Array {
  const bytes = new Uint8Array(length);
  let state = seed >>> 0 || 1;
  for (let i = 0; i < length; i += 1) {
    state = Math.imul(state ^ (state >>> 15), 0x2c1b3c6d) + 0x9e3779b9;
    bytes[i] = (state >>> 11) & 0xff;
  }
  return bytes;
}
