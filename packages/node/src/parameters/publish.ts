/**
 * Publishing parameters: each file is added to IPFS, and the list gets its CID, digest and size. Source:
 * parampublish of rust-fil-proofs, which forgot the entries of earlier runs; here they stay.
 */
import { createReadStream } from "node:fs";
import { type IncomingMessage, request as requestHttp } from "node:http";
import { request as requestHttps } from "node:https";
import { basename, join } from "node:path";
import { parseCid } from "@holdfast/base";
import type { ManifestEntry } from "@holdfast/proofs";
import { paramsErrors } from "./errors.ts";
import { digestsOfFile, sizeOf } from "./files.ts";
import { addToManifest } from "./manifest-file.ts";
import type { ParameterHooks } from "./needs.ts";
import { listSets, type ParameterSet } from "./sets.ts";

/** Adds a file to IPFS and gives its CID. */
export type AddToIpfs = (path: string, hooks: ParameterHooks) => Promise<string>;

export interface PublishRequest {
  readonly folder: string;
  /** Ids of sets, or their beginnings; none: all that are whole. */
  readonly ids: readonly string[];
  readonly add: AddToIpfs;
  /** The `parameters.json` that gets the entries. */
  readonly listPath: string;
}

export interface PublishedFile extends ManifestEntry {
  readonly name: string;
}

/** Errors `params/unknown`, `params/not-added`, `parameters/malformed-manifest`. */
export async function publishParameters(
  { folder, ids, add, listPath }: PublishRequest,
  hooks: ParameterHooks,
): Promise<readonly PublishedFile[]> {
  const published: PublishedFile[] = [];
  for (const { files, sectorBytes } of await chosenSets(folder, ids)) {
    for (const { name } of files) {
      hooks.signal?.throwIfAborted();
      const path = join(folder, name);
      hooks.progress?.(name);
      const cid = parseCid(await add(path, hooks)).toString();
      const { blake2b256, sizeBytes } = await digestsOfFile(path, hooks.signal);
      published.push({ name, cid, digest: blake2b256, sizeBytes, sectorBytes });
    }
  }
  await addToManifest(listPath, new Map(published.map(({ name, ...entry }) => [name, entry])));
  return published;
}

/** Sets by the beginnings of their ids; incomplete ones are only refused when they are named. */
export async function chosenSets(folder: string, ids: readonly string[]): Promise<readonly ParameterSet[]> {
  const sets = await listSets(folder);
  const chosen =
    ids.length === 0
      ? sets.filter(({ missing }) => missing.length === 0)
      : ids.flatMap((id) => {
          const found = sets.filter((set) => set.id.startsWith(id));
          const [broken] = found.flatMap(({ missing }) => missing);
          if (broken !== undefined) throw paramsErrors.unknown({ what: `with a whole ${broken}`, folder });
          if (found.length === 0) throw paramsErrors.unknown({ what: id, folder });
          return found;
        });
  if (chosen.length === 0) throw paramsErrors.unknown({ what: "that are whole", folder });
  return [...new Set(chosen)];
}

const boundary = "----holdfast-parameters-9b1f6a0c4e";

/**
 * Through the RPC of a Kubo node: CIDv1, raw leaves, pinned. Error `params/not-added`; `params/bad-source` if
 * the address is no http URL.
 */
export function kuboAdder(api: string): AddToIpfs {
  const base = URL.canParse(api) ? new URL(api) : undefined;
  if (base === undefined || !/^https?:$/.test(base.protocol)) {
    throw paramsErrors.badSource({
      source: api,
      problem: "an IPFS API has a URL such as http://127.0.0.1:5001",
    });
  }
  const url = new URL("/api/v0/add?cid-version=1&raw-leaves=true&pin=true&quieter=true", base);
  return async (path, { signal }) => {
    const name = basename(path);
    try {
      const answer = await textOf(await post(url, path, signal));
      const { Hash: hash } = JSON.parse(answer.trim().split("\n").at(-1) ?? "") as { Hash?: unknown };
      if (typeof hash !== "string") throw paramsErrors.notAdded({ name, detail: "the answer names no CID" });
      return parseCid(hash).toString();
    } catch (cause) {
      signal?.throwIfAborted();
      const detail = cause instanceof Error ? cause.message : String(cause);
      throw paramsErrors.notAdded({ name, detail }, cause);
    }
  };
}

async function post(url: URL, path: string, signal: AbortSignal | undefined): Promise<IncomingMessage> {
  const head = Buffer.from(
    `--${boundary}\r\ncontent-disposition: form-data; name="file"; filename="${basename(path)}"\r\n` +
      "content-type: application/octet-stream\r\n\r\n",
  );
  const tail = Buffer.from(`\r\n--${boundary}--\r\n`);
  const length = head.length + ((await sizeOf(path)) ?? 0) + tail.length;
  return new Promise((resolve, reject) => {
    const send = url.protocol === "https:" ? requestHttps : requestHttp;
    const headers = {
      "content-type": `multipart/form-data; boundary=${boundary}`,
      "content-length": String(length),
    };
    const sent = send(url, { method: "POST", headers, agent: false, ...(signal && { signal }) }, resolve);
    sent.on("error", reject);
    sent.write(head);
    const file = createReadStream(path, { highWaterMark: 1_048_576 });
    file.on("error", (cause) => sent.destroy(cause));
    file.on("end", () => sent.end(tail));
    file.pipe(sent, { end: false });
  });
}

/** An answer of a few lines. */
const maxAnswerBytes = 65_536;

async function textOf(response: IncomingMessage): Promise<string> {
  const chunks: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of response) {
    size += chunk.length;
    if (size > maxAnswerBytes) break;
    chunks.push(chunk);
  }
  const text = Buffer.concat(chunks).toString("utf8");
  if (response.statusCode === 200) return text;
  throw paramsErrors.badAnswer({ status: response.statusCode ?? 0, text: text.trim().slice(0, 200) });
}
