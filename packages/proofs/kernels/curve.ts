/**
 * The curve kernel on the compiled kernels: checks shapes as the reference does, moves bytes in and out, and
 * computes the few constants that a call needs. Every function of the interface is here.
 */
import {
  type CurveKernel,
  curveErrors,
  domainRoot,
  frGenerator,
  frPower,
  g1Bytes,
  g2Bytes,
} from "../src/curve/index.ts";
import { assertFrs, frBytes, frInvert, frReduce, frsToBytes, frToBytes } from "../src/field/index.ts";
import {
  createWorkshop,
  type KernelCalls,
  type Machine,
  type MachineMaker,
  nowhere,
  type Place,
  status,
} from "./machine.ts";

type Work = ReturnType<typeof createWorkshop>;

/** Throws what went wrong: memory, a scalar above the order, or else a point. */
function check(result: number, machine: Machine, group: "G1" | "G2", ...elements: Uint8Array[]): void {
  if (result === status.ok) return;
  if (result === status.noMemory) throw curveErrors.outOfMemory({ bytes: machine.size() });
  for (const run of elements) assertFrs(run);
  throw curveErrors.notAPoint({ group });
}

function countOf(bytes: Uint8Array, unit: number, what: string): number {
  if (bytes.length % unit !== 0) throw curveErrors.badLength({ what, length: bytes.length, unit });
  return bytes.length / unit;
}

type SumName = "msm" | "fixed_base" | "scale";

function sumsIn(work: Work, group: "G1" | "G2") {
  const unit = group === "G1" ? g1Bytes : g2Bytes;
  const prefix = group === "G1" ? "g1" : "g2";
  const functionOf = ({ call }: Machine, name: SumName): KernelCalls["g1_msm"] => call[`${prefix}_${name}`];
  const run = (name: SumName, points: Uint8Array, scalars: Uint8Array, outputs: number): Uint8Array =>
    work((machine) => {
      const out = machine.alloc(Math.max(1, outputs) * unit);
      const [pointsAt, scalarsAt] = [machine.lend(points), machine.lend(scalars)];
      const count = scalars.length / frBytes;
      check(functionOf(machine, name)(out, pointsAt, scalarsAt, count), machine, group, scalars);
      return machine.read(out, outputs * unit);
    });
  const paired = (points: Uint8Array, scalars: Uint8Array): number => {
    const counts = { points: countOf(points, unit, "points"), scalars: countOf(scalars, frBytes, "scalars") };
    if (counts.points !== counts.scalars) throw curveErrors.badCount(counts);
    return counts.points;
  };
  return {
    msm: (points: Uint8Array, scalars: Uint8Array): Uint8Array => {
      paired(points, scalars);
      return run("msm", points, scalars, 1);
    },
    scale: (points: Uint8Array, scalars: Uint8Array): Uint8Array =>
      run("scale", points, scalars, paired(points, scalars)),
    fixedBase: (base: Uint8Array, scalars: Uint8Array): Uint8Array => {
      const count = countOf(scalars, frBytes, "scalars");
      if (base.length !== unit) throw curveErrors.badLength({ what: "a base", length: base.length, unit });
      return run("fixed_base", base, scalars, count);
    },
    lagrange: (points: Uint8Array): Uint8Array => {
      const size = countOf(points, unit, "points");
      const rootInverse = frToBytes(frInvert(domainRoot(size)));
      return work((machine) => {
        const at = machine.put(points);
        const lagrange = machine.call[`${prefix}_lagrange`];
        const sizeInverse = frToBytes(frInvert(BigInt(size)));
        const constants = [machine.lend(rootInverse), machine.lend(sizeInverse)] as const;
        check(lagrange(at, Math.log2(size), ...constants), machine, group);
        return machine.read(at, points.length);
      });
    },
    firstBad: (points: Uint8Array): number => {
      const count = countOf(points, unit, "points");
      return work((machine) => {
        const found = machine.call[`${prefix}_first_bad`](machine.lend(points), count);
        if (found === status.noMemory) throw curveErrors.outOfMemory({ bytes: machine.size() });
        return found;
      });
    },
  };
}

function fftWith(work: Work): CurveKernel["fft"] {
  return (values, { inverse, coset }) => {
    const size = countOf(values, frBytes, "scalars");
    const root = domainRoot(size);
    return work((machine) => {
      const element = (value: bigint): Place => machine.lend(frToBytes(value));
      const at = machine.put(values);
      const result = inverse
        ? machine.call.fft(
            at,
            Math.log2(size),
            element(frInvert(root)),
            nowhere,
            element(frInvert(BigInt(size))),
            coset ? element(frInvert(frGenerator)) : nowhere,
          )
        : machine.call.fft(
            at,
            Math.log2(size),
            element(root),
            coset ? element(frGenerator) : nowhere,
            element(1n),
            nowhere,
          );
      check(result, machine, "G1", values);
      return machine.read(at, values.length);
    });
  };
}

function quotientWith(work: Work): CurveKernel["quotient"] {
  return (a, b, c) => {
    const size = a.length / frBytes;
    if (b.length !== a.length || c.length !== a.length) throw curveErrors.badDomain({ size });
    const root = domainRoot(size);
    const sizeInverse = frInvert(BigInt(size));
    const vanishing = frInvert(frPower(frGenerator, BigInt(size)) - 1n);
    const constants = frsToBytes([
      root,
      frInvert(root),
      frGenerator,
      frInvert(frGenerator),
      sizeInverse,
      frReduce(sizeInverse * vanishing),
    ]);
    return work((machine) => {
      const at = machine.put(a);
      const others = [machine.lend(b), machine.lend(c)] as const;
      const result = machine.call.quotient(at, ...others, Math.log2(size), machine.lend(constants));
      check(result, machine, "G1", a, b, c);
      return machine.read(at, a.length);
    });
  };
}

export function createCurveKernel(make: MachineMaker): CurveKernel {
  const work = createWorkshop(make);
  const [g1, g2] = [sumsIn(work, "G1"), sumsIn(work, "G2")];
  return Object.freeze({
    msmG1: g1.msm,
    msmG2: g2.msm,
    fixedBaseG1: g1.fixedBase,
    fixedBaseG2: g2.fixedBase,
    scaleG1: g1.scale,
    scaleG2: g2.scale,
    lagrangeG1: g1.lagrange,
    lagrangeG2: g2.lagrange,
    firstBadG1: g1.firstBad,
    firstBadG2: g2.firstBad,
    fft: fftWith(work),
    quotient: quotientWith(work),
  });
}
