/** What a fetch may cost, in all: shared by everything that it pays. */
import { type AttoFil, attoFil, subAtto } from "@holdfast/base";

export class Budget {
  readonly most: AttoFil;
  #spent: AttoFil = attoFil(0n);

  constructor(most: AttoFil = attoFil(0n)) {
    this.most = most;
  }
  get spent(): AttoFil {
    return this.#spent;
  }
  left(): AttoFil {
    return this.#spent >= this.most ? attoFil(0n) : subAtto(this.most, this.#spent);
  }
  spend(cost: bigint): void {
    this.#spent = attoFil(this.#spent + cost);
  }
}
