/**
 * The index of a miner's pieces: which block lies where in which CAR stream. Built from the streams themselves, one
 * at a time, when a payload is stored and for all that are there at the start. Invariants: a block that is found is
 * read and checked against its hash before anybody gets it; what is not there any more leaves the index.
 */
import { type CID, type Logger, parseCid, verifyCid } from "@holdfast/base";
import { Bounded } from "../../bounded.ts";
import { carHeader, readCar } from "../../car.ts";
import { limits } from "../../limits.ts";
import type { CarSource, OpenCar } from "../needs.ts";
import { sectionBytes } from "../walk.ts";
import type { BlockPlace, IndexStore } from "./store.ts";

export interface PieceIndex extends AsyncDisposable {
  /** Verified; undefined if no piece has it, or none of the payload `within`. */
  block(cid: CID, within?: CID): Promise<Uint8Array | undefined>;
  /** Whether a piece should have it: it is not looked at. */
  has(cid: CID): boolean;
  /** Where in its stream a section, or the header, begins at or before a place; undefined if it is not indexed. */
  sectionBefore(payload: CID, offsetBytes: number): number | undefined;
  /** Of a payload that is indexed. */
  carBytes(payload: CID): Promise<number | undefined>;
  /** The payloads that are indexed, in the order in which they came. */
  payloads(): Iterable<CID>;
  count(): { readonly payloads: number; readonly blocks: number };
  /** Resolves when the payload is indexed, or cannot be. */
  add(payload: CID): Promise<void>;
  /** Resolves when all that was there at the time of the call is indexed. */
  settled(): Promise<void>;
}

export function openPieceIndex(needs: {
  readonly store: IndexStore;
  readonly sources: readonly CarSource[];
  readonly logger: Logger;
}): PieceIndex {
  return new BlockIndex(needs);
}

class BlockIndex implements PieceIndex {
  readonly #store: IndexStore;
  readonly #sources: readonly CarSource[];
  readonly #logger: Logger;
  /** Streams that were read last. */
  readonly #open = new Bounded<OpenCar>(limits.indexedOpen);
  readonly #stop = new AbortController();
  readonly #ends: (() => void)[] = [];
  /** Indexing runs one after the other. */
  #last: Promise<unknown> = Promise.resolve();

  constructor({ store, sources, logger }: Parameters<typeof openPieceIndex>[0]) {
    this.#store = store;
    this.#sources = sources;
    this.#logger = logger;
    for (const { onStored } of sources) {
      if (onStored !== undefined) this.#ends.push(onStored((payload) => this.#queue(payload)));
    }
    this.#enqueue(() => this.#catchUp());
  }

  async block(cid: CID, within?: CID): Promise<Uint8Array | undefined> {
    const only = within?.toString();
    for (const { payload, offsetBytes, lengthBytes } of this.#store.find(cid.multihash.bytes, only)) {
      try {
        const car = await this.#carOf(payload);
        if (car === undefined) {
          this.#store.drop(payload);
          continue;
        }
        const bytes = await readWhole(car, cid, { offsetBytes, lengthBytes });
        if (bytes !== undefined) return bytes;
        this.#logger.warn("a stored block is damaged", { payload, cid: cid.toString() });
      } catch (error) {
        this.#open.delete(payload);
        this.#logger.warn("a stored block cannot be read", { payload, detail: String(error) });
      }
    }
    return undefined;
  }
  has(cid: CID): boolean {
    return this.#store.find(cid.multihash.bytes).length > 0;
  }
  sectionBefore(payload: CID, offsetBytes: number): number | undefined {
    const name = payload.toString();
    if (!this.#store.isWhole(name)) return undefined;
    const first = carHeader(payload).length;
    return offsetBytes < first ? 0 : (this.#store.endBefore(name, offsetBytes) ?? first);
  }
  async carBytes(payload: CID): Promise<number | undefined> {
    if (!this.#store.isWhole(payload.toString())) return undefined;
    return (await this.#carOf(payload.toString()))?.carBytes;
  }
  *payloads(): Generator<CID, void, undefined> {
    for (let after = 0; ; ) {
      const page = this.#store.payloads(after, limits.indexBatch);
      for (const { serial, payload } of page) {
        yield parseCid(payload);
        after = serial;
      }
      if (page.length < limits.indexBatch) return;
    }
  }
  count(): { readonly payloads: number; readonly blocks: number } {
    return this.#store.count();
  }
  add(payload: CID): Promise<void> {
    this.#queue(payload);
    return this.settled();
  }
  async settled(): Promise<void> {
    await this.#last;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const end of this.#ends) end();
    this.#stop.abort();
    await this.#last;
  }

  #queue(payload: CID): void {
    this.#enqueue(() => this.#index(payload));
  }
  #enqueue(work: () => Promise<void>): void {
    this.#last = this.#last.then(work).catch((error: unknown) => {
      if (this.#stop.signal.aborted) return;
      this.#logger.warn("a payload is not indexed", { detail: String(error) });
    });
  }

  /** What was stored or dropped while nobody looked. */
  async #catchUp(): Promise<void> {
    for (const { payloads } of this.#sources) {
      for (const payload of payloads?.() ?? []) {
        if (this.#stop.signal.aborted) return;
        await this.#index(payload).catch((error: unknown) =>
          this.#logger.warn("a payload is not indexed", {
            payload: payload.toString(),
            detail: String(error),
          }),
        );
      }
    }
  }

  async #index(payload: CID): Promise<void> {
    const name = payload.toString();
    if (this.#stop.signal.aborted || this.#store.isWhole(name)) return;
    const car = await this.#carOf(name);
    if (car === undefined) return;
    const serial = this.#store.begin(name);
    let places: BlockPlace[] = [];
    let at = carHeader(payload).length;
    const { blocks } = await readCar(car.read(0));
    for await (const { cid, bytes } of blocks) {
      if (this.#stop.signal.aborted) return;
      at += sectionBytes(cid, bytes.length);
      const lengthBytes = bytes.length;
      places.push({ hash: cid.multihash.bytes, offsetBytes: at - lengthBytes, lengthBytes });
      if (places.length < limits.indexBatch) continue;
      this.#store.add(serial, places);
      places = [];
    }
    this.#store.add(serial, places);
    this.#store.end(serial, car.carBytes);
    this.#logger.debug("a payload is indexed", { payload: name });
  }

  async #carOf(payload: string): Promise<OpenCar | undefined> {
    const known = this.#open.get(payload);
    if (known !== undefined) return known;
    for (const source of this.#sources) {
      const car = await source.open(parseCid(payload));
      if (car === undefined) continue;
      this.#open.set(payload, car);
      return car;
    }
    return undefined;
  }
}

/** The block, if need be from where its source has it besides; undefined if it is what it should be nowhere. */
async function readWhole(
  car: OpenCar,
  cid: CID,
  { offsetBytes, lengthBytes }: Pick<BlockPlace, "offsetBytes" | "lengthBytes">,
): Promise<Uint8Array | undefined> {
  const first = await readRange(car, offsetBytes, lengthBytes);
  if (first !== undefined && verifyCid(cid, first)) return first;
  if ((await car.doubt?.(offsetBytes, lengthBytes)) !== true) return undefined;
  const second = await readRange(car, offsetBytes, lengthBytes);
  return second !== undefined && verifyCid(cid, second) ? second : undefined;
}

/** Undefined if the stream ends before. */
async function readRange(
  car: OpenCar,
  offsetBytes: number,
  lengthBytes: number,
): Promise<Uint8Array | undefined> {
  const bytes = new Uint8Array(lengthBytes);
  let at = 0;
  for await (const part of car.read(offsetBytes, lengthBytes)) {
    const taken = part.subarray(0, lengthBytes - at);
    bytes.set(taken, at);
    at += taken.length;
    if (at === lengthBytes) return bytes;
  }
  return at === lengthBytes ? bytes : undefined;
}
