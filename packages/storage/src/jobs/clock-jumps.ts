/**
 * Leases end by a clock that somebody may set. What has ended by the new time alone has not ended: who works says so
 * again within a moment, and only then is a silence one. So whoever sees that the clock was set takes nobody's job for
 * the length of a lease.
 */
import { assert, type Clock } from "@holdfast/base";
import { jobLimits } from "./types.ts";

/** What ends later than this was said before the clock was set back, and has no end that anybody waits for. */
export const longest = {
  leaseMs: jobLimits.longestLeaseMs + jobLimits.clockSlackMs,
  pauseMs: jobLimits.longestPauseMs + jobLimits.clockSlackMs,
} as const;

/** A lease that may be given: a longer one would be over as soon as it begins. */
export function checkedLeaseMs(leaseMs: number): number {
  assert(leaseMs > 0 && leaseMs <= jobLimits.longestLeaseMs, "a lease is no longer than the longest");
  return leaseMs;
}

export class ClockJumps {
  readonly #clock: Pick<Clock, "steadyMs">;
  #aheadMs: number | undefined;
  #untilMs = Number.NEGATIVE_INFINITY;

  /** Without `steadyMs` no clock is seen to be set. */
  constructor(clock: Pick<Clock, "steadyMs">) {
    this.#clock = clock;
  }

  /** Whether leases may be judged by this time: the clock was not set lately. To be asked often. */
  isPast(nowMs: number): boolean {
    const steadyMs = this.#clock.steadyMs?.();
    if (steadyMs === undefined) return true;
    const aheadMs = nowMs - steadyMs;
    if (Math.abs(aheadMs - (this.#aheadMs ?? aheadMs)) > jobLimits.clockSlackMs) {
      this.#untilMs = steadyMs + jobLimits.longestLeaseMs;
    }
    this.#aheadMs = aheadMs;
    return steadyMs >= this.#untilMs;
  }
}

/** For measuring how long something has been: of no use as a time of day. */
export function passedMs(clock: Pick<Clock, "nowMs" | "steadyMs">): number {
  return clock.steadyMs?.() ?? clock.nowMs();
}
