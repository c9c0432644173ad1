/**
 * A seal is larger than the memory one wants to give it, so its bytes come through an input, leave through a sink
 * as soon as they are made, and are read again by ranges. Offsets are those of `aux` (sealed.ts of each kind), so
 * that a file that was written through a sink is the array that sealing in memory gives.
 */
import { paddedBlockBytes, padUser, userBlockBytes } from "../fr32/index.ts";

/** The padded data of a sector. */
export interface SealInput {
  /**
   * Fills `into` with the data from `offset` on. Asked once for each part, in order, in whole blocks of 128 bytes.
   * `into` is all zeros.
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
  /** A part of `aux`; fewer bytes at its end. They are the reader's only until it reads again. */
  read(offset: number, length: number): Uint8Array | Promise<Uint8Array>;
}

/** What was written can be read, for kinds that need earlier parts again. */
export type SealStore = SealSink & SealSource;

/** Bytes in memory. */
export function bytesSource(bytes: Uint8Array): SealSource {
  return { read: (offset, length) => bytes.subarray(offset, offset + length) };
}

/** Padded data in memory. */
export function bytesInput(data: Uint8Array): SealInput {
  return { read: (offset, into) => into.set(data.subarray(offset, offset + into.length)) };
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
      if (user instanceof Promise) return user.then((bytes) => into.set(padUser(bytes)));
      into.set(padUser(user));
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
