/**
 * Primality. The test is Baillie–PSW (no composite is known that passes it, and there is
 * none below 2^64) and sixteen rounds of Miller–Rabin with bases that are hashed from the number, so that numbers
 * which are built to pass fixed bases fail. Whoever picks a number by hashing cannot aim at anything.
 * Source: Baillie and Wagstaff 1980; FIPS 186-5 appendix B.3 (Miller–Rabin, strong Lucas).
 */
import { bigEndian, concatBytes, readBigEndian, sha256, utf8Bytes } from "@holdfast/base";
import { plainModPow } from "./mod-pow.ts";

const hashedRounds = 16;

const smallPrimes: readonly bigint[] = (() => {
  const primes: number[] = [];
  for (let n = 2; n < 1000; n += 1) if (primes.every((prime) => n % prime !== 0)) primes.push(n);
  return primes.map(BigInt);
})();

/** n − 1 or n + 1 as odd · 2^twos. */
function oddPart(even: bigint): { odd: bigint; twos: number } {
  let odd = even;
  let twos = 0;
  while (odd % 2n === 0n) {
    odd /= 2n;
    twos += 1;
  }
  return { odd, twos };
}

/** Whether odd n passes Miller–Rabin with this base. */
function isStrongProbablePrime(n: bigint, base: bigint): boolean {
  const start = base % n;
  if (start === 0n) return true;
  const { odd, twos } = oddPart(n - 1n);
  let x = plainModPow(start, odd, n);
  if (x === 1n || x === n - 1n) return true;
  for (let i = 1; i < twos; i += 1) {
    x = (x * x) % n;
    if (x === n - 1n) return true;
  }
  return false;
}

/** The Jacobi symbol (a | n), n odd and positive. */
function jacobi(a: bigint, n: bigint): number {
  let top = ((a % n) + n) % n;
  let bottom = n;
  let sign = 1;
  while (top !== 0n) {
    while (top % 2n === 0n) {
      top /= 2n;
      const rest = bottom % 8n;
      if (rest === 3n || rest === 5n) sign = -sign;
    }
    [top, bottom] = [bottom, top];
    if (top % 4n === 3n && bottom % 4n === 3n) sign = -sign;
    top %= bottom;
  }
  return bottom === 1n ? sign : 0;
}

/** The integer square root, by Newton's method. */
function squareRoot(n: bigint): bigint {
  let x = 1n << BigInt(Math.ceil(n.toString(2).length / 2));
  for (;;) {
    const next = (x + n / x) / 2n;
    if (next >= x) return x;
    x = next;
  }
}

/** The first of 5, −7, 9, −11, … whose Jacobi symbol is −1, or `undefined` if n is found composite. */
function selfridge(n: bigint): bigint | undefined {
  for (let size = 5n; ; size += 2n) {
    const candidate = size % 4n === 1n ? size : -size;
    const symbol = jacobi(candidate, n);
    if (symbol === -1) return candidate;
    if (symbol === 0 && size % n !== 0n) return undefined;
    // A square has no such number: looked for once it has become likely.
    if (size === 21n && squareRoot(n) ** 2n === n) return undefined;
  }
}

/** Whether odd n passes the strong Lucas test with Selfridge's parameters (P = 1, Q = (1 − D)/4). */
function isStrongLucasPrime(n: bigint): boolean {
  const d = selfridge(n);
  if (d === undefined) return false;
  const q = (1n - d) / 4n;
  const mod = (value: bigint): bigint => ((value % n) + n) % n;
  const half = (value: bigint): bigint => mod(value % 2n === 0n ? value / 2n : (value + n) / 2n);
  const { odd, twos } = oddPart(n + 1n);
  let [u, v, power] = [1n, 1n, mod(q)];
  for (const bit of odd.toString(2).slice(1)) {
    [u, v, power] = [mod(u * v), mod(v * v - 2n * power), mod(power * power)];
    if (bit === "1") [u, v, power] = [half(mod(u + v)), half(mod(d * u + v)), mod(power * q)];
  }
  if (u === 0n || v === 0n) return true;
  for (let i = 1; i < twos; i += 1) {
    [v, power] = [mod(v * v - 2n * power), mod(power * power)];
    if (v === 0n) return true;
  }
  return false;
}

const baseDomain = utf8Bytes("holdfast primality base 1\n");

function hashedBasesPass(n: bigint): boolean {
  const bytes = bigEndian(n, Math.ceil(n.toString(16).length / 2));
  for (let round = 0; round < hashedRounds; round += 1) {
    const base = readBigEndian(sha256(concatBytes(baseDomain, bigEndian(round, 4), bytes)));
    if (!isStrongProbablePrime(n, base)) return false;
  }
  return true;
}

/** Whether n is a prime (a composite passes with a probability that nobody has seen above 2^-128). */
export function plainIsPrime(n: bigint): boolean {
  if (n < 2n) return false;
  for (const prime of smallPrimes) if (n % prime === 0n) return n === prime;
  return isStrongProbablePrime(n, 2n) && isStrongLucasPrime(n) && hashedBasesPass(n);
}
