/**
 * Long computations are generators that yield how far they are; the caller decides what happens in between:
 * report, give up, or let other work run. So one piece of code serves the synchronous and the asynchronous
 * callers, and nothing here needs a clock or a thread.
 */
import type { Cancel } from "@holdfast/base";

export interface SealHooks {
  /** Checked several times a second; when it has aborted, the call ends with its reason. */
  readonly cancel?: Cancel;
  /** The share that is done, from 0 to 1, never falling. */
  progress?(doneRatio: number): void;
}

/** A computation that yields the share that is done and returns its result. */
export type Steps<Result> = Generator<number, Result, void>;

function report(doneRatio: number, hooks: SealHooks): void {
  hooks.cancel?.throwIfAborted();
  hooks.progress?.(doneRatio);
}

/** Runs to the end without a pause. */
export function runSteps<Result>(steps: Steps<Result>, hooks: SealHooks = {}): Result {
  for (;;) {
    const step = steps.next();
    if (step.done === true) return step.value;
    report(step.value, hooks);
  }
}

/** Runs to the end and awaits `pause` between the steps. */
export async function runStepsPausing<Result>(
  steps: Steps<Result>,
  hooks: SealHooks,
  pause: () => Promise<void>,
): Promise<Result> {
  for (;;) {
    const step = steps.next();
    if (step.done === true) return step.value;
    report(step.value, hooks);
    await pause();
  }
}
