/**
 * Follows the chain's orders: what this node is drawn for becomes a pin, what is over goes when nobody can dispute a
 * report of it any more. Invariant: an order has at most one pin, written down before the pin is asked for again, so
 * that a kill leaves neither two of them nor none.
 */
import type { CID, Logger } from "@holdfast/base";
import { maxPinsAdded, maxShownWalkBytes } from "@holdfast/consensus";
import { poscErrors } from "./errors.ts";
import { longestWalk } from "./longest-walk.ts";
import type { PoscPins, PoscView } from "./needs.ts";
import type { PoscStore } from "./store.ts";

const reasons = {
  "too-long": `a walk has more than ${maxShownWalkBytes} bytes, which no message could show`,
  "too-many": "it has too many blocks to know its longest walk",
  missing: "a block of it is not here",
};

export class Keeper {
  readonly #pins: PoscPins;
  readonly #store: PoscStore;
  readonly #logger: Logger;
  /** The list of orders as it was looked at last: most heads change nothing of it. */
  #seen = "";
  #retriedSlot = -1;
  /** Orders that are pinned and not confirmed yet: whether the chain could be shown any walk over their blocks. */
  readonly #showable = new Map<number, boolean>();
  /** The slot in which an order was looked at and could not be judged. */
  readonly #lost = new Map<number, number>();
  readonly #stop = new AbortController();
  #measuring: Promise<void> | undefined;

  constructor(pins: PoscPins, store: PoscStore, logger: Logger) {
    this.#pins = pins;
    this.#store = store;
    this.#logger = logger;
  }

  /** Pins what is new, lets go what is over. */
  async follow(view: PoscView, node: number, slot: number): Promise<void> {
    const list = view.node(node)?.assigned.toString() ?? "";
    if (list !== this.#seen) this.#compare(view, node, slot);
    this.#seen = list;
    for (const { order, pinId, goneSlot } of this.#store.leaving()) {
      if (goneSlot === null || slot <= goneSlot + view.disputeSlots) continue;
      await this.#pins.remove(pinId).catch(() => undefined);
      this.#store.dropOrder(order);
      this.#logger.info("an order is over", { order });
    }
    if (slot > this.#retriedSlot) this.#retry();
    this.#retriedSlot = slot;
    this.#measureNext(view, node, slot);
  }
  async settled(): Promise<void> {
    await this.#measuring;
  }
  async stop(): Promise<void> {
    this.#stop.abort(poscErrors.stopped({}));
    await this.#measuring;
  }

  /** One order at a time, beside everything else: content may be long. */
  #measureNext(view: PoscView, node: number, slot: number): void {
    const waiting = new Map<number, CID>();
    for (const { number, pin, isConfirmed } of view.assigned(node))
      if (!isConfirmed) waiting.set(number, pin.cid);
    for (const known of [this.#showable, this.#lost])
      for (const number of known.keys()) if (!waiting.has(number)) known.delete(number);
    if (this.#measuring !== undefined || this.#stop.signal.aborted) return;
    const due = [...waiting].filter(
      ([number]) => !this.#showable.has(number) && this.#lost.get(number) !== slot && this.#isPinned(number),
    );
    if (due.length === 0) return;
    this.#measuring = this.#measure(due, slot).finally(() => {
      this.#measuring = undefined;
    });
  }
  async #measure(due: readonly (readonly [number, CID])[], slot: number): Promise<void> {
    for (const [order, root] of due) {
      try {
        const longest = await longestWalk(root, this.#pins, this.#stop.signal);
        if (longest === "missing") this.#lost.set(order, slot);
        else this.#showable.set(order, longest === "shown");
        if (longest === "shown") continue;
        this.#logger.warn("an order is not confirmed", { order, detail: reasons[longest] });
      } catch (error) {
        if (this.#stop.signal.aborted) return;
        this.#lost.set(order, slot);
        this.#logger.warn("an order cannot be looked through", { order, detail: String(error) });
      }
    }
  }
  #isPinned(number: number): boolean {
    const id = this.#store.order(number)?.pinId;
    return id !== undefined && this.#pins.find(id)?.state === "pinned";
  }

  /** Orders that this node holds and the chain does not know yet, ascending. */
  held(view: PoscView, node: number): readonly number[] {
    const held: number[] = [];
    for (const { number, pin, isConfirmed } of view.assigned(node)) {
      if (held.length >= maxPinsAdded) break;
      if (isConfirmed || this.#showable.get(number) !== true) continue;
      const id = this.#store.order(number)?.pinId;
      const found = id === undefined ? undefined : this.#pins.find(id);
      if (found?.state === "pinned" && found.bytes <= pin.bytes) held.push(number);
    }
    return held;
  }

  #compare(view: PoscView, node: number, slot: number): void {
    const standing = new Set<number>();
    for (const { number, pin } of view.assigned(node)) {
      standing.add(number);
      const known = this.#store.order(number);
      if (known !== undefined && this.#pins.find(known.pinId) !== undefined) {
        if (known.goneSlot !== null) this.#store.setOrder({ ...known, goneSlot: null }); // a reorganisation
        continue;
      }
      try {
        const pinId = this.#pins.add(number, pin.cid, pin.bytes);
        this.#store.setOrder({ order: number, pinId, cid: pin.cid.bytes, goneSlot: null });
        this.#logger.info("an order is to be pinned", { order: number, cid: pin.cid.toString() });
      } catch (error) {
        // What can never be pinned is never reported either; the order's buyer pays nothing for it.
        this.#logger.warn("an order cannot be pinned", { order: number, detail: String(error) });
      }
    }
    for (const known of this.#store.orders()) {
      if (known.goneSlot === null && !standing.has(known.order))
        this.#store.setOrder({ ...known, goneSlot: slot });
    }
  }

  /** Once in a slot: what somebody pays for is tried as long as the order stands. */
  #retry(): void {
    for (const { pinId, goneSlot } of this.#store.orders())
      if (goneSlot === null && this.#pins.find(pinId)?.state === "failed") this.#pins.retry(pinId);
  }
}
