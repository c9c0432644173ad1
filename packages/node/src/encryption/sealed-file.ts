/**
 * An encrypted file as it is read: any range of its plain bytes, of which only the parts that hold them are fetched.
 * Invariant: no byte is given out that its part's tag has not vouched for.
 */
import {
  type AgeHeader,
  ageChunkBytes,
  ageErrors,
  ageHeaderPrefix,
  ageLayout,
  ageNonceBytes,
  agePayloadKey,
  ageSealedChunkBytes,
  type Cancel,
  concatBytes,
  equalBytes,
  isAgeHeaderOf,
  maxAgeHeaderBytes,
  openAgeChunk,
  parseAgeHeader,
} from "@holdfast/base";
import { encryptionErrors } from "./errors.ts";
import { kindStanza, type SealedKind, sealedKinds } from "./file-secrets.ts";
import type { EncryptionNeeds } from "./needs.ts";

const prefix = ageHeaderPrefix(kindStanza);

/** What is enough to know whether a file is one of ours. */
export const sealedPrefixBytes = prefix.length;

/** Whether a file that begins so was made by `put --encrypt`. Files of age that people made themselves are not. */
export function isSealedStart(bytes: Uint8Array): boolean {
  return equalBytes(bytes.subarray(0, prefix.length), prefix);
}

export interface SealedFile {
  readonly cid: string;
  readonly kind: SealedKind;
  /** Of the plain bytes. */
  readonly plainBytes: number;
  readonly payloadKey: Uint8Array;
  /** Where the first part begins. */
  readonly startBytes: number;
  readonly chunks: number;
}

/** Undefined if it is not encrypted. `encryption/no-key`, `age/…`, `retrieval/…`. */
export async function openSealed(
  { files, keys }: Pick<EncryptionNeeds, "files" | "keys">,
  cid: string,
  signal: Cancel,
): Promise<SealedFile | undefined> {
  const mostBytes = maxAgeHeaderBytes + ageNonceBytes;
  const { sizeBytes, bytes } = await files.openFile(cid, { offsetBytes: 0, lengthBytes: mostBytes }, signal);
  const start = await startOf(bytes);
  if (start === undefined) return undefined;
  const header = parseAgeHeader(start);
  const fileKey = keys.openFileKey(header.stanzas);
  if (fileKey === undefined) throw encryptionErrors.noKey({ cid });
  if (!isAgeHeaderOf(header, fileKey))
    throw ageErrors.damaged({ what: "its header is not what was written" });
  const startBytes = header.lengthBytes + ageNonceBytes;
  const nonce = start.subarray(header.lengthBytes, startBytes);
  const { plainBytes, chunks } = ageLayout(sizeBytes - startBytes);
  return {
    cid,
    kind: kindOf(header),
    plainBytes,
    payloadKey: agePayloadKey(fileKey, nonce),
    startBytes,
    chunks,
  };
}

/** What may be a header; undefined, after the first bytes, if it is none. */
async function startOf(bytes: AsyncIterable<Uint8Array>): Promise<Uint8Array | undefined> {
  const parts: Uint8Array[] = [];
  let length = 0;
  for await (const part of bytes) {
    parts.push(part);
    length += part.length;
    if (length < prefix.length) continue;
    if (!isSealedStart(concatBytes(...parts))) return undefined;
  }
  const start = concatBytes(...parts);
  return isSealedStart(start) ? start : undefined;
}

function kindOf({ stanzas }: AgeHeader): SealedKind {
  const kind = sealedKinds.find((known) => stanzas[0]?.args.length === 1 && known === stanzas[0].args[0]);
  if (kind !== undefined) return kind;
  throw ageErrors.malformed({ reason: "what is in it is unknown to this version" });
}

/** The plain bytes from an offset on, so many at most. `age/damaged`, and as the files' own. */
export async function* plainBytesOf(
  { files }: Pick<EncryptionNeeds, "files">,
  file: SealedFile,
  range: { readonly offsetBytes: number; readonly lengthBytes: number },
  signal: Cancel,
): AsyncGenerator<Uint8Array, void, undefined> {
  const { offsetBytes } = range;
  const endBytes = Math.min(file.plainBytes, offsetBytes + range.lengthBytes);
  if (endBytes <= offsetBytes) return;
  let index = Math.floor(offsetBytes / ageChunkBytes);
  const lastIndex = Math.floor((endBytes - 1) / ageChunkBytes);
  const wanted = {
    offsetBytes: file.startBytes + index * ageSealedChunkBytes,
    lengthBytes: (lastIndex + 1 - index) * ageSealedChunkBytes,
  };
  const { bytes } = await files.openFile(file.cid, wanted, signal);
  for await (const sealed of inParts(bytes)) {
    const plain = openAgeChunk(file.payloadKey, index, index === file.chunks - 1, sealed);
    const from = Math.max(0, offsetBytes - index * ageChunkBytes);
    const to = Math.min(plain.length, endBytes - index * ageChunkBytes);
    yield plain.subarray(from, to);
    index += 1;
  }
  if (index <= lastIndex) throw ageErrors.damaged({ what: "it ends too early" });
}

/** Parts of the length of a sealed one; only the last is shorter. */
async function* inParts(bytes: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array, void, undefined> {
  let part = new Uint8Array(ageSealedChunkBytes);
  let filled = 0;
  for await (const chunk of bytes) {
    for (let at = 0; at < chunk.length; ) {
      const piece = chunk.subarray(at, at + part.length - filled);
      part.set(piece, filled);
      filled += piece.length;
      at += piece.length;
      if (filled < part.length) continue;
      yield part;
      part = new Uint8Array(ageSealedChunkBytes);
      filled = 0;
    }
  }
  if (filled > 0) yield part.subarray(0, filled);
}
