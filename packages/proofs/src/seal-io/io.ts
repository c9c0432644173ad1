/**
 * A seal is larger than the memory one wants to give it, so its bytes come through an input, leave through a sink
 * as soon as they are made, and are read again by ranges. Offsets are those of `aux` (sealed.ts of each kind), so
 * that a file that was written through a sink is the array that sealing in memory gives.
 */
import { proofsErrors } from "../errors.ts";
import { paddedBlockBytes, padUserInto, userBlockBytes } from "../fr32/index.ts";
import { awaited, type Steps } from "../steps/index.ts";

/** The padded data of a sector. */
export interface SealInput {
  /**
   * Fills all of `into`, whatever it holds, with the data from `offset` on. Asked once for each part, in order, in
   * whole blocks of 128 bytes.
   */
  read(offset: number, into: Uint8Array): void | Promise<void>;
}

export interface SealSink {
  /**
   * Takes one part of `aux`; parts come in any order, each once, several at a time. The bytes stay as they are
   * until the promise is fulfilled.
   */
  write(offset: number, bytes: Uint8Array): void | Promise<void>;
}

export interface SealSource {
  /**
   * A part of `aux`; fewer bytes at its end. They may lie in `room`, which is as long; elsewhere they are the reader's
   * only until it reads again.
   */
  read(offset: number, length: number, room?: Uint8Array): Uint8Array | Promise<Uint8Array>;
}

/**
 * What was written can be read, for kinds that need earlier parts again. A store that outlives the one who seals may
 * have the beginning of this very seal from before: the same identity and data give the same bytes, so the seal goes on
 * behind it.
 */
export interface SealStore extends SealSink, SealSource {
  /** Layers that it has whole, with the data and all that lies below; 0 when left out. */
  readonly doneLayers?: number;
  /** Says that everything up to the end of this layer has been taken by `write`. Each layer once, in order. */
  reached?(layers: number): void;
}

/** Bytes that are read at once into a room. */
const roomChunkBytes = 2 ** 22;

/** Fills a room with what a store has from `offset` on. Throws proofs/bad-length, the store's errors. */
export function* readInto(source: SealSource, offset: number, room: Uint8Array): Steps<void> {
  for (let from = 0; from < room.length; from += roomChunkBytes) {
    const length = Math.min(roomChunkBytes, room.length - from);
    const place = room.subarray(from, from + length);
    const part = yield* awaited(source.read(offset + from, length, place));
    if (part.length !== length) {
      const expected = offset + from + length;
      const found = offset + from + part.length;
      throw proofsErrors.badLength({ what: "what the seal left", length: found, expected });
    }
    if (part.buffer !== place.buffer || part.byteOffset !== place.byteOffset) place.set(part);
  }
}

/** Bytes in memory. */
export function bytesSource(bytes: Uint8Array): SealSource {
  return { read: (offset, length) => bytes.subarray(offset, offset + length) };
}

/** Padded data in memory. */
export function bytesInput(data: Uint8Array): SealInput {
  return {
    read: (offset, into) => {
      const part = data.subarray(offset, offset + into.length);
      into.set(part);
      into.fill(0, part.length);
    },
  };
}

/** Reads user bytes, each once and in order; fewer, or none, where zeros fill the sector. */
export type UserReader = (startUserBytes: number, userBytes: number) => Uint8Array | Promise<Uint8Array>;

/** User bytes that are padded as they come. */
export function userInput(read: UserReader): SealInput {
  return {
    read: (offset, into) => {
      const blocks = into.length / paddedBlockBytes;
      const start = (offset / paddedBlockBytes) * userBlockBytes;
      const user = read(start, blocks * userBlockBytes);
      if (user instanceof Promise) return user.then((bytes) => padUserInto(bytes, into));
      padUserInto(user, into);
    },
  };
}

/** All of `aux` in memory: for small sectors, tests, and callers that want the bytes. */
export class MemoryStore implements SealStore {
  readonly bytes: Uint8Array;

  constructor(length: number) {
    this.bytes = new Uint8Array(length);
  }

  write(offset: number, bytes: Uint8Array): void {
    this.bytes.set(bytes, offset);
  }

  read(offset: number, length: number): Uint8Array {
    return this.bytes.subarray(offset, offset + length);
  }
}
