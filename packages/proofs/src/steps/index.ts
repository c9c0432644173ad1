/**
 * Long computations are generators that yield how far they are; the caller decides what happens in between:
 * report, give up, or let other work run. So one piece of code serves the synchronous and the asynchronous
 * callers, and nothing here needs a clock or a thread. What has to wait for a disk yields a promise, and goes on
 * when it is fulfilled. Steps that are given up in the middle are returned from, so that their `finally` ends what
 * other threads do for them.
 * Invariant: a promise that is yielded never rejects; who yields it looks afterwards at what came of it. So steps
 * that are given up leave no rejection behind that nobody hears.
 */
import { assert, type Cancel } from "@holdfast/base";
import type { RowsPass } from "../merkle/index.ts";

export interface SealHooks {
  /** Checked several times a second; when it has aborted, the call ends with its reason. */
  readonly cancel?: Cancel;
  /** The share that is done, from 0 to 1, never falling. */
  progress?(doneRatio: number): void;
}

/** A computation that yields the share that is done, or what it waits for, and returns its result. */
export type Steps<Result> = Generator<number | Promise<void>, Result, void>;

function report(doneRatio: number, hooks: SealHooks): void {
  hooks.cancel?.throwIfAborted();
  hooks.progress?.(doneRatio);
}

/** Steps that are given up end what others do for them; nothing for those that came to their end. */
function giveUp<Result>(steps: Steps<Result>): void {
  steps.return(undefined as never);
}

/** Runs to the end without a pause: for steps whose bytes all lie in memory. */
export function runSteps<Result>(steps: Steps<Result>, hooks: SealHooks = {}): Result {
  try {
    for (;;) {
      const step = steps.next();
      if (step.done === true) return step.value;
      assert(typeof step.value === "number", "steps that wait for a disk are run by who can wait");
      report(step.value, hooks);
    }
  } finally {
    giveUp(steps);
  }
}

/** Runs to the end and awaits `pause` between the steps. */
export async function runStepsPausing<Result>(
  steps: Steps<Result>,
  hooks: SealHooks,
  pause: () => Promise<void>,
): Promise<Result> {
  try {
    for (;;) {
      const step = steps.next();
      if (step.done === true) return step.value;
      if (typeof step.value === "number") {
        report(step.value, hooks);
        await pause();
      } else {
        await step.value;
        hooks.cancel?.throwIfAborted();
      }
    }
  } finally {
    giveUp(steps);
  }
}

/** A part of a whole that is at `start` when the part begins and takes `share` of it. */
export function* within<Result>(steps: Steps<Result>, start: number, share: number): Steps<Result> {
  try {
    for (;;) {
      const step = steps.next();
      if (step.done === true) return step.value;
      yield typeof step.value === "number" ? start + share * Math.min(step.value, 1) : step.value;
    }
  } finally {
    giveUp(steps);
  }
}

/** Waits for a value that may be there already. Throws what the promise rejects with. */
export function* awaited<Value>(value: Value | Promise<Value>): Steps<Value> {
  if (!(value instanceof Promise)) return value;
  let outcome: { readonly value: Value } | { readonly error: unknown } | undefined;
  yield value.then(
    (found) => {
      outcome = { value: found };
    },
    (error: unknown) => {
      outcome = { error };
    },
  );
  assert(outcome !== undefined, "steps go on when what they wait for has come");
  if ("error" in outcome) throw outcome.error;
  return outcome.value;
}

/** Takes slices until none is left, waits for the others', and yields the share that is done. */
export function* passSteps(pass: RowsPass): Steps<void> {
  try {
    while (pass.advance()) yield pass.doneRatio;
    pass.finish();
    yield 1;
  } finally {
    pass.stop();
  }
}
