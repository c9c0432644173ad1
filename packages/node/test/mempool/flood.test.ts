/**
 * A flood of a hundred thousand messages in ten epochs: nonces with gaps, replacements, dust, huge parameters, senders
 * that do not exist, the same again. The pool stays within its counts and bytes, memory grows by less than 64 MB, and
 * whoever pays for a message has it in a block within three epochs.
 */
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import {
  type Address,
  accountAddress,
  attoFil,
  blake2b256,
  type CID,
  encode,
  epoch,
  gasUnits,
  MemoryBlockstore,
  nonce,
  publicKeyOf,
  silentLogger,
  utf8Bytes,
} from "@holdfast/base";
import { SimClock } from "@holdfast/base/testing";
import {
  createGenesis,
  createTipset,
  devnetParams,
  type Env,
  executeForMining,
  genesisMinerAddress,
  messageBytes,
  readActor,
  type SignedMessage,
  signedMessageCodec,
  signMessage,
  type Tipset,
} from "@holdfast/consensus";
import { createVerifier } from "@holdfast/proofs/verify";
import { beforeAll, describe, expect, it } from "vitest";
import { openDatabase } from "../../src/database.ts";
import { installNativeKernels } from "../../src/kernels.ts";
import { limits } from "../../src/limits.ts";
import { type Mempool, type MempoolChain, openMempool } from "../../src/mempool/index.ts";

beforeAll(() => installNativeKernels());

interface Person {
  readonly address: Address;
  readonly privateKey: Uint8Array;
}
const person = (name: string): Person => {
  const privateKey = blake2b256(utf8Bytes(`flood ${name}`));
  return { privateKey, address: accountAddress(1, publicKeyOf(privateKey)) };
};
const networkId = blake2b256(utf8Bytes("flood test"));
const sybils = Array.from({ length: 60 }, (_, index) => person(`sybil ${index}`));
const honest = Array.from({ length: 10 }, (_, index) => person(`honest ${index}`));
const nobody = person("nobody");
const sink = person("sink").address;
const params = devnetParams({ name: "flood", roundMs: 1_000 });

class Chain implements MempoolChain {
  readonly params = params;
  readonly networkId = networkId;
  readonly store = new MemoryBlockstore();
  readonly #genesis;
  readonly #listeners = new Set<Parameters<MempoolChain["onHead"]>[0]>();
  readonly #messages = new WeakMap<Tipset, readonly SignedMessage[]>();
  readonly #env: Env = {
    params,
    networkId,
    verifier: createVerifier(),
    randomness: () => new Uint8Array(32),
    verifiedMessages: { has: () => true, add: () => undefined },
  };
  #state: CID;
  #tipset: Tipset | undefined;
  height = 0;

  constructor() {
    const accounts = [...sybils, ...honest].map(({ address }) => ({ address, balance: attoFil(10n ** 18n) }));
    const [first] = honest;
    if (first === undefined) throw new RangeError("there are honest people");
    const keys = { workerKey: new Uint8Array(48).fill(0x80), peerId: "p", sectors: [], balance: attoFil(0n) };
    const miners = [{ owner: first.address, worker: first.address, ...keys }];
    this.#genesis = createGenesis({ params, accounts, miners, timestampMs: 0 }, this.store);
    this.#state = this.#genesis.state;
  }
  headState() {
    if (this.#tipset?.height !== this.height) {
      this.#tipset = { ...createTipset([this.#genesis.header]), height: epoch(this.height) };
    }
    return { state: this.#state, tipset: this.#tipset };
  }
  head = (): Tipset => this.headState().tipset;
  tipsetAt = (): Tipset => this.headState().tipset;
  parentOf = () => undefined;
  stateAfter = () => this.#state;
  onHead(listener: Parameters<MempoolChain["onHead"]>[0]): () => void {
    this.#listeners.add(listener);
    return () => void this.#listeners.delete(listener);
  }
  messagesOf = (tipset: Tipset): readonly SignedMessage[] => this.#messages.get(tipset) ?? [];
  tipsetOfMessage = () => undefined;
  findMessage = () => undefined;

  /** One block of what an honest miner chooses. */
  mine(pool: Mempool): readonly SignedMessage[] {
    this.height += 1;
    const { included, stateRoot } = executeForMining({
      store: this.store,
      parentState: this.#state,
      miner: genesisMinerAddress(1, 0),
      height: epoch(this.height),
      candidates: pool.candidates(params.maxBlockMessages),
      env: this.#env,
      maxBodyBytes: limits.blockBodyBytes,
    });
    this.#state = stateRoot;
    const { tipset } = this.headState();
    this.#messages.set(tipset, included);
    for (const listener of this.#listeners) listener({ applied: [tipset], reverted: [] });
    return included;
  }
  nonceOf(address: Address): number {
    return readActor(this.store, this.#state, address)?.nonce ?? 0;
  }
}

interface Given {
  readonly price?: bigint;
  readonly bytes?: number;
  readonly isForged?: boolean;
}
function message({ address, privateKey }: Person, number: number, given: Given = {}): SignedMessage {
  const unsigned = {
    from: address,
    to: sink,
    nonce: nonce(number),
    value: attoFil(0n),
    method: "",
    params: new Uint8Array(given.bytes ?? 0),
    gasPrice: attoFil(given.price ?? 0n),
    gasLimit: gasUnits(100_000),
  };
  if (given.isForged === true) return { message: unsigned, signature: new Uint8Array(65) };
  return signMessage(privateKey, networkId, unsigned);
}

const pick = (index: number): Person => sybils[index % sybils.length] as Person;
const epochs = 10;
const perEpoch = 10_000;

setFlagsFromString("--expose-gc");
const collect = runInNewContext("gc") as () => void;
/** What is reachable: the heap, and what lies outside of it. */
function heldBytes(): number {
  collect();
  const { heapUsed, external } = process.memoryUsage();
  return heapUsed + external;
}

/** What no pool looks at twice, made once: far ahead of their turn, of nobody, forged. */
const worthless: readonly Uint8Array[] = Array.from({ length: 7_000 }, (_, i) => {
  if (i % 2 === 0) return message(pick(i), 1_000 + i, { isForged: true, price: 9n });
  return message(nobody, i, { isForged: true, price: 9n });
}).map((one) => encode(signedMessageCodec, one));

/** What the attacker sends in one epoch; most of it is not worth a signature. */
function waveOf(chain: Chain, at: number): Uint8Array[] {
  const signed: SignedMessage[] = [];
  for (let i = 0; i < 150; i += 1) {
    const sybil = pick(i);
    const dust = message(sybil, chain.nonceOf(sybil.address) + Math.floor(i / sybils.length), { price: 1n });
    const instead = {
      ...dust.message,
      gasPrice: attoFil(BigInt(1 + (i % 2))),
      value: attoFil(BigInt(at + 1)),
    };
    signed.push(dust, signMessage(sybil.privateKey, networkId, instead));
  }
  const repeated = signed.map((one) => encode(signedMessageCodec, one));
  for (let i = 0; i < 10; i += 1) {
    const sybil = pick(i + at);
    signed.push(message(sybil, chain.nonceOf(sybil.address) + 20 + i, { bytes: 60_000 }));
  }
  for (let i = 0; i < 60; i += 1)
    signed.push(message(pick(i), chain.nonceOf(pick(i).address), { isForged: true }));
  const wave = signed.map((one) => encode(signedMessageCodec, one));
  for (let i = 0; wave.length < perEpoch; i += 1) {
    const bytes = i % 4 === 3 ? repeated[i % repeated.length] : worthless[i % worthless.length];
    if (bytes !== undefined) wave.push(bytes);
  }
  return wave;
}

describe("a flood of a hundred thousand messages", () => {
  it("keeps the pool within its counts and bytes, and honest messages in blocks within three epochs", async () => {
    const chain = new Chain();
    let fromPeer: ((bytes: Uint8Array) => unknown) | undefined;
    await using pool = openMempool({
      chain,
      wire: {
        publish: async () => undefined,
        subscribe: (_topic, handler) => {
          fromPeer = (bytes) => handler(bytes, "peer" as never);
          return () => undefined;
        },
      },
      clock: new SimClock(),
      logger: silentLogger,
      database: openDatabase(":memory:"),
    });
    const waited = new Map<SignedMessage, number>();
    let sent = 0;
    let most = 0;
    const before = heldBytes();
    for (let at = 0; at < epochs; at += 1) {
      const wave = waveOf(chain, at);
      for (const bytes of wave.slice(0, perEpoch / 2)) fromPeer?.(bytes);
      const fair = honest[at] as Person;
      const own = message(fair, 0, { price: 5n });
      pool.add(own);
      waited.set(own, chain.height);
      for (const bytes of wave.slice(perEpoch / 2)) fromPeer?.(bytes);
      sent += wave.length;
      if (at % 3 === 2) most = Math.max(most, heldBytes() - before);
      const waiting = pool.pending();
      expect(waiting.length).toBeLessThanOrEqual(limits.poolMessages);
      expect(waiting.reduce((sum, one) => sum + messageBytes(one), 0)).toBeLessThanOrEqual(limits.poolBytes);
      const bySender = Map.groupBy(waiting, (one) => one.message.from);
      for (const queue of bySender.values())
        expect(queue.length).toBeLessThanOrEqual(limits.poolMessagesPerSender);
      expect(bySender.has(nobody.address)).toBe(false);
      for (const one of chain.mine(pool)) {
        const since = waited.get(one);
        if (since === undefined) continue;
        expect(chain.height - since).toBeLessThanOrEqual(3);
        waited.delete(one);
      }
    }
    for (let late = 0; late < 3; late += 1) for (const one of chain.mine(pool)) waited.delete(one);
    expect(sent).toBe(100_000);
    expect(most).toBeLessThan(64 * 2 ** 20);
    expect(waited.size).toBe(0);
  }, 180_000);
});
