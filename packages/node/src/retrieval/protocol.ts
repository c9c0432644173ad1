/**
 * The retrieval protocol: one request and one answer on a stream, then the bytes of the CAR stream in frames.
 * Unlike in 2019 the stream says where it ends and how much that was, so that a cut one is never taken for
 * a whole one, and a request names an offset, so that nothing is sent twice. Free of charge, as in 2019.
 */
import { c, type Decoded } from "@holdfast/base";
import { limits } from "../limits.ts";

export const retrievalProtocol = "/fil/retrieval/free/0.0.0";

const messageBytes = 1_024;

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
