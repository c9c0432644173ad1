/** A pinning service somewhere else, asked by the IPFS Pinning Service API. What it answers is checked and bounded. */
import type { Cancel } from "@holdfast/base";
import { z } from "zod";
import { limits } from "../limits.ts";
import { pinErrors } from "./errors.ts";
import type { Service } from "./store.ts";
import { type PinState, pinStates } from "./types.ts";

export interface RemotePin {
  readonly id: string;
  readonly state: PinState;
  readonly createdMs: number;
  readonly cid: string;
  readonly name: string | undefined;
  /** Peers that fetch it: who has the content connects to them. */
  readonly delegates: readonly string[];
  /** What the service says about it. */
  readonly details: string | undefined;
}

export interface RemoteFilter {
  readonly cid?: string | undefined;
  readonly name?: string | undefined;
  readonly states: readonly PinState[];
  readonly limit: number;
}

/** Errors: `pins/service-failed`, `pins/service-unreachable`, the signal's reason. */
export interface RemotePins {
  add(
    pin: { readonly cid: string; readonly name?: string | undefined; readonly origins: readonly string[] },
    signal: Cancel,
  ): Promise<RemotePin>;
  find(id: string, signal: Cancel): Promise<RemotePin>;
  list(filter: RemoteFilter, signal: Cancel): Promise<{ readonly count: number; readonly pins: RemotePin[] }>;
  remove(id: string, signal: Cancel): Promise<void>;
}

const statusSchema = z.object({
  requestid: z.string().min(1).max(255),
  status: z.enum(pinStates),
  created: z.iso.datetime({ offset: true }),
  pin: z.object({ cid: z.string().max(512), name: z.string().max(255).nullish() }),
  delegates: z.array(z.string().max(512)).max(1_000),
  info: z.record(z.string(), z.unknown()).nullish(),
});
const pageSchema = z.object({ count: z.int().min(0), results: z.array(statusSchema).max(1_000) });
const errorSchema = z.object({
  error: z.object({ reason: z.string(), details: z.string().optional() }),
});

/** Only what can be a place of the API. `pins/bad-request`. */
export function checkRemote({ url, token }: Service): void {
  const isPlace = URL.canParse(url) && /^https?:$/.test(new URL(url).protocol);
  if (!isPlace || url.length > 512) throw pinErrors.badRequest({ problem: `${url.slice(0, 80)} is no URL` });
  if (!/^[!-~]{1,4096}$/.test(token))
    throw pinErrors.badRequest({ problem: "a token has visible ASCII characters" });
}

export function openRemote(service: Service): RemotePins {
  const base = service.url.replace(/\/+$/, "").replace(/\/pins$/, "");
  const ask = (method: string, path: string, signal: Cancel, body?: unknown): Promise<unknown> =>
    asking(service, signal, (own) =>
      fetch(`${base}${path}`, {
        method,
        headers: {
          authorization: `Bearer ${service.token}`,
          ...(body === undefined ? {} : { "content-type": "application/json" }),
        },
        ...(body === undefined ? {} : { body: JSON.stringify(body) }),
        signal: own,
        redirect: "error",
      }),
    );
  const one = async (answer: Promise<unknown>): Promise<RemotePin> =>
    pinOf(read(service, statusSchema, await answer));
  const place = (id: string): string => `/pins/${encodeURIComponent(id)}`;
  return {
    add: ({ cid, name, origins }, signal) =>
      one(ask("POST", "/pins", signal, { cid, ...(name === undefined ? {} : { name }), origins })),
    find: (id, signal) => one(ask("GET", place(id), signal)),
    async list({ cid, name, states, limit }, signal) {
      const query = new URLSearchParams({ limit: String(limit), status: states.join(",") });
      if (cid !== undefined) query.set("cid", cid);
      if (name !== undefined) query.set("name", name);
      const page = read(service, pageSchema, await ask("GET", `/pins?${query}`, signal));
      return { count: page.count, pins: page.results.map(pinOf) };
    },
    remove: async (id, signal) => void (await ask("DELETE", place(id), signal)),
  };
}

function pinOf(status: z.output<typeof statusSchema>): RemotePin {
  const { requestid: id, status: state, created, pin, delegates, info } = status;
  const details = info?.status_details;
  return {
    ...{ id, state, createdMs: Date.parse(created), cid: pin.cid, name: pin.name ?? undefined, delegates },
    details: typeof details === "string" ? details.slice(0, 500) : undefined,
  };
}

function read<Schema extends z.ZodType>({ name }: Service, schema: Schema, value: unknown): z.output<Schema> {
  const result = schema.safeParse(value);
  if (result.success) return result.data;
  const [issue] = result.error.issues;
  const detail = `${issue?.path.join(".") ?? ""}: ${issue?.message ?? ""}`;
  throw pinErrors.serviceUnreachable({ name, detail });
}

/** The JSON of an answer that is fine; undefined where there is none. */
async function asking(
  { name }: Service,
  signal: Cancel,
  work: (signal: AbortSignal) => Promise<Response>,
): Promise<unknown> {
  const own = new AbortController();
  const onAbort = (): void => own.abort(signal.reason);
  signal.throwIfAborted();
  signal.addEventListener("abort", onAbort, { once: true });
  try {
    const response = await work(AbortSignal.any([own.signal, AbortSignal.timeout(limits.requestTimeoutMs)]));
    const text = await bounded(response);
    if (response.ok) return text.trim() === "" ? undefined : JSON.parse(text);
    const said = errorSchema.safeParse(jsonOr(text));
    const { reason, details = "" } = said.success ? said.data.error : { reason: response.statusText };
    throw pinErrors.serviceFailed({
      ...{ name, status: response.status, reason: reason.slice(0, 100), details: details.slice(0, 500) },
    });
  } catch (error) {
    signal.throwIfAborted();
    if (error instanceof Error && error.name === "HoldfastError") throw error;
    const cause = error instanceof Error && error.cause instanceof Error ? error.cause : error;
    throw pinErrors.serviceUnreachable({ name, detail: String(cause).slice(0, 300) }, error);
  } finally {
    signal.removeEventListener("abort", onAbort);
  }
}

function jsonOr(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

async function bounded(response: Response): Promise<string> {
  const parts: Uint8Array[] = [];
  let length = 0;
  const body: AsyncIterable<Uint8Array> | null = response.body;
  for await (const part of body ?? []) {
    length += part.length;
    if (length > limits.psaAnswerBytes) throw new TypeError("the answer is too long");
    parts.push(part);
  }
  return Buffer.concat(parts).toString("utf8");
}
