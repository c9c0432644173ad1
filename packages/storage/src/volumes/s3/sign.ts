/**
 * Signature version 4 of requests for buckets (docs.aws.amazon.com, "Signature Calculations for the Authorization
 * Header"). It signs the headers it is given and the hash of the body, so a changed byte on the way is refused.
 */
import { createHash, createHmac } from "node:crypto";

export interface BucketKeys {
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
  readonly sessionToken?: string;
}

export interface UnsignedRequest {
  readonly method: string;
  /** Encoded as it is sent. */
  readonly url: URL;
  /** Lower-case names. */
  readonly headers: { readonly [name: string]: string };
  /** Of the body, in hex. */
  readonly bodySha256: string;
}

/** The headers to send, the signature among them. */
export function signBucketRequest(
  request: UnsignedRequest,
  keys: BucketKeys,
  { region, nowMs }: { readonly region: string; readonly nowMs: number },
): Record<string, string> {
  const time = new Date(nowMs).toISOString().replace(/[-:]|\.\d{3}/g, "");
  const scope = `${time.slice(0, 8)}/${region}/s3/aws4_request`;
  const headers: Record<string, string> = {
    ...request.headers,
    host: request.url.host,
    "x-amz-content-sha256": request.bodySha256,
    "x-amz-date": time,
    ...(keys.sessionToken === undefined ? {} : { "x-amz-security-token": keys.sessionToken }),
  };
  const names = Object.keys(headers).sort();
  const signedNames = names.join(";");
  const canonical = [
    request.method,
    request.url.pathname,
    canonicalQuery(request.url),
    ...names.map((name) => `${name}:${headers[name]?.trim()}`),
    "",
    signedNames,
    request.bodySha256,
  ].join("\n");
  const toSign = ["AWS4-HMAC-SHA256", time, scope, sha256Hex(canonical)].join("\n");
  const signature = createHmac("sha256", signingKey(keys, scope)).update(toSign).digest("hex");
  const { host: _host, ...sent } = headers; // fetch writes it by itself
  const credential = `Credential=${keys.accessKeyId}/${scope}`;
  sent.authorization = `AWS4-HMAC-SHA256 ${credential}, SignedHeaders=${signedNames}, Signature=${signature}`;
  return sent;
}

export function sha256Hex(data: string | Uint8Array): string {
  return createHash("sha256").update(data).digest("hex");
}

function signingKey({ secretAccessKey }: BucketKeys, scope: string): Buffer {
  return scope
    .split("/")
    .reduce<Buffer | string>(
      (key, part) => createHmac("sha256", key).update(part).digest(),
      `AWS4${secretAccessKey}`,
    ) as Buffer;
}

function canonicalQuery(url: URL): string {
  return [...url.searchParams]
    .map(([name, value]) => [encodeKey(name), encodeKey(value)] as const)
    .sort(([a, x], [b, y]) => (a === b ? (x < y ? -1 : 1) : a < b ? -1 : 1))
    .map(([name, value]) => `${name}=${value}`)
    .join("&");
}

/** RFC 3986: everything but letters, digits and `-._~`. */
export function encodeKey(text: string): string {
  return encodeURIComponent(text).replace(
    /[!'()*]/g,
    (sign) => `%${sign.charCodeAt(0).toString(16).toUpperCase()}`,
  );
}
