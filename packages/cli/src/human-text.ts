/** Small texts for people: amounts, ages, shortened ids. Exact values are in `--json`. */
import { byteCount, formatBytes, formatDuration } from "@holdfast/base";

export function fil(amountFil: string): string {
  return `${amountFil} FIL`;
}

export function age(timestampMs: number, nowMs = Date.now()): string {
  return formatDuration(Math.max(0, Math.floor((nowMs - timestampMs) / 1000) * 1000));
}

/** The end of a CID differs where its beginning does not. */
export function shortCid(cid: string): string {
  return cid.length <= 16 ? cid : `${cid.slice(0, 6)}…${cid.slice(-8)}`;
}

export function plural(count: number, word: string): string {
  return `${count} ${word}${count === 1 ? "" : "s"}`;
}

export function sizeText(bytes: number): string {
  return formatBytes(byteCount(bytes));
}
