/** Files in memory, as the encryption sees them, and a wallet for it. */

import { HoldfastError, rawCid, sha256, toHex } from "@holdfast/base";
import { SeededRandom, SimDisk } from "@holdfast/base/testing";
import { openEncryption, type PeoplesFiles, type StoredFiles } from "../../src/encryption/index.ts";
import { nameProblem, retrievalErrors } from "../../src/retrieval/index.ts";
import { openWallet, type Wallet } from "../../src/wallet/index.ts";

export const signal = new AbortController().signal;

export interface MemoryFiles extends StoredFiles {
  /** By CID. */
  readonly stored: Map<string, Uint8Array>;
  /** Bytes that were asked for and given, of all files. */
  readBytes: number;
}

/** A file has the CID of all its bytes; it comes in uneven chunks. */
export function memoryFiles(chunkBytes = 50_000): MemoryFiles {
  const stored = new Map<string, Uint8Array>();
  const files: MemoryFiles = {
    stored,
    readBytes: 0,
    async importFile(bytes) {
      const parts: Uint8Array[] = [];
      for await (const part of bytes) parts.push(Uint8Array.from(part));
      const all = new Uint8Array(Buffer.concat(parts));
      if (all.length === 0) throw retrievalErrors.emptyFile({});
      const cid = rawCid(all).toString();
      stored.set(cid, all);
      return { cid, sizeBytes: all.length, carBytes: all.length + 100 };
    },
    importFolder: async () => ({ cid: "folder", sizeBytes: 0, carBytes: 0 }),
    async openFile(cid, { offsetBytes, lengthBytes, path }) {
      if (cid === "folder" && path === undefined) throw retrievalErrors.isAFolder({ cid });
      const all = stored.get(cid === "folder" ? (path ?? "") : cid);
      if (all === undefined) throw retrievalErrors.noEntry({ root: cid, path: path ?? "" });
      if (offsetBytes > all.length) throw retrievalErrors.badOffset({ offsetBytes, sizeBytes: all.length });
      const end = Math.min(all.length, offsetBytes + (lengthBytes ?? all.length));
      const bytes = (async function* () {
        for (let at = offsetBytes; at < end; at += chunkBytes) {
          const part = all.subarray(at, Math.min(end, at + chunkBytes));
          files.readBytes += part.length;
          yield part;
        }
      })();
      return { sizeBytes: all.length, bytes };
    },
    openFolder: async () => {
      throw retrievalErrors.notAFolder({ cid: "" });
    },
    async *list(cid) {
      yield { name: "", kind: "file" as const, cid, sizeBytes: 1, target: null };
    },
    remove: async (cid) => stored.delete(cid),
    allow: () => undefined,
    stat: async (cid) => ({ cid, sizeBytes: 0, localBytes: 0, providers: [] }),
  };
  return files;
}

export async function walletOf(seed: string): Promise<Wallet> {
  const random = new SeededRandom(seed);
  const wallet = await openWallet({ disk: new SimDisk(), secret: random.bytes(32), random, network: 1 });
  await wallet.newAccount();
  return wallet;
}

export interface Person {
  readonly wallet: Wallet;
  readonly files: PeoplesFiles;
}

export async function personWith(stored: StoredFiles, seed: string): Promise<Person> {
  const wallet = await walletOf(seed);
  return { wallet, files: openEncryption({ files: stored, keys: wallet, nameProblem }) };
}

export async function* chunked(bytes: Uint8Array, chunkBytes = 10_007): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < bytes.length; at += chunkBytes) yield bytes.subarray(at, at + chunkBytes);
}

export async function allOf(bytes: AsyncIterable<Uint8Array>): Promise<Uint8Array> {
  const parts: Uint8Array[] = [];
  for await (const part of bytes) parts.push(Uint8Array.from(part));
  return new Uint8Array(Buffer.concat(parts));
}

export async function read(
  { files }: Pick<Person, "files">,
  cid: string,
  query: Partial<Parameters<PeoplesFiles["openFile"]>[1]> = {},
): Promise<Uint8Array> {
  return allOf((await files.openFile(cid, { offsetBytes: 0, ...query }, signal)).bytes);
}

export const digest = (bytes: Uint8Array): string => toHex(sha256(bytes));

export async function codeOf(work: Promise<unknown>): Promise<string> {
  try {
    await work;
  } catch (error) {
    if (error instanceof HoldfastError) return error.code;
    throw error;
  }
  return "";
}
