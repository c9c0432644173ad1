/**
 * Tells the network's table of peers what this node has: roots of files and of payloads, each when it comes and then
 * now and then.
 */
import { type Cancel, type CID, type Clock, HoldfastError, type Logger } from "@holdfast/base";
import { withDeadline } from "../framing.ts";
import { limits } from "../limits.ts";
import type { ContentRouting } from "./needs.ts";

export interface Announcer extends AsyncDisposable {
  /** Something has come. */
  add(root: CID): void;
}

export function openAnnouncer(needs: {
  readonly routing: ContentRouting | undefined;
  readonly clock: Clock;
  readonly logger: Logger;
  /** All that is here. */
  readonly roots: () => AsyncIterable<CID>;
}): Announcer {
  const { routing, clock, logger, roots } = needs;
  const stop = new AbortController();
  if (routing === undefined) return { add: () => undefined, async [Symbol.asyncDispose]() {} };
  const tell = (root: CID, outer: Cancel): Promise<void> => {
    const deadline = { timeoutMs: limits.routingMs, protocol: "the table of peers", outer };
    return withDeadline(clock, deadline, (signal) => routing.provide(root, signal)).catch(
      (error: unknown) => {
        const detail = error instanceof HoldfastError ? error.code : String(error);
        logger.debug("the table of peers was not told", { root: root.toString(), detail });
      },
    );
  };
  const tellAll = async (): Promise<void> => {
    let count = 0;
    for await (const root of roots()) {
      if (stop.signal.aborted || ++count > limits.announcedRoots) return;
      await tell(root, stop.signal);
    }
  };
  const run = async (): Promise<void> => {
    // A node that has just started knows few peers: it says so again soon.
    for (
      let pauseMs: number = limits.announceFirstMs;
      ;
      pauseMs = Math.min(4 * pauseMs, limits.announceEveryMs)
    ) {
      await tellAll();
      await clock.sleep(pauseMs, stop.signal);
    }
  };
  const running = run().catch(() => undefined); // ends by the abort of its sleep
  let last: Promise<unknown> = Promise.resolve();
  return {
    add(root) {
      last = last.then(() => (stop.signal.aborted ? undefined : tell(root, stop.signal)));
    },
    async [Symbol.asyncDispose]() {
      stop.abort();
      await Promise.all([running, last]);
    },
  };
}
