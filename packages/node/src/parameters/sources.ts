/**
 * Where a published file may come from: a folder, an HTTP server (an IPFS gateway by CID, or a plain server by
 * name), a running node. None of them is believed: the digest decides. A redirect never leads from outside into
 * this machine or its private network.
 */
import { open } from "node:fs/promises";
import { type IncomingMessage, request as requestHttp } from "node:http";
import { request as requestHttps } from "node:https";
import { isIP } from "node:net";
import { join } from "node:path";
import { paramsErrors } from "./errors.ts";
import { detailOf } from "./files.ts";

export interface WantedFile {
  readonly name: string;
  readonly cid: string;
  readonly sizeBytes: number;
}

export interface Opened {
  /** Where the bytes begin: what was asked for, or 0 where a source cannot go on in the middle. */
  readonly offset: number;
  readonly bytes: AsyncIterable<Uint8Array>;
}

export interface Source {
  readonly name: string;
  /** Undefined if it has no such file. */
  open(file: WantedFile, offset: number, signal: AbortSignal): Promise<Opened | undefined>;
}

/** Bytes of a file by its CID, as a running node gives them. */
export type OpenByCid = (
  cid: string,
  offset: number,
  signal: AbortSignal,
) => Promise<{ readonly bytes: AsyncIterable<Uint8Array> }>;

export function nodeSource(openByCid: OpenByCid): Source {
  return {
    name: "the running node",
    open: async ({ cid }, offset, signal) => ({ offset, ...(await openByCid(cid, offset, signal)) }),
  };
}

/** A URL or a folder. Error `params/bad-source`. */
export function sourceOf(text: string): Source {
  if (!/^[a-z][a-z0-9+.-]+:\/\//i.test(text)) return folderSource(text);
  if (!URL.canParse(text)) throw paramsErrors.badSource({ source: text, problem: "it is no URL" });
  const url = new URL(text);
  if (url.protocol !== "http:" && url.protocol !== "https:") {
    throw paramsErrors.badSource({ source: text, problem: "only http and https are spoken" });
  }
  return httpSource(url);
}

function folderSource(folder: string): Source {
  return {
    name: folder,
    async open({ name }, offset) {
      try {
        const file = await open(join(folder, name), "r");
        return { offset, bytes: file.createReadStream({ start: offset, highWaterMark: 1_048_576 }) };
      } catch (cause) {
        if (detailOf(cause) === "ENOENT") return undefined;
        throw cause;
      }
    },
  };
}

function httpSource(base: URL): Source {
  const path = base.pathname.replace(/\/+$/, "");
  const at = (rest: string): URL => new URL(`${path}/${rest}`, base);
  return {
    name: base.origin + path,
    async open({ name, cid }, offset, signal) {
      const candidates = path.endsWith("/ipfs") ? [at(cid)] : [at(name), at(`ipfs/${cid}`)];
      for (const url of candidates) {
        const opened = await get(url, offset, signal);
        if (opened !== undefined) return opened;
      }
      return undefined;
    },
  };
}

const maxRedirects = 5;
const missing = new Set([400, 403, 404, 410]);

async function get(first: URL, offset: number, signal: AbortSignal): Promise<Opened | undefined> {
  let url = first;
  for (let hops = 0; hops <= maxRedirects; hops += 1) {
    const response = await ask(url, offset, signal);
    const { statusCode = 0, headers } = response;
    if (statusCode === 200) return { offset: 0, bytes: response };
    if (statusCode === 206 && startsAt(headers["content-range"], offset)) return { offset, bytes: response };
    response.destroy();
    if (missing.has(statusCode)) return undefined;
    if (statusCode === 416 || statusCode === 206) return get(first, 0, signal);
    if (statusCode < 300 || statusCode > 399 || headers.location === undefined) {
      throw refused(`${url.host} answered with status ${statusCode}`);
    }
    url = redirected(url, headers.location);
  }
  throw refused(`${first.host} redirects more than ${maxRedirects} times`);
}

/** What a source did, as the reason why the next one is asked; stays inside of this room. */
class SourceFailure extends Error {
  override readonly name = "SourceFailure";
}
const refused = (message: string): SourceFailure => new SourceFailure(message);

function startsAt(contentRange: string | undefined, offset: number): boolean {
  return new RegExp(`^bytes ${offset}-`).test(contentRange ?? "");
}

function redirected(from: URL, location: string): URL {
  const to = URL.canParse(location, from.href) ? new URL(location, from) : undefined;
  if (to === undefined || !/^https?:$/.test(to.protocol)) throw refused(`${from.host} redirects to no URL`);
  if (from.protocol === "https:" && to.protocol === "http:")
    throw refused(`${from.host} redirects to plain http`);
  if (to.hostname !== from.hostname && isInside(to.hostname)) {
    throw refused(`${from.host} redirects into a private network`);
  }
  return to;
}

/** Loopback, link-local and private addresses (RFC 1918, 3927, 4193, 4291), and names that mean this machine. */
function isInside(hostname: string): boolean {
  const host = hostname.replace(/^\[|\]$/g, "").toLowerCase();
  if (isIP(host) === 6) return /^(::|fc|fd|fe[89ab]|::ffff:)/.test(host);
  if (isIP(host) === 4) {
    return /^(0|10|127|169\.254|192\.168|172\.(1[6-9]|2\d|3[01])|100\.(6[4-9]|[7-9]\d|1[01]\d|12[0-7]))\./.test(
      host,
    );
  }
  return host === "localhost" || /\.(localhost|local|internal)$/.test(host);
}

function ask(url: URL, offset: number, signal: AbortSignal): Promise<IncomingMessage> {
  return new Promise((resolve, reject) => {
    const headers = {
      "accept-encoding": "identity",
      accept: "application/octet-stream, */*",
      ...(offset > 0 ? { range: `bytes=${offset}-` } : {}),
    };
    const send = url.protocol === "https:" ? requestHttps : requestHttp;
    send(url, { headers, signal, agent: false }, resolve).on("error", reject).end();
  });
}
