/**
 * Two parties and a chain that is as bad as chains are: blocks leave messages out, reorganisations take blocks back,
 * either party stops and starts again. The broker is the real one, and so is what is tested: the rooms of both nodes.
 */
import {
  type Address,
  accountAddress,
  attoFil,
  blake2b256,
  type CID,
  channelId,
  epoch,
  filToAtto,
  gasUnits,
  HoldfastError,
  MemoryBlockstore,
  nonce,
  publicKeyOf,
  signRecoverable,
  silentLogger,
  utf8Bytes,
} from "@holdfast/base";
import {
  applyBlock,
  blockCid,
  callReadOnly,
  createGenesis,
  createTipset,
  devnetParams,
  type Env,
  genesisMinerAddress,
  type Message,
  messageCid,
  moneyInvariant,
  networkIdOfGenesis,
  type Receipt,
  readActor,
  readChannel,
  type SignedMessage,
  type Tipset,
} from "@holdfast/consensus";
import { createVerifier } from "@holdfast/proofs/verify";
import { type Channels, type ChannelsNeeds, openChannels } from "../../src/channels/index.ts";
import { type Database, openDatabase } from "../../src/database.ts";

export const deposit = filToAtto(100n);
const params = devnetParams({
  name: "channels",
  roundMs: 1_000,
  channelCancelDelayEpochs: 40,
  finalityEpochs: 20,
});

interface Person {
  readonly address: Address;
  readonly privateKey: Uint8Array;
}
const person = (name: string): Person => {
  const privateKey = blake2b256(utf8Bytes(`channels ${name}`));
  return { privateKey, address: accountAddress(1, publicKeyOf(privateKey)) };
};
export const payer = person("payer");
export const target = person("target");

interface Mined {
  readonly cid: string;
  readonly receipt: Receipt;
}
interface Block {
  readonly state: CID;
  readonly mined: readonly Mined[];
}

export class BadChain {
  readonly store = new MemoryBlockstore();
  readonly networkId: Uint8Array;
  readonly #genesis;
  readonly #env: Env;
  readonly #blocks: Block[];
  readonly #total: bigint;
  readonly listeners = new Set<() => void>();
  readonly outboxes = new Map<Address, SignedMessage[]>();

  constructor() {
    const accounts = [payer, target].map(({ address }) => ({ address, balance: filToAtto(1_000n) }));
    const miners = [
      { owner: payer.address, worker: payer.address, workerKey: new Uint8Array(48).fill(0x80), peerId: "p" },
    ].map((miner) => ({ ...miner, sectors: [], balance: attoFil(0n) }));
    this.#genesis = createGenesis({ params, accounts, miners, timestampMs: 0 }, this.store);
    this.networkId = networkIdOfGenesis(blockCid(this.#genesis.header));
    this.#total = this.#genesis.total;
    this.#env = {
      params,
      networkId: this.networkId,
      verifier: createVerifier(),
      randomness: () => new Uint8Array(32),
      verifiedMessages: { has: () => true, add: () => undefined },
    };
    this.#blocks = [{ state: this.#genesis.state, mined: [] }];
  }

  get height(): number {
    return this.#blocks.length - 1;
  }
  get state(): CID {
    return this.#blocks.at(-1)?.state ?? this.#genesis.state;
  }
  readonly params = params;
  headState() {
    return { state: this.state, tipset: this.tipsetAt(this.height) };
  }
  /** Every round has its tipset; of which branch it is nobody asks. */
  tipsetAt(height: number): Tipset {
    return { ...createTipset([this.#genesis.header]), key: `at ${height}`, height: epoch(height) };
  }
  onHead = (listener: () => void): (() => void) => {
    this.listeners.add(listener);
    return () => void this.listeners.delete(listener);
  };
  receiptOf(cid: string): Receipt | undefined {
    for (const { mined } of this.#blocks) for (const one of mined) if (one.cid === cid) return one.receipt;
    return undefined;
  }
  nonceOf(address: Address): number {
    return readActor(this.store, this.state, address)?.nonce ?? 0;
  }
  balanceOf(address: Address): bigint {
    return readActor(this.store, this.state, address)?.balance ?? 0n;
  }
  channel(id: number) {
    return readChannel(this.store, this.state, payer.address, channelId(id));
  }
  dryRun(call: Pick<Message, "from" | "to" | "value" | "method" | "params">): number {
    const height = epoch(this.height + 1);
    return callReadOnly({ store: this.store, state: this.state, env: this.#env, height, ...call }).exitCode;
  }

  /** One block with those waiting messages that `isTaken` says. */
  mine(isTaken: () => boolean): void {
    const messages: SignedMessage[] = [];
    for (const [address, outbox] of this.outboxes) {
      let next = this.nonceOf(address);
      for (;;) {
        const found = outbox.find(({ message }) => message.nonce === next);
        if (found === undefined || !isTaken()) break;
        messages.push(found);
        next += 1;
      }
    }
    const { stateRoot, receipts } = applyBlock({
      store: this.store,
      parentState: this.state,
      block: { miner: genesisMinerAddress(1, 0), height: epoch(this.height + 1) },
      messages,
      env: this.#env,
    });
    const mined = receipts.map((receipt, index) => ({
      cid: messageCid(messages[index] as SignedMessage).toString(),
      receipt,
    }));
    this.#blocks.push({ state: stateRoot, mined });
    moneyInvariant(this.store, this.state, attoFil(this.#total));
    for (const listener of this.listeners) listener();
  }

  reorganise(depth: number): void {
    this.#blocks.splice(Math.max(1, this.#blocks.length - depth));
    for (const listener of this.listeners) listener();
  }
}

export interface Faults {
  /** The party looks at no head. */
  readonly isBlind?: boolean;
  /** Vouchers do not survive a restart. */
  readonly forgetsVouchers?: boolean;
  /** A message that was mined once is never offered again. */
  readonly forgetsReorganised?: boolean;
}

export class Party {
  readonly #chain: BadChain;
  readonly #person: Person;
  readonly #faults: Faults;
  readonly #keys = new Map<string, SignedMessage>();
  readonly #outbox: SignedMessage[] = [];
  #database: Database = openDatabase(":memory:");
  room: Channels;

  constructor(chain: BadChain, who: Person, faults: Faults = {}) {
    this.#chain = chain;
    this.#person = who;
    this.#faults = faults;
    chain.outboxes.set(who.address, this.#outbox);
    this.room = openChannels(this.#needs());
  }

  async restart(): Promise<void> {
    await this.room[Symbol.asyncDispose]();
    if (this.#faults.forgetsVouchers === true) this.#database = openDatabase(":memory:");
    this.room = openChannels(this.#needs());
  }
  async [Symbol.asyncDispose](): Promise<void> {
    await this.room[Symbol.asyncDispose]();
    this.#database[Symbol.dispose]();
  }

  #needs(): ChannelsNeeds {
    const chain = this.#chain;
    const { address, privateKey } = this.#person;
    const has = (one: Address): boolean => one === address;
    return {
      chain: {
        params: chain.params,
        networkId: chain.networkId,
        store: chain.store,
        headState: () => chain.headState(),
        head: () => chain.tipsetAt(chain.height),
        tipsetAt: (height) => chain.tipsetAt(height),
        parentOf: ({ height }) => (height === 0 ? undefined : chain.tipsetAt(height - 1)),
        onHead: this.#faults.isBlind === true ? () => () => undefined : chain.onHead,
      },
      sender: {
        send: async (request) => this.#send(request),
        raise: async () => undefined,
        sentAs: (key) => this.#sentAs(key),
        why: () => undefined,
        find: (cid) => {
          const message = this.#outbox.find((one) => messageCid(one).equals(cid));
          const receipt = chain.receiptOf(cid.toString());
          return message === undefined
            ? undefined
            : { message, mined: receipt === undefined ? undefined : { receipt } };
        },
      },
      signer: {
        payer: () => address,
        has,
        addresses: () => [address],
        sign: (_, bytes) => signRecoverable(privateKey, bytes),
      },
      database: this.#database,
      logger: silentLogger,
    };
  }

  #sentAs(key: string) {
    const signed = this.#keys.get(key);
    return signed === undefined ? undefined : { cid: messageCid(signed), nonce: signed.message.nonce };
  }

  #send(request: Parameters<ChannelsNeeds["sender"]["send"]>[0]) {
    const { key, from, to, method, params: bytes, value = attoFil(0n) } = request;
    const known = key === undefined ? undefined : this.#sentAs(key);
    if (known !== undefined) return known;
    const call = { from, to, method, params: bytes, value };
    const exitCode = this.#chain.dryRun(call);
    if (exitCode !== 0) {
      const about = { message: `would end with ${exitCode}`, fix: "", data: {}, exit: "refused" as const };
      throw new HoldfastError({ code: "sender/would-fail", ...about });
    }
    const message: Message = {
      ...call,
      nonce: nonce(this.#chain.nonceOf(from) + this.#waiting()),
      gasPrice: attoFil(0n),
      gasLimit: gasUnits(5_000_000),
    };
    const signed = { message, signature: new Uint8Array(65) };
    if (key !== undefined) this.#keys.set(key, signed);
    this.#outbox.push(signed);
    return { cid: messageCid(signed), nonce: message.nonce };
  }
  #waiting(): number {
    const used = this.#chain.nonceOf(this.#person.address);
    return this.#outbox.filter(({ message }) => message.nonce >= used).length;
  }

  /** After each block: what a careless node forgets. */
  forget(): void {
    if (this.#faults.forgetsReorganised !== true) return;
    const used = this.#chain.nonceOf(this.#person.address);
    const kept = this.#outbox.filter(({ message }) => message.nonce >= used);
    this.#outbox.splice(0, this.#outbox.length, ...kept);
  }
}
