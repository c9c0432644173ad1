/**
 * Units as people type and read them: FIL, bytes, durations. Reading is exact: decimal text goes to whole
 * smallest units by moving the point (never through a float), and what does not come out whole is an error.
 * The rules of FIL amounts are go-filecoin's: at most 18 decimals, printed without trailing zeros.
 */
import { amountErrors } from "./human-errors.ts";
import { type AttoFil, type ByteCount, byteCount } from "./units.ts";

const maxAtto = 2n ** 128n;
const filDecimals = 18;
/** Longer text is no number that a person means; it also bounds the work of parsing. */
const maxTextLength = 100;

/** Decimal places below one FIL of each unit. */
const filUnits: ReadonlyMap<string, number> = new Map([
  ["fil", 18],
  ["millifil", 15],
  ["microfil", 12],
  ["nanofil", 9],
  ["picofil", 6],
  ["femtofil", 3],
  ["attofil", 0],
]);
const amountExpected = 'an amount like "0.5FIL", "0.5" or "3attoFIL"';

/** `amount/malformed`, `amount/too-precise`, `amount/negative`, `amount/overflow` (from 2^128 attoFIL on). */
export function parseFil(text: string): AttoFil {
  const { decimal, unit } = splitUnit(text, amountExpected);
  const decimals = filUnits.get(unit === "" ? "fil" : unit.toLowerCase());
  if (decimals === undefined) throw amountErrors.malformed({ text: shown(text), expected: amountExpected });
  const atto = scaleDecimal(text, decimal, 10n ** BigInt(decimals), "attoFIL", amountExpected);
  if (atto >= maxAtto) throw amountErrors.overflow({ text: shown(text) });
  return atto as AttoFil;
}

/** For people: `0.5 FIL`. `parseFil` reads it back. */
export function formatFil(amount: AttoFil): string {
  return `${filText(amount)} FIL`;
}

/** For programs: `0.5`, exact, without trailing zeros; negative amounts with a minus sign. */
export function filText(amount: AttoFil): string {
  const digits = (amount < 0n ? -amount : amount).toString().padStart(filDecimals + 1, "0");
  const whole = digits.slice(0, -filDecimals);
  const fraction = digits.slice(-filDecimals).replace(/0+$/, "");
  return `${amount < 0n ? "-" : ""}${whole}${fraction === "" ? "" : `.${fraction}`}`;
}

const byteUnits: ReadonlyMap<string, bigint> = new Map([
  ["", 1n],
  ["b", 1n],
  ...["k", "m", "g", "t", "p"].flatMap((letter, i): [string, bigint][] => [
    [`${letter}b`, 1000n ** BigInt(i + 1)],
    [`${letter}ib`, 1024n ** BigInt(i + 1)],
  ]),
]);
const binaryUnits = ["B", "KiB", "MiB", "GiB", "TiB", "PiB"] as const;
const bytesExpected = 'a size like "10GiB", "5MB" or "123"';

/** A size in bytes; KiB… are powers of 1024, kB… of 1000. Fails with `amount/…`. */
export function parseBytes(text: string): ByteCount {
  const { decimal, unit } = splitUnit(text, bytesExpected);
  const scale = byteUnits.get(unit.toLowerCase());
  if (scale === undefined) throw amountErrors.malformed({ text: shown(text), expected: bytesExpected });
  const bytes = scaleDecimal(text, decimal, scale, "bytes", bytesExpected);
  if (bytes > Number.MAX_SAFE_INTEGER) throw amountErrors.overflow({ text: shown(text) });
  return byteCount(Number(bytes));
}

/** For people, with at most two decimals, rounded to the nearest: `1.5 GiB`. */
export function formatBytes(bytes: ByteCount): string {
  let power = 0;
  while (power < binaryUnits.length - 1 && bytes >= 1024 ** (power + 1)) power++;
  let rounded = Math.round((bytes / 1024 ** power) * 100) / 100;
  if (rounded >= 1024 && power < binaryUnits.length - 1) {
    rounded /= 1024;
    power++;
  }
  return `${rounded} ${binaryUnits[power]}`;
}

/** In descending order: the order in which the parts of a duration stand. */
const durationUnits = [
  ["w", 604_800_000],
  ["d", 86_400_000],
  ["h", 3_600_000],
  ["m", 60_000],
  ["s", 1000],
  ["ms", 1],
] as const;
const durationExpected = 'a duration like "30d", "1h30m" or "100ms"';

/** Milliseconds. Parts stand in descending order, each unit at most once. Fails with `amount/…`. */
export function parseDurationMs(text: string): number {
  const trimmed = text.trim();
  const malformed = () => amountErrors.malformed({ text: shown(text), expected: durationExpected });
  if (trimmed.startsWith("-")) throw amountErrors.negative({ text: shown(text) });
  if (trimmed === "" || trimmed.length > maxTextLength) throw malformed();
  let rest = trimmed;
  let totalMs = 0n;
  let nextUnit = 0;
  while (rest !== "") {
    const part = /^(\d+(?:\.\d+)?) ?(ms|[wdhms]) ?/.exec(rest);
    const [whole, decimal, unit] = part ?? [];
    const index = durationUnits.findIndex(([name]) => name === unit);
    const scale = durationUnits[index]?.[1];
    if (whole === undefined || decimal === undefined || scale === undefined || index < nextUnit)
      throw malformed();
    totalMs += scaleDecimal(text, decimal, BigInt(scale), "milliseconds", durationExpected);
    nextUnit = index + 1;
    rest = rest.slice(whole.length);
  }
  if (totalMs > Number.MAX_SAFE_INTEGER) throw amountErrors.overflow({ text: shown(text) });
  return Number(totalMs);
}

/** Exact and without spaces: `1h30m`, `2d`, `100ms`. `parseDurationMs` reads it back. */
export function formatDuration(ms: number): string {
  let rest = Math.max(0, Math.round(ms));
  let text = "";
  for (const [unit, scale] of durationUnits) {
    if (unit === "w") continue; // days are easier to compare than weeks and days
    const count = Math.floor(rest / scale);
    if (count > 0) text += `${count}${unit}`;
    rest -= count * scale;
  }
  return text === "" ? "0s" : text;
}

function shown(text: string): string {
  return text.length > maxTextLength ? `${text.slice(0, maxTextLength)}…` : text;
}

/** The number and the unit behind it, if any; one space between them is allowed. */
function splitUnit(text: string, expected: string): { readonly decimal: string; readonly unit: string } {
  const trimmed = text.trim();
  const parts = trimmed.length > maxTextLength ? null : /^([-+]?[\d.]+) ?([a-z]*)$/i.exec(trimmed);
  const [, decimal, unit] = parts ?? [];
  if (decimal === undefined || unit === undefined) {
    throw amountErrors.malformed({ text: shown(text), expected });
  }
  return { decimal, unit };
}

/** decimal · scale as a whole number. */
function scaleDecimal(
  text: string,
  decimal: string,
  scale: bigint,
  smallest: string,
  expected: string,
): bigint {
  const parts = /^([-+]?)(\d*)(?:\.(\d*))?$/.exec(decimal);
  const [, sign, whole = "", fraction = ""] = parts ?? [];
  if (parts === null || whole + fraction === "")
    throw amountErrors.malformed({ text: shown(text), expected });
  if (sign === "-") throw amountErrors.negative({ text: shown(text) });
  const numerator = BigInt(whole + fraction) * scale;
  const denominator = 10n ** BigInt(fraction.length);
  if (numerator % denominator !== 0n) throw amountErrors.tooPrecise({ text: shown(text), smallest });
  return numerator / denominator;
}
