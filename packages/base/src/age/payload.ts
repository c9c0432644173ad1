/**
 * The content of an encrypted file as age writes it: chunks of 64 KiB, each sealed for itself under its number and
 * whether it is the last (STREAM of Hoang, Reyhanitabar, Rogaway and Vizár, 2015). So any range can be opened alone,
 * and no chunk can be left out, doubled, moved or cut off unseen.
 */
import { hkdf } from "@noble/hashes/hkdf.js";
import { sha256 } from "@noble/hashes/sha2.js";
import { utf8Bytes } from "../bytes.ts";
import { kernel } from "../crypto/kernel.ts";
import { ageErrors } from "./errors.ts";

export const ageChunkBytes = 65_536;
const tagBytes = 16;
/** A chunk with its tag. */
export const ageSealedChunkBytes = ageChunkBytes + tagBytes;
/** Random bytes between the header and the first chunk. */
export const ageNonceBytes = 16;

export function agePayloadKey(fileKey: Uint8Array, nonce: Uint8Array): Uint8Array {
  return hkdf(sha256, fileKey, nonce, utf8Bytes("payload"), 32);
}

/** Only the last chunk is shorter than `ageChunkBytes`; it is empty only in an empty file. */
export function sealAgeChunk(key: Uint8Array, index: number, isLast: boolean, plain: Uint8Array): Uint8Array {
  return kernel.chachaSeal(key, chunkNonce(index, isLast), plain);
}

/** `age/damaged`. */
export function openAgeChunk(
  key: Uint8Array,
  index: number,
  isLast: boolean,
  sealed: Uint8Array,
): Uint8Array {
  const plain =
    sealed.length < tagBytes ? undefined : kernel.chachaOpen(key, chunkNonce(index, isLast), sealed);
  if (plain !== undefined) return plain;
  throw ageErrors.damaged({ what: `its part ${index + 1} is not what was sealed` });
}

export interface AgeLayout {
  readonly plainBytes: number;
  /** At least one. */
  readonly chunks: number;
}

/** Of so many bytes behind the nonce. `age/damaged` for a length that no file has. */
export function ageLayout(payloadBytes: number): AgeLayout {
  const chunks = Math.max(1, Math.ceil(payloadBytes / ageSealedChunkBytes));
  const last = payloadBytes - (chunks - 1) * ageSealedChunkBytes;
  if (last < tagBytes || (last === tagBytes && chunks > 1)) {
    throw ageErrors.damaged({ what: "it ends in the middle of a part" });
  }
  return { plainBytes: payloadBytes - chunks * tagBytes, chunks };
}

/** The length of all chunks of so many plain bytes. */
export function agePayloadBytes(plainBytes: number): number {
  return plainBytes + Math.max(1, Math.ceil(plainBytes / ageChunkBytes)) * tagBytes;
}

/** Eleven bytes of counter, big-endian, and the mark of the last chunk. */
function chunkNonce(index: number, isLast: boolean): Uint8Array {
  const nonce = new Uint8Array(12);
  const view = new DataView(nonce.buffer);
  view.setBigUint64(3, BigInt(index));
  nonce[11] = isLast ? 1 : 0;
  return nonce;
}
