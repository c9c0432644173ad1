/**
 * What happened, in order: every event of a simulation with its virtual time, node and kind. The digest over all of
 * them is what "the same seed gives the same history" means: two runs are the same if and only if it is.
 */
import { createHash } from "node:crypto";
import type { Clock, JsonObject } from "@holdfast/base";

export interface SimEvent {
  /** From 1. */
  readonly step: number;
  /** Milliseconds since the simulation began. */
  readonly atMs: number;
  readonly node: string;
  readonly kind: string;
  readonly detail: JsonObject;
}

export interface Violation {
  readonly step: number;
  readonly atMs: number;
  readonly invariant: string;
  readonly node: string;
  readonly detail: string;
}

export class History {
  readonly #clock: Clock;
  readonly #startMs: number;
  readonly #digest = createHash("sha256");
  readonly #listener: ((event: SimEvent) => void) | undefined;
  #step = 0;
  #violation: Violation | undefined;
  /** What happens without a line of its own: items of the wire, writes of a disk, commits. */
  readonly counts: { [kind: string]: number } = {};

  constructor(clock: Clock, listener?: (event: SimEvent) => void) {
    this.#clock = clock;
    this.#startMs = clock.nowMs();
    this.#listener = listener;
  }

  get atMs(): number {
    return this.#clock.nowMs() - this.#startMs;
  }
  get step(): number {
    return this.#step;
  }
  get violation(): Violation | undefined {
    return this.#violation;
  }

  record(node: string, kind: string, detail: JsonObject = {}): void {
    this.#step += 1;
    const event = { step: this.#step, atMs: this.atMs, node, kind, detail };
    this.#digest.update(`${JSON.stringify([event.atMs, node, kind, detail])}\n`);
    this.#listener?.(event);
  }

  /** An event that is counted and digested, and told to nobody: there are too many of them. */
  tick(kind: string, what: string): void {
    this.counts[kind] = (this.counts[kind] ?? 0) + 1;
    this.#digest.update(`${this.atMs} ${kind} ${what}\n`);
  }

  /** The first one stays: what follows may be its consequence. */
  violate(invariant: string, node: string, detail: string): void {
    if (this.#violation !== undefined) return;
    this.record(node, `violation of ${invariant}`, { detail });
    this.#violation = { step: this.#step, atMs: this.atMs, invariant, node, detail };
  }

  get events(): number {
    return Object.values(this.counts).reduce((sum, count) => sum + count, this.#step);
  }
  /** Of everything so far; more may follow. */
  digest(): string {
    return this.#digest.copy().digest("hex");
  }
}
