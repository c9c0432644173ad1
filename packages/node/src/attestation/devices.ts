/** The machine's own devices, and the network's documents, bounded. */
import { mkdir, open, rmdir, stat } from "node:fs/promises";
import { limits } from "../limits.ts";
import { attestationErrors } from "./errors.ts";
import type { Devices, Fetcher } from "./needs.ts";

const codeOf = (error: unknown): string =>
  error instanceof Error && "code" in error ? String(error.code) : String(error);

async function failing<Result>(path: string, work: () => Promise<Result>): Promise<Result> {
  try {
    return await work();
  } catch (error) {
    throw attestationErrors.deviceFailed({ path, problem: codeOf(error) }, error);
  }
}

const absent = new Set(["ENOENT", "ENOTDIR"]);

export const machineDevices: Devices = {
  async read(path, mostBytes) {
    try {
      await using file = await open(path, "r");
      // Such files say nothing of their size: what comes is read, one byte more than there may be.
      const buffer = Buffer.alloc(mostBytes + 1);
      let length = 0;
      for (;;) {
        const { bytesRead } = await file.read(buffer, length, buffer.length - length, length);
        length += bytesRead;
        if (bytesRead === 0 || length === buffer.length) break;
      }
      if (length > mostBytes)
        throw attestationErrors.deviceFailed({ path, problem: `more than ${mostBytes} bytes` });
      return new Uint8Array(buffer.subarray(0, length));
    } catch (error) {
      if (absent.has(codeOf(error))) return undefined;
      return await failing(path, () => Promise.reject(error));
    }
  },
  write: (path, bytes) =>
    failing(path, async () => {
      await using file = await open(path, "r+");
      await file.write(bytes, 0, bytes.length, 0);
    }),
  isFolder: async (path) => (await stat(path).catch(() => undefined))?.isDirectory() === true,
  makeFolder: (path) => failing(path, () => mkdir(path)),
  removeFolder: (path) => failing(path, () => rmdir(path)),
};

/** HTTPS, and HTTP to services of one's own; no more bytes and time than the limits say. */
export const networkFetcher: Fetcher = {
  async get(url, signal) {
    const late = AbortSignal.timeout(limits.collateralFetchMs);
    const both = signal === undefined ? late : AbortSignal.any([late, signal]);
    try {
      const response = await fetch(url, { signal: both, redirect: "error" });
      if (!response.ok) {
        await response.body?.cancel();
        throw attestationErrors.notFetched({ url, problem: `HTTP ${response.status}` });
      }
      return { bytes: await bounded(response, url), headers: new Map(response.headers) };
    } catch (error) {
      signal?.throwIfAborted();
      if (error instanceof Error && "code" in error && String(error.code).startsWith("attestation/"))
        throw error;
      throw attestationErrors.notFetched({ url, problem: detailOf(error) }, error);
    }
  },
};

async function bounded(response: Response, url: string): Promise<Uint8Array> {
  const parts: Uint8Array[] = [];
  let length = 0;
  const body: AsyncIterable<Uint8Array> | null = response.body;
  for await (const part of body ?? []) {
    length += part.length;
    if (length > limits.collateralFetchBytes) {
      throw attestationErrors.badCollateral({
        url,
        problem: `more than ${limits.collateralFetchBytes} bytes`,
      });
    }
    parts.push(part);
  }
  return new Uint8Array(Buffer.concat(parts));
}

function detailOf(error: unknown): string {
  const cause = error instanceof Error && error.cause instanceof Error ? error.cause : error;
  return cause instanceof Error ? cause.message || codeOf(cause) : String(cause);
}
