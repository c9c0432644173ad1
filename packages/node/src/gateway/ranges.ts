/** Ranges of bytes (RFC 9110, section 14). A header that asks for nothing sensible is as if it were not there. */
import { limits } from "../limits.ts";

export interface ByteSpan {
  readonly first: number;
  /** Inclusive. */
  readonly last: number;
}

/**
 * In the order in which they were asked for, those left out of which no byte exists. Undefined: the whole is to be
 * sent, because none is asked for, or too many, or more bytes than there are. "outside": no byte of any exists.
 */
export function spansOf(header: string, sizeBytes: number): readonly ByteSpan[] | "outside" | undefined {
  const match = /^bytes=(.*)$/i.exec(header.trim());
  if (match === null) return undefined;
  const parts = (match[1] ?? "").split(",").map((part) => part.trim());
  const asked = parts.filter((part) => part !== "");
  if (asked.length === 0 || asked.length > limits.gatewayRanges) return undefined;
  const spans: ByteSpan[] = [];
  for (const part of asked) {
    const span = spanOf(part, sizeBytes);
    if (span === undefined) return undefined;
    if (span !== "outside") spans.push(span);
  }
  if (spans.length === 0) return "outside";
  const sum = spans.reduce((bytes, { first, last }) => bytes + last - first + 1, 0);
  return spans.length > 1 && sum > sizeBytes ? undefined : spans;
}

function spanOf(text: string, sizeBytes: number): ByteSpan | "outside" | undefined {
  const match = /^(\d{0,15})-(\d{0,15})$/.exec(text);
  if (match === null) return undefined;
  const [, from = "", to = ""] = match;
  if (from === "" && to === "") return undefined;
  if (from === "") {
    const length = Number(to);
    if (length === 0) return "outside";
    return sizeBytes === 0 ? undefined : { first: Math.max(0, sizeBytes - length), last: sizeBytes - 1 };
  }
  const first = Number(from);
  const last = to === "" ? sizeBytes - 1 : Math.min(Number(to), sizeBytes - 1);
  if (to !== "" && Number(to) < first) return undefined;
  return first >= sizeBytes ? "outside" : { first, last };
}
