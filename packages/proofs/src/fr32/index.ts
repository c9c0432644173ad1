/**
 * Fr32: user bytes as field elements. The stream of bits (least significant first in each byte) is cut into
 * units of 254, each followed by two zero bits, so that every 32-byte little-endian element is below 2^254 and
 * with that below the field's modulus. 127 user bytes become 128; a last unit that is not full is filled with
 * zero bits to a whole element.
 * Invariant: the padded bytes depend on the user bytes alone, never on how they were cut into chunks.
 * Source: Filecoin specs, piece data; rust-fil-proofs' Fr32Reader (today's form, with the filled tail).
 */
import { assert } from "@holdfast/base";
import { fr32Errors } from "./errors.ts";

export { fr32Errors } from "./errors.ts";

/** User bits of one element. */
const unitBits = 254;
const elementBytes = 32;
/** User bytes after which units and bytes fall together again, and the padded bytes that they become. */
export const userBlockBytes = 127;
export const paddedBlockBytes = 128;
const elementsPerBlock = 4;
/** The bits of an element's last byte that carry data. */
const elementTopMask = 0x3f;

/** Padded bytes (whole elements) of this many user bytes. */
export function paddedLength(userBytes: number): number {
  return Math.ceil((userBytes * 8) / unitBits) * elementBytes;
}

/** The most user bytes that this many padded bytes (whole elements) hold. */
export function userCapacity(paddedBytes: number): number {
  return Math.floor(((paddedBytes / elementBytes) * unitBits) / 8);
}

/**
 * Pads one block of 127 bytes. Element k starts at bit 254·k, that is 2k bits before a byte boundary: each of
 * its bytes joins two user bytes.
 */
function padBlock(user: Uint8Array, from: number, padded: Uint8Array, to: number): void {
  const last = elementBytes - 1;
  for (let i = 0; i < elementBytes; i += 1) padded[to + i] = user[from + i] as number;
  padded[to + last] = (padded[to + last] as number) & elementTopMask;
  for (let element = 1; element < elementsPerBlock; element += 1) {
    const left = 2 * element;
    const right = 8 - left;
    const source = from + elementBytes * element;
    const target = to + elementBytes * element;
    let previous = user[source - 1] as number;
    for (let i = 0; i < last; i += 1) {
      const next = user[source + i] as number;
      padded[target + i] = (previous >>> right) | (next << left);
      previous = next;
    }
    // The last element of a block ends with the block: nothing of the next user byte belongs to it.
    const next = element === elementsPerBlock - 1 ? 0 : (user[source + last] as number);
    padded[target + last] = ((previous >>> right) | (next << left)) & elementTopMask;
  }
}

/** Inverse of `padBlock`; the top bits are known to be zero. */
function unpadBlock(padded: Uint8Array, from: number, user: Uint8Array, to: number): void {
  const last = elementBytes - 1;
  for (let element = 0; element < elementsPerBlock; element += 1) {
    const right = 2 * element;
    const source = from + elementBytes * element;
    const target = to + elementBytes * element;
    for (let i = 0; i < last; i += 1) {
      user[target + i] =
        ((padded[source + i] as number) >>> right) | ((padded[source + i + 1] as number) << (8 - right));
    }
    if (element === elementsPerBlock - 1) continue;
    user[target + last] =
      ((padded[source + last] as number) >>> right) |
      ((padded[source + elementBytes] as number) << (6 - right));
  }
}

/**
 * Pads user bytes of any length; the result is whole 32-byte elements (empty for no bytes). Each element is a
 * canonical field element.
 */
export function padUser(user: Uint8Array): Uint8Array {
  const padded = new Uint8Array(paddedLength(user.length));
  padUserInto(user, padded);
  return padded;
}

/** The same into a place that is long enough; what is left of it becomes zeros. */
export function padUserInto(user: Uint8Array, padded: Uint8Array): void {
  const blocks = Math.floor(user.length / userBlockBytes);
  for (let block = padWords(user, padded) * wordBlocks; block < blocks; block += 1) {
    padBlock(user, block * userBlockBytes, padded, block * paddedBlockBytes);
  }
  const tail = user.subarray(blocks * userBlockBytes);
  if (tail.length > 0) padded.set(padTail(tail), blocks * paddedBlockBytes);
  padded.fill(0, paddedLength(user.length));
}

/** Blocks after which user bytes are whole words of 32 bits. */
const wordBlocks = 4;
const userGroupWords = (wordBlocks * userBlockBytes) / 4;
const elementWords = elementBytes / 4;
const groupElements = wordBlocks * elementsPerBlock;
const topWordMask = 0x3fff_ffff;
const isLittleEndian = new Uint8Array(Uint32Array.of(1).buffer)[0] === 1;

/** Pads groups of four blocks word by word, where words can be read; how many groups it has padded. */
function padWords(user: Uint8Array, padded: Uint8Array): number {
  if (!isLittleEndian || user.byteOffset % 4 !== 0 || padded.byteOffset % 4 !== 0) return 0;
  const groups = Math.floor(user.length / (4 * userGroupWords));
  const from = new Int32Array(user.buffer, user.byteOffset, groups * userGroupWords);
  const to = new Int32Array(padded.buffer, padded.byteOffset, groups * groupElements * elementWords);
  const end = from.length - 1;
  let at = 0;
  for (let start = 0; start < end; start += userGroupWords) {
    for (let bit = 0; bit < groupElements * unitBits; bit += unitBits) {
      const right = bit & 31;
      const first = start + (bit >>> 5);
      let low = from[first] as number;
      for (let i = 1; i <= elementWords; i += 1) {
        // None lies behind the last word, of which nothing would stay.
        const high = from[Math.min(first + i, end)] as number;
        // A shift by 32 is one by none, so what comes from above is shifted twice.
        to[at] = (low >>> right) | ((high << 1) << (31 - right));
        at += 1;
        low = high;
      }
      to[at - 1] = (to[at - 1] as number) & topWordMask;
    }
  }
  return groups;
}

function padTail(tail: Uint8Array): Uint8Array {
  const user = new Uint8Array(userBlockBytes);
  user.set(tail);
  const padded = new Uint8Array(paddedBlockBytes);
  padBlock(user, 0, padded, 0);
  return padded.subarray(0, paddedLength(tail.length));
}

/**
 * The user bytes of padded data. `userBytes` says how many (default: as many as fit, which ends with the zeros
 * of a filled last element). Throws fr32/bad-length, fr32/not-padded, fr32/too-short.
 */
export function unpadUser(padded: Uint8Array, userBytes: number = userCapacity(padded.length)): Uint8Array {
  if (padded.length % elementBytes !== 0) throw fr32Errors.badLength({ paddedBytes: padded.length });
  const capacity = userCapacity(padded.length);
  if (!(userBytes >= 0 && userBytes <= capacity)) throw fr32Errors.tooShort({ userBytes, capacity });
  assertPadded(padded);
  const blocks = Math.ceil(userBytes / userBlockBytes);
  const user = new Uint8Array(blocks * userBlockBytes);
  const whole = Math.min(blocks, Math.floor(padded.length / paddedBlockBytes));
  for (let block = 0; block < whole; block += 1) {
    unpadBlock(padded, block * paddedBlockBytes, user, block * userBlockBytes);
  }
  if (whole < blocks) {
    const tail = new Uint8Array(paddedBlockBytes);
    tail.set(padded.subarray(whole * paddedBlockBytes));
    unpadBlock(tail, 0, user, whole * userBlockBytes);
  }
  return user.subarray(0, userBytes);
}

function assertPadded(padded: Uint8Array): void {
  for (let at = elementBytes - 1; at < padded.length; at += elementBytes) {
    if ((padded[at] as number) > elementTopMask) {
      throw fr32Errors.notPadded({ index: (at + 1 - elementBytes) / elementBytes });
    }
  }
}

/** Pads a stream: `push` chunks of any size, then `finish` once. Holds at most one block of 127 bytes. */
export class Fr32Padder {
  readonly #block = new Uint8Array(userBlockBytes);
  #held = 0;
  #userBytes = 0;
  #finished = false;

  /** User bytes taken so far. */
  get userBytes(): number {
    return this.#userBytes;
  }

  /**
   * Takes user bytes and gives the padded bytes that they complete (whole blocks of 128 bytes); in `room`, if
   * that is long enough.
   */
  push(user: Uint8Array, room?: Uint8Array): Uint8Array {
    assert(!this.#finished, "nothing is pushed after the end of the stream");
    this.#userBytes += user.length;
    const total = this.#held + user.length;
    const length = Math.floor(total / userBlockBytes) * paddedBlockBytes;
    const padded =
      room !== undefined && room.length >= length ? room.subarray(0, length) : new Uint8Array(length);
    let from = 0;
    let to = 0;
    if (this.#held > 0 && total >= userBlockBytes) {
      from = userBlockBytes - this.#held;
      this.#block.set(user.subarray(0, from), this.#held);
      padBlock(this.#block, 0, padded, 0);
      to = paddedBlockBytes;
      this.#held = 0;
    }
    for (; to < padded.length; from += userBlockBytes, to += paddedBlockBytes) {
      padBlock(user, from, padded, to);
    }
    this.#block.set(user.subarray(from), this.#held);
    this.#held += user.length - from;
    return padded;
  }

  /** Ends the stream and gives the rest, filled to a whole element; empty if nothing is left. */
  finish(): Uint8Array {
    assert(!this.#finished, "a stream ends once");
    this.#finished = true;
    return this.#held === 0 ? new Uint8Array(0) : padTail(this.#block.subarray(0, this.#held));
  }
}

/**
 * Unpads a stream of padded data (any chunks), giving exactly `userBytes` user bytes in all; what follows them
 * (zero fill) is dropped. `push` throws fr32/not-padded, `finish` fr32/too-short or fr32/bad-length.
 */
export class Fr32Unpadder {
  readonly #userBytes: number;
  readonly #block = new Uint8Array(paddedBlockBytes);
  #held = 0;
  #given = 0;

  constructor(userBytes: number) {
    this.#userBytes = userBytes;
  }

  /** Takes padded bytes and gives the user bytes that they complete. */
  push(padded: Uint8Array): Uint8Array {
    const held = this.#block.subarray(0, this.#held);
    const total = new Uint8Array(held.length + padded.length);
    total.set(held);
    total.set(padded, held.length);
    const whole = total.length - (total.length % paddedBlockBytes);
    this.#block.set(total.subarray(whole));
    this.#held = total.length - whole;
    return this.#take(unpadUser(total.subarray(0, whole)));
  }

  /** Ends the stream and gives the user bytes of the last elements. */
  finish(): Uint8Array {
    const rest = this.#take(unpadUser(this.#block.subarray(0, this.#held)));
    if (this.#given < this.#userBytes) {
      throw fr32Errors.tooShort({ userBytes: this.#userBytes, capacity: this.#given });
    }
    return rest;
  }

  #take(user: Uint8Array): Uint8Array {
    const taken = user.subarray(0, this.#userBytes - this.#given);
    this.#given += taken.length;
    return taken;
  }
}
