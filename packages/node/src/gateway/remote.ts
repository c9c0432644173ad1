/**
 * Another program's gateway as a place to fetch from: single blocks, or a whole tree as a CAR stream. What comes is not
 * believed; whoever asks here checks it. Bounded in length and in time.
 */
import { type Cancel, type CID, HoldfastError } from "@holdfast/base";
import { limits } from "../limits.ts";
import { gatewayErrors } from "./errors.ts";

export interface RemoteGateway {
  readonly url: string;
  /** The bytes, unchecked, or undefined if it does not have the block. `gateway/remote-failed`, the signal's reason. */
  block(cid: CID, signal: Cancel): Promise<Uint8Array | undefined>;
  /** A CAR stream of the tree, unchecked, or undefined if it does not have it. Errors as `block`, also later. */
  car(root: CID, signal: Cancel): Promise<AsyncIterable<Uint8Array> | undefined>;
}

/** Statuses that say that it is not there, or not given. */
const missing = new Set([400, 404, 406, 410, 412, 451]);

/** Errors: `gateway/bad-url`. */
export function openRemoteGateway(text: string): RemoteGateway {
  if (!URL.canParse(text)) throw gatewayErrors.badUrl({ url: text, problem: "it is no URL" });
  const base = new URL(text);
  if (base.protocol !== "http:" && base.protocol !== "https:")
    throw gatewayErrors.badUrl({ url: text, problem: "only http and https are spoken" });
  const path = base.pathname.replace(/\/+$/, "").replace(/\/ipfs$/, "");
  const url = base.origin + path;
  const get = async (cid: CID, format: "raw" | "car", signal: AbortSignal): Promise<Response | undefined> => {
    const place = `${url}/ipfs/${cid}?format=${format}${format === "car" ? "&dag-scope=all" : ""}`;
    const response = await fetch(place, { headers: { accept: `application/vnd.ipld.${format}` }, signal });
    if (response.ok) return response;
    await response.body?.cancel();
    if (missing.has(response.status)) return undefined;
    throw gatewayErrors.remoteFailed({ url, detail: `HTTP ${response.status}` });
  };
  const failing = async <Result>(signal: Cancel, work: () => Promise<Result>): Promise<Result> => {
    try {
      return await work();
    } catch (error) {
      signal.throwIfAborted();
      throw error instanceof HoldfastError
        ? error
        : gatewayErrors.remoteFailed({ url, detail: detailOf(error) }, error);
    }
  };
  return {
    url,
    block: (cid, outer) =>
      failing(outer, async () => {
        const { signal, release } = follow(outer);
        const late = AbortSignal.timeout(limits.swapBlockMs);
        try {
          const response = await get(cid, "raw", AbortSignal.any([signal, late]));
          return response === undefined ? undefined : await bounded(response, url);
        } finally {
          release();
        }
      }),
    car: (root, outer) =>
      failing(outer, async () => {
        const { signal, release } = follow(outer);
        const response = await get(root, "car", signal);
        const body: AsyncIterable<Uint8Array> | null | undefined = response?.body;
        if (body === null || body === undefined) {
          release();
          return undefined;
        }
        return (async function* () {
          const source = body[Symbol.asyncIterator]();
          try {
            for (;;) {
              const next = await failing(outer, () => source.next());
              if (next.done === true) return;
              yield next.value;
            }
          } finally {
            release();
            await source.return?.();
          }
        })();
      }),
  };
}

async function bounded(response: Response, url: string): Promise<Uint8Array> {
  const parts: Uint8Array[] = [];
  let length = 0;
  const body: AsyncIterable<Uint8Array> | null = response.body;
  for await (const part of body ?? []) {
    length += part.length;
    if (length > limits.fileBlockBytes)
      throw gatewayErrors.remoteFailed({
        url,
        detail: `a block of more than ${limits.fileBlockBytes} bytes`,
      });
    parts.push(part);
  }
  return new Uint8Array(Buffer.concat(parts));
}

/** The platform's kind of signal. */
function follow(outer: Cancel): { readonly signal: AbortSignal; readonly release: () => void } {
  const own = new AbortController();
  const onAbort = (): void => own.abort(outer.reason);
  if (outer.aborted) onAbort();
  else outer.addEventListener("abort", onAbort, { once: true });
  return { signal: own.signal, release: () => outer.removeEventListener("abort", onAbort) };
}

function detailOf(error: unknown): string {
  const { cause } = error instanceof Error ? error : { cause: undefined };
  const at = cause instanceof Error ? cause : error;
  if (!(at instanceof Error)) return String(at);
  return "code" in at && at.message === "" ? String(at.code) : at.message;
}
