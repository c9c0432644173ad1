/**
 * The retrieval protocol: one request and one answer on a stream, then the bytes of the CAR stream in frames.
 * Unlike in 2019 the stream says where it ends and how much that was, so that a cut one is never taken for
 * a whole one, and a request names an offset, so that nothing is sent twice. Free of charge, as in 2019.
 */
import { c, type Decoded, decode, encode, encodeVarint } from "@holdfast/base";
import { limits } from "../limits.ts";

export const retrievalProtocol = "/fil/retrieval/free/0.0.0";

/** Text for people in an answer. */
export const messageBytes = 1_024;

/** As in 2019: 0 unset, 1 failure, 2 success; and two failures that the asker acts upon. */
export const retrievalStatus = { failure: 1, success: 2, notFound: 3, busy: 4 } as const;

export const requestCodec = c.tuple("RetrievalRequest", {
  payload: c.cid,
  /** Bytes of the CAR stream that the asker has. */
  skipBytes: c.uint(),
  /** At most this many bytes; 0 asks for all. */
  maxBytes: c.uint(),
  /** Only the answer, no bytes. */
  statOnly: c.bool,
});
export type RetrievalRequest = Decoded<typeof requestCodec>;

export const answerCodec = c.tuple("RetrievalAnswer", {
  status: c.uint(255),
  message: c.text(messageBytes),
  /** The whole stream, whatever was skipped; 0 without success. */
  carBytes: c.uint(),
  /** The size of the file, or null if the provider does not know it. */
  fileBytes: c.nullable(c.uint()),
});
export type RetrievalAnswer = Decoded<typeof answerCodec>;

export const frameCodec = c.variant("RetrievalFrame", {
  chunk: c.tuple("chunk", { data: c.bytes(limits.retrievalChunkBytes) }),
  /** That was all. */
  end: c.tuple("end", { sentBytes: c.uint() }),
  /** The provider cannot go on. */
  failed: c.tuple("failed", { message: c.text(messageBytes) }),
});
export type RetrievalFrame = Decoded<typeof frameCodec>;

/** A text for the other side, cut to what its field holds. */
export function shortMessage(text: string): string {
  return text.slice(0, Math.floor(messageBytes / 3));
}

/** Text of a stranger, safe for a terminal. */
export function printable(text: string): string {
  return text.replace(/\p{Cc}/gu, " ");
}

/** Any frame from its bytes. `codec/…`. */
export function readFrame(bytes: Uint8Array): RetrievalFrame {
  const data = chunkData(bytes);
  return data === undefined
    ? decode(frameCodec, bytes, { maxBytes: limits.frameBytes })
    : { kind: "chunk", data };
}

/** Any frame with its length in front, in parts: the data of a chunk is not copied. */
export function framedParts(frame: RetrievalFrame): Uint8Array[] {
  if (frame.kind !== "chunk") {
    const bytes = encode(frameCodec, frame);
    return [encodeVarint(bytes.length), bytes];
  }
  const head = Uint8Array.from([...chunkStart, ...byteStringHead(frame.data.length)]);
  return [encodeVarint(head.length + frame.data.length), head, frame.data];
}

/** `["chunk", [data]]` in CBOR up to the head of the data: a list of 2, a text of 5, a list of 1. */
const chunkStart = [0x82, 0x65, 0x63, 0x68, 0x75, 0x6e, 0x6b, 0x81];

/** CBOR's head of a byte string in its shortest form (RFC 8949, 3.1). */
function byteStringHead(length: number): number[] {
  if (length < 24) return [0x40 + length];
  if (length < 0x100) return [0x58, length];
  if (length < 0x1_0000) return [0x59, length >> 8, length & 0xff];
  return [0x5a, length >>> 24, (length >> 16) & 0xff, (length >> 8) & 0xff, length & 0xff];
}

/** The data of a chunk as a view, if these are exactly the bytes that `framedParts` gives one; else undefined. */
export function chunkData(bytes: Uint8Array): Uint8Array | undefined {
  for (const headBytes of [5, 3, 2, 1]) {
    const length = bytes.length - chunkStart.length - headBytes;
    if (length < 0 || length > limits.retrievalChunkBytes) continue;
    const head = byteStringHead(length);
    if (head.length !== headBytes) continue;
    const start = [...chunkStart, ...head];
    if (start.every((byte, at) => bytes[at] === byte)) return bytes.subarray(start.length);
  }
  return undefined;
}
