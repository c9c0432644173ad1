/**
 * A stream of plain bytes as the encrypted file that is stored. One part of 64 KiB is in memory at a time; where the
 * digest was announced, the stream fails at its end if other bytes came, so that nothing of them is ever kept.
 */
import { createHash } from "node:crypto";
import { ageChunkBytes, equalBytes, sealAgeChunk, toHex } from "@holdfast/base";
import { encryptionErrors } from "./errors.ts";
import type { FileSecrets } from "./file-secrets.ts";

/** `encryption/empty-input`, and what the source fails with. */
export async function* sealedBytes(
  plain: AsyncIterable<Uint8Array>,
  { head, payloadKey }: FileSecrets,
): AsyncGenerator<Uint8Array, void, undefined> {
  const part = new Uint8Array(ageChunkBytes);
  let filled = 0;
  let index = 0;
  for await (const chunk of plain) {
    for (let at = 0; at < chunk.length; ) {
      // Only now is it known that the full part before is not the last one.
      if (filled === part.length) {
        if (index === 0) yield head;
        yield sealAgeChunk(payloadKey, index, false, part);
        index += 1;
        filled = 0;
      }
      const piece = chunk.subarray(at, at + part.length - filled);
      part.set(piece, filled);
      filled += piece.length;
      at += piece.length;
    }
  }
  if (filled === 0) throw encryptionErrors.emptyInput({});
  if (index === 0) yield head;
  yield sealAgeChunk(payloadKey, index, true, part.subarray(0, filled));
}

/** The same bytes. `encryption/content-changed` at their end if they are not those of the digest. */
export async function* withDigest(
  plain: AsyncIterable<Uint8Array>,
  sha256: Uint8Array | undefined,
): AsyncGenerator<Uint8Array, void, undefined> {
  if (sha256 === undefined) return yield* plain;
  const hash = createHash("sha256");
  let last: Uint8Array | undefined;
  for await (const chunk of plain) {
    // The last chunk is held back until the digest is known: a stream that is wrong never has all its bytes.
    if (last !== undefined) yield last;
    hash.update(chunk);
    last = chunk.slice();
  }
  const found = hash.digest();
  if (!equalBytes(found, sha256)) {
    throw encryptionErrors.contentChanged({ expected: toHex(sha256), found: toHex(found) });
  }
  if (last !== undefined) yield last;
}
