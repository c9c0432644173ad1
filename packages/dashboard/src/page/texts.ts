/**
 * Short texts for people: ids, amounts, sizes, heights and times. Exact values stay one hover or one copied
 * command away.
 */
import type { ByteCount } from "@holdfast/base";
import { formatBytes, formatDuration } from "@holdfast/base/human";

const shortHead = 6;
const shortTail = 8;

/** A CID, address or peer id with its middle left out; the command line finds it by the end. */
export function shortId(id: string): string {
  return id.length <= shortHead + shortTail + 1 ? id : `${id.slice(0, shortHead)}…${id.slice(-shortTail)}`;
}

/** Bytes as the API gives them: whole and not negative. */
export function sizeText(bytes: number): string {
  return formatBytes(bytes as ByteCount).replace(" ", "\u00a0");
}

export function plural(count: number, word: string): string {
  return `${numberText(count)} ${word}${count === 1 ? "" : "s"}`;
}

/** 1234567 → "1 234 567", with spaces that do not break. */
export function numberText(value: number | string): string {
  return String(value).replace(/\B(?=(\d{3})+$)/g, "\u202f");
}

export interface FilParts {
  /** With its sign, in groups of three. */
  readonly whole: string;
  /** With its point, or empty. */
  readonly fraction: string;
}

/** "1234.5" → "1 234" and ".5". */
export function filParts(amountFil: string): FilParts {
  const [, sign = "", whole = "0", fraction = ""] = /^(-?)(\d+)(\.\d+)?$/.exec(amountFil) ?? [];
  return { whole: `${sign === "" ? "" : "−"}${numberText(whole)}`, fraction };
}

const shownDecimals = 6;
/** Of an amount below one FIL, so that no amount looks like nothing. */
const shownDigits = 4;

/** The decimals that are worth reading at a glance, with an ellipsis if there are more. */
export function shortFraction({ whole, fraction }: FilParts): string {
  const zeros = /^\.(0*)/.exec(fraction)?.[1]?.length ?? 0;
  const decimals = Math.max(shownDecimals, whole === "0" || whole === "−0" ? zeros + shownDigits : 0);
  return fraction.length - 1 <= decimals ? fraction : `${fraction.slice(0, decimals + 1)}…`;
}

const steps = [86_400_000, 3_600_000, 60_000, 1000] as const;

/** A duration in its two largest units, such as `29d23h`; `0s` below a second. */
export function roughly(ms: number): string {
  const largest = steps.findIndex((step) => ms >= step);
  if (largest < 0) return "0s";
  const step = steps[Math.min(largest + 1, steps.length - 1)] ?? 1000;
  return formatDuration(Math.floor(ms / step) * step);
}

/** When a height comes or came, as seen from the head: "in 12 rounds, about 6m". */
export function heightText(height: number, head: number, roundMs: number): string {
  const rounds = Math.abs(height - head);
  if (rounds === 0) return "now";
  const time = rounds * roundMs;
  const words = `${plural(rounds, "round")}${time < 1000 ? "" : `, about ${roughly(time)}`}`;
  return height > head ? `in ${words}` : `${words} ago`;
}

/** The same in a word or two, for tables: "in 29d23h". */
export function shortHeightText(height: number, head: number, roundMs: number): string {
  if (height === head) return "now";
  const time = roughly(Math.abs(height - head) * roundMs);
  return height > head ? `in ${time}` : `${time} ago`;
}

/** A share such as "12.5 %"; what is there is never shown as nothing. */
export function percentText(part: number, whole: number): string {
  if (whole <= 0 || part <= 0) return "0 %";
  const percent = (part / whole) * 100;
  return percent < 0.1 ? "< 0.1 %" : `${Math.round(percent * 10) / 10} %`;
}
