/** The real twins of clock and randomness. */
import { randomBytes } from "node:crypto";
import type { Cancel, Clock, Random } from "@holdfast/base";

/**
 * The machine's clock, shifted: a local network that was stopped goes on in its own time, so that
 * nothing expires while it does not run. Networks of many machines run unshifted.
 */
export function realClock(offsetMs = 0): Clock {
  return {
    nowMs: () => Date.now() + offsetMs,
    steadyMs: () => performance.now(),
    sleep: (ms: number, signal?: Cancel) =>
      new Promise<void>((resolve, reject) => {
        if (signal?.aborted === true) {
          reject(signal.reason);
          return;
        }
        const onAbort = (): void => {
          clearTimeout(timer);
          reject(signal?.reason);
        };
        const timer = setTimeout(
          () => {
            signal?.removeEventListener("abort", onAbort);
            resolve();
          },
          Math.max(0, ms),
        );
        signal?.addEventListener("abort", onAbort, { once: true });
      }),
  };
}

export const realRandom: Random = { bytes: (count) => new Uint8Array(randomBytes(count)) };
