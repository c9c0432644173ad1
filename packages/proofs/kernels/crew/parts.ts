/**
 * Calls of the curve kernel in parts that threads do independently. A part is itself a call, on some of the points
 * or some of the bits of all scalars; the result is put together from the parts' results.
 *
 * Sums are split by bits where scalars are long: half of the bits of all points cost half, while half of the points
 * cost more than half, because the windows of a sum grow with its points. Short scalars are split by points.
 */
import {
  type CurveCall,
  type CurveKernel,
  curveCall,
  curveErrors,
  g1Bytes,
  g2Bytes,
} from "../../src/curve/index.ts";
import { assertFrs, frBytes, frModulus, frsToBytes } from "../../src/field/index.ts";
import { sharedBytes, sharedZeros } from "./memory.ts";

/** Calls for a thread, one after the other; where their results go, each as long as the others. */
export interface Part {
  readonly calls: readonly CurveCall[];
  readonly out: Uint8Array;
}

/** A call in parts. `result` may be asked for when all are done. */
export interface SplitCall {
  readonly parts: readonly Part[];
  readonly result: (kernel: CurveKernel) => Uint8Array;
}

/** Points below which a part is not worth a thread. */
export interface CurveSizes {
  readonly sumPoints: number;
  readonly multiples: number;
  readonly checkedPoints: number;
}

export const curveSizes: CurveSizes = {
  sumPoints: 2 ** 12,
  multiples: 2 ** 11,
  checkedPoints: 2 ** 9,
};

/** A sum of one point costs as much as so many more points in a large one. */
const fewestPoints = 16;
const halfBits = 128n;
const topWord = Number(frModulus >> 224n);
const halfWords = 4;

type Group = "G1" | "G2";
const unitOf = (group: Group): number => (group === "G1" ? g1Bytes : g2Bytes);
const groupOf = ({ call }: CurveCall): Group => (call.endsWith("2") ? "G2" : "G1");

/** What a call costs, in additions of G1 or so; relations were measured on native code. */
export function costOf(call: CurveCall): number {
  const weight = groupOf(call) === "G2" ? 3 : 1;
  const bytes = call.args[call.args.length - 1]?.length ?? 0;
  const count = bytes / (call.call.startsWith("lagrange") ? unitOf(groupOf(call)) : frBytes);
  if (call.call.startsWith("msm")) return weight * (count + fewestPoints);
  if (call.call.startsWith("fixedBase")) return weight * count;
  if (call.call === "quotient") return count / 8;
  return weight * count * (call.call.startsWith("scale") ? 4 : 4 * Math.log2(Math.max(2, count)));
}

/** Ends of `count` things in so many runs of about the same length, each of `least` at least if there are so many. */
export function runsOf(count: number, wanted: number, least: number): readonly (readonly [number, number])[] {
  const runs = Math.max(1, Math.min(wanted, Math.floor(count / least)));
  return Array.from({ length: runs }, (_none, i) => [
    Math.floor((i * count) / runs),
    Math.floor(((i + 1) * count) / runs),
  ]);
}

function countOf(bytes: Uint8Array, unit: number, what: string): number {
  if (bytes.length % unit !== 0) throw curveErrors.badLength({ what, length: bytes.length, unit });
  return bytes.length / unit;
}

function pairs(points: Uint8Array, scalars: Uint8Array, unit: number): number {
  const counts = { points: countOf(points, unit, "points"), scalars: countOf(scalars, frBytes, "scalars") };
  if (counts.points !== counts.scalars) throw curveErrors.badCount(counts);
  return counts.points;
}

/** The low and the high 128 bits of all scalars, and how many have high ones. */
function halves(scalars: Uint8Array): { low: Uint8Array; high: Uint8Array; long: number } {
  const words = new Uint32Array(new Uint8Array(scalars).buffer);
  const [low, high] = [sharedZeros(scalars.length), sharedZeros(scalars.length)];
  const lowWords = new Uint32Array(low.buffer, low.byteOffset, words.length);
  const highWords = new Uint32Array(high.buffer, high.byteOffset, words.length);
  let long = 0;
  let largest = 0;
  for (let at = 0; at < words.length; at += 2 * halfWords) {
    let any = 0;
    for (let i = 0; i < halfWords; i += 1) {
      const word = words[at + halfWords + i] as number;
      lowWords[at + i] = words[at + i] as number;
      highWords[at + i] = word;
      any |= word;
    }
    if (any !== 0) long += 1;
    largest = Math.max(largest, words[at + 2 * halfWords - 1] as number);
  }
  // Halves of a scalar that is too large would not be; few come so near to the modulus that it takes a closer look.
  if (largest >= topWord) assertFrs(scalars);
  return { low, high, long };
}

/** A sum in about `wanted` parts. */
function splitSum(
  group: Group,
  [points, scalars]: readonly [Uint8Array, Uint8Array],
  wanted: number,
  least: number,
): SplitCall {
  const unit = unitOf(group);
  const count = pairs(points, scalars, unit);
  const place = sharedBytes(points);
  const { low, high, long } = halves(scalars);
  const byBits = wanted > 1 && 2 * long > count;
  const runs = runsOf(count, byBits ? Math.ceil(wanted / 2) : wanted, least);
  const whole = byBits ? [low, high] : [sharedBytes(scalars)];
  const out = sharedZeros(unit * runs.length * whole.length);
  const parts = runs.flatMap(([from, to], run) =>
    whole.map((half, i): Part => {
      const at = unit * (run * whole.length + i);
      const args = [
        place.subarray(unit * from, unit * to),
        half.subarray(frBytes * from, frBytes * to),
      ] as const;
      return { calls: [{ call: `msm${group}`, args: [...args] }], out: out.subarray(at, at + unit) };
    }),
  );
  const weights = frsToBytes(parts.map((_part, i) => (i % whole.length === 0 ? 1n : 1n << halfBits)));
  return {
    parts,
    result: (kernel) => (parts.length === 1 ? out.slice() : kernel[`msm${group}`](out, weights)),
  };
}

/** Separate multiples: runs of scalars, of the points beside them or of one base. */
function splitMultiples(
  name: "fixedBase" | "scale",
  group: Group,
  [points, scalars]: readonly [Uint8Array, Uint8Array],
  wanted: number,
  least: number,
): SplitCall {
  const unit = unitOf(group);
  const count = name === "scale" ? pairs(points, scalars, unit) : countOf(scalars, frBytes, "scalars");
  if (name === "fixedBase" && points.length !== unit) {
    throw curveErrors.badLength({ what: "a base", length: points.length, unit });
  }
  const [place, by] = [sharedBytes(points), sharedBytes(scalars)];
  const out = sharedZeros(unit * count);
  const parts = runsOf(count, wanted, least).map(([from, to]): Part => {
    const own = name === "scale" ? place.subarray(unit * from, unit * to) : place;
    const args: [Uint8Array, Uint8Array] = [own, by.subarray(frBytes * from, frBytes * to)];
    return { calls: [{ call: `${name}${group}`, args }], out: out.subarray(unit * from, unit * to) };
  });
  return { parts, result: () => out };
}

/** A call that stays whole. */
function unsplit(call: CurveCall): SplitCall {
  const args = call.args.map(sharedBytes);
  const out = sharedZeros(call.args[0]?.length ?? 0);
  return { parts: [{ calls: [{ call: call.call, args } as CurveCall], out }], result: () => out };
}

/** A call in about so many parts. Throws what the call itself throws for arguments of a wrong shape. */
export function splitCall(call: CurveCall, wanted: number, sizes: CurveSizes): SplitCall {
  const group = groupOf(call);
  switch (call.call) {
    case "msmG1":
    case "msmG2":
      return splitSum(group, call.args, wanted, sizes.sumPoints);
    case "fixedBaseG1":
    case "fixedBaseG2":
      return splitMultiples("fixedBase", group, call.args, wanted, sizes.multiples);
    case "scaleG1":
    case "scaleG2":
      return splitMultiples("scale", group, call.args, wanted, sizes.multiples);
    default:
      return unsplit(call);
  }
}

/** Many small sums as one part; all arguments in one piece of memory. */
export function bundleSums(calls: readonly CurveCall[]): { part: Part; results: readonly Uint8Array[] } {
  const bytes = calls.flatMap(({ args }) => [...args]).reduce((sum, { length }) => sum + length, 0);
  const memory = sharedZeros(bytes);
  let at = 0;
  const placed = (argument: Uint8Array): Uint8Array => {
    const place = memory.subarray(at, at + argument.length);
    place.set(argument);
    at += argument.length;
    return place;
  };
  const own = calls.map(({ call, args }) => ({ call, args: args.map(placed) }) as CurveCall);
  const unit = unitOf(groupOf(own[0] as CurveCall));
  const out = sharedZeros(unit * calls.length);
  return {
    part: { calls: own, out },
    results: calls.map((_call, i) => out.subarray(i * unit, (i + 1) * unit)),
  };
}

/** Does one part. */
export function doPart(kernel: CurveKernel, { calls, out }: Part): void {
  const unit = out.length / calls.length;
  for (const [i, call] of calls.entries()) out.set(curveCall(kernel, call), i * unit);
}
