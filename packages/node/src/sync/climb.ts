/**
 * Up a route: the keys that must have signed its headers, then bodies, some answers ahead of what is executed, then
 * execution in order. Invariants: what waits is bounded by the length of an answer; a tipset is only executed on one
 * that was; one that breaks a rule makes all above it on the route bad.
 */
import type { CID } from "@holdfast/base";
import { createTipset, type FullBlock, type Tipset } from "@holdfast/consensus";
import { limits } from "../limits.ts";
import type { Asker } from "./ask.ts";
import { type BadTipsets, isProofOfBad } from "./bad.ts";
import { type Bodies, fetchBodies } from "./bodies.ts";
import { KnownKeys, keyedProofs } from "./links.ts";
import type { SyncNeeds } from "./needs.ts";
import type { Route, Step } from "./route.ts";
import type { FetchBlocks } from "./singles.ts";
import { BadChain } from "./walk.ts";

export interface ClimbNeeds extends Pick<SyncNeeds, "chain" | "headers"> {
  readonly bad: BadTipsets;
  readonly asker: Asker;
  readonly fetchBlocks: FetchBlocks;
  readonly signal: AbortSignal;
  takeInTipset(blocks: readonly FullBlock[]): Promise<Tipset>;
  /** Moves the head there if that is better. */
  offerHead(tipset: Tipset): Promise<void>;
  /** Told after each tipset how many are left. */
  moved(left: number): void;
}

interface Span {
  readonly steps: readonly Step[];
  /** With the first of the steps that somebody else has signed, if there is one: no bodies are fetched from it on. */
  readonly bodies: Promise<Bodies & { readonly broken: BrokenStep | undefined }>;
}

/** A rule that a step breaks. */
class BrokenStep extends Error {
  readonly step: Step;
  override readonly cause: unknown;

  constructor(step: Step, cause: unknown) {
    super("a step of a route breaks a rule");
    this.step = step;
    this.cause = cause;
  }
}

/** Errors: `BadChain`, `sync/bodies-missing`, those of validation, those of the signal. */
export async function climb(needs: ClimbNeeds, route: Route, common: Tipset): Promise<void> {
  return new Climb(needs, route, common).run();
}

class Climb {
  readonly #needs: ClimbNeeds;
  readonly #route: Route;
  readonly #keys: KnownKeys;
  /** Above this height a worker may have other keys than the common tipset's state says. */
  readonly #keysUntil: number;
  readonly #ahead: Span[] = [];
  /** The tipset below the next span, if its headers were kept. */
  #below: Tipset | undefined;
  #tipsetBytes = limits.bodySpanBytes / limits.exchangeTipsets;

  constructor(needs: ClimbNeeds, route: Route, common: Tipset) {
    this.#needs = needs;
    this.#route = route;
    this.#below = common;
    this.#keys = new KnownKeys(needs.chain, needs.chain.stateAfter(common.key) as CID);
    this.#keysUntil = common.height + needs.chain.params.finalityEpochs;
  }

  async run(): Promise<void> {
    for (;;) {
      while (this.#ahead.length < limits.bodyRequests && this.#route.length > 0) this.#askAhead();
      const span = this.#ahead.shift();
      if (span === undefined) return;
      let done = 0;
      let reached: Tipset | undefined;
      try {
        const { tipsets, bytes, broken } = await span.bodies;
        this.#tipsetBytes = Math.max(1, (this.#tipsetBytes + bytes / Math.max(1, tipsets.length)) / 2);
        for (; done < tipsets.length; done += 1) {
          reached = await this.#bringIn(span.steps[done] as Step, tipsets[done] ?? []);
          this.#needs.moved(this.#left() + tipsets.length - done - 1);
        }
        if (broken !== undefined) throw broken;
      } catch (error) {
        throw this.#verdictOn(error, span.steps.slice(done));
      } finally {
        // What lies below a bad tipset is good.
        if (reached !== undefined && !this.#needs.signal.aborted) await this.#needs.offerHead(reached);
      }
    }
  }

  #left(): number {
    return this.#ahead.reduce((sum, { steps }) => sum + steps.length, this.#route.length);
  }

  #askAhead(): void {
    const most = Math.min(limits.exchangeTipsets, limits.bodySpanBytes / this.#tipsetBytes);
    const steps = this.#route.take(Math.max(1, Math.floor(most)));
    const bodies = this.#checkKeys(steps).then(async (broken) => {
      const sound = broken === undefined ? steps : steps.slice(0, steps.indexOf(broken.step));
      return { ...(await fetchBodies(this.#needs, sound)), broken };
    });
    // It is looked at in its turn.
    bodies.catch(() => undefined);
    this.#ahead.push({ steps, bodies });
  }

  /** The first of the steps that is not signed by whom it names, as far as the common tipset's state tells. */
  async #checkKeys(steps: readonly Step[]): Promise<BrokenStep | undefined> {
    const checks = steps.map((step) => {
      const below = this.#below;
      const tipset = step.headers === undefined ? undefined : createTipset(step.headers);
      this.#below = tipset;
      if (tipset === undefined || below === undefined || step.height > this.#keysUntil) return undefined;
      return this.#needs.headers.check(keyedProofs(tipset, below, this.#keys)).then(
        () => undefined,
        (error: unknown) => new BrokenStep(step, error),
      );
    });
    return (await Promise.all(checks)).find((broken) => broken !== undefined);
  }

  async #bringIn(step: Step, blocks: readonly FullBlock[]): Promise<Tipset> {
    this.#needs.signal.throwIfAborted();
    try {
      return this.#needs.chain.tipset(step.key) ?? (await this.#needs.takeInTipset(blocks));
    } catch (error) {
      throw new BrokenStep(step, error);
    }
  }

  /** What a step breaks for good is remembered, with all that stands on it. */
  #verdictOn(error: unknown, left: readonly Step[]): unknown {
    if (!(error instanceof BrokenStep)) return error;
    const { step, cause } = error;
    if (!isProofOfBad(cause)) return cause;
    const { bad } = this.#needs;
    const entry = bad.mark(step, cause);
    const above = [...left, ...this.#ahead.flatMap(({ steps }) => steps), ...this.#route.steps()];
    for (const { key, height } of above.filter((one) => one.height > step.height).slice(0, limits.badBlocks))
      bad.markAbove(entry, { key, height });
    return new BadChain(entry);
  }
}
