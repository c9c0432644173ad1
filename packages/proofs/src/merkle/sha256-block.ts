/**
 * The compression function of SHA-256 on 32-bit words, for loops that hash many short messages of one shape.
 * A key schedule is made apart from the rounds, so that a constant block is expanded once.
 * Source: FIPS 180-4.
 */

/** The first 32 bits of the fractional parts of the cube roots of the first 64 primes. */
export const sha256RoundConstants = Int32Array.from(firstPrimes(64), (prime) => fractionBits(prime, 3));
/** The same of the square roots of the first 8 primes. */
export const sha256Initial = Int32Array.from(firstPrimes(8), (prime) => fractionBits(prime, 2));

function firstPrimes(count: number): readonly number[] {
  const primes: number[] = [];
  for (let candidate = 2; primes.length < count; candidate += 1) {
    if (primes.every((prime) => candidate % prime !== 0)) primes.push(candidate);
  }
  return primes;
}

/** The low 32 bits of ⌊root(prime) · 2^32⌋, by integer bisection. */
function fractionBits(prime: number, degree: number): number {
  const target = BigInt(prime) << BigInt(32 * degree);
  let low = 0n;
  let high = BigInt(prime) << 32n;
  while (low + 1n < high) {
    const middle = (low + high) / 2n;
    if (middle ** BigInt(degree) <= target) low = middle;
    else high = middle;
  }
  return Number(BigInt.asIntN(32, low));
}

/** Words 16 to 63 of the schedule from words 0 to 15. */
export function expandBlock(words: Int32Array): void {
  for (let i = 16; i < 64; i += 1) {
    const near = words[i - 15] as number;
    const far = words[i - 2] as number;
    const sigma0 = ((near >>> 7) | (near << 25)) ^ ((near >>> 18) | (near << 14)) ^ (near >>> 3);
    const sigma1 = ((far >>> 17) | (far << 15)) ^ ((far >>> 19) | (far << 13)) ^ (far >>> 10);
    words[i] = ((words[i - 16] as number) + sigma0 + (words[i - 7] as number) + sigma1) | 0;
  }
}

/** One block: `keys` are schedule words plus round constants; `chain` is updated. */
export function compressBlock(chain: Int32Array, keys: Int32Array): void {
  let a = chain[0] as number;
  let b = chain[1] as number;
  let c = chain[2] as number;
  let d = chain[3] as number;
  let e = chain[4] as number;
  let f = chain[5] as number;
  let g = chain[6] as number;
  let h = chain[7] as number;
  for (let i = 0; i < 64; i += 1) {
    const sum1 = ((e >>> 6) | (e << 26)) ^ ((e >>> 11) | (e << 21)) ^ ((e >>> 25) | (e << 7));
    const first = (h + sum1 + (g ^ (e & (f ^ g))) + (keys[i] as number)) | 0;
    const sum0 = ((a >>> 2) | (a << 30)) ^ ((a >>> 13) | (a << 19)) ^ ((a >>> 22) | (a << 10));
    const second = (sum0 + ((a & b) ^ (c & (a ^ b)))) | 0;
    h = g;
    g = f;
    f = e;
    e = (d + first) | 0;
    d = c;
    c = b;
    b = a;
    a = (first + second) | 0;
  }
  chain[0] = (chain[0] as number) + a;
  chain[1] = (chain[1] as number) + b;
  chain[2] = (chain[2] as number) + c;
  chain[3] = (chain[3] as number) + d;
  chain[4] = (chain[4] as number) + e;
  chain[5] = (chain[5] as number) + f;
  chain[6] = (chain[6] as number) + g;
  chain[7] = (chain[7] as number) + h;
}
