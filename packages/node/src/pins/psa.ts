/**
 * The IPFS Pinning Service API 1.0.0 (ipfs.github.io/pinning-services-api-spec) without its HTTP: a request as it was
 * asked in, an answer as the specification wants it out. Errors are the specification's, with our words.
 */
import { HoldfastError, parseCid } from "@holdfast/base";
import { z } from "zod";
import { limits } from "../limits.ts";
import { pinErrors } from "./errors.ts";
import type { Pins } from "./index.ts";
import { type Account, type NewPin, type PinFilter, type PinView, pinStates, textMatches } from "./types.ts";

export interface PsaRequest {
  readonly method: string;
  /** Below the root of the API: `/pins`, `/pins/ID`. */
  readonly path: string;
  readonly query: URLSearchParams;
  readonly authorization: string | undefined;
  /** Undefined if it is no JSON. */
  readonly body: unknown;
}

export interface PsaAnswer {
  readonly status: number;
  /** Undefined: nothing. */
  readonly body: unknown;
}

const cidText = z.string().max(512).refine(isCid, "is no CID");
const metaOf = z
  .record(z.string().max(limits.pinTextLength), z.string().max(limits.pinTextLength))
  .refine((meta) => Object.keys(meta).length <= limits.pinMetaKeys, "has too many keys");
const pinSchema = z.object({
  cid: cidText,
  name: z.string().max(255).nullish(),
  origins: z.array(z.string().max(512)).max(limits.pinOrigins).nullish(),
  meta: metaOf.nullish(),
});
const instant = z.iso.datetime({ offset: true });
const querySchema = z.object({
  cid: z.array(cidText).max(limits.psaCids).optional(),
  name: z.string().max(255).optional(),
  match: z.enum(textMatches).default("exact"),
  status: z.array(z.enum(pinStates)).max(pinStates.length).default(["pinned"]),
  before: instant.optional(),
  after: instant.optional(),
  limit: z.coerce.number().int().min(1).max(limits.psaResults).default(10),
  meta: metaOf.optional(),
});

function isCid(text: string): boolean {
  try {
    parseCid(text);
    return true;
  } catch {
    return false;
  }
}

/** Answers everything, and never fails. */
export async function answerPsa(pins: Pins, request: PsaRequest): Promise<PsaAnswer> {
  try {
    const [, token = ""] = /^Bearer +(\S+)$/i.exec(request.authorization ?? "") ?? [];
    return await route(pins, pins.accountOf(token), request);
  } catch (error) {
    return failure(error);
  }
}

async function route(pins: Pins, account: Account, request: PsaRequest): Promise<PsaAnswer> {
  const { method, path, query, body } = request;
  if (path === "/pins" && method === "GET") {
    const { count, pins: found } = pins.list(filterOf(account, query));
    const delegates = await delegatesOf(pins);
    return { status: 200, body: { count, results: found.map((pin) => statusOf(pin, delegates)) } };
  }
  if (path === "/pins" && method === "POST") return accepted(pins, pins.add(account, newPin(body)));
  const [, id] = /^\/pins\/([^/]{1,255})$/.exec(path) ?? [];
  if (id === undefined) throw pinErrors.notFound({ id: path.slice(0, 64) });
  if (method === "GET") {
    const pin = pins.find(id, account.name);
    return { status: 200, body: statusOf(pin, await delegatesOf(pins)) };
  }
  if (method === "POST") return accepted(pins, await pins.replace(account, id, newPin(body)));
  if (method === "DELETE") {
    pins.find(id, account.name);
    void pins.remove(id).catch(() => undefined); // large trees take their time; what fails is tried again
    return { status: 202, body: undefined };
  }
  throw pinErrors.badRequest({ problem: `there is no ${method} of ${path}` });
}

async function accepted(pins: Pins, pin: PinView): Promise<PsaAnswer> {
  return { status: 202, body: statusOf(pin, await delegatesOf(pins)) };
}

/** Without a connection to a Kubo daemon there are none to tell. */
async function delegatesOf(pins: Pins): Promise<readonly string[]> {
  return pins.delegates().catch(() => []);
}

function newPin(body: unknown): NewPin {
  const { name, origins, meta, cid } = checked(pinSchema, body);
  return { cid, name: name ?? undefined, origins: origins ?? undefined, meta: meta ?? undefined };
}

function filterOf({ name: account }: Account, query: URLSearchParams): PinFilter {
  const meta = query.get("meta");
  const list = (name: string): string[] | undefined =>
    query.has(name) ? query.getAll(name).flatMap((text) => text.split(",")) : undefined;
  const found = checked(querySchema, {
    ...Object.fromEntries([...query].filter(([, value]) => value !== "")),
    cid: list("cid"),
    status: list("status"),
    ...(meta === null ? {} : { meta: parsed(meta) }),
  });
  return {
    account,
    cids: found.cid,
    name: found.name,
    match: found.match,
    states: found.status,
    beforeMs: found.before === undefined ? undefined : Date.parse(found.before),
    afterMs: found.after === undefined ? undefined : Date.parse(found.after),
    meta: found.meta,
    limit: found.limit,
  };
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    throw pinErrors.badRequest({ problem: "meta is no JSON" });
  }
}

function checked<Schema extends z.ZodType>(schema: Schema, value: unknown): z.output<Schema> {
  const result = schema.safeParse(value);
  if (result.success) return result.data;
  const problem = result.error.issues
    .map(({ path, message }) => `${path.join(".") || "the body"}: ${message}`)
    .join("; ");
  throw pinErrors.badRequest({ problem: problem.slice(0, 500) });
}

function statusOf(pin: PinView, delegates: readonly string[]): unknown {
  const { id, state, createdMs, cid, name, origins, meta, blocks, bytes, error, retryMs } = pin;
  return {
    requestid: id,
    status: state,
    created: new Date(createdMs).toISOString(),
    pin: { cid, ...(name === undefined ? {} : { name }), origins, meta },
    delegates,
    info: {
      blocks: String(blocks),
      bytes: String(bytes),
      ...(error === undefined ? {} : { status_details: `${error.code}: ${error.message}` }),
      ...(retryMs === undefined ? {} : { next_try: new Date(retryMs).toISOString() }),
    },
  };
}

/** Reasons of the specification. */
const reasons: { readonly [code: string]: readonly [number, string] } = {
  "pins/no-access": [401, "UNAUTHORIZED"],
  "pins/not-found": [404, "NOT_FOUND"],
  "pins/account-full": [409, "INSUFFICIENT_FUNDS"],
  "pins/too-many": [429, "TOO_MANY_REQUESTS"],
  "pins/bad-request": [400, "BAD_REQUEST"],
  "pins/unsupported": [400, "BAD_REQUEST"],
  "cid/malformed": [400, "BAD_REQUEST"],
};

export function failure(error: unknown): PsaAnswer {
  const known = error instanceof HoldfastError ? error : undefined;
  const [status, reason] = reasons[known?.code ?? ""] ?? [500, "INTERNAL_SERVER_ERROR"];
  return { status, body: { error: { reason, details: known?.message ?? "the request failed" } } };
}
