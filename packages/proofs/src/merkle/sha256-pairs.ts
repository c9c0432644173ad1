/**
 * sha2-256 of many 64-byte messages: the hot loop of data trees. A 64-byte message is one block of data and one
 * block of constant padding, so the second block's key schedule is computed once, and no buffers are made per
 * hash. Result per pair: 32 bytes with the two bits above 2^254 cleared.
 * Source: FIPS 180-4. The general implementation of base is the reference that it is tested against.
 */

/** The first 32 bits of the fractional parts of the cube roots of the first 64 primes. */
const roundConstants = Int32Array.from(firstPrimes(64), (prime) => fractionBits(prime, 3));
/** The same of the square roots of the first 8 primes. */
const initial = Int32Array.from(firstPrimes(8), (prime) => fractionBits(prime, 2));

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

const schedule = new Int32Array(64);
/** Words of the second block (a 1 bit, zeros, the length 512), expanded and with the round constants added. */
const paddingKeys = new Int32Array(64);
paddingKeys[0] = 1 << 31;
paddingKeys[15] = 512;
expand(paddingKeys);
for (let i = 0; i < 64; i += 1) paddingKeys[i] = (paddingKeys[i] as number) + (roundConstants[i] as number);

function expand(words: Int32Array): void {
  for (let i = 16; i < 64; i += 1) {
    const near = words[i - 15] as number;
    const far = words[i - 2] as number;
    const sigma0 = ((near >>> 7) | (near << 25)) ^ ((near >>> 18) | (near << 14)) ^ (near >>> 3);
    const sigma1 = ((far >>> 17) | (far << 15)) ^ ((far >>> 19) | (far << 13)) ^ (far >>> 10);
    words[i] = ((words[i - 16] as number) + sigma0 + (words[i - 7] as number) + sigma1) | 0;
  }
}

/** One block: `keys` are schedule words plus round constants; `chain` is updated. */
function compress(chain: Int32Array, keys: Int32Array): void {
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

/** The last word keeps the bits below 2^254: the last byte's two top bits are bits 6 and 7 of the word. */
const lastWordMask = 0xffffff3f;

/** The row above: one trimmed sha2-256 per 64 bytes of `row`. */
export function sha256Pairs(row: Uint8Array): Uint8Array {
  const parents = new Uint8Array(row.length / 2);
  const input = new DataView(row.buffer, row.byteOffset, row.byteLength);
  const output = new DataView(parents.buffer);
  const chain = new Int32Array(8);
  for (let start = 0; start + 64 <= row.length; start += 64) {
    for (let i = 0; i < 16; i += 1) schedule[i] = input.getInt32(start + i * 4);
    expand(schedule);
    for (let i = 0; i < 64; i += 1) schedule[i] = (schedule[i] as number) + (roundConstants[i] as number);
    chain.set(initial);
    compress(chain, schedule);
    compress(chain, paddingKeys);
    const at = start / 2;
    for (let i = 0; i < 7; i += 1) output.setInt32(at + i * 4, chain[i] as number);
    output.setInt32(at + 28, (chain[7] as number) & lastWordMask);
  }
  return parents;
}
