/**
 * The books of a simulation, kept a second time: what every account gets and pays, computed from the messages, their
 * receipts and the plain rules of transfers, fees, rewards and channels, and compared with the balances of the state
 * after every tipset. It knows nothing of the actors' code, so a refund that is wrong by one attoFIL shows here.
 */
import { type Address, type CID, decode } from "@holdfast/base";
import {
  builtinAddresses,
  codeNameOfCid,
  codeNames,
  type Message,
  messageCid,
  methods,
  type Receipt,
  readActor,
  readMinerState,
} from "@holdfast/consensus";
import type { CheckedTipset, Oracle, TipsetCheck } from "./invariants.ts";
import { network } from "./node.ts";

interface BookedChannel {
  readonly target: Address;
  readonly amount: bigint;
  readonly redeemed: bigint;
}

type Channels = ReadonlyMap<string, BookedChannel>;

/** Methods by which money goes ways that are not booked here: nothing is said about the tipset's accounts then. */
const unbooked: ReadonlySet<string> = new Set([
  "createMultisig",
  "propose",
  "approve",
  "createMiner",
  "withdraw",
  "terminateSectors",
  "reportConsensusFault",
  "openChannel",
  "acceptOwner",
  "changeOwner",
]);
/** Methods of a miner that cost their sender the fee and the value that goes with them, and pay nobody. */
const plain: ReadonlySet<string> = new Set([
  "addAsk",
  "updatePeerId",
  "changeWorker",
  "confirmWorker",
  "preCommitSector",
  "commitSector",
  "submitPost",
  "declareFaults",
  "declareRecovery",
  "extendSectors",
]);

class Books {
  readonly flows = new Map<Address, bigint>();
  readonly channels: Map<string, BookedChannel>;
  /** Why this tipset cannot be booked. */
  open: string | undefined;

  constructor(channels: Channels) {
    this.channels = new Map(channels);
  }

  pay(to: Address, amount: bigint): void {
    this.flows.set(to, (this.flows.get(to) ?? 0n) + amount);
  }

  /** Says what is wrong with the message's own effect. */
  book(message: Message, { exitCode, gasUsed }: Receipt, feeTo: Address): string | undefined {
    const fee = message.gasPrice * BigInt(gasUsed);
    this.pay(message.from, -fee);
    this.pay(feeTo, fee);
    if (exitCode !== 0) return undefined;
    this.pay(message.from, -message.value);
    this.pay(message.to, message.value);
    if (message.method === "" || plain.has(message.method)) return undefined;
    if (message.to === builtinAddresses(network).broker && !unbooked.has(message.method))
      return this.#channel(message);
    this.open = message.method;
    return undefined;
  }

  #channel({ method, from, nonce, value, params }: Message): string | undefined {
    const { broker } = methods;
    if (method === "createChannel") {
      const { target } = decode(broker.createChannel.params, params);
      this.channels.set(`${from}/${nonce}`, { target, amount: value, redeemed: 0n });
      return undefined;
    }
    if (method === "redeem" || method === "close") {
      const { voucher } = decode(broker[method].params, params);
      const key = `${voucher.payer}/${voucher.channel}`;
      const channel = this.channels.get(key);
      if (channel === undefined) return this.#unknown(key);
      if (channel.target !== from) return `${from} redeems a channel to ${channel.target}`;
      if (voucher.amount > channel.amount) return `a voucher pays ${voucher.amount} of ${channel.amount}`;
      if (voucher.amount < channel.redeemed) return "an old voucher is redeemed again";
      this.pay(from, voucher.amount - channel.redeemed);
      this.channels.set(key, { ...channel, redeemed: voucher.amount });
      if (method === "redeem") return undefined;
      this.pay(voucher.payer, channel.amount - voucher.amount);
      this.channels.delete(key);
      return undefined;
    }
    if (method !== "extend" && method !== "cancel" && method !== "reclaim") return undefined;
    const key = `${from}/${decode(broker[method].params, params).channel}`;
    const channel = this.channels.get(key);
    if (channel === undefined) return this.#unknown(key);
    if (method === "extend") this.channels.set(key, { ...channel, amount: channel.amount + value });
    if (method !== "reclaim") return undefined;
    this.pay(from, channel.amount - channel.redeemed);
    this.channels.delete(key);
    return undefined;
  }

  /** A multisig's channel is not booked; anything else that is not here does not exist. */
  #unknown(key: string): undefined {
    this.open = `channel ${key}`;
    return undefined;
  }
}

/** The check for one simulation: it remembers the channels after each tipset. */
export function bookkeeping(): TipsetCheck {
  const channelsAfter = new WeakMap<CheckedTipset, Channels>();
  return (checked, oracle) => {
    const { tipset, parent, receipts } = checked;
    if (parent === undefined) return undefined;
    const books = new Books(channelsAfter.get(parent) ?? new Map());
    channelsAfter.set(checked, books.channels);
    const bodies = new Map(checked.blocks.map((block) => [block.header.miner, block.messages]));
    const seen = new Set<string>();
    for (const { miner } of tipset.blocks) {
      const { owner } = readMinerState(oracle.store, parent.state, miner);
      books.pay(owner, oracle.params.blockReward);
      for (const signed of bodies.get(miner) ?? []) {
        const cid = messageCid(signed).toString();
        const receipt = receipts.get(cid);
        if (receipt === undefined || seen.has(cid)) continue;
        seen.add(cid);
        const wrong = books.book(signed.message, receipt, owner);
        if (wrong !== undefined) return wrong;
      }
    }
    return books.open === undefined ? compare(books, parent.state, checked.state, oracle) : undefined;
  };
}

function compare({ flows }: Books, before: CID, after: CID, { store }: Oracle): string | undefined {
  for (const [address, flow] of flows) {
    const now = readActor(store, after, address);
    if (now === undefined || codeNameOfCid(now.code) !== codeNames.account) continue;
    const was = readActor(store, before, address)?.balance ?? 0n;
    if (now.balance - was === flow) continue;
    return `${address} has ${now.balance - was} attoFIL more than before, the messages say ${flow}`;
  }
  return undefined;
}
