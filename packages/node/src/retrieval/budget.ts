/** What a fetch may cost, in all: shared by everything that it pays. */
import { type AttoFil, attoFil, minAtto, subAtto } from "@holdfast/base";

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

/**
 * What was paid on behalf of others, who may never pay it back: a stranger who asks and leaves, for blocks of a
 * provider who is his friend, costs no more than the money that is set at risk, however often he comes.
 */
export class Risk {
  readonly #earned: () => AttoFil;
  readonly #before: bigint;
  #seen: bigint;
  #spent = 0n;

  constructor(earned: () => AttoFil) {
    this.#earned = earned;
    this.#before = earned();
    this.#seen = this.#before;
  }
  /** Within `wanted`; `atRisk`: beyond what came in since the start. */
  left(wanted: AttoFil, atRisk: bigint): AttoFil {
    const room = (): bigint => atRisk + this.#seen - this.#before - this.#spent;
    if (room() < wanted) this.#seen = this.#earned();
    const left = room();
    return minAtto(wanted, attoFil(left > 0n ? left : 0n));
  }
  spend(cost: bigint): void {
    this.#spent += cost;
  }
}

/** A budget whose money is somebody else's errand. */
export class RiskyBudget extends Budget {
  readonly #risk: Risk;
  readonly #atRisk: bigint;

  constructor(most: AttoFil, risk: Risk, atRisk: bigint) {
    super(most);
    this.#risk = risk;
    this.#atRisk = atRisk;
  }
  override left(): AttoFil {
    return this.#risk.left(super.left(), this.#atRisk);
  }
  override spend(cost: bigint): void {
    super.spend(cost);
    this.#risk.spend(cost);
  }
}
