/** Waiting that can be called off: one place for the listener that must not leak. */
import type { Cancel } from "./types.ts";

/** Settles as `promise` does, or rejects with the signal's reason when that aborts first. */
export function abortable<T>(signal: Cancel | undefined, promise: Promise<T>): Promise<T> {
  if (signal === undefined) return promise;
  if (signal.aborted) {
    promise.catch(() => undefined); // nobody else will look at it
    return Promise.reject(signal.reason);
  }
  return new Promise<T>((resolve, reject) => {
    const onAbort = (): void => reject(signal.reason);
    signal.addEventListener("abort", onAbort, { once: true });
    const finish = (): void => signal.removeEventListener("abort", onAbort);
    promise.then(
      (value) => {
        finish();
        resolve(value);
      },
      (error: unknown) => {
        finish();
        reject(error);
      },
    );
  });
}
