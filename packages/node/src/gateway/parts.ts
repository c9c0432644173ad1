/** Bytes of a known length as a web server gives them: the whole, one range, or several in one answer. */
import { sha256, toHex, utf8Bytes } from "@holdfast/base";
import { type Answer, type Asked, type HeaderValues, isKnown, notModified } from "./headers.ts";
import { type ByteSpan, spansOf } from "./ranges.ts";

export interface Whole {
  readonly etag: string;
  readonly type: string;
  readonly sizeBytes: number;
  /** All others. */
  readonly headers: HeaderValues;
  read(first: number, lengthBytes: number): AsyncIterable<Uint8Array>;
}

/** 200, 206, 304 or 416. */
export function partsOf(whole: Whole, asked: Asked): Answer {
  const { etag, type, sizeBytes, read } = whole;
  if (isKnown(asked, etag)) return notModified(etag);
  const ifRange = asked.header("if-range");
  const isSame = ifRange === "" || ifRange === etag;
  const spans = isSame ? spansOf(asked.header("range"), sizeBytes) : undefined;
  if (spans === "outside")
    return { status: 416, headers: { "content-range": `bytes */${sizeBytes}`, "content-length": "0" } };
  const headers = { ...whole.headers, "accept-ranges": "bytes", etag };
  const [span, ...others] = spans ?? [];
  if (spans === undefined || span === undefined)
    return {
      status: 200,
      headers: { "content-type": type, ...headers, "content-length": String(sizeBytes) },
      body: read(0, sizeBytes),
    };
  if (others.length > 0) return severalOf(whole, spans, headers);
  return {
    status: 206,
    headers: {
      "content-type": type,
      ...headers,
      "content-range": rangeText(span, sizeBytes),
      "content-length": String(lengthOf(span)),
    },
    body: read(span.first, lengthOf(span)),
  };
}

/** RFC 9110, section 14.6. No content holds a hash of its own CID, so that divides its parts safely. */
function severalOf(
  { etag, type, sizeBytes, read }: Whole,
  spans: readonly ByteSpan[],
  headers: HeaderValues,
): Answer {
  const boundary = toHex(sha256(utf8Bytes(etag)));
  const heads = spans.map((span) =>
    Buffer.from(
      `\r\n--${boundary}\r\nContent-Type: ${type}\r\nContent-Range: ${rangeText(span, sizeBytes)}\r\n\r\n`,
    ),
  );
  const end = Buffer.from(`\r\n--${boundary}--\r\n`);
  const sum = (numbers: readonly number[]): number => numbers.reduce((all, one) => all + one, 0);
  const length = sum(spans.map(lengthOf)) + sum(heads.map((head) => head.length)) + end.length;
  return {
    status: 206,
    headers: {
      ...headers,
      "content-type": `multipart/byteranges; boundary=${boundary}`,
      "content-length": String(length),
    },
    body: (async function* () {
      for (const [index, span] of spans.entries()) {
        yield heads[index] ?? end;
        yield* read(span.first, lengthOf(span));
      }
      yield end;
    })(),
  };
}

const lengthOf = ({ first, last }: ByteSpan): number => last - first + 1;
const rangeText = ({ first, last }: ByteSpan, sizeBytes: number): string =>
  `bytes ${first}-${last}/${sizeBytes}`;
