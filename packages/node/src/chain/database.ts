/**
 * Two databases for the chain with one behaviour: LevelDB on disk, read synchronously because the state
 * transition is synchronous, and memory for tests. Blocks are buffered until a commit writes them with
 * the facts that refer to them in one durable batch: a head never points at a missing block.
 */
import type { CID } from "@holdfast/base";
import { ClassicLevel } from "classic-level";
import { chainErrors } from "./errors.ts";
import type { ChainDatabase } from "./needs.ts";

type Meta = ReadonlyMap<string, Uint8Array | null>;

const blockKey = (cid: CID): Uint8Array => {
  const key = new Uint8Array(cid.bytes.length + 1);
  key[0] = 0x62; // b
  key.set(cid.bytes, 1);
  return key;
};
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
  return new LevelDatabase(level);
}

class LevelDatabase implements ChainDatabase {
  readonly #level: ClassicLevel<Uint8Array, Uint8Array>;
  /** Put but not yet durable: of the next commit, and of the one that is being written. */
  #waiting = new Map<string, { readonly key: Uint8Array; readonly bytes: Uint8Array }>();
  #writing = new Map<string, { readonly key: Uint8Array; readonly bytes: Uint8Array }>();
  readonly #meta = new Map<string, Uint8Array | null>();
  #last: Promise<void> = Promise.resolve();

  constructor(level: ClassicLevel<Uint8Array, Uint8Array>) {
    this.#level = level;
  }

  get(cid: CID): Uint8Array | undefined {
    const text = cid.toString();
    const buffered = this.#waiting.get(text) ?? this.#writing.get(text);
    return buffered?.bytes ?? this.#read(blockKey(cid));
  }
  put(cid: CID, bytes: Uint8Array): void {
    this.#waiting.set(cid.toString(), { key: blockKey(cid), bytes });
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
  async [Symbol.asyncDispose](): Promise<void> {
    await this.#last;
    await this.#level.close();
  }
}

/** The twin for tests: the same order of events, nothing on disk. */
export function memoryDatabase(): ChainDatabase {
  const blocks = new Map<string, Uint8Array>();
  const facts = new Map<string, Uint8Array>();
  return {
    get: (cid) => blocks.get(cid.toString()),
    put: (cid, bytes) => void blocks.set(cid.toString(), bytes),
    has: (cid) => blocks.has(cid.toString()),
    getMeta: (key) => facts.get(key),
    async commit(meta) {
      for (const [key, value] of meta) {
        if (value === null) facts.delete(key);
        else facts.set(key, value);
      }
    },
    async [Symbol.asyncDispose]() {},
  };
}
