/**
 * Idle space, judged a second time: what of a miner's money is locked, bound, free and lost, and how many files it
 * claims, computed from the messages and the words of the rules, and compared with what stands on the chain after every
 * tipset. What is gone must be somewhere, every lapse costs what it costs, and who has lapsed counts for nothing.
 */
import { type Address, decode } from "@holdfast/base";
import {
  builtinAddresses,
  type IdleMinerView,
  listIdleMiners,
  type Message,
  messageCid,
  methods,
  type NetworkParams,
  type Receipt,
} from "@holdfast/consensus";
import { type IdleProfile, idleFileBytes, idleProfiles } from "@holdfast/proofs/idle";
import { stoodStill } from "./duties.ts";
import type { CheckedTipset, TipsetCheck } from "./invariants.ts";
import { network } from "./node.ts";

const { idle: idleAddress } = builtinAddresses(network);
const gibibyte = 2n ** 30n;

/** What of a miner's money a call touches. */
interface Purse {
  readonly pledge: bigint;
  readonly free: bigint;
  readonly bound: bigint;
}

/** What messages have done to one miner in a tipset. */
class Account {
  paidIn = 0n;
  paidOut = 0n;
  filesAdded = 0;
  filesGone = 0;
  /** Announcements that were taken back. */
  givenUp = 0;
  hasLeft = false;
  readonly calls: Message[] = [];
}

const shareOf = (amount: bigint, divisor: bigint): bigint => (amount + divisor - 1n) / divisor;
const moneyOf = ({ pledge, free, bound, announcement }: IdleMinerView): bigint =>
  pledge + free + bound + (announcement?.pledge ?? 0n);
const filesOf = ({ state }: IdleMinerView): number => state.rear - state.front;

/** What a kept layer locks. */
function layerPledge({ idle }: NetworkParams, profile: IdleProfile): bigint {
  const bytes = BigInt(profile.files) * BigInt(idleFileBytes(profile));
  return (idle.pledgePerGiB * bytes + gibibyte - 1n) / gibibyte;
}

/** Messages of the tipset to the idle space actor that took effect, each once. */
function* callsOf({ tipset, blocks, receipts }: CheckedTipset): Generator<[Message, Receipt]> {
  const bodies = new Map(blocks.map((block) => [block.header.miner, block.messages]));
  const seen = new Set<string>();
  for (const { miner } of tipset.blocks) {
    for (const signed of bodies.get(miner) ?? []) {
      const cid = messageCid(signed).toString();
      const receipt = receipts.get(cid);
      if (receipt === undefined || seen.has(cid)) continue;
      seen.add(cid);
      if (signed.message.to === idleAddress && receipt.exitCode === 0) yield [signed.message, receipt];
    }
  }
}

function accountsOf(checked: CheckedTipset, profile: IdleProfile): Map<Address, Account> {
  const accounts = new Map<Address, Account>();
  const of = (miner: Address): Account => {
    const account = accounts.get(miner) ?? new Account();
    accounts.set(miner, account);
    return account;
  };
  const { idle } = methods;
  for (const [message] of callsOf(checked)) {
    const { method, params, value } = message;
    if (method === "register" || method === "deposit") {
      const account = of(decode(idle[method].params, params).miner);
      account.paidIn += value;
      account.calls.push(message);
    } else if (method === "withdraw") {
      const { miner, amount } = decode(idle.withdraw.params, params);
      of(miner).paidOut += amount;
      of(miner).calls.push(message);
    } else if (method === "certify") {
      const { miner } = decode(idle.certify.params, params);
      of(miner).filesAdded += profile.files;
      of(miner).calls.push(message);
    } else if (method === "release") {
      const { miner, count } = decode(idle.release.params, params);
      of(miner).filesGone += count;
      of(miner).calls.push(message);
    } else if (method === "announce" || method === "giveUp" || method === "leave") {
      const { miner } = decode(idle[method].params, params);
      const account = of(miner);
      account.calls.push(message);
      if (method === "giveUp") account.givenUp += 1;
      if (method === "leave") account.hasLeft = true;
    }
  }
  return accounts;
}

interface Lapses {
  /** What the tick takes for them. */
  readonly fees: bigint;
  readonly hasMissed: boolean;
  /** Nothing is left of it. */
  readonly isEmptied: boolean;
  readonly expired: bigint;
}

/** What the tick of this tipset finds of a miner that is due. */
function lapsesOf(before: IdleMinerView, checked: CheckedTipset, params: NetworkParams): Lapses {
  const { height } = checked.tipset;
  const { due, announcement, challenge } = before;
  const none = { fees: 0n, hasMissed: false, isEmptied: false, expired: 0n };
  if (due === null || due > height) return none;
  const isExpired = announcement !== null && height > announcement.at + params.idle.certifyEpochs;
  const expired = isExpired ? shareOf(announcement.pledge, 10n) : 0n;
  const last = challenge?.total === null ? challenge.answerBy : (challenge?.settleBy ?? 0);
  if (challenge === null || height <= last) return { ...none, fees: expired, expired };
  if (stoodStill(params.idle.answerEpochs, checked, challenge.at)) return { ...none, fees: expired, expired };
  const left = moneyOf(before) - expired;
  const wanted = shareOf(challenge.stake, 20n);
  const fees = expired + (wanted < left ? wanted : left);
  return { fees, hasMissed: true, isEmptied: before.faults + 1 >= 10, expired };
}

/** The money of a miner after one call and nothing else; undefined where more was done than that. */
function afterCall(
  before: IdleMinerView,
  message: Message,
  height: number,
  pledged: bigint,
): Purse | undefined {
  const isFree = height >= before.boundUntil;
  const free = before.free + (isFree ? before.bound : 0n);
  const bound = isFree ? 0n : before.bound;
  const { pledge } = before;
  const { idle } = methods;
  switch (message.method) {
    case "deposit":
      return { pledge, bound, free: free + message.value };
    case "withdraw":
      return { pledge, bound, free: free - decode(idle.withdraw.params, message.params).amount };
    case "announce":
      return { pledge, bound, free: free - pledged };
    case "certify":
      return { pledge: pledge + (before.announcement?.pledge ?? 0n), bound, free };
    case "release": {
      const { count } = decode(idle.release.params, message.params);
      const freed = (pledge * BigInt(count)) / BigInt(filesOf(before));
      return { pledge: pledge - freed, bound: bound + freed, free };
    }
    default:
      return undefined;
  }
}

/** True if a consensus fault of the miner was punished in this tipset: then all is gone, which is not booked here. */
function wasSlashed({ blocks, receipts }: CheckedTipset, miner: Address): boolean {
  return blocks.some(({ messages }) =>
    messages.some((signed) => {
      const { to, method } = signed.message;
      return (
        to === miner &&
        method === "reportConsensusFault" &&
        receipts.get(messageCid(signed).toString())?.exitCode === 0
      );
    }),
  );
}

function problemOf(
  checked: CheckedTipset,
  { before, after }: { readonly before: IdleMinerView; readonly after: IdleMinerView },
  account: Account,
  { params, profile }: { readonly params: NetworkParams; readonly profile: IdleProfile },
): string | undefined {
  const { height } = checked.tipset;
  const lost = after.burnt - before.burnt;
  const kept = moneyOf(after) - moneyOf(before) + lost;
  if (kept !== account.paidIn - account.paidOut)
    return `has ${kept} attoFIL more and lost ${lost}, but was paid ${account.paidIn - account.paidOut}`;
  if (wasSlashed(checked, before.miner)) return undefined;
  const lapses = lapsesOf(before, checked, params);
  if (lapses.isEmptied) return undefined;
  // What was announced in this very tipset has the pledge of every layer.
  const givenUp = BigInt(account.givenUp) * shareOf(layerPledge(params, profile), 10n);
  const dueFees = lapses.fees + givenUp;
  if (lost !== dueFees) return `lost ${lost} attoFIL, where ${dueFees} were due`;
  if (lapses.hasMissed && after.faultySince === null) return "has missed a challenge, and is not faulty";
  if (before.faultySince !== null && after.faultySince === null && after.lastProven !== height)
    return "is not faulty any more, and has shown nothing";
  const files = filesOf(before) + account.filesAdded - account.filesGone;
  if (filesOf(after) !== files) return `claims ${filesOf(after)} files, the messages say ${files}`;
  const [call] = account.calls;
  if (account.calls.length !== 1 || call === undefined || lapses.fees > 0n) return undefined;
  const purse = afterCall(before, call, height, layerPledge(params, profile));
  const same = (name: keyof Purse): boolean => purse === undefined || purse[name] === after[name];
  if (same("pledge") && same("free") && same("bound")) return undefined;
  return `has ${after.pledge}/${after.bound}/${after.free} attoFIL pledged/bound/free after ${call.method}`;
}

/** The check of every tipset. */
export const idleSpaceIsPaid: TipsetCheck = (checked, { store, params }) => {
  const profile = idleProfiles.get(params.idle.profile);
  const { parent, state } = checked;
  if (profile === undefined || parent === undefined) return undefined;
  const accounts = accountsOf(checked, profile);
  const earlier = new Map([...listIdleMiners(store, parent.state)].map((one) => [one.miner, one]));
  for (const after of listIdleMiners(store, state)) {
    const { miner } = after;
    const before = earlier.get(miner);
    const account = accounts.get(miner) ?? new Account();
    if (before === undefined) {
      if (moneyOf(after) > account.paidIn) return `the idle space of ${miner} begins with more than was paid`;
      continue;
    }
    if (account.hasLeft) continue;
    const problem = problemOf(checked, { before, after }, account, { params, profile });
    if (problem !== undefined) return `the idle space of ${miner} ${problem}`;
  }
  return undefined;
};

/** What a miner's idle space counts in the election (bytes), by its files. */
export function idlePowerOf(record: IdleMinerView, { idle }: NetworkParams): bigint {
  const profile = idleProfiles.get(idle.profile);
  if (profile === undefined || record.faultySince !== null) return 0n;
  return (BigInt(filesOf(record)) * BigInt(idleFileBytes(profile)) * BigInt(idle.weightPercent)) / 100n;
}
