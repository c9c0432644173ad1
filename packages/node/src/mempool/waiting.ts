/** Waiting for a message: looked at with every head, until it is there, can never be, or the time is over. */
import { type CID, type Clock, HoldfastError } from "@holdfast/base";
import { senderErrors } from "./errors.ts";
import type { MempoolChain } from "./needs.ts";
import type { Mined, WaitOptions } from "./types.ts";

export async function waitFor(
  { chain, clock }: { readonly chain: Pick<MempoolChain, "onHead">; readonly clock: Clock },
  cid: CID,
  { timeoutMs, signal }: WaitOptions,
  look: () => Mined | HoldfastError | undefined,
): Promise<Mined> {
  const done = Promise.withResolvers<Mined>();
  const check = (): void => {
    const found = look();
    if (found instanceof HoldfastError) done.reject(found);
    else if (found !== undefined) done.resolve(found);
  };
  const endHead = chain.onHead(check);
  const timer = new AbortController();
  const abort = (): void => done.reject(signal?.reason);
  signal?.addEventListener("abort", abort, { once: true });
  try {
    signal?.throwIfAborted();
    check();
    if (timeoutMs !== undefined) {
      clock.sleep(timeoutMs, timer.signal).then(
        () => done.reject(senderErrors.waitTimeout({ cid: cid.toString(), timeoutMs })),
        () => undefined,
      );
    }
    return await done.promise;
  } finally {
    endHead();
    timer.abort();
    signal?.removeEventListener("abort", abort);
  }
}
