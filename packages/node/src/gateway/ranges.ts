/** One range of bytes (RFC 9110, section 14). Several in one request may be answered with the whole, and are. */

export interface ByteSpan {
  readonly first: number;
  /** Inclusive. */
  readonly last: number;
}

/** Undefined: the whole is to be sent. "outside": no byte of it exists. */
export function spanOf(header: string, sizeBytes: number): ByteSpan | "outside" | undefined {
  const match = /^bytes=\s*(\d{0,15})-(\d{0,15})\s*$/.exec(header);
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
