/** A cancel signal for tests and pure code; the platform's AbortController satisfies the same interface. */
import type { Cancel } from "../seams/types.ts";

export interface CancelSource {
  readonly signal: Cancel;
  abort(reason?: unknown): void;
}

/** A fresh, unaborted signal with its switch; the first `abort` counts. */
export function cancelSource(): CancelSource & { readonly listenerCount: () => number } {
  const listeners = new Set<() => void>();
  let aborted = false;
  let reason: unknown;
  const signal: Cancel = {
    get aborted() {
      return aborted;
    },
    get reason() {
      return reason;
    },
    addEventListener(_type, listener) {
      if (!aborted) listeners.add(listener); // each fires once in any case
    },
    removeEventListener(_type, listener) {
      listeners.delete(listener);
    },
    throwIfAborted() {
      if (aborted) throw reason;
    },
  };
  const abort = (given: unknown = "aborted"): void => {
    if (aborted) return;
    aborted = true;
    reason = given;
    const waiting = [...listeners];
    listeners.clear();
    for (const listener of waiting) listener();
  };
  return { signal, abort, listenerCount: () => listeners.size };
}
