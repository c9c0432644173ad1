/**
 * A server for one bucket, in memory: what the client uses of the protocol and nothing else, with every request's
 * signature checked. It fails on demand, as servers do.
 */
import { createHash } from "node:crypto";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { encodeKey, signBucketRequest } from "@holdfast/storage";

export const bucketKeys = { accessKeyId: "AKIDTEST", secretAccessKey: "a secret of the tests" };

interface Stored {
  readonly bytes: Uint8Array;
  readonly etag: string;
}

export class BucketServer implements AsyncDisposable {
  readonly objects = new Map<string, Stored>();
  /** Requests so far, as "GET sealed/1". */
  readonly asked: string[] = [];
  /** Answers to give instead, first come first served. */
  readonly failures: { readonly status: number; readonly code: string }[] = [];
  readonly #uploads = new Map<string, Map<number, Stored>>();
  readonly #server = createServer((request, response) => {
    this.#serve(request, response).catch((error: unknown) => {
      response.writeHead(500).end(String(error));
    });
  });

  async listen(): Promise<string> {
    await new Promise<void>((done) => this.#server.listen(0, "127.0.0.1", done));
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }
  async [Symbol.asyncDispose](): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise((done) => this.#server.close(done));
  }
  put(key: string, bytes: Uint8Array): Stored {
    const stored = { bytes, etag: `"${createHash("md5").update(bytes).digest("hex")}"` };
    this.objects.set(key, stored);
    return stored;
  }

  async #serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const body = await bytesOf(request);
    const url = new URL(request.url ?? "", `http://${request.headers.host}`);
    const [, bucket, ...names] = url.pathname.split("/").map(decodeURIComponent);
    const key = names.join("/");
    this.asked.push(`${request.method} ${key}`);
    const refuse = (status: number, code: string) =>
      response
        .writeHead(status)
        .end(request.method === "HEAD" ? undefined : `<Error><Code>${code}</Code></Error>`);
    const failure = this.failures.shift();
    if (failure !== undefined) return void refuse(failure.status, failure.code);
    if (!isSigned(request, url, body)) return void refuse(403, "SignatureDoesNotMatch");
    if (!isTimely(request)) return void refuse(403, "RequestTimeTooSkewed");
    if (bucket !== "bucket") return void refuse(404, "NoSuchBucket");
    if (key === "") return void response.end(this.#list(url));
    if (url.searchParams.has("uploads")) {
      const uploadId = `upload ${this.#uploads.size} & more`;
      this.#uploads.set(uploadId, new Map());
      return void response.end(`<R><UploadId>${uploadId.replace("&", "&amp;")}</UploadId></R>`);
    }
    const answer = this.#object(request, key, url, body);
    response
      .writeHead(answer.status, answer.headers)
      .end(request.method === "HEAD" ? undefined : answer.body);
  }

  #object(
    request: IncomingMessage,
    key: string,
    url: URL,
    body: Uint8Array,
  ): { status: number; headers?: Record<string, string>; body?: Uint8Array | string } {
    const uploadId = url.searchParams.get("uploadId");
    const found = this.objects.get(key);
    switch (request.method) {
      case "PUT": {
        const source = request.headers["x-amz-copy-source"];
        const from =
          typeof source === "string"
            ? this.objects.get(decodeURIComponent(source.replace("bucket/", "")))
            : undefined;
        if (source !== undefined && from === undefined) return { status: 404 };
        const bytes = from?.bytes ?? body;
        const stored = { bytes, etag: `"${createHash("md5").update(bytes).digest("hex")}"` };
        if (uploadId === null) this.objects.set(key, stored);
        else this.#uploads.get(uploadId)?.set(Number(url.searchParams.get("partNumber")), stored);
        return {
          status: 200,
          headers: { etag: stored.etag },
          body: source === undefined ? "" : `<C><ETag>${stored.etag}</ETag></C>`,
        };
      }
      case "POST": {
        const parts = [...(this.#uploads.get(uploadId ?? "") ?? [])].sort(([a], [b]) => a - b);
        const stored = this.put(key, Buffer.concat(parts.map(([, part]) => part.bytes)));
        return { status: 200, body: `<C><ETag>${stored.etag}</ETag></C>` };
      }
      case "DELETE":
        if (uploadId === null) this.objects.delete(key);
        else this.#uploads.delete(uploadId);
        return { status: 204 };
      default: {
        if (found === undefined) return { status: 404 };
        const wanted = request.headers["if-match"];
        if (wanted !== undefined && wanted !== found.etag) return { status: 412 };
        const headers = { etag: found.etag, "content-length": String(found.bytes.length) };
        const range = /^bytes=(\d+)-(\d+)$/.exec(request.headers.range ?? "");
        if (range === null) return { status: 200, headers, body: found.bytes };
        if (Number(range[1]) >= found.bytes.length) return { status: 416 };
        const bytes = found.bytes.subarray(Number(range[1]), Number(range[2]) + 1);
        return { status: 206, headers: { ...headers, "content-length": String(bytes.length) }, body: bytes };
      }
    }
  }

  /** Three names a page, so that every listing has to go on. */
  #list({ searchParams }: URL): string {
    const prefix = searchParams.get("prefix") ?? "";
    const after = searchParams.get("continuation-token") ?? "";
    const isDeep = searchParams.get("delimiter") === null;
    const entries = new Map<string, string>();
    for (const [key, { bytes }] of this.objects) {
      if (!key.startsWith(prefix)) continue;
      const slash = key.indexOf("/", prefix.length);
      if (isDeep || slash < 0) {
        entries.set(key, `<Contents><Key>${encodeKey(key)}</Key><Size>${bytes.length}</Size></Contents>`);
      } else {
        const folder = key.slice(0, slash + 1);
        entries.set(folder, `<CommonPrefixes><Prefix>${encodeKey(folder)}</Prefix></CommonPrefixes>`);
      }
    }
    const names = [...entries.keys()].sort().filter((name) => name > after);
    const page = names.slice(0, 3);
    const next =
      names.length > 3
        ? `<IsTruncated>true</IsTruncated><NextContinuationToken>${page.at(-1)}</NextContinuationToken>`
        : "";
    return `<ListBucketResult>${page.map((name) => entries.get(name)).join("")}${next}</ListBucketResult>`;
  }
}

function isSigned(request: IncomingMessage, url: URL, body: Uint8Array): boolean {
  const names = /SignedHeaders=([^,]+)/.exec(request.headers.authorization ?? "")?.[1]?.split(";") ?? [];
  const ours = ["host", "x-amz-content-sha256", "x-amz-date"];
  const headers = Object.fromEntries(
    names.filter((name) => !ours.includes(name)).map((name) => [name, String(request.headers[name])]),
  );
  const iso = dateOf(request);
  const asked = {
    method: request.method ?? "",
    url,
    headers,
    bodySha256: createHash("sha256").update(body).digest("hex"),
  };
  const expected = signBucketRequest(asked, bucketKeys, { region: "us-east-1", nowMs: Date.parse(iso) });
  return expected.authorization === request.headers.authorization;
}

async function bytesOf(request: IncomingMessage): Promise<Uint8Array> {
  const parts: Uint8Array[] = [];
  for await (const part of request) parts.push(part as Uint8Array);
  return new Uint8Array(Buffer.concat(parts));
}

function dateOf(request: IncomingMessage): string {
  const date = String(request.headers["x-amz-date"]);
  return date.replace(/(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)Z/, "$1-$2-$3T$4:$5:$6Z");
}

/** As the servers of the protocol: a signature is good for a quarter of an hour. */
function isTimely(request: IncomingMessage): boolean {
  return Math.abs(Date.parse(dateOf(request)) - Date.now()) < 900_000;
}
