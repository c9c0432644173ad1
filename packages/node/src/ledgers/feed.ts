/**
 * A contract of another chain as a source of pins: its events are read from where reading stopped, what it wants is
 * pinned, what it wants no more goes. Nobody pays for it on this chain. Sizes are claims, so each is a bound: what
 * turns out larger is refused, and who claims more than is taken keeps it from nobody else. Invariants: a page of
 * events is written down before anything is pinned for it, so that a kill loses none; a CID has one pin, whoever wants
 * it there, within the largest claim; where that chain has replaced what was read, all of it is read again.
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
  add(cid: string, maxBytes: number): string;
  /** The same with room for more, in the place of one that there may be. The id of the pin. */
  grow(id: string, cid: string, maxBytes: number): Promise<string>;
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
      readTo: this.#store.readTo()?.block ?? null,
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
    const { rpc } = this.#needs;
    const head = await confirmedHead(rpc, this.#options.confirmations, signal);
    try {
      await this.#read(head, signal);
    } catch (error) {
      // Pins stay until all of it is read anew.
      if (error instanceof HoldfastError && error.code === "ledger/deep-reorganisation")
        this.#store.beginAnew();
      throw error;
    }
    if (head < 0) return;
    const { seconds } = await blockAt(rpc, head, signal);
    this.#store.ended(seconds);
    await this.#follow(seconds, signal);
  }

  async #read(toBlock: number, signal: AbortSignal): Promise<void> {
    const { rpc, logger } = this.#needs;
    const { address, contract, confirmations, fromBlock: start } = this.#options;
    const { block, hash } = this.#store.readTo() ?? { block: start - 1, hash: undefined };
    if (block >= toBlock) return;
    const request = {
      ...{ rpc, address, events: ledgerContracts[contract], confirmations, signal },
      ...{ fromBlock: block + 1, toBlock, ...(hash === undefined ? {} : { before: { block, hash } }) },
    };
    for await (const page of followLedger(request)) {
      const changes = page.events.flatMap(canonical);
      const to = { block: page.toBlock, hash: page.toHash };
      const dropped = this.#store.take(changes, to, limits.ledgerWishes);
      const malformed = page.events.length - changes.length;
      if (dropped + malformed > 0) logger.info("wishes of a contract are left out", { dropped, malformed });
    }
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
    const { maxPinBytes } = this.#options;
    const known = this.#store.pinOf(cid);
    const { accounts, sizeBytes, tooLarge } = this.#store.live(cid, seconds, maxPinBytes);
    if (tooLarge > 0) logger.info("wishes of a contract are too large", { cid, accounts: tooLarge });
    if (accounts === 0) {
      if (known !== undefined) await pins.remove(known.pin);
      this.#store.setPin(cid, undefined);
      return;
    }
    const maxBytes = sizeBytes === 0 ? maxPinBytes : sizeBytes;
    if (known !== undefined && maxBytes <= known.maxBytes) return;
    try {
      const pin = known === undefined ? pins.add(cid, maxBytes) : await pins.grow(known.pin, cid, maxBytes);
      this.#store.setPin(cid, { pin, maxBytes });
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
