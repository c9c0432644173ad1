/**
 * What a contract wants to be pinned, from its events. Several accounts may want one CID, and it goes with the last of
 * them; an event that comes again changes nothing; an end is no event but a time that passes; text that is no CID is
 * counted and left. A removal of what is not there is possible (the public subgraph broke on it).
 */
import { parseCid } from "@holdfast/base";
import { limits } from "../limits.ts";
import type { LedgerChange } from "./contracts.ts";

export interface LedgerEvent extends LedgerChange {
  readonly block: number;
  readonly logIndex: number;
}

export interface Wish {
  readonly cid: string;
  readonly account: string;
  readonly sizeBytes: bigint | null;
  readonly expiresAt: bigint | null;
}

export interface WantedCid {
  readonly cid: string;
  readonly accounts: number;
  /** The largest that any account claims; null: nobody says. */
  readonly sizeBytes: bigint | null;
  /** When the last wish ends; null: one has no end. */
  readonly expiresAt: bigint | null;
}

export class LedgerWishes {
  readonly #byCid = new Map<string, Map<string, Wish>>();
  #last: { readonly block: number; readonly logIndex: number } = { block: -1, logIndex: -1 };
  /** Events whose text is no CID. */
  malformed = 0;
  /** Wishes beyond the most that are kept. */
  dropped = 0;
  #count = 0;

  /** Events come in the order of the chain; those before the last one are known already. */
  apply(event: LedgerEvent): void {
    const { block, logIndex } = event;
    const isNew = block > this.#last.block || (block === this.#last.block && logIndex > this.#last.logIndex);
    if (!isNew) return;
    this.#last = { block, logIndex };
    const cid = canonical(event.cid);
    if (cid === undefined) this.malformed += 1;
    else if (event.kind === "remove") this.#remove(cid, event.account);
    else this.#set(cid, event);
  }

  #set(cid: string, { account, sizeBytes, expiresAt }: LedgerEvent): void {
    const wishes = this.#byCid.get(cid) ?? new Map<string, Wish>();
    if (!wishes.has(account) && this.#count >= limits.ledgerWishes) {
      this.dropped += 1;
      return;
    }
    if (!wishes.has(account)) this.#count += 1;
    wishes.set(account, { cid, account, sizeBytes, expiresAt });
    this.#byCid.set(cid, wishes);
  }

  #remove(cid: string, account: string): void {
    const wishes = this.#byCid.get(cid);
    if (wishes?.delete(account) !== true) return;
    this.#count -= 1;
    if (wishes.size === 0) this.#byCid.delete(cid);
  }

  /** What is wanted at a time of that chain (seconds since 1970), in the order in which it was first wanted. */
  *wantedAt(seconds: bigint): IterableIterator<WantedCid> {
    for (const [cid, wishes] of this.#byCid) {
      const live = [...wishes.values()].filter(({ expiresAt }) => expiresAt === null || expiresAt > seconds);
      if (live.length === 0) continue;
      yield { cid, accounts: live.length, sizeBytes: largest(live), expiresAt: latest(live) };
    }
  }
}

function canonical(text: string): string | undefined {
  try {
    return parseCid(text).toString();
  } catch {
    return undefined;
  }
}

function largest(wishes: readonly Wish[]): bigint | null {
  const sizes = wishes.flatMap(({ sizeBytes }) => (sizeBytes === null ? [] : [sizeBytes]));
  return sizes.length === 0 ? null : sizes.reduce((most, one) => (one > most ? one : most));
}

function latest(wishes: readonly Wish[]): bigint | null {
  let end = 0n;
  for (const { expiresAt } of wishes) {
    if (expiresAt === null) return null;
    if (expiresAt > end) end = expiresAt;
  }
  return end;
}
