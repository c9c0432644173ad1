/**
 * What the chain's database holds, by kind: counted entry for entry, with the bytes of keys and values. The files of
 * the database are compared with the sum: they are compressed, and hold removed entries until they are written anew.
 */
import { type Clock, utf8Text } from "@holdfast/base";
import { limits } from "../limits.ts";
import type { ChainDatabase, Space } from "./needs.ts";

export interface StoredKind {
  readonly kind: string;
  readonly entries: number;
  readonly bytes: number;
}

export interface Inventory {
  readonly kinds: readonly StoredKind[];
  readonly totalBytes: number;
  /** Of the database's files. */
  readonly diskBytes: number;
}

/** By what stands before the slash in the name of a fact. */
const kindOf: { readonly [prefix: string]: string } = {
  t: "tipsets",
  hd: "headers",
  b: "messages",
  r: "receipts",
  at: "index",
  h: "index",
  m: "index",
};
const kindOrder = ["objects of states", "headers", "tipsets", "messages", "receipts", "index", "other facts"];

/** One byte in front of every key says which space it is in. */
const prefixBytes = 1;

export async function takeInventory(
  database: ChainDatabase,
  clock: Clock,
  signal: AbortSignal,
): Promise<Inventory> {
  const kinds = new Map(kindOrder.map((kind) => [kind, { kind, entries: 0, bytes: 0 }]));
  for (const space of ["objects", "facts"] as const) {
    for await (const { key, valueBytes } of entriesOf(database, space, clock, signal)) {
      const prefix = space === "objects" ? "" : (utf8Text(key).split("/", 1)[0] ?? "");
      const kind = kinds.get(space === "objects" ? "objects of states" : (kindOf[prefix] ?? "other facts"));
      if (kind === undefined) continue;
      kind.entries += 1;
      kind.bytes += key.length + prefixBytes + valueBytes;
    }
  }
  const list = [...kinds.values()].filter(({ entries }) => entries > 0);
  const totalBytes = list.reduce((sum, { bytes }) => sum + bytes, 0);
  return { kinds: list, totalBytes, diskBytes: await database.diskBytes() };
}

async function* entriesOf(database: ChainDatabase, space: Space, clock: Clock, signal: AbortSignal) {
  const count = limits.pruneSliceObjects;
  for (let after: Uint8Array | undefined; ; ) {
    const page = await database.scan(space, {
      count,
      sizes: true,
      ...(after === undefined ? {} : { after }),
    });
    yield* page;
    after = page.at(-1)?.key;
    if (page.length < count) return;
    await clock.sleep(1, signal);
  }
}
