/** The crypto vectors, read once for the tests of both kernels. */
import { readFileSync } from "node:fs";
import type { CryptoVectors } from "@holdfast/base/testing";

export function readVectors(name: string): unknown {
  return JSON.parse(readFileSync(new URL(`../../../vectors/crypto/${name}.json`, import.meta.url), "utf8"));
}

export function cryptoVectors(): CryptoVectors {
  const names = ["hashes", "accounts", "signatures", "bls"];
  return Object.fromEntries(names.map((name) => [name, readVectors(name)])) as unknown as CryptoVectors;
}
