/**
 * Requests to one bucket. A request is tried again when the server or the way to it fails, never when it is refused;
 * every answer is read up to what was asked for and not further.
 */
import { type Clock, diskErrors, HoldfastError } from "@holdfast/base";
import { volumeErrors } from "../errors.ts";
import { volumeLimits } from "../limits.ts";
import { placeText } from "../place.ts";
import type { VolumePlace } from "../types.ts";
import { type BucketKeys, encodeKey, sha256Hex, signBucketRequest } from "./sign.ts";
import { element, escaped, type Listing, parseListing, unescaped } from "./xml.ts";

export type BucketPlace = Extract<VolumePlace, { kind: "s3" }>;

export interface ObjectHead {
  readonly sizeBytes: number;
  readonly etag: string;
}

interface Ask {
  readonly method: "GET" | "HEAD" | "PUT" | "POST" | "DELETE";
  /** Below the prefix of the place; undefined: the bucket itself. */
  readonly key?: string;
  readonly query?: { readonly [name: string]: string };
  readonly headers?: { readonly [name: string]: string };
  readonly body?: Uint8Array<ArrayBuffer>;
  /** What the answer may have at most. */
  readonly maxBytes: number;
  /** Answers that are no failure, beside 2xx. */
  readonly also?: readonly number[];
}

interface Answer {
  readonly status: number;
  readonly headers: Headers;
  readonly body: Uint8Array;
}

const nothing = new Uint8Array(0);

export class BucketClient {
  readonly place: BucketPlace;
  readonly #keys: BucketKeys;
  readonly #clock: Clock;
  /** How far the server's clock is ahead: a signature is good for minutes only, and a clock of ours may be set. */
  #aheadMs = 0;

  constructor(place: BucketPlace, keys: BucketKeys, clock: Clock) {
    this.place = place;
    this.#keys = keys;
    this.#clock = clock;
  }

  async head(key: string): Promise<ObjectHead | undefined> {
    const answer = await this.#ask({ method: "HEAD", key, maxBytes: 0, also: [404] });
    return answer.status === 404 ? undefined : headOf(answer);
  }

  /** Bytes of an object, fewer at its end; undefined if there is none. With `etag` only of that very version. */
  async get(
    key: string,
    range: { readonly offset: number; readonly length: number },
    etag?: string,
  ): Promise<Uint8Array | undefined> {
    if (range.length === 0) return nothing;
    const headers = {
      range: `bytes=${range.offset}-${range.offset + range.length - 1}`,
      ...(etag === undefined ? {} : { "if-match": etag }),
    };
    const also = [404, 412, 416];
    const answer = await this.#ask({ method: "GET", key, headers, maxBytes: range.length, also });
    if (answer.status === 416) return nothing;
    if (answer.status === 412) throw diskErrors.io({ path: key, operation: "reading (it was replaced)" });
    if (answer.status === 404) return undefined;
    if (answer.status === 206 || (range.offset === 0 && answer.status === 200)) return answer.body;
    throw diskErrors.io({
      path: key,
      operation: `reading (the server gave ${answer.status}, not the range)`,
    });
  }

  async put(key: string, body: Uint8Array<ArrayBuffer>): Promise<void> {
    await this.#ask({ method: "PUT", key, body, maxBytes: volumeLimits.maxXmlBytes });
  }

  async remove(key: string): Promise<void> {
    await this.#ask({ method: "DELETE", key, maxBytes: volumeLimits.maxXmlBytes, also: [404] });
  }

  /** One page of what is below a prefix, down to the next slash. */
  async list(prefix: string, after: string | undefined, deep: boolean): Promise<Listing> {
    const query = {
      "list-type": "2",
      "encoding-type": "url",
      prefix: this.#full(prefix),
      ...(deep ? {} : { delimiter: "/" }),
      ...(after === undefined ? {} : { "continuation-token": after }),
    };
    const listing = parseListing(
      textOf(await this.#ask({ method: "GET", query, maxBytes: volumeLimits.maxXmlBytes })),
    );
    const cut = this.#full("").length;
    return {
      objects: listing.objects.map(({ key, sizeBytes }) => ({ key: key.slice(cut), sizeBytes })),
      folders: listing.folders.map((folder) => folder.slice(cut)),
      next: listing.next,
    };
  }

  /** Copies on the server's side. False if there is no such object. */
  async copy(from: string, to: string, sizeBytes: number): Promise<boolean> {
    const source = encodedPath(`${this.place.bucket}/${this.#full(from)}`);
    const headers = { "x-amz-copy-source": source };
    const maxBytes = volumeLimits.maxXmlBytes;
    if (sizeBytes <= volumeLimits.maxCopyBytes) {
      const answer = await this.#ask({ method: "PUT", key: to, headers, maxBytes, also: [404] });
      if (answer.status !== 404) mustBeDone(answer, to);
      return answer.status !== 404;
    }
    await this.#upload(to, sizeBytes, async (uploadId, part, offset, length) => {
      const range = `bytes=${offset}-${offset + length - 1}`;
      const answer = await this.#ask({
        method: "PUT",
        key: to,
        query: { partNumber: String(part), uploadId },
        headers: { ...headers, "x-amz-copy-source-range": range },
        maxBytes,
      });
      return unescaped(mustBeDone(answer, to) ?? "");
    });
    return true;
  }

  /** Sends a file in parts. `read` gives its bytes; calls are in order, several may be under way. */
  async send(
    key: string,
    sizeBytes: number,
    read: (offset: number, length: number) => Promise<Uint8Array<ArrayBuffer>>,
  ): Promise<void> {
    if (sizeBytes <= volumeLimits.partBytes) return await this.put(key, await read(0, sizeBytes));
    await this.#upload(key, sizeBytes, async (uploadId, part, offset, length) => {
      const query = { partNumber: String(part), uploadId };
      const body = await read(offset, length);
      const answer = await this.#ask({ method: "PUT", key, query, body, maxBytes: volumeLimits.maxXmlBytes });
      return answer.headers.get("etag") ?? "";
    });
  }

  /** An upload in parts; what a failed one has left is taken back. `put` sends one part and gives its tag. */
  async #upload(
    key: string,
    sizeBytes: number,
    put: (uploadId: string, part: number, offset: number, length: number) => Promise<string>,
  ): Promise<void> {
    const maxBytes = volumeLimits.maxXmlBytes;
    const begun = textOf(await this.#ask({ method: "POST", key, query: { uploads: "" }, maxBytes }));
    const uploadId = unescaped(element(begun, "UploadId") ?? "");
    if (uploadId === "") throw diskErrors.io({ path: key, operation: "writing (no upload was begun)" });
    try {
      const partBytes = Math.max(volumeLimits.partBytes, Math.ceil(sizeBytes / volumeLimits.maxParts));
      const count = Math.ceil(sizeBytes / partBytes);
      const tags = new Array<string>(count).fill("");
      let next = 0;
      const lane = async (): Promise<void> => {
        while (next < count) {
          const part = next++;
          const offset = part * partBytes;
          tags[part] = await put(uploadId, part + 1, offset, Math.min(partBytes, sizeBytes - offset));
        }
      };
      await Promise.all(Array.from({ length: Math.min(count, volumeLimits.partsAtOnce) }, lane));
      const parts = tags.map(
        (tag, i) => `<Part><PartNumber>${i + 1}</PartNumber><ETag>${escaped(tag)}</ETag></Part>`,
      );
      const body = new TextEncoder().encode(
        `<CompleteMultipartUpload>${parts.join("")}</CompleteMultipartUpload>`,
      );
      mustBeDone(await this.#ask({ method: "POST", key, query: { uploadId }, body, maxBytes }), key);
    } catch (error) {
      await this.#ask({ method: "DELETE", key, query: { uploadId }, maxBytes, also: [404] }).catch(
        () => undefined,
      );
      throw error;
    }
  }

  #full(key: string): string {
    const { prefix } = this.place;
    return prefix === "" ? key : `${prefix}/${key}`;
  }

  async #ask(ask: Ask): Promise<Answer> {
    const { method, key, also = [] } = ask;
    for (let attempt = 1; ; attempt++) {
      let failure: unknown;
      try {
        const answer = await this.#once(ask);
        if (answer.status < 300 || also.includes(answer.status)) return answer;
        const reason = element(textOf(answer), "Code") ?? "no reason given";
        const aheadMs = Date.parse(answer.headers.get("date") ?? "") - this.#clock.nowMs() || 0;
        // A refusal of HEAD has no words: the server's clock tells.
        const isMute = method === "HEAD" && answer.status === 403;
        const isFarOff = Math.abs(aheadMs - this.#aheadMs) > volumeLimits.clockSkewMs;
        if (attempt === 1 && (reason === "RequestTimeTooSkewed" || (isMute && isFarOff))) {
          this.#aheadMs = aheadMs;
          continue;
        }
        if (answer.status === 507 || reason === "QuotaExceeded") throw diskErrors.full({ path: key ?? "" });
        if (answer.status < 500 && answer.status !== 429 && answer.status !== 408) {
          throw volumeErrors.volumeRefused({ place: placeText(this.place), status: answer.status, reason });
        }
        failure = `${answer.status} ${reason}`;
      } catch (error) {
        if (error instanceof HoldfastError || !isOfNetwork(error)) throw error;
        failure = causeOf(error);
      }
      if (attempt >= volumeLimits.attempts) {
        throw diskErrors.io({ path: key ?? this.place.bucket, operation: `${method} (${String(failure)})` });
      }
      await this.#clock.sleep(volumeLimits.retryMs * 2 ** (attempt - 1));
    }
  }

  async #once({ method, key, query = {}, headers = {}, body, maxBytes }: Ask): Promise<Answer> {
    const { endpoint, bucket, region } = this.place;
    const path = key === undefined ? bucket : `${bucket}/${this.#full(key)}`;
    const url = new URL(`${endpoint}/${encodedPath(path)}`);
    const names = Object.entries(query).map(([name, value]) => `${encodeKey(name)}=${encodeKey(value)}`);
    url.search = names.join("&");
    const request = { method, url, headers, bodySha256: sha256Hex(body ?? nothing) };
    const sent = signBucketRequest(request, this.#keys, {
      region,
      nowMs: this.#clock.nowMs() + this.#aheadMs,
    });
    const mib = Math.max(body?.length ?? 0, Math.min(maxBytes, volumeLimits.maxWholeBytes)) / 2 ** 20;
    const signal = AbortSignal.timeout(Math.ceil(volumeLimits.requestMs + mib * volumeLimits.perMibMs));
    const init = { method, headers: sent, signal, redirect: "error" as const };
    const response = await fetch(url, body === undefined ? init : { ...init, body });
    const limit = response.ok ? maxBytes : volumeLimits.maxXmlBytes;
    return {
      status: response.status,
      headers: response.headers,
      body: await bodyOf(response, limit, key ?? ""),
    };
  }
}

async function bodyOf(response: Response, maxBytes: number, path: string): Promise<Uint8Array> {
  if (response.body === null) return nothing;
  const parts: Uint8Array[] = [];
  let length = 0;
  for await (const part of response.body) {
    length += part.length;
    if (length > maxBytes) throw diskErrors.io({ path, operation: "reading (the server gave too much)" });
    parts.push(part);
  }
  const [first] = parts;
  return parts.length === 1 && first !== undefined ? first : new Uint8Array(Buffer.concat(parts));
}

function headOf({ headers }: Answer): ObjectHead {
  return { sizeBytes: Number(headers.get("content-length") ?? 0), etag: headers.get("etag") ?? "" };
}

/** A copy or the end of an upload may fail after the server has said 200. Gives the tag in the answer. */
function mustBeDone(answer: Answer, key: string): string | undefined {
  const text = textOf(answer);
  if (!text.includes("<Error>")) return element(text, "ETag");
  throw diskErrors.io({ path: key, operation: `writing (${element(text, "Code") ?? "refused"})` });
}

function textOf({ body }: Answer): string {
  return new TextDecoder().decode(body);
}

function encodedPath(path: string): string {
  return path.split("/").map(encodeKey).join("/");
}

/** A connection that failed or took too long; anything else is a mistake of ours. */
function isOfNetwork(error: unknown): error is Error {
  if (!(error instanceof Error)) return false;
  return error.name === "TimeoutError" || error.cause instanceof Error || error.message === "terminated";
}

/** What fetch has failed with lies a level deeper. */
function causeOf(error: Error): string {
  const { cause } = error;
  if (cause instanceof Error) return "code" in cause ? String(cause.code) : cause.message;
  return error.name === "TimeoutError" ? "no answer in time" : error.message;
}
