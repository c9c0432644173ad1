/**
 * Why a message is where it is. Each reason has a code of its own and the command that helps; the order is that in
 * which a block would notice them. Nothing is guessed: a reason is a fact of the head's state, the pool or the outbox.
 */
import { type Address, attoFil, type CID, filText } from "@holdfast/base";
import { messageCid, readActor, requiredFunds, type SignedMessage } from "@holdfast/consensus";
import type { MempoolChain } from "./needs.ts";
import type { Mempool } from "./pool.ts";
import { fullBlockPrice, mostGasPrice, needsOf } from "./prices.ts";

export const waitReasons = [
  "mined",
  "replaced",
  "cancelled",
  "nonce-gap",
  "nonce-order",
  "balance",
  "block-full",
  "price",
  "not-in-pool",
  "expired",
  "evicted",
  "next-block",
] as const;
export type WaitReason = (typeof waitReasons)[number];

export interface Reason {
  readonly code: WaitReason;
  readonly detail: string;
  readonly fix: string | null;
}

export interface MessageFacts {
  readonly cid: CID;
  readonly signed: SignedMessage;
  /** Of a message of this node. */
  readonly outcome: "open" | "final" | "replaced" | "cancelled" | undefined;
  readonly minedAt: number | undefined;
  /** Why the pool would not take it the last time it was offered. */
  readonly refusal: string | undefined;
}

interface Where {
  readonly chain: Pick<MempoolChain, "params" | "store" | "headState" | "messagesOf">;
  readonly pool: Mempool;
}

/** At least one; the first is what holds it up. */
export function reasonsOf(where: Where, facts: MessageFacts): readonly Reason[] {
  const { chain } = where;
  const { signed, cid, minedAt } = facts;
  const { from, nonce } = signed.message;
  if (minedAt !== undefined)
    return [{ code: "mined", detail: `it is in the chain at height ${minedAt}`, fix: null }];
  const sender = readActor(chain.store, chain.headState().state, from);
  const next = sender?.nonce ?? 0;
  if (facts.outcome === "cancelled") {
    const isDone = nonce < next;
    const detail = isDone ? "it was cancelled" : "its cancellation waits in its place, and pays more";
    return [{ code: "cancelled", detail, fix: null }];
  }
  if (facts.outcome === "replaced" || nonce < next) {
    const detail = `${from} used nonce ${nonce} for another message: this one can never be mined`;
    return [{ code: "replaced", detail, fix: "send it again if it is still wanted" }];
  }
  return [
    ...before(where, from, next, nonce),
    ...money(where, signed, sender?.balance ?? 0n),
    ...place(where, facts, cid, next),
  ];
}

/** Messages that must be in a block before it. */
function before({ pool }: Where, from: Address, next: number, nonce: number): Reason[] {
  for (let at = next; at < nonce; at += 1) {
    if (pool.waitingAt(from, at) !== undefined) continue;
    const detail = `no message of ${from} with nonce ${at} is known here, and no block takes nonce ${nonce} before it`;
    return [{ code: "nonce-gap", detail, fix: "send the one that is missing from the node that made it" }];
  }
  const first = nonce > next ? pool.waitingAt(from, next) : undefined;
  if (first === undefined) return [];
  const waiting = nonce - next === 1 ? "1 earlier message waits" : `${nonce - next} earlier messages wait`;
  const cid = messageCid(first).toString();
  return [
    { code: "nonce-order", detail: `${waiting}, the first is ${cid}`, fix: `holdfast message why ${cid}` },
  ];
}

function money({ pool }: Where, { message }: SignedMessage, balance: bigint): Reason[] {
  let needed = requiredFunds(message) as bigint;
  for (const other of pool.pending()) {
    const { from, nonce } = other.message;
    if (from === message.from && nonce < message.nonce) needed += requiredFunds(other.message);
  }
  if (needed <= balance) return [];
  const [has, takes] = [filText(attoFil(balance)), filText(attoFil(needed))];
  const detail = `${message.from} holds ${has} FIL; this message and those before it may take ${takes} FIL`;
  return [{ code: "balance", detail, fix: `holdfast wallet send ${message.from} AMOUNT --from ANOTHER` }];
}

/** Its own place: in the pool or not, paid well enough or not. */
function place({ chain, pool }: Where, facts: MessageFacts, cid: CID, next: number): Reason[] {
  const { signed, refusal } = facts;
  if (pool.get(cid) === undefined) {
    const fate = pool.fate(cid);
    if (fate !== undefined) {
      const why =
        fate === "expired" ? "nobody mined it for so long" : "others pay more, and the pool is full";
      const detail = `it has left the pool: ${why}`;
      return [{ code: fate, detail, fix: `holdfast message replace ${cid} --gas-price MORE` }];
    }
    const detail = `the pool does not hold it: ${refusal ?? "it was not offered yet"}`;
    return [{ code: "not-in-pool", detail, fix: "the node that sent it offers it again with every head" }];
  }
  const rivals = fullBlockPrice(chain, needsOf(signed));
  const { gasPrice, gasLimit, nonce } = signed.message;
  if (rivals === undefined) {
    if (nonce !== next) return [];
    return [
      { code: "next-block", detail: "the newest blocks had room: the next one can take it", fix: null },
    ];
  }
  const fix = `holdfast message replace ${cid} --gas-price ${(rivals * 5n) / 4n + 1n}attoFIL`;
  const full: Reason = {
    code: "block-full",
    detail: `the newest blocks had no room for ${gasLimit} units of gas`,
    fix,
  };
  if (gasPrice > rivals) return [full];
  const ceiling = gasPrice >= mostGasPrice ? "; the node raises it no further by itself" : "";
  const detail = `it offers ${gasPrice} attoFIL for a unit of gas, and the cheapest there paid ${rivals}${ceiling}`;
  return [full, { code: "price", detail, fix }];
}
