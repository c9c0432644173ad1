/** Small texts for people: amounts, times, shortened ids. Exact values are in `--json`. */
import { byteCount, formatBytes, formatDuration } from "@holdfast/base";
import type { Environment } from "./command.ts";

/** How this program is called where it was started from: npm puts it on no path of the caller's. */
export function programWord(env: Environment): string {
  return env.npm_command === undefined ? "holdfast" : "npx holdfast";
}

export function fil(amountFil: string): string {
  return `${amountFil} FIL`;
}

const priceDigits = 4;

/** An amount that was made by dividing: its first digits say enough. */
export function price(amountFil: string): string {
  const [whole = "0", fraction = ""] = amountFil.split(".");
  const leading = whole === "0" ? (/^0*/.exec(fraction)?.[0].length ?? 0) : -whole.length;
  const shown = fraction.slice(0, Math.max(0, leading + priceDigits)).replace(/0+$/, "");
  return shown === "" ? fil(whole) : fil(`${whole}.${shown}`);
}

export function sizeText(bytes: number): string {
  return formatBytes(byteCount(bytes));
}

export function plural(count: number, word: string, words = `${word}s`): string {
  return `${count} ${count === 1 ? word : words}`;
}

const durationSteps = [86_400_000, 3_600_000, 60_000, 1000] as const;

/** A duration in its two largest units, such as `29d23h`; below a second `0s`. */
export function roughly(ms: number): string {
  const largest = durationSteps.findIndex((step) => ms >= step);
  if (largest < 0) return "0s";
  const step = durationSteps[Math.min(largest + 1, durationSteps.length - 1)] ?? 1000;
  return formatDuration(Math.floor(ms / step) * step);
}

/** Seconds with one decimal, for figures. */
export function seconds(ms: number): string {
  return `${(ms / 1000).toFixed(1)} s`;
}

const shortHead = 6;
const shortTail = 8;

/** A CID or an address with its middle left out; the end differs where the beginning does not. */
export function shortId(id: string): string {
  return id.length <= shortHead + shortTail + 1 ? id : `${id.slice(0, shortHead)}…${id.slice(-shortTail)}`;
}

/** What was copied from a table may be short: the part behind the ellipsis names it. */
export function withoutEllipsis(id: string): string {
  return id.slice(id.lastIndexOf("…") + 1);
}
