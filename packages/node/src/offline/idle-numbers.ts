/** Accumulators of the compatibility profile by hand. Numbers and elements are hex. */
import { fromHex, type Json, toHex } from "@holdfast/base";
import { CessPrimes, cessAccumulate, cessValueBytes, checkCessKey } from "@holdfast/proofs";

export interface AccumulateRequest {
  readonly modulus: string;
  readonly base: string;
  readonly elements: readonly string[];
}

export interface AccumulatedReport {
  /** Of the empty accumulator first, then after each element. */
  readonly values: readonly string[];
}

/** Error `cess/bad-key`. */
export async function work(
  { modulus, base, elements }: AccumulateRequest,
  report: (doneRatio: Json) => void,
): Promise<AccumulatedReport> {
  const key = { modulus: BigInt(`0x${modulus}`), base: BigInt(`0x${base}`) };
  checkCessKey(key);
  const values = [toHex(cessValueBytes(key.base))];
  for (const value of cessAccumulate(key, new CessPrimes(), elements.map(fromHex), key.base)) {
    report(values.length / elements.length);
    values.push(toHex(cessValueBytes(value)));
  }
  return { values };
}
