/**
 * From wish to pin: so many at a time, highest priority first, fair between accounts; what fails is tried again after
 * pauses that double; what is over is removed. Invariants: a pin is in the table before anything is done about it, so
 * that a kill loses none; a root is given up by the back end exactly when nobody wants it any more; for one root one
 * thing at a time.
 */
import { HoldfastError, parseCid } from "@holdfast/base";
import { limits } from "../limits.ts";
import type { PinSize } from "./backend.ts";
import { isFinal, pinErrors } from "./errors.ts";
import type { PinNeeds } from "./needs.ts";
import { type PinStore, rootOf } from "./store.ts";
import type { PinView } from "./types.ts";

export interface PinQueue extends AsyncDisposable {
  /** There is something new. */
  wake(): void;
  /** Calls off what is under way for it and removes it; the root goes if nobody else wants it. */
  remove(id: string): Promise<void>;
  /** How far what is under way is. */
  progress(id: string): PinSize | undefined;
  /** All of it is looked at again with its next try. */
  again(id: string): void;
}

interface Running {
  readonly account: string;
  readonly root: string;
  readonly stop: AbortController;
  readonly done: Promise<void>;
  size: PinSize;
}

export function openPinQueue(needs: PinNeeds, store: PinStore): PinQueue {
  return new Queue(needs, store);
}

class Queue implements PinQueue {
  readonly #needs: PinNeeds;
  readonly #store: PinStore;
  readonly #running = new Map<string, Running>();
  /** Removals by their root: a pin of it waits. */
  readonly #removing = new Map<string, Promise<void>>();
  readonly #again = new Set<string>();
  /** What became of them the full disk did not take: they are queued anew when it does. */
  readonly #unwritten = new Set<string>();
  readonly #stop = new AbortController();
  readonly #loop: Promise<void>;
  #wake = Promise.withResolvers<void>();

  constructor(needs: PinNeeds, store: PinStore) {
    this.#needs = needs;
    this.#store = store;
    store.resume();
    this.#loop = this.#run();
  }

  wake(): void {
    this.#wake.resolve();
  }
  progress(id: string): PinSize | undefined {
    return this.#running.get(id)?.size;
  }
  again(id: string): void {
    this.#again.add(id);
    this.#store.queued(id);
    this.wake();
  }

  async remove(id: string): Promise<void> {
    const pin = this.#store.find(id);
    if (pin === undefined) return;
    this.#store.remove(pin);
    this.#again.delete(id);
    const running = this.#running.get(id);
    running?.stop.abort(pinErrors.ended({}));
    await running?.done;
    await this.#release(pin.cid);
    this.wake();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#stop.abort(pinErrors.ended({}));
    this.wake();
    for (const { stop } of this.#running.values()) stop.abort(pinErrors.ended({}));
    await this.#loop;
    await Promise.all([...this.#running.values()].map(({ done }) => done));
    await Promise.allSettled([...this.#removing.values()]);
  }

  async #run(): Promise<void> {
    const { clock, logger } = this.#needs;
    while (!this.#stop.signal.aborted) {
      this.#wake = Promise.withResolvers<void>();
      try {
        for (const id of this.#unwritten) {
          this.#store.queued(id);
          this.#unwritten.delete(id);
        }
        await this.#expire();
        for (const cid of this.#store.leaving(limits.pinRowsAtOnce))
          if (!this.#removing.has(rootOf(cid)) && !this.#isUnderWay(cid)) await this.#release(cid);
        this.#start();
      } catch (error) {
        logger.error("the queue of pins fails", { detail: String(error) });
      }
      const nextMs = this.#running.size < limits.pinsAtOnce ? this.#store.nextMs() : undefined;
      const dueMs = (nextMs ?? Number.POSITIVE_INFINITY) - clock.nowMs();
      const waitMs = Math.min(Math.max(dueMs, limits.pinPauseMs), limits.pinLookMs);
      const over = new AbortController();
      const time = clock.sleep(waitMs, over.signal).catch(() => undefined);
      await Promise.race([time, this.#wake.promise]);
      over.abort(pinErrors.ended({}));
      await time;
    }
  }

  async #expire(): Promise<void> {
    const { clock, logger } = this.#needs;
    for (const { id, cid } of this.#store.expired(clock.nowMs(), limits.pinRowsAtOnce)) {
      logger.info("a pin is over", { id, cid });
      await this.remove(id);
    }
  }

  #start(): void {
    const { clock } = this.#needs;
    while (this.#running.size < limits.pinsAtOnce && !this.#stop.signal.aborted) {
      const busy = new Set([...this.#running.values()].map(({ account }) => account));
      // Of whom may keep so much and no more, one after the other: what the first takes is known before the second.
      const shut = [...busy].filter((name) => this.#store.access.named(name)?.maxBytes !== undefined);
      const pin = this.#store.due(clock.nowMs(), busy, shut);
      if (pin === undefined) return;
      this.#store.started(pin.id, pin.attempts + 1);
      const stop = new AbortController();
      const { promise: done, resolve } = Promise.withResolvers<void>();
      const size = { blocks: 0, bytes: 0 };
      const running = { account: pin.account, root: rootOf(pin.cid), stop, done, size };
      this.#running.set(pin.id, running);
      void this.#pin(pin, running).finally(() => {
        this.#running.delete(pin.id);
        resolve();
        this.wake();
      });
    }
  }

  async #pin(pin: PinView, running: Running): Promise<void> {
    const { backend, logger } = this.#needs;
    try {
      const root = parseCid(pin.cid);
      await this.#removing.get(rootOf(pin.cid));
      const size = await backend.pin(root, {
        origins: pin.origins,
        maxBytes: this.#room(pin),
        again: this.#again.has(pin.id),
        signal: running.stop.signal,
        progress: (at) => {
          running.size = at;
        },
      });
      this.#again.delete(pin.id);
      this.#store.pinned(pin.id, size);
      logger.info("pinned", { id: pin.id, cid: pin.cid, bytes: size.bytes });
    } catch (error) {
      if (running.stop.signal.aborted) return; // removed, or taken up again with the next start
      this.#noteFailed(pin, error);
    }
  }
  #noteFailed(pin: PinView, error: unknown): void {
    try {
      this.#failed(pin, error);
    } catch (cause) {
      this.#unwritten.add(pin.id);
      const detail = String(cause);
      this.#needs.logger.warn("what became of a pin is not written down yet", { id: pin.id, detail });
    }
  }
  #isUnderWay(cid: string): boolean {
    return [...this.#running.values()].some(({ root }) => root === rootOf(cid));
  }

  /** What was said of it, and what its account has left. */
  #room({ account, maxBytes, bytes }: PinView): number {
    const said = maxBytes ?? Number.MAX_SAFE_INTEGER;
    const access = this.#store.access.named(account);
    if (access?.maxBytes === undefined) return said;
    const usedBytes = this.#store.bytesOf(account) - bytes;
    if (usedBytes >= access.maxBytes)
      throw pinErrors.accountFull({ account, usedBytes, maxBytes: access.maxBytes });
    return Math.min(said, access.maxBytes - usedBytes);
  }

  #failed({ id, cid, attempts, expiresMs }: PinView, error: unknown): void {
    const { clock, logger } = this.#needs;
    const known = error instanceof HoldfastError ? error : pinErrors.blockMissing({ cid }, error);
    if (known !== error) logger.error("a pin failed unexpectedly", { id, detail: String(error) });
    const pauseMs = Math.min(limits.pinRetryMaxMs, limits.pinRetryMs * 2 ** Math.min(attempts, 20));
    // What somebody pays for until an end is tried until then.
    const isLast = isFinal(error) || (expiresMs === undefined && attempts + 1 >= limits.pinAttempts);
    const retryMs = isLast ? undefined : clock.nowMs() + pauseMs;
    this.#store.failed({ id, cid }, { code: known.code, message: known.message, retryMs });
    logger.info("a pin is not made", { id, cid, code: known.code, isLast });
  }

  /** One after the other for each root; who wants it meanwhile pins it afterwards. What fails is tried again. */
  async #release(cid: string): Promise<void> {
    const { backend, logger } = this.#needs;
    const root = rootOf(cid);
    const before = this.#removing.get(root) ?? Promise.resolve();
    const turn = before.then(async () => {
      try {
        if (!this.#store.isWanted(cid)) await backend.unpin(parseCid(cid));
        this.#store.left(cid);
      } catch (error) {
        logger.warn("a pin that nobody wants is still there", { cid, detail: String(error) });
      }
    });
    this.#removing.set(root, turn);
    try {
      await turn;
    } finally {
      if (this.#removing.get(root) === turn) this.#removing.delete(root);
    }
  }
}
