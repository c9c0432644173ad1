/** The twin of the database on disk for tests: the same order of events, nothing on disk. */
import { type CID, compareBytes, utf8Bytes } from "@holdfast/base";
import type { ChainDatabase, ScanOptions, Space, StoredEntry } from "./needs.ts";

interface Entry {
  readonly key: Uint8Array;
  readonly bytes: Uint8Array;
}

export function memoryDatabase(): ChainDatabase {
  const spaces = { objects: new Map<string, Entry>(), facts: new Map<string, Entry>() };
  const listeners = new Set<(cid: CID) => void>();
  /** In the order of a scan, made anew when one begins. */
  const sorted: { objects: readonly Entry[]; facts: readonly Entry[] } = { objects: [], facts: [] };
  return {
    get: (cid) => spaces.objects.get(textOf(cid.bytes))?.bytes,
    put(cid, bytes) {
      spaces.objects.set(textOf(cid.bytes), { key: cid.bytes, bytes });
      for (const listener of listeners) listener(cid);
    },
    has: (cid) => spaces.objects.has(textOf(cid.bytes)),
    getMeta: (key) => spaces.facts.get(key)?.bytes,
    async commit(meta) {
      for (const [key, value] of meta) {
        if (value === null) spaces.facts.delete(key);
        else spaces.facts.set(key, { key: utf8Bytes(key), bytes: value });
      }
    },
    async scan(space: Space, { after, count }: ScanOptions): Promise<readonly StoredEntry[]> {
      if (after === undefined)
        sorted[space] = [...spaces[space].values()].sort((a, b) => compareBytes(a.key, b.key));
      const from = after === undefined ? 0 : firstAfter(sorted[space], after);
      const page = sorted[space].slice(from, from + count);
      return page.map(({ key, bytes }) => ({ key, valueBytes: bytes.length }));
    },
    onPut(listener) {
      listeners.add(listener);
      return () => void listeners.delete(listener);
    },
    async discard(keys, isAlive) {
      const dead = keys.filter((key) => !isAlive(key));
      for (const key of dead) spaces.objects.delete(textOf(key));
      return dead.length;
    },
    async compact() {},
    async diskBytes() {
      let total = 0;
      for (const space of Object.values(spaces))
        for (const { key, bytes } of space.values()) total += key.length + bytes.length;
      return total;
    },
    async [Symbol.asyncDispose]() {},
  };
}

const textOf = (key: Uint8Array): string =>
  Buffer.from(key.buffer, key.byteOffset, key.length).toString("latin1");

function firstAfter(entries: readonly Entry[], after: Uint8Array): number {
  let low = 0;
  let high = entries.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    const entry = entries[middle];
    if (entry !== undefined && compareBytes(entry.key, after) <= 0) low = middle + 1;
    else high = middle;
  }
  return low;
}
