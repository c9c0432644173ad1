/**
 * A contract of another chain as a source of pins: its events are read from where reading stopped, what it wants is
 * pinned, what it wants no more goes. Nobody pays for it on this chain. Sizes are claims, so each is a bound: what
 * turns out larger is refused. Invariants: a page of events is written down before anything is pinned for it, so that a
 * kill loses none; a CID has one pin, whoever wants it there.
 */
import { type Cancel, type Clock, HoldfastError, type Logger, parseCid } from "@holdfast/base";
import type { Database } from "../database.ts";
import { limits } from "../limits.ts";
import { type LedgerChange, type LedgerContract, ledgerContracts } from "./contracts.ts";
import { blockAt, confirmedHead, followLedger } from "./follow.ts";
import type { JsonRpc } from "./needs.ts";
import { type LedgerStore, openLedgerStore } from "./store.ts";

/** Where what a contract wants is kept. */
export interface LedgerPins {
  /** The id of the pin. Errors of the room of pins. */
  add(cid: string, maxBytes: number | undefined): string;
  remove(id: string): Promise<void>;
}

export interface LedgerFeedOptions {
  readonly contract: LedgerContract;
  /** `0x…` of the contract. */
  readonly address: string;
  readonly fromBlock: number;
  readonly confirmations: number;
  /** Between two looks. */
  readonly pollMs: number;
  /** What is not pinned, whatever is claimed. */
  readonly maxPinBytes: number;
}

export interface LedgerFeedNeeds {
  readonly rpc: JsonRpc;
  readonly pins: LedgerPins;
  readonly database: Database;
  readonly clock: Clock;
  readonly logger: Logger;
}

export interface LedgerFeedStatus {
  readonly contract: LedgerContract;
  readonly address: string;
  /** Null: nothing has been read yet. */
  readonly readTo: number | null;
  readonly wishes: number;
  readonly pins: number;
  /** Why the last look failed; null: it did not. */
  readonly problem: string | null;
}

export interface LedgerFeed extends AsyncDisposable {
  status(): LedgerFeedStatus;
}

export function openLedgerFeed(needs: LedgerFeedNeeds, options: LedgerFeedOptions): LedgerFeed {
  return new Feed(needs, options);
}

class Feed implements LedgerFeed {
  readonly #needs: LedgerFeedNeeds;
  readonly #options: LedgerFeedOptions;
  readonly #store: LedgerStore;
  readonly #stop = new AbortController();
  readonly #loop: Promise<void>;
  #problem: string | null = null;

  constructor(needs: LedgerFeedNeeds, options: LedgerFeedOptions) {
    this.#needs = needs;
    this.#options = options;
    this.#store = openLedgerStore(needs.database);
    this.#store.begin(`${options.contract} ${options.address.toLowerCase()} ${options.fromBlock}`);
    this.#loop = this.#run();
  }

  status(): LedgerFeedStatus {
    const { contract, address } = this.#options;
    return {
      ...{ contract, address, problem: this.#problem },
      ...this.#store.counts(),
      readTo: this.#store.readTo() ?? null,
    };
  }
  async [Symbol.asyncDispose](): Promise<void> {
    this.#stop.abort(new Error("the node stops"));
    await this.#loop;
  }

  async #run(): Promise<void> {
    const { clock, logger } = this.#needs;
    const { signal } = this.#stop;
    while (!signal.aborted) {
      try {
        await this.#look(signal);
        this.#problem = null;
      } catch (error) {
        if (signal.aborted) break;
        this.#problem = error instanceof Error ? error.message : String(error);
        logger.warn("a contract's wishes cannot be followed", { detail: this.#problem });
      }
      await clock.sleep(this.#options.pollMs, signal).catch(() => undefined);
    }
  }

  async #look(signal: AbortSignal): Promise<void> {
    const { rpc, logger } = this.#needs;
    const { address, contract, confirmations, fromBlock } = this.#options;
    const head = await confirmedHead(rpc, confirmations, signal);
    const from = (this.#store.readTo() ?? fromBlock - 1) + 1;
    const events = ledgerContracts[contract];
    const request = { rpc, address, events, fromBlock: from, toBlock: head, confirmations, signal };
    if (from <= head) {
      for await (const page of followLedger(request)) {
        const changes = page.events.flatMap(canonical);
        const dropped = this.#store.take(changes, page.toBlock, limits.ledgerWishes);
        const malformed = page.events.length - changes.length;
        if (dropped + malformed > 0) logger.info("wishes of a contract are left out", { dropped, malformed });
      }
    }
    if (head < 0) return;
    const { seconds } = await blockAt(rpc, head, signal);
    this.#store.ended(seconds);
    await this.#follow(seconds, signal);
  }

  async #follow(seconds: bigint, signal: Cancel): Promise<void> {
    for (;;) {
      const due = this.#store.due(limits.pinRowsAtOnce);
      if (due.length === 0) return;
      for (const cid of due) {
        signal.throwIfAborted();
        await this.#settle(cid, seconds);
        this.#store.looked(cid);
      }
    }
  }

  async #settle(cid: string, seconds: bigint): Promise<void> {
    const { pins, logger } = this.#needs;
    const pin = this.#store.pinOf(cid);
    const { accounts, sizeBytes } = this.#store.live(cid, seconds);
    if (accounts === 0) {
      if (pin !== undefined) await pins.remove(pin);
      this.#store.setPin(cid, undefined);
      return;
    }
    if (pin !== undefined) return;
    const { maxPinBytes } = this.#options;
    if (sizeBytes > maxPinBytes) return logger.info("a wish of a contract is too large", { cid, sizeBytes });
    try {
      this.#store.setPin(cid, pins.add(cid, sizeBytes === 0 ? maxPinBytes : sizeBytes));
    } catch (error) {
      // A queue that is full is so for a while; what can never be pinned is passed over.
      const isFull = error instanceof HoldfastError && error.exit === "retry-later";
      if (isFull || !(error instanceof HoldfastError)) throw error;
      logger.info("a wish of a contract cannot be pinned", { cid, code: error.code });
    }
  }
}

/** None where the text is no CID. */
function canonical(change: LedgerChange): readonly LedgerChange[] {
  try {
    return [{ ...change, cid: parseCid(change.cid).toString() }];
  } catch (error) {
    if (error instanceof HoldfastError) return [];
    throw error;
  }
}
