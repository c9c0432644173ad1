/**
 * A network for tests of the market in virtual time: the real chain, VM, pool, sender and retrieval on a
 * simulated wire. Left out are blocks' elections and the proofs of seals and of spacetime; what the vouchers'
 * conditions and the client check, the inclusion of pieces, is real.
 */
import {
  addEpochs,
  attoFil,
  blake2b256,
  blsKeyFromSeed,
  blsPublicKey,
  type CID,
  concatBytes,
  encode,
  filToAtto,
  type Logger,
  type PeerId,
  silentLogger,
  sectorId as toSectorId,
  utf8Bytes,
} from "@holdfast/base";
import { SimClock, SimNet, type SimWire } from "@holdfast/base/testing";
import {
  type BlockHeader,
  createGenesis,
  createTipset,
  type Env,
  executeForMining,
  genesisMinerAddress,
  messageCid,
  methods,
  moneyInvariant,
  type SignedMessage,
  type Tipset,
} from "@holdfast/consensus";
import { createVerifier } from "@holdfast/proofs/verify";
import { type Chain, memoryDatabase, openChain } from "../../../src/chain/index.ts";
import { openDatabase } from "../../../src/database.ts";
import {
  type ClientMarketNeeds,
  type MinerMarketNeeds,
  openClientMarket,
  openMinerMarket,
  type PutJob,
  type PutRequest,
} from "../../../src/market/index.ts";
import { type Mempool, openMempool, openSender } from "../../../src/mempool/index.ts";
import { memoryBlocks, openRetrieval } from "../../../src/retrieval/index.ts";
import { askPrice, type Keys, keysOf, sectorBytes, signerOf, testParams } from "./keys.ts";
import type { AskTerms, Base, MinedMessage, TestClient, TestMiner, WorldOptions } from "./parts.ts";
import { mineSectors } from "./sealer.ts";
import { HonestStorage } from "./storage.ts";

export * from "./keys.ts";
export type { TestClient, TestMiner, WorldOptions } from "./parts.ts";

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
  behind = false;
  readonly logger: Logger;
  readonly #closings: (() => Promise<void>)[] = [];
  /** Messages in blocks, oldest first. */
  readonly mined: MinedMessage[] = [];

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
          owner: keysOf(`owner ${options.owners?.[i] ?? i}`).address,
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
    const { networkId } = opened;
    const chain = Object.assign(opened, {
      envOn: (): Env => ({ params, networkId, verifier, randomness: opened.randomnessBelow(opened.head()) }),
    });
    const pool = openMempool({
      chain,
      wire: net.createWire("pool"),
      clock,
      logger,
      database: openDatabase(":memory:"),
    });
    const world = new World({ clock, net, chain, pool, logger });
    for (let i = 0; i < count; i += 1) world.#addMiner(i, options.owners?.[i] ?? i);
    await world.addClient("client");
    await world.rounds(1);
    if (options.silentMiners !== true) {
      for (const [i, miner] of world.miners.entries()) {
        await world.publishAsk(miner, options.prices?.[i] ?? askPrice + BigInt(i), options.ask);
      }
      await world.rounds(2);
    }
    return world;
  }

  async publishAsk(
    miner: TestMiner,
    price: bigint,
    { maxBytes = 1_000_000, ofProvider = 20, ofClient = 5 }: AskTerms = {},
  ): Promise<void> {
    await miner.sender.send({
      from: miner.worker.address,
      to: miner.address,
      method: "addAsk",
      params: encode(methods.miner.addAsk.params, {
        pricePerBytePerEpoch: attoFil(price),
        minBytes: 1,
        maxBytes,
        providerCollateralPercent: ofProvider,
        clientCollateralPercent: ofClient,
        expiresAfterEpochs: 1_000_000,
      }),
    });
  }

  #base(
    peer: string,
    keys: readonly Keys[],
  ): Base & Omit<ClientMarketNeeds, "files" | "retrieval" | "isCatchingUp"> {
    const { clock, chain, pool, logger } = this;
    const wire = this.net.createWire(peer);
    const database = openDatabase(":memory:");
    const signer = signerOf(...keys);
    const sender = openSender(
      { chain, wire, clock, logger, database: openDatabase(":memory:"), signer },
      pool,
    );
    this.#closings.push(async () => sender[Symbol.asyncDispose]());
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
      ensureLocal: (root, peers, signal) => retrieval.ensureLocal(root, peers, { signal }),
    };
    const needs: ClientMarketNeeds = { ...base, files, retrieval, isCatchingUp: () => this.behind };
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

  #addMiner(index: number, ownerIndex: number): void {
    const owner = keysOf(`owner ${ownerIndex}`);
    const worker = keysOf(`worker ${index}`);
    const base = this.#base(`miner-${index}`, [owner, worker]);
    const storage = new HonestStorage(sectorBytes, 1);
    const address = genesisMinerAddress(1, index);
    const needs: MinerMarketNeeds = { ...base, miner: address, storage, isCatchingUp: () => this.behind };
    const market = openMinerMarket(needs);
    const switches = { seals: true, proves: true };
    const miner: TestMiner = { ...base, ...switches, address, owner, worker, storage, needs, market };
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

  /** Lets rounds pass; each ends with a block of everything that waits, and begins with rounds that nobody wins. */
  async rounds(count: number, emptyRounds = 0): Promise<void> {
    for (let i = 0; i < count; i += 1) {
      await this.clock.advance(this.chain.params.roundMs * (1 + emptyRounds), drain);
      await this.#block(1 + emptyRounds);
      await drain();
      await this.#work();
      await drain();
    }
  }
  /** Rounds until `done` holds; says after how many. */
  async until(done: () => boolean | Promise<boolean>, limit = 400): Promise<number> {
    for (let count = 0; ; count += 1) {
      if (await done()) return count;
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
  async put(cid: CID, given: Partial<Omit<PutRequest, "cid">> = {}, limit?: number): Promise<PutJob> {
    const { market } = this.client;
    const { jobId } = await this.settle(market.startPut({ copies: 1, durationEpochs: 240, ...given, cid }));
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

  /** Replaces the last blocks by empty ones and one more: their messages wait again. `instead`: in one of them. */
  async reorg(
    depth: number,
    instead: readonly SignedMessage[] = [],
    at: "first" | "last" = "first",
  ): Promise<void> {
    const { chain } = this;
    let parent = chain.tipsetAt(chain.head().height - depth);
    const place = at === "first" ? 0 : depth;
    for (let i = 0; i <= depth; i += 1) parent = await this.#blockOn(parent, i === place ? instead : []);
    await chain.setHead(parent.key);
    await drain();
  }

  async #block(epochs: number): Promise<void> {
    const next = await this.#blockOn(this.chain.head(), this.pool.candidates(1_000), epochs);
    await this.chain.setHead(next.key);
    this.money();
  }

  async #blockOn(tipset: Tipset, candidates: readonly SignedMessage[], epochs = 1): Promise<Tipset> {
    const { chain } = this;
    const state = chain.stateAfter(tipset.key);
    if (state === undefined) throw new TypeError("the parent was executed");
    const [producer] = this.miners;
    const miner = producer?.address ?? genesisMinerAddress(1, 0);
    const height = addEpochs(tipset.height, epochs);
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
      parentState: state,
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
        const { method, from } = signed.message;
        this.mined.push({ method, from, height, signed, exitCode: receipt.exitCode });
        return { message: messageCid(signed), receipt };
      }),
      weight: BigInt(height),
    });
    return next;
  }

  /** What the mining room would do: bring sectors onto the chain and prove them. */
  async #work(): Promise<void> {
    for (const miner of this.miners) await mineSectors(this.chain, miner);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const closed = (async () => {
      for (const close of this.#closings.toReversed()) await close();
    })();
    await this.clock.settle(closed, { limitMs: 600_000, drain });
  }
}

/** Between two instants everything that was started comes to rest. */
export async function drain(): Promise<void> {
  for (let turn = 0; turn < 4; turn += 1) await new Promise((done) => setImmediate(done));
}

async function* once(bytes: Uint8Array): AsyncIterable<Uint8Array> {
  yield bytes;
}
