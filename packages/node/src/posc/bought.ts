/**
 * What accounts of this node have bought. Of the chain's orders only those are looked at whose numbers are new since
 * the last look: the others' buyers are known, and do not change. Invariant: below `seen` every standing order of an
 * own account is in the list. A reorganisation can give a number to another order, so what was seen of heights that
 * the chain has left is seen anew; an order that is over stays in the list until no such height can bring it back.
 */
import { limits } from "../limits.ts";
import type { NumberedPin, PoscNeeds } from "./needs.ts";
import { inTurns } from "./turns.ts";

interface Mark {
  readonly height: number;
  /** Numbers below this had been given. */
  readonly count: number;
}

interface BoughtNeeds {
  readonly sender: Pick<PoscNeeds["sender"], "accounts" | "isOwn">;
  readonly chain: Pick<PoscNeeds["chain"], "view">;
}

export class Bought {
  readonly #sender: BoughtNeeds["sender"];
  readonly #chain: BoughtNeeds["chain"];
  /** The height at which an order was missed first; null: it stands. */
  readonly #numbers = new Map<number, number | null>();
  /** Looks, oldest first. */
  #marks: Mark[] = [];
  #accounts = "";
  #changedFrom = Number.POSITIVE_INFINITY;

  constructor({ sender, chain }: BoughtNeeds) {
    this.#sender = sender;
    this.#chain = chain;
  }

  /** The chain is another from a height on. */
  reorganised(from: number): void {
    this.#changedFrom = Math.min(this.#changedFrom, from);
  }

  /** Those that stand now, in the order of their numbers. One call at a time. */
  async standing(): Promise<readonly NumberedPin[]> {
    // Of what the chain has left before this view was made nothing is kept; what it leaves from here on is heard.
    const view = this.#chain.view();
    this.#forget();
    const count = view.orderCount();
    for await (const order of inTurns(view.orders(this.#marks.at(-1)?.count ?? 0)))
      if (this.#sender.isOwn(order.buyer)) this.#numbers.set(order.number, null);
    this.#marks.push({ height: view.height, count });
    const oldest = this.#marks.length > limits.pinMarksKept ? this.#marks.shift() : undefined;
    const own: NumberedPin[] = [];
    for await (const [number, missedAt] of inTurns([...this.#numbers])) {
      const order = view.order(number);
      if (order !== undefined) own.push({ ...order, number });
      if (order !== undefined) this.#numbers.set(number, null);
      else if (missedAt === null) this.#numbers.set(number, view.height);
      else if (oldest !== undefined && missedAt <= oldest.height) this.#numbers.delete(number);
    }
    return own;
  }

  #forget(): void {
    const accounts = this.#sender.accounts().join(" ");
    const kept = this.#marks.filter(({ height }) => height < this.#changedFrom);
    if (accounts !== this.#accounts) kept.length = 0;
    const seen = kept.at(-1)?.count ?? 0;
    if (kept.length < this.#marks.length)
      for (const number of [...this.#numbers.keys()]) if (number >= seen) this.#numbers.delete(number);
    this.#marks = kept;
    this.#accounts = accounts;
    this.#changedFrom = Number.POSITIVE_INFINITY;
  }
}
