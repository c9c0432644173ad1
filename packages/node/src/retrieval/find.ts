/** Who has a block: peers that are asked, and those that the network's table names. */
import {
  type Address,
  type AttoFil,
  type Cancel,
  type CID,
  HoldfastError,
  type PeerId,
} from "@holdfast/base";
import { limits } from "../limits.ts";
import { BlockStream, type StreamTools } from "./block-stream.ts";
import { blocksStatus, freeHello } from "./blocks-protocol.ts";
import { retrievalErrors } from "./errors.ts";
import type { ContentRouting } from "./needs.ts";

export interface FoundProvider {
  readonly peer: PeerId;
  readonly answerMs: number;
  /** attoFIL. */
  readonly pricePerByte: AttoFil;
  readonly payee: Address | null;
  /** All below it, as the provider says; null if it does not know. */
  readonly carBytes: number | null;
  /** Whether the network's table has named it. */
  readonly isFromTable: boolean;
}

/** As they answer; peers that have nothing or do not answer are left out. The signal's reason. */
export async function* findProviders(request: {
  readonly tools: StreamTools;
  readonly cid: CID;
  readonly peers: readonly PeerId[];
  readonly routing: ContentRouting | undefined;
  readonly signal: Cancel;
}): AsyncGenerator<FoundProvider, void, undefined> {
  const { tools, cid, peers, routing, signal } = request;
  const asked = new Set<PeerId>();
  const found: FoundProvider[] = [];
  let changed = Promise.withResolvers<void>();
  let [asking, isSearching] = [0, true];
  const waiting: { readonly peer: PeerId; readonly isFromTable: boolean }[] = [];
  const wake = (): void => {
    changed.resolve();
    changed = Promise.withResolvers();
  };
  const askNext = (): void => {
    while (asking < limits.retrievalQuestions) {
      const next = waiting.shift();
      if (next === undefined) return;
      asking++;
      void ask(tools, cid, next.peer, signal).then((answer) => {
        asking--;
        if (answer !== undefined) found.push({ ...answer, isFromTable: next.isFromTable });
        askNext();
        wake();
      });
    }
  };
  const add = (peer: PeerId, isFromTable: boolean): void => {
    if (asked.has(peer) || asked.size >= limits.foundProviders) return;
    asked.add(peer);
    waiting.push({ peer, isFromTable });
    askNext();
  };
  for (const peer of peers) add(peer, false);
  const searched = named(tools, cid, routing, signal, (peer) => add(peer, true)).finally(() => {
    isSearching = false;
    wake();
  });
  searched.catch(() => undefined);
  for (;;) {
    signal.throwIfAborted();
    const next = found.shift();
    if (next !== undefined) yield next;
    else if (asking === 0 && !isSearching) return;
    else await changed.promise;
  }
}

/** Peers of the table, for a bounded time. */
export async function named(
  { clock }: StreamTools,
  cid: CID,
  routing: ContentRouting | undefined,
  outer: Cancel,
  add: (peer: PeerId) => void,
): Promise<void> {
  if (routing === undefined) return;
  const stop = new AbortController();
  const onAbort = (): void => stop.abort(outer.reason);
  outer.addEventListener("abort", onAbort, { once: true });
  const done = new AbortController();
  clock.sleep(limits.routingMs, done.signal).then(onAbort, () => undefined);
  try {
    let count = 0;
    for await (const peer of routing.find(cid, stop.signal)) {
      add(peer);
      if (++count >= limits.foundProviders) break;
    }
  } catch {
    // The table answers nothing: those that are connected have been asked.
  } finally {
    done.abort();
    stop.abort();
    outer.removeEventListener("abort", onAbort);
  }
}

async function ask(
  tools: StreamTools,
  cid: CID,
  peer: PeerId,
  signal: Cancel,
): Promise<Omit<FoundProvider, "isFromTable"> | undefined> {
  try {
    using stream = await BlockStream.open(tools, peer, freeHello(cid, false), signal);
    const { terms, answerMs } = stream;
    stream.end(retrievalErrors.ended({}));
    if (terms.status !== blocksStatus.success && terms.status !== blocksStatus.payment) return undefined;
    const { pricePerByte, target: payee, carBytes } = terms;
    return { peer, answerMs, pricePerByte, payee, carBytes };
  } catch (error) {
    if (error instanceof HoldfastError || signal.aborted) return undefined;
    throw error;
  }
}
