/** Sealing by hand, seen from the thread that asks for it: data go over a channel, a chunk when it is wanted. */
import { MessageChannel, type MessagePort } from "node:worker_threads";
import { inOwnThread, ratioOf } from "../own-thread.ts";
import type { WorkHooks } from "./needs.ts";
import type { SealData, SealDataPort, Sealed, SealRequest } from "./seal-requests.ts";

export async function sealOnThread(
  request: SealRequest & SealData,
  { signal, progress }: WorkHooks,
): Promise<Sealed> {
  const { data, ...rest } = request;
  const { port1, port2 } = new MessageChannel();
  const stop = new AbortController();
  const give = sendingTo(port1, data, (error) => stop.abort(error));
  try {
    return await inOwnThread<SealRequest & SealDataPort, Sealed>(
      new URL("./seal.ts", import.meta.url),
      { ...rest, data: port2 },
      {
        signal: signal === undefined ? stop.signal : AbortSignal.any([signal, stop.signal]),
        progress: (report) => progress?.(ratioOf(report)),
        transfer: [port2],
      },
    );
  } finally {
    give.end();
  }
}

/** Answers every message of the other side with the next chunk, or null at the end. */
function sendingTo(
  port: MessagePort,
  chunks: AsyncIterable<Uint8Array>,
  onFailure: (error: unknown) => void,
): { readonly end: () => void } {
  const iterator = chunks[Symbol.asyncIterator]();
  const answer = async (): Promise<void> => {
    const next = await iterator.next();
    if (next.done === true) return port.postMessage(null);
    const chunk = new Uint8Array(next.value); // the source may use its buffer again
    port.postMessage(chunk, [chunk.buffer]);
  };
  port.on("message", () => void answer().catch(onFailure));
  return {
    end: () => {
      port.close();
      iterator.return?.().catch(() => undefined); // not awaited: a silent source may never answer
    },
  };
}
