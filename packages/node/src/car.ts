/**
 * CAR of version 1: a root and blocks in one byte stream (IPLD specification "Content Addressable aRchives").
 * Written section by section; read by a bounded strict reader that checks every block against its CID
 * before it hands it on. Used for files on their way to a sector, for retrieval and for the genesis.
 */
import {
  CID,
  cidFromBytes,
  concatBytes,
  decodeCbor,
  defineErrors,
  encodeCbor,
  encodeVarint,
  HoldfastError,
  verifyCid,
} from "@holdfast/base";

export const carErrors = defineErrors("car", {
  truncated: {
    exit: "network",
    message: (data: { atBytes: number }) =>
      `the CAR stream ends in the middle of a section at byte ${data.atBytes}`,
    fix: "fetch it again; what was verified is kept",
  },
  tooLong: {
    exit: "refused",
    message: (data: { what: string; claimedBytes: number; limitBytes: number }) =>
      `a ${data.what} of ${data.claimedBytes} bytes is over the limit of ${data.limitBytes}`,
    fix: "check that it is a CAR of version 1 or 2; if so, whoever made it does not keep to the format",
  },
  malformed: {
    exit: "refused",
    message: (data: { detail: string }) => `this is not a CAR stream: ${data.detail}`,
    fix: "check that the file is a CAR of version 1 or 2, and whole",
  },
  corrupt: {
    exit: "proof-invalid",
    message: (data: { cid: string }) => `the bytes of block ${data.cid} do not match its CID`,
    fix: "fetch the block from another peer",
  },
});

/** Caps of go-car after GHSA-9x4h-8wgm-8xfg, tighter: a header has one root, or the blocks of one tipset. */
const headerBytesMax = 4096;
/** A block of a file is at most 1 MiB here, and its CID is short. */
export const sectionBytesMax = 2 * 1024 * 1024;
const varintBytesMax = 5;

export interface CarBlock {
  readonly cid: CID;
  readonly bytes: Uint8Array;
}

export function carHeader(...roots: readonly CID[]): Uint8Array {
  const header = encodeCbor({ roots, version: 1 });
  return concatBytes(encodeVarint(header.length), header);
}

/** The part of a section before the block's bytes. */
export function carSectionHead(cid: CID, blockBytes: number): Uint8Array {
  return concatBytes(encodeVarint(cid.bytes.length + blockBytes), cid.bytes);
}

export function writeCar(root: CID, blocks: Iterable<CarBlock>): Uint8Array {
  const parts = [carHeader(root)];
  for (const { cid, bytes } of blocks) parts.push(carSectionHead(cid, bytes.length), bytes);
  return concatBytes(...parts);
}

/**
 * Reads a CAR stream; every block was checked against its CID.
 * Errors: `car/truncated`, `car/too-long`, `car/malformed`, `car/corrupt`.
 */
export async function readCar(
  source: AsyncIterable<Uint8Array>,
): Promise<{ readonly root: CID; readonly blocks: AsyncIterable<CarBlock> }> {
  const { roots, blocks } = await readCarOf(source, 1);
  const [root] = roots;
  if (root === undefined) throw carErrors.malformed({ detail: "it has not exactly one root" });
  return { root, blocks };
}

/** The same for a stream of several roots, at least one. */
export async function readCarOf(
  source: AsyncIterable<Uint8Array>,
  rootsMax: number,
): Promise<{ readonly roots: readonly CID[]; readonly blocks: AsyncIterable<CarBlock> }> {
  const bytes = new ByteQueue(source);
  const { version, roots } = await readHeader(bytes, rootsMax);
  if (version !== 1) throw carErrors.malformed({ detail: "its version is not 1" });
  return { roots, blocks: blocksOf(bytes) };
}

/** What a stream begins with: the roots of a version 1, or that it is a version 2. */
export async function readHeader(
  bytes: ByteQueue,
  rootsMax: number,
): Promise<{ readonly version: 1 | 2; readonly roots: readonly CID[] }> {
  const headerLength = await bytes.varint(headerBytesMax, "header");
  if (headerLength === undefined) throw carErrors.malformed({ detail: "it is empty" });
  return headerOf(await bytes.take(headerLength), rootsMax);
}

/** The sections up to the end; blocks are checked. */
export async function* blocksOf(bytes: ByteQueue): AsyncIterable<CarBlock> {
  for (;;) {
    const length = await bytes.varint(sectionBytesMax, "section");
    if (length === undefined) return;
    const section = await bytes.take(length);
    const cid = leadingCid(section);
    const block = section.subarray(cid.bytes.length);
    if (!verifyCid(cid, block)) throw carErrors.corrupt({ cid: cid.toString() });
    yield { cid, bytes: block };
  }
}

function headerOf(
  header: Uint8Array,
  rootsMax: number,
): { readonly version: 1 | 2; readonly roots: readonly CID[] } {
  const value = decodeCbor(header, { maxBytes: headerBytesMax });
  if (typeof value !== "object" || value === null || !("version" in value)) {
    throw carErrors.malformed({ detail: "its header has no version" });
  }
  if (value.version === 2) return { version: 2, roots: [] };
  if (value.version !== 1) throw carErrors.malformed({ detail: "its version is neither 1 nor 2" });
  if (!("roots" in value)) throw carErrors.malformed({ detail: "its header has no roots" });
  const { roots } = value;
  if (!Array.isArray(roots) || roots.length < 1 || roots.length > rootsMax || !roots.every(isCid)) {
    const wanted = rootsMax === 1 ? "exactly one root" : `one to ${rootsMax} roots`;
    throw carErrors.malformed({ detail: `it has not ${wanted}` });
  }
  return { version: 1, roots };
}

function isCid(value: unknown): value is CID {
  return value instanceof CID; // a map may have the same names
}

/** A CID in front of other bytes: v0 is a bare sha2-256 multihash, v1 announces its own length. `car/malformed`. */
export function leadingCid(section: Uint8Array): CID {
  try {
    return cidFromBytes(section.slice(0, cidLength(section)));
  } catch (error) {
    if (!(error instanceof HoldfastError) || error.code.startsWith("car/")) throw error;
    throw carErrors.malformed({ detail: error.message }, error);
  }
}

function cidLength(section: Uint8Array): number {
  if (section[0] === 0x12 && section[1] === 0x20) return 34;
  let at = 0;
  const skipVarint = (): number => {
    let value = 0;
    for (let scale = 1; ; scale *= 128) {
      const byte = section[at];
      at += 1;
      if (byte === undefined || scale > 2 ** 28) throw carErrors.malformed({ detail: "a CID does not end" });
      value += (byte & 0x7f) * scale;
      if (byte < 0x80) return value;
    }
  };
  skipVarint(); // version
  skipVarint(); // codec
  skipVarint(); // hash function
  const digestBytes = skipVarint();
  if (at + digestBytes > section.length)
    throw carErrors.malformed({ detail: "a CID is longer than its section" });
  return at + digestBytes;
}

/** Takes exact lengths from a stream of chunks; never holds more than one section and one chunk. */
export class ByteQueue {
  readonly #source: AsyncIterator<Uint8Array>;
  #chunk: Uint8Array = new Uint8Array(0);
  #atBytes = 0;
  /** Bytes after which the stream ends for the reader, whatever follows. */
  #leftBytes = Number.POSITIVE_INFINITY;

  constructor(source: AsyncIterable<Uint8Array>) {
    this.#source = source[Symbol.asyncIterator]();
  }

  /** A length in front of a header or section; undefined at the end of the stream. */
  async varint(limitBytes: number, what: string): Promise<number | undefined> {
    let value = 0;
    for (let index = 0; index < varintBytesMax; index += 1) {
      const byte = await this.#byte();
      if (byte === undefined && index === 0) return undefined;
      if (byte === undefined) throw carErrors.truncated({ atBytes: this.#atBytes });
      value += (byte & 0x7f) * 128 ** index;
      if (byte >= 0x80) continue;
      if (value > limitBytes) throw carErrors.tooLong({ what, claimedBytes: value, limitBytes });
      if (value === 0) throw carErrors.malformed({ detail: `an empty ${what}` });
      return value;
    }
    throw carErrors.malformed({ detail: `the length of a ${what} does not end` });
  }

  async take(length: number): Promise<Uint8Array> {
    const parts: Uint8Array[] = [];
    let missing = length;
    while (missing > 0) {
      if (this.#chunk.length === 0 && !(await this.#refill())) {
        throw carErrors.truncated({ atBytes: this.#atBytes });
      }
      const part = this.#chunk.subarray(0, missing);
      this.#advance(part.length);
      parts.push(part);
      missing -= part.length;
    }
    const [only] = parts;
    return parts.length === 1 && only !== undefined ? only : concatBytes(...parts);
  }

  async skip(length: number): Promise<void> {
    for (let missing = length; missing > 0; ) {
      if (this.#chunk.length === 0 && !(await this.#refill()))
        throw carErrors.truncated({ atBytes: this.#atBytes });
      const part = Math.min(missing, this.#chunk.length);
      this.#advance(part);
      missing -= part;
    }
  }
  /** The stream ends so many bytes from here. */
  endAfter(length: number): void {
    this.#leftBytes = length - this.#chunk.length;
    if (this.#leftBytes >= 0) return;
    this.#chunk = this.#chunk.subarray(0, length);
    this.#leftBytes = 0;
  }

  async #byte(): Promise<number | undefined> {
    if (this.#chunk.length === 0 && !(await this.#refill())) return undefined;
    const byte = this.#chunk[0];
    this.#advance(1);
    return byte;
  }
  #advance(count: number): void {
    this.#chunk = this.#chunk.subarray(count);
    this.#atBytes += count;
  }
  async #refill(): Promise<boolean> {
    while (this.#leftBytes > 0) {
      const next = await this.#source.next();
      if (next.done === true) return false;
      if (next.value.length === 0) continue;
      this.#chunk = next.value.subarray(0, this.#leftBytes);
      this.#leftBytes -= this.#chunk.length;
      return true;
    }
    return false;
  }
}
