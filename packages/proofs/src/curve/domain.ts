/**
 * Evaluation domains: the 2^k-th roots of unity of the scalar field, and Fourier transforms over them for
 * anything that adds and takes scalars (field elements, points).
 * Source: Cooley and Tukey, radix 2; the generator 7 of the multiplicative group as in the BLS12-381 libraries.
 */
import { frInvert, frModulus } from "../field/index.ts";
import { curveErrors } from "./errors.ts";

/** Generates the multiplicative group; its powers shift domains to cosets. */
export const frGenerator = 7n;
/** r − 1 is divisible by 2^32 and no higher power. */
const maxLog = 32;

export function frPower(base: bigint, exponent: bigint): bigint {
  let result = 1n;
  let square = base % frModulus;
  for (let rest = exponent; rest > 0n; rest >>= 1n) {
    if ((rest & 1n) === 1n) result = (result * square) % frModulus;
    square = (square * square) % frModulus;
  }
  return result;
}

/** The root that generates the domain of `size` elements. Throws curve/bad-domain. */
export function domainRoot(size: number): bigint {
  const valid =
    Number.isInteger(size) && size >= 1 && size <= 2 ** maxLog && Number.isInteger(Math.log2(size));
  if (!valid) throw curveErrors.badDomain({ size });
  return frPower(frGenerator, (frModulus - 1n) / BigInt(size));
}

/** 1, base, base², … */
export function powersOf(base: bigint, count: number): bigint[] {
  const powers: bigint[] = [];
  for (let power = 1n; powers.length < count; power = (power * base) % frModulus) powers.push(power);
  return powers;
}

/** What a transform works on. */
export interface Module<V> {
  readonly add: (a: V, b: V) => V;
  readonly subtract: (a: V, b: V) => V;
  readonly scale: (value: V, by: bigint) => V;
}

export const frModule: Module<bigint> = {
  add: (a, b) => (a + b) % frModulus,
  subtract: (a, b) => (a - b + frModulus) % frModulus,
  scale: (value, by) => (value * by) % frModulus,
};

/** Values at root^i of the polynomial with these coefficients, for i = 0 … n − 1 in this order. */
function evaluate<V>(module: Module<V>, coefficients: readonly V[], root: bigint): V[] {
  const size = coefficients.length;
  if (size === 1) return [...coefficients];
  const square = (root * root) % frModulus;
  const even = evaluate(module, everySecond(coefficients, 0), square);
  const odd = evaluate(module, everySecond(coefficients, 1), square);
  const result = new Array<V>(size);
  let twiddle = 1n;
  for (let i = 0; i < size / 2; i += 1) {
    const turned = module.scale(odd[i] as V, twiddle);
    result[i] = module.add(even[i] as V, turned);
    result[i + size / 2] = module.subtract(even[i] as V, turned);
    twiddle = (twiddle * root) % frModulus;
  }
  return result;
}

function everySecond<V>(values: readonly V[], from: number): V[] {
  return Array.from({ length: values.length / 2 }, (_none, i) => values[2 * i + from] as V);
}

/** Coefficients → values on the domain. Throws curve/bad-domain. */
export function transform<V>(module: Module<V>, coefficients: readonly V[]): V[] {
  return evaluate(module, coefficients, domainRoot(coefficients.length));
}

/** Values on the domain → coefficients. Throws curve/bad-domain. */
export function inverseTransform<V>(module: Module<V>, values: readonly V[]): V[] {
  const scale = frInvert(BigInt(values.length));
  return evaluate(module, values, frInvert(domainRoot(values.length))).map((v) => module.scale(v, scale));
}

/** Coefficients → values on 7 times the domain. */
export function cosetTransform(coefficients: readonly bigint[]): bigint[] {
  const shifts = powersOf(frGenerator, coefficients.length);
  return transform(
    frModule,
    coefficients.map((value, i) => (value * (shifts[i] ?? 0n)) % frModulus),
  );
}

/** Values on 7 times the domain → coefficients. */
export function inverseCosetTransform(values: readonly bigint[]): bigint[] {
  const shifts = powersOf(frInvert(frGenerator), values.length);
  return inverseTransform(frModule, values).map((value, i) => (value * (shifts[i] ?? 0n)) % frModulus);
}
