/**
 * The curve kernel by a crew: sums and multiples in parts, checks by ranges, and lists of independent calls side by
 * side. Calls that are too small go to the thread's own kernel as they are. So does a transform that stands alone:
 * its stages need each other, and in rows short enough to be independent it costs several times as much (measured).
 */
import {
  type CurveCall,
  type CurveKernel,
  curveCall,
  g1Bytes,
  g2Bytes,
  type StartedCalls,
} from "../../src/curve/index.ts";
import type { Crew } from "./crew.ts";
import { sharedBytes } from "./memory.ts";
import {
  bundleSums,
  type CurveSizes,
  costOf,
  curveSizes,
  doPart,
  type Part,
  runsOf,
  splitCall,
} from "./parts.ts";
import type { SliceKind, ThreadKernels } from "./wire.ts";

interface PartsInput {
  readonly parts: readonly Part[];
}

export const partSlices: SliceKind<PartsInput> = {
  module: null,
  name: "partSlices",
  make:
    ({ curve }, { parts }) =>
    (slice) =>
      doPart(curve, parts[slice] as Part),
};

interface CheckInput {
  readonly group: "G1" | "G2";
  readonly points: Uint8Array;
  readonly runs: readonly (readonly [number, number])[];
  /** For each run the index of its first bad point, or −1. */
  readonly found: Int32Array;
}

export const checkSlices: SliceKind<CheckInput> = {
  module: null,
  name: "checkSlices",
  make: ({ curve }, { group, points, runs, found }) => {
    const unit = group === "G1" ? g1Bytes : g2Bytes;
    return (slice) => {
      const [from, to] = runs[slice] as readonly [number, number];
      const bad = curve[`firstBad${group}`](points.subarray(unit * from, unit * to));
      found[slice] = bad === -1 ? -1 : from + bad;
    };
  },
};

/**
 * For each call how many parts it should have: few for sums, whose parts together cost more than the whole, and
 * more for what is as cheap in parts, so that all threads end at about the same time.
 */
function wantedParts(calls: readonly CurveCall[], threads: number): readonly number[] {
  const whole = calls.reduce((sum, call) => sum + costOf(call), 0);
  return calls.map((call) => {
    const fineness = !call.call.startsWith("msm") ? 4 : calls.length === 1 ? 1 : 1.5;
    return Math.max(1, Math.ceil((costOf(call) * threads * fineness) / whole - 0.01));
  });
}

const partCost = ({ calls }: Part): number => calls.reduce((sum, call) => sum + costOf(call), 0);

/** A small sum is not split but bundled with its like. */
const isSmall = (call: CurveCall, sizes: CurveSizes): boolean =>
  call.call.startsWith("msm") && costOf(call) < sizes.sumPoints / 4;

function start(crew: Crew, own: CurveKernel, sizes: CurveSizes, calls: readonly CurveCall[]): StartedCalls {
  const whole = calls.reduce((sum, call) => sum + costOf(call), 0);
  if (whole < 2 * sizes.sumPoints) {
    return { finish: () => calls.map((call) => curveCall(own, call)), stop: () => undefined };
  }
  const large = calls.filter((call) => !isSmall(call, sizes));
  const wanted = wantedParts(large, crew.threads);
  const split = new Map(large.map((call, i) => [call, splitCall(call, wanted[i] ?? 1, sizes)]));
  const results = new Map<CurveCall, Uint8Array>();
  const parts = [...split.values()].flatMap((one) => one.parts);
  for (const bundle of bundles(
    calls.filter((call) => isSmall(call, sizes)),
    sizes,
  )) {
    const { part, results: places } = bundleSums(bundle);
    parts.push(part);
    for (const [i, call] of bundle.entries()) results.set(call, places[i] as Uint8Array);
  }
  // The longest first, so that what is left at the end is short.
  const order = parts.toSorted((a, b) => partCost(b) - partCost(a));
  const pass = crew.start(partSlices, { parts: order }, order.length);
  return {
    finish: () => {
      pass.finish();
      for (const [call, { result }] of split) results.set(call, result(own));
      return calls.map((call) => results.get(call) as Uint8Array);
    },
    stop: () => pass.stop(),
  };
}

/** Small calls in bundles that cost about as much as the smallest part, each of one function. */
function bundles(calls: readonly CurveCall[], sizes: CurveSizes): readonly (readonly CurveCall[])[] {
  const made: CurveCall[][] = [];
  for (const name of new Set(calls.map(({ call }) => call))) {
    let cost = Number.POSITIVE_INFINITY;
    for (const call of calls.filter((one) => one.call === name)) {
      if (cost >= sizes.sumPoints) {
        made.push([]);
        cost = 0;
      }
      made.at(-1)?.push(call);
      cost += costOf(call);
    }
  }
  return made;
}

function firstBad(
  crew: Crew,
  own: CurveKernel,
  sizes: CurveSizes,
  group: "G1" | "G2",
  points: Uint8Array,
): number {
  const unit = group === "G1" ? g1Bytes : g2Bytes;
  const count = points.length / unit;
  if (!Number.isInteger(count) || count < 2 * sizes.checkedPoints) return own[`firstBad${group}`](points);
  const runs = runsOf(count, 4 * crew.threads, sizes.checkedPoints);
  const found = new Int32Array(new SharedArrayBuffer(4 * runs.length));
  crew.run(checkSlices, { group, points: sharedBytes(points), runs, found }, runs.length);
  return found.find((index) => index !== -1) ?? -1;
}

/** The kernel of a thread whose large calls are done by its crew. */
export function crewCurve(
  crew: Crew,
  { curve: own }: ThreadKernels,
  sizes: CurveSizes = curveSizes,
): CurveKernel {
  if (crew.threads === 1) return own;
  const least = { msm: sizes.sumPoints, fixedBase: sizes.multiples, scale: sizes.multiples };
  const one =
    <Name extends "msmG1" | "msmG2" | "fixedBaseG1" | "fixedBaseG2" | "scaleG1" | "scaleG2">(name: Name) =>
    (points: Uint8Array, scalars: Uint8Array): Uint8Array => {
      const kind = name.slice(0, -2) as keyof typeof least;
      if (scalars.length < 2 * 32 * least[kind]) return own[name](points, scalars);
      const [result] = start(crew, own, sizes, [{ call: name, args: [points, scalars] }]).finish();
      return result as Uint8Array;
    };
  const kernel: CurveKernel = {
    ...own,
    msmG1: one("msmG1"),
    msmG2: one("msmG2"),
    fixedBaseG1: one("fixedBaseG1"),
    fixedBaseG2: one("fixedBaseG2"),
    scaleG1: one("scaleG1"),
    scaleG2: one("scaleG2"),
    firstBadG1: (points) => firstBad(crew, own, sizes, "G1", points),
    firstBadG2: (points) => firstBad(crew, own, sizes, "G2", points),
    start: (calls) => start(crew, own, sizes, calls),
  };
  return Object.freeze(kernel);
}
