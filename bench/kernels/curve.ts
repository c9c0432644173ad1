/**
 * Points of BLS12-381 and transforms over its scalar field: what Groth16 is made of. Peers are noble in TypeScript
 * and ffjavascript, the WebAssembly under snarkjs (GPL-3.0: a tool of tests and benchmarks, never shipped).
 */
import { g1BytesOf, g2BytesOf, plainCurveKernel } from "@holdfast/proofs";
import { bls12_381 } from "@noble/curves/bls12-381.js";
import type { Contender, Kernel, KernelFamily, Setting } from "../kernel.ts";
import { type Limits, limitOf } from "../limits.ts";
import { ffCurve } from "./ffjavascript.ts";
import { elementBytes, elements } from "./samples.ts";

const g1Log = 13;
const g1LargeLog = 16;
const g2Log = 11;
const transformLog = 14;
const few = 64;
const g1 = g1BytesOf(bls12_381.G1.Point.BASE);
const g2 = g2BytesOf(bls12_381.G2.Point.BASE);
/** Multiplications of 64 bits in one product of the coordinates' field (6 words) and of the scalars' (4 words). */
const [fpMultiplications, frMultiplications] = [78, 36];
/** Additions to XYZZ buckets, 10 products each, in windows of 13 bits: the bound of a plain multi-exponentiation. */
const pointProducts = 10 * Math.ceil(255 / 13);
const multiplierBound = (multiplications: number) => (limits: Limits) =>
  limitOf(limits, "mulx_many_streams", multiplications);
const forwards = { inverse: false, coset: false };

function sumInG1(log: number, points: Uint8Array, scalars: Uint8Array, peers: readonly Contender[]): Kernel {
  const count = 2 ** log;
  return {
    name: `sum of 2^${log} points of G1`,
    count,
    work:
      ({ curve }) =>
      () =>
        curve.msmG1(points.subarray(0, 96 * count), scalars.subarray(0, elementBytes * count)),
    reference: {
      count: few,
      work: () =>
        plainCurveKernel.msmG1(points.subarray(0, 96 * few), scalars.subarray(0, elementBytes * few)),
    },
    peers,
    foreign: `g1-msm-${log}`,
    limit: multiplierBound(pointProducts * fpMultiplications),
  };
}

function sumInG2(points: Uint8Array, scalars: Uint8Array, peers: readonly Contender[]): Kernel {
  const count = 2 ** g2Log;
  const own = scalars.subarray(0, elementBytes * count);
  return {
    name: `sum of 2^${g2Log} points of G2`,
    count,
    work:
      ({ curve }) =>
      () =>
        curve.msmG2(points, own),
    reference: {
      count: few,
      work: () =>
        plainCurveKernel.msmG2(points.subarray(0, 192 * few), scalars.subarray(0, elementBytes * few)),
    },
    peers,
    foreign: `g2-msm-${g2Log}`,
  };
}

function multiples(scalars: Uint8Array): Kernel {
  const count = 2 ** g1Log;
  const own = scalars.subarray(0, elementBytes * count);
  return {
    name: "multiples of one point of G1",
    count,
    work:
      ({ curve }) =>
      () =>
        curve.fixedBaseG1(g1, own),
    reference: {
      count: few,
      work: () => plainCurveKernel.fixedBaseG1(g1, scalars.subarray(0, elementBytes * few)),
    },
    foreign: "g1-fixed-base",
  };
}

function transform(values: Uint8Array, peers: readonly Contender[]): Kernel {
  const smallLog = 8;
  const small = values.subarray(0, elementBytes * 2 ** smallLog);
  return {
    name: `transform of 2^${transformLog} elements`,
    count: transformLog * 2 ** (transformLog - 1),
    work:
      ({ curve }) =>
      () =>
        curve.fft(values, forwards),
    reference: { count: smallLog * 2 ** (smallLog - 1), work: () => plainCurveKernel.fft(small, forwards) },
    peers,
    foreign: `fft-${transformLog}`,
    limit: multiplierBound(frMultiplications),
    note: "counted in butterflies",
  };
}

async function kernels({ best: { curve } }: Setting): Promise<readonly Kernel[]> {
  const scalars = elements(2 ** g1LargeLog);
  const points = curve.fixedBaseG1(g1, scalars);
  const twisted = curve.fixedBaseG2(g2, scalars.subarray(0, elementBytes * 2 ** g2Log));
  const values = scalars.subarray(0, elementBytes * 2 ** transformLog);
  const peer = await ffCurve();
  return [
    sumInG1(g1Log, points, scalars, peer.sum("G1", 2 ** g1Log, scalars)),
    sumInG1(g1LargeLog, points, scalars, peer.sum("G1", 2 ** g1Log, scalars)),
    sumInG2(twisted, scalars, peer.sum("G2", 2 ** g2Log, scalars)),
    multiples(scalars),
    transform(values, peer.transform(transformLog, values)),
  ];
}

export const curveFamily: KernelFamily = { name: "curve", kernels };
