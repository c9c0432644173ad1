/**
 * The books of a simulation, kept a second time: what every account gets and pays, computed from the messages, their
 * receipts and the plain rules of transfers, fees, rewards and channels, and compared with the balances of the state
 * after every tipset; and of every multisig, who wants what. It knows nothing of the actors' code, so a refund that is
 * wrong by one attoFIL shows here.
 */
import { type Address, type CID, c, decode } from "@holdfast/base";
import {
  builtinAddresses,
  codeNameOfCid,
  codeNames,
  type Message,
  messageCid,
  methods,
  type Receipt,
  readActor,
  readIdleVerifiers,
  readMinerState,
} from "@holdfast/consensus";
import type { CheckedTipset, Oracle, TipsetCheck } from "./invariants.ts";
import { network } from "./node.ts";
import type { PinBooks } from "./pin-books.ts";

interface BookedChannel {
  readonly target: Address;
  readonly amount: bigint;
  readonly redeemed: bigint;
}

interface BookedMultisig {
  readonly signers: readonly Address[];
  readonly threshold: number;
}

/** What a signer has proposed, and who wants it. */
interface BookedProposal {
  readonly to: Address;
  readonly value: bigint;
  readonly method: string;
  readonly approvals: ReadonlySet<Address>;
}

/** All that the books remember from one tipset to the next. */
interface Kept {
  readonly channels: ReadonlyMap<string, BookedChannel>;
  readonly multisigs: ReadonlyMap<Address, BookedMultisig>;
  /** By the multisig and the transaction's number. */
  readonly proposals: ReadonlyMap<string, BookedProposal>;
}

const nothingKept: Kept = { channels: new Map(), multisigs: new Map(), proposals: new Map() };

/** Methods of a miner and of the market that cost their sender the fee and the value that goes with them. */
const plain: ReadonlySet<string> = new Set([
  "addAsk",
  "updatePeerId",
  "changeWorker",
  "confirmWorker",
  "changeOwner",
  "acceptOwner",
  "preCommitSector",
  "commitSector",
  "submitPost",
  "declareFaults",
  "declareRecovery",
  "extendSectors",
  "terminateSectors",
  "createMiner",
  "addBalance",
  "publishDeals",
  "activateDeal",
  "extendDeal",
  "releaseDeal",
  "reportCancelledChannel",
  "settleDeals",
]);

/** Of a verifier's bond, who shows its lie gets one part in so many. */
const liarsShare = 20n;

/** The same of idle space. What verifiers get back is not booked. */
const plainIdle: ReadonlySet<string> = new Set([
  "register",
  "deposit",
  "announce",
  "giveUp",
  "certify",
  "release",
  "answer",
  "settle",
  "postBond",
  "attestVerifier",
  "accuseVerifier",
]);

const { init, broker: brokerAddress, market, idle, pins } = builtinAddresses(network);

class Books {
  readonly flows = new Map<Address, bigint>();
  readonly channels: Map<string, BookedChannel>;
  readonly multisigs: Map<Address, BookedMultisig>;
  readonly proposals: Map<string, BookedProposal>;
  /** Why this tipset cannot be booked. */
  open: string | undefined;

  constructor({ channels, multisigs, proposals }: Kept) {
    this.channels = new Map(channels);
    this.multisigs = new Map(multisigs);
    this.proposals = new Map(proposals);
  }

  pay(to: Address, amount: bigint): void {
    this.flows.set(to, (this.flows.get(to) ?? 0n) + amount);
  }

  /** Says what is wrong with the message's own effect. */
  book(message: Message, { exitCode, gasUsed, returns }: Receipt, feeTo: Address): string | undefined {
    const fee = message.gasPrice * BigInt(gasUsed);
    this.pay(message.from, -fee);
    this.pay(feeTo, fee);
    if (exitCode !== 0) return undefined;
    this.pay(message.from, -message.value);
    this.pay(message.to, message.value);
    const { to, method, from, params } = message;
    if (method === "") return undefined;
    if (this.multisigs.has(to)) return this.#multisig(message, returns);
    if (to === brokerAddress && method !== "openChannel") return this.#channel(message);
    if (to === init && method === "createMultisig") {
      const { signers, threshold } = decode(methods.init.createMultisig.params, params);
      this.multisigs.set(decode(c.address, returns), { signers, threshold });
    } else if (to === idle) this.#idle(message);
    else if (to === pins)
      return undefined; // pin-books.ts says what it pays
    else if (method === "withdraw") this.pay(from, decode(methods.miner.withdraw.params, params).amount);
    else if (to === market && method === "withdrawBalance")
      this.pay(from, decode(methods.market.withdrawBalance.params, params).amount);
    else if (!plain.has(method)) this.open = method;
    return undefined;
  }

  #idle({ method, params, from }: Message): void {
    if (method === "withdraw") this.pay(from, decode(methods.idle.withdraw.params, params).amount);
    else if (!plainIdle.has(method)) this.open = `${method} of idle space`;
  }

  /** Nothing leaves a multisig before as many of its signers want it as it asks for. */
  #multisig({ to: multisig, method, from, params }: Message, returns: Uint8Array): string | undefined {
    const { propose, approve, cancel } = methods.multisig;
    const known = this.multisigs.get(multisig);
    if (known === undefined) return undefined;
    if (!known.signers.includes(from)) return `${from} is no signer of ${multisig}`;
    if (method === "cancel") {
      this.proposals.delete(`${multisig}/${decode(cancel.params, params).transactionId}`);
      return undefined;
    }
    if (method !== "propose" && method !== "approve") return undefined;
    const { transactionId, outcome } = decode(propose.returns, returns);
    const key = `${multisig}/${transactionId}`;
    const before = method === "approve" ? this.proposals.get(key) : undefined;
    if (method === "approve" && decode(approve.params, params).transactionId !== transactionId)
      return `${from} approves another transaction than ${transactionId}`;
    const wanted = before ?? { ...decode(propose.params, params), approvals: new Set<Address>() };
    const approvals = new Set([...wanted.approvals, from]);
    this.proposals.set(key, { ...wanted, approvals });
    if (outcome === null) return undefined;
    if (approvals.size < known.threshold)
      return `${multisig} has done ${transactionId} for ${approvals.size} of ${known.threshold} signers`;
    if (outcome.exitCode !== 0) return undefined;
    this.proposals.delete(key);
    // It can do all that an account can, and change itself: that is not booked.
    if (wanted.method !== "") this.open = `${wanted.method} of a multisig`;
    if (wanted.to === multisig) this.multisigs.delete(multisig);
    this.pay(wanted.to, wanted.value);
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

/** The check for one simulation: it remembers channels and multisigs after each tipset. */
export function bookkeeping(pinBooks: PinBooks): TipsetCheck {
  const keptAfter = new WeakMap<CheckedTipset, Kept>();
  return (checked, oracle) => {
    const { tipset, parent, receipts } = checked;
    if (parent === undefined) return undefined;
    const books = new Books(keptAfter.get(parent) ?? nothingKept);
    keptAfter.set(checked, books);
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
        if (signed.message.method === "accuseVerifier" && receipt.exitCode === 0)
          books.pay(signed.message.from, lostBonds(parent.state, checked.state, oracle) / liarsShare);
        if (signed.message.to !== pins) continue;
        for (const [to, amount] of pinBooks.payouts(checked, oracle, cid)) books.pay(to, amount);
      }
    }
    return books.open === undefined ? compare(books, parent.state, checked.state, oracle) : undefined;
  };
}

/** What verifiers had at stake that are struck off now; two in one tipset would be booked twice. */
function lostBonds(before: CID, after: CID, { store }: Oracle): bigint {
  const left = new Set(readIdleVerifiers(store, after).map(({ operator }) => operator));
  const gone = readIdleVerifiers(store, before).filter(({ operator }) => !left.has(operator));
  return gone.reduce((sum, { bond }) => sum + bond, 0n);
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
