/** Four people with money or without, and a chain that stands where a test puts it: what a pool by itself needs. */
import {
  type Address,
  accountAddress,
  attoFil,
  blake2b256,
  epoch,
  gasUnits,
  MemoryBlockstore,
  nonce,
  publicKeyOf,
  utf8Bytes,
} from "@holdfast/base";
import {
  createGenesis,
  createTipset,
  devnetParams,
  type SignedMessage,
  signMessage,
  type Tipset,
} from "@holdfast/consensus";
import type { MempoolChain } from "../../src/mempool/index.ts";

export interface Person {
  readonly address: Address;
  readonly privateKey: Uint8Array;
}
const person = (name: string): Person => {
  const privateKey = blake2b256(utf8Bytes(`pool ${name}`));
  return { privateKey, address: accountAddress(1, publicKeyOf(privateKey)) };
};
export const [alice, bob, carol, stranger] = ["alice", "bob", "carol", "stranger"].map(person) as [
  Person,
  Person,
  Person,
  Person,
];
export const testNetworkId = blake2b256(utf8Bytes("pool test"));
export const balance = 10_000_000n;
export const sink = person("sink").address;

/** A chain without blocks above its genesis; the test moves its height and tells what was mined. */
export class StandingChain implements MempoolChain {
  readonly params = devnetParams({ name: "pool-test", roundMs: 1_000 });
  readonly networkId = testNetworkId;
  readonly store = new MemoryBlockstore();
  readonly #genesis: ReturnType<typeof createGenesis>;
  readonly #listeners = new Set<Parameters<MempoolChain["onHead"]>[0]>();
  readonly #messages = new Map<Tipset, readonly SignedMessage[]>();
  height = 0;

  constructor() {
    const accounts = [alice, bob, carol].map(({ address }) => ({ address, balance: attoFil(balance) }));
    this.#genesis = createGenesis({ params: this.params, accounts, miners: [], timestampMs: 0 }, this.store);
  }
  headState() {
    const tipset = { ...createTipset([this.#genesis.header]), height: epoch(this.height) };
    return { state: this.#genesis.state, tipset };
  }
  head = (): Tipset => this.headState().tipset;
  tipsetAt = (): Tipset => this.headState().tipset;
  parentOf = () => undefined;
  stateAfter = () => this.#genesis.state;
  onHead(listener: Parameters<MempoolChain["onHead"]>[0]): () => void {
    this.#listeners.add(listener);
    return () => void this.#listeners.delete(listener);
  }
  messagesOf = (tipset: Tipset): readonly SignedMessage[] => this.#messages.get(tipset) ?? [];
  tipsetOfMessage = () => undefined;
  findMessage = () => undefined;

  move(
    rounds: number,
    change: { applied?: readonly SignedMessage[]; reverted?: readonly SignedMessage[] } = {},
  ) {
    this.height += rounds;
    const tipsetWith = (messages: readonly SignedMessage[]): Tipset => {
      const { tipset } = this.headState();
      this.#messages.set(tipset, messages);
      return tipset;
    };
    const applied = [tipsetWith(change.applied ?? [])];
    const reverted = change.reverted === undefined ? [] : [tipsetWith(change.reverted)];
    for (const listener of this.#listeners) listener({ applied, reverted });
  }
}

interface Given {
  readonly value?: bigint;
  readonly price?: bigint;
  readonly bytes?: number;
}
export const gasLimit = 10_000;
export function message({ address, privateKey }: Person, number: number, given: Given = {}): SignedMessage {
  return signMessage(privateKey, testNetworkId, {
    from: address,
    to: sink,
    nonce: nonce(number),
    value: attoFil(given.value ?? 0n),
    method: "",
    params: new Uint8Array(given.bytes ?? 0),
    gasPrice: attoFil(given.price ?? 0n),
    gasLimit: gasUnits(gasLimit),
  });
}
