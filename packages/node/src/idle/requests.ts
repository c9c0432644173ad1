/** Who waits for room that idle space has. What is freed goes to them in the order in which they came. */
import { workLimits } from "../work-limits.ts";
import { idleErrors } from "./errors.ts";

interface Request {
  readonly bytes: number;
  freedBytes: number;
  readonly outcome: PromiseWithResolvers<void>;
}

export class RoomRequests {
  readonly #waiting: Request[] = [];

  get isEmpty(): boolean {
    return this.#waiting.length === 0;
  }
  /** What they all still want. */
  get wantedBytes(): number {
    return this.#waiting.reduce((sum, { bytes, freedBytes }) => sum + bytes - freedBytes, 0);
  }

  /** Resolves when so many bytes were freed for this one; rejects with the signal's reason. Errors: `idle/busy`. */
  async wait(bytes: number, wake: () => void, signal?: AbortSignal): Promise<void> {
    signal?.throwIfAborted();
    if (this.#waiting.length >= workLimits.idleRequests) throw idleErrors.busy({});
    const request: Request = { bytes, freedBytes: 0, outcome: Promise.withResolvers() };
    this.#waiting.push(request);
    const giveUp = (): void => request.outcome.reject(signal?.reason);
    signal?.addEventListener("abort", giveUp, { once: true });
    wake();
    try {
      await request.outcome.promise;
    } finally {
      signal?.removeEventListener("abort", giveUp);
      this.#drop(request);
    }
  }

  freed(bytes: number): void {
    let left = bytes;
    for (const request of [...this.#waiting]) {
      const taken = Math.min(left, request.bytes - request.freedBytes);
      request.freedBytes += taken;
      left -= taken;
      if (request.freedBytes < request.bytes) return;
      this.#drop(request);
      request.outcome.resolve();
    }
  }

  /** There is nothing left to free: the first learns it. */
  failFirst(errorOf: (request: { readonly bytes: number; readonly freedBytes: number }) => Error): void {
    const request = this.#waiting.shift();
    request?.outcome.reject(errorOf(request));
  }

  failAll(error: Error): void {
    for (const { outcome } of this.#waiting.splice(0)) outcome.reject(error);
  }

  #drop(request: Request): void {
    const at = this.#waiting.indexOf(request);
    if (at >= 0) this.#waiting.splice(at, 1);
  }
}
