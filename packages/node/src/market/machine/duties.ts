/**
 * Every state that a deal can be in, for the one who asks "and now?": who has to act, until when, what happens when
 * nobody does, and how the money gets out then. The machines of both sides (`client.ts`, `miner.ts`) and the chain's
 * (`dealDuties`) move by these deadlines; that every state has all four is checked, and that each is left by its
 * deadline.
 */
import { type DealDuty, type DealStatus, dealDuties } from "@holdfast/consensus";
import type { Stage } from "./client.ts";
import type { KeptState } from "./miner.ts";

/** silence: of the other side · tries: of a message · start, end: of the deal · channel: when it ends. */
export type Deadline = "silence" | "tries" | "start" | "end" | "settlement" | "channel";

export interface Duty {
  readonly owner: "client" | "miner" | "chain";
  readonly duty: string;
  readonly deadline: Deadline;
  /** The state that follows when the deadline passes. */
  readonly next: string;
  readonly money: string;
}

const untouched = "nothing has left the client's channel; it cancels it and takes its collateral out";
const windsUp =
  "the client reclaims the channel after its end and takes its collateral out, by itself, until that is final";
const isWithdrawn = "withdrawn to the owner by itself, until that is final";

export const clientDuties: { readonly [At in Stage]: Duty } = {
  funding: {
    owner: "client",
    duty: "pay into the channel and deposit the collateral",
    deadline: "tries",
    next: "abandoned",
    money: "what was paid in is cancelled and reclaimed, the collateral withdrawn",
  },
  proposing: {
    owner: "miner",
    duty: "answer the proposal",
    deadline: "silence",
    next: "abandoned",
    money: untouched,
  },
  accepted: {
    owner: "miner",
    duty: "fetch the data, seal it, and bring it onto the chain",
    deadline: "start",
    next: "abandoned",
    money: `${untouched}; a deal that is published is first late on the chain`,
  },
  committed: {
    owner: "miner",
    duty: "start the deal on the chain and prove its sectors",
    deadline: "start",
    next: "abandoned",
    money: `${untouched}; a late start costs the miner, and the client has its share`,
  },
  proven: {
    owner: "miner",
    duty: "give the file back, once",
    deadline: "tries",
    next: "abandoned",
    money: "the client cancels the channel if more is in it than its collateral is worth",
  },
  done: {
    owner: "miner",
    duty: "keep the file proven to the end of the deal",
    deadline: "end",
    next: "over",
    money: windsUp,
  },
  abandoned: {
    owner: "client",
    duty: "cancel the channel, reclaim it, and withdraw the collateral",
    deadline: "channel",
    next: "closed",
    money: windsUp,
  },
};

export const minerDuties: { readonly [At in KeptState]: Duty } = {
  accepted: {
    owner: "miner",
    duty: "fetch the data",
    deadline: "start",
    next: "failed",
    money: "nothing of the miner is locked yet",
  },
  transferring: {
    owner: "client",
    duty: "give the data",
    deadline: "silence",
    next: "failed",
    money: "nothing of the miner is locked yet",
  },
  staged: {
    owner: "miner",
    duty: "publish the deal, which locks its collateral",
    deadline: "start",
    next: "failed",
    money: "what is not locked stays with the owner",
  },
  sealing: {
    owner: "miner",
    duty: "seal the sectors and bring them onto the chain",
    deadline: "start",
    next: "failed",
    money: "a late deal costs a share of the collateral, the rest is withdrawn",
  },
  committed: {
    owner: "miner",
    duty: "start the deal with the proofs of its pieces",
    deadline: "start",
    next: "failed",
    money: "a late deal costs a share of the collateral, the rest is withdrawn",
  },
  active: {
    owner: "miner",
    duty: "prove the sectors and redeem the vouchers",
    deadline: "end",
    next: "complete",
    money: "vouchers are redeemed as they come due; a lost sector costs the collateral",
  },
  complete: {
    owner: "miner",
    duty: "redeem the last voucher, withdraw the collateral, and drop the data",
    deadline: "channel",
    next: "closed",
    money: isWithdrawn,
  },
  failed: {
    owner: "miner",
    duty: "withdraw what is left of the collateral and drop the data",
    deadline: "channel",
    next: "closed",
    money: isWithdrawn,
  },
};

/** In a sentence; `at` is the height of the deadline, where it has one. */
export function dutyText({ owner, duty, deadline, next, money }: Duty, at: number | undefined): string {
  const until = { silence: "before the other side takes it for gone", tries: "in a number of tries" };
  const others = {
    start: "by the start",
    end: "until the end",
    settlement: "while vouchers count",
    channel: "with the channel",
  };
  const when = at === undefined ? { ...until, ...others }[deadline] : `by height ${at}`;
  return `the ${owner} has to ${duty}, ${when}; else it is ${next}: ${money}`;
}
/** The height of a deadline; undefined where it is none, or not known. */
export function deadlineAt(
  { deadline }: Pick<Duty, "deadline">,
  known: {
    readonly startBy: number | null;
    readonly endHeight: number | null;
    readonly eol: number | undefined;
  },
): number | undefined {
  if (deadline === "start") return known.startBy ?? undefined;
  if (deadline === "end") return known.endHeight ?? undefined;
  return deadline === "channel" ? known.eol : undefined;
}

const chainDeadlines: { readonly [At in DealDuty["deadline"]]: Deadline } = {
  startBy: "start",
  endHeight: "end",
  settlement: "settlement",
};

/** The duty of one side's state; where a side is through and the chain still holds collateral, that of the chain. */
export function dutyOf(
  own: { readonly client: Stage } | { readonly miner: KeptState },
  status: DealStatus | undefined,
): Duty {
  const state = "client" in own ? own.client : own.miner;
  const isThrough = state === "abandoned" || state === "failed" || state === "complete";
  if (isThrough && (status === "published" || status === "active")) {
    const { deadline, ...duty } = dealDuties[status];
    return { ...duty, deadline: chainDeadlines[deadline] };
  }
  return "client" in own ? clientDuties[own.client] : minerDuties[own.miner];
}
