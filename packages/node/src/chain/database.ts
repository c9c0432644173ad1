/**
 * The chain's database on disk: LevelDB, read synchronously because the state transition is synchronous.
 * Objects are buffered until a commit writes them with the facts that refer to them in one durable batch: a
 * head never points at a missing object. Removals stand in the same line as commits.
 */
import { readdir, stat } from "node:fs/promises";
import { join } from "node:path";
import type { CID } from "@holdfast/base";
import { ClassicLevel } from "classic-level";
import { chainErrors } from "./errors.ts";
import type { ChainDatabase, ScanOptions, Space, StoredEntry } from "./needs.ts";

type Meta = ReadonlyMap<string, Uint8Array | null>;

/** The byte in front of every key: `b` and `m`. */
const prefixes: { readonly [Name in Space]: number } = { objects: 0x62, facts: 0x6d };

function keyIn(space: Space, name: Uint8Array): Uint8Array {
  const key = new Uint8Array(name.length + 1);
  key[0] = prefixes[space];
  key.set(name, 1);
  return key;
}
const blockKey = (cid: CID): Uint8Array => keyIn("objects", cid.bytes);
const metaKey = (name: string): Uint8Array => Buffer.from(`m${name}`);

/** Errors: `chain/in-use`, `chain/damaged`, later `chain/full`. */
export async function openLevelDatabase(path: string): Promise<ChainDatabase> {
  const level = new ClassicLevel<Uint8Array, Uint8Array>(path, {
    keyEncoding: "view",
    valueEncoding: "view",
  });
  try {
    await level.open();
  } catch (cause) {
    const inner = cause instanceof Error ? cause.cause : undefined;
    const code = inner instanceof Error && "code" in inner ? String(inner.code) : "";
    if (code === "LEVEL_LOCKED") throw chainErrors.inUse({ path }, cause);
    throw chainErrors.damaged(
      { path, detail: inner instanceof Error ? inner.message : String(cause) },
      cause,
    );
  }
  return new LevelDatabase(level, path);
}

class LevelDatabase implements ChainDatabase {
  readonly #level: ClassicLevel<Uint8Array, Uint8Array>;
  /** Put but not yet durable: of the next commit, and of the one that is being written. */
  #waiting = new Map<string, { readonly key: Uint8Array; readonly bytes: Uint8Array }>();
  #writing = new Map<string, { readonly key: Uint8Array; readonly bytes: Uint8Array }>();
  readonly #meta = new Map<string, Uint8Array | null>();
  readonly #path: string;
  readonly #listeners = new Set<(cid: CID) => void>();
  #last: Promise<unknown> = Promise.resolve();

  constructor(level: ClassicLevel<Uint8Array, Uint8Array>, path: string) {
    this.#level = level;
    this.#path = path;
  }

  get(cid: CID): Uint8Array | undefined {
    const text = cid.toString();
    const buffered = this.#waiting.get(text) ?? this.#writing.get(text);
    return buffered?.bytes ?? this.#read(blockKey(cid));
  }
  put(cid: CID, bytes: Uint8Array): void {
    this.#waiting.set(cid.toString(), { key: blockKey(cid), bytes });
    for (const listener of this.#listeners) listener(cid);
  }
  has(cid: CID): boolean {
    return this.get(cid) !== undefined;
  }
  getMeta(key: string): Uint8Array | undefined {
    const pending = this.#meta.get(key);
    if (pending !== undefined) return pending ?? undefined;
    return this.#read(metaKey(key));
  }
  /** Level gives Buffers, whose `slice` is a view where ours is a copy. */
  #read(key: Uint8Array): Uint8Array | undefined {
    const found = this.#level.getSync(key);
    return found === undefined ? undefined : new Uint8Array(found.buffer, found.byteOffset, found.length);
  }
  commit(meta: Meta): Promise<void> {
    for (const [key, value] of meta) this.#meta.set(key, value);
    const result = this.#last.then(() => this.#write(meta));
    this.#last = result.catch(() => undefined);
    return result;
  }
  async #write(meta: Meta): Promise<void> {
    this.#writing = new Map([...this.#writing, ...this.#waiting]);
    this.#waiting = new Map();
    const batch = this.#level.batch();
    for (const { key, bytes } of this.#writing.values()) batch.put(key, bytes);
    for (const [name, value] of meta) {
      if (value === null) batch.del(metaKey(name));
      else batch.put(metaKey(name), value);
    }
    try {
      await batch.write({ sync: true });
    } catch (cause) {
      // As if it had never been said; blocks are only found by who knows of them and go with the next batch.
      this.#forget(meta);
      throw chainErrors.full({ detail: cause instanceof Error ? cause.message : String(cause) }, cause);
    }
    this.#writing = new Map();
    this.#forget(meta);
  }
  #forget(meta: Meta): void {
    for (const [name, value] of meta) if (this.#meta.get(name) === value) this.#meta.delete(name);
  }
  async scan(space: Space, { after, count, sizes }: ScanOptions): Promise<readonly StoredEntry[]> {
    const range = {
      gt: keyIn(space, after ?? new Uint8Array(0)),
      lt: Uint8Array.of(prefixes[space] + 1),
      limit: count,
      fillCache: false,
    };
    const nameOf = (key: Uint8Array): Uint8Array => Uint8Array.from(key.subarray(1));
    if (sizes !== true) {
      const keys = await this.#level.keys(range).all();
      return keys.map((key) => ({ key: nameOf(key), valueBytes: 0 }));
    }
    const entries = await this.#level.iterator(range).all();
    return entries.map(([key, value]) => ({ key: nameOf(key), valueBytes: value.length }));
  }
  onPut(listener: (cid: CID) => void): () => void {
    this.#listeners.add(listener);
    return () => void this.#listeners.delete(listener);
  }
  discard(keys: readonly Uint8Array[], isAlive: (key: Uint8Array) => boolean): Promise<number> {
    const result = this.#last.then(() => this.#remove(keys.filter((key) => !isAlive(key))));
    this.#last = result.catch(() => undefined);
    return result;
  }
  /** Not synced: what a power cut brings back is as dead as before. */
  async #remove(dead: readonly Uint8Array[]): Promise<number> {
    if (dead.length === 0) return 0;
    try {
      await this.#level.batch(dead.map((key) => ({ type: "del", key: keyIn("objects", key) })));
    } catch (cause) {
      throw chainErrors.full({ detail: cause instanceof Error ? cause.message : String(cause) }, cause);
    }
    return dead.length;
  }
  async compact(): Promise<void> {
    for (const prefix of Object.values(prefixes))
      await this.#level.compactRange(Uint8Array.of(prefix), Uint8Array.of(prefix + 1));
  }
  async diskBytes(): Promise<number> {
    let total = 0;
    for (const name of await readdir(this.#path)) {
      // The database removes files of its own while we look.
      total += (await stat(join(this.#path, name)).catch(() => undefined))?.size ?? 0;
    }
    return total;
  }
  async [Symbol.asyncDispose](): Promise<void> {
    await this.#last;
    await this.#level.close();
  }
}
