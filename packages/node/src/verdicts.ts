/**
 * Verdicts that every node of one process shares. A signature or a proof holds or does not, whoever asks: a
 * local network has each block checked by five nodes, on arrival, alone and in its tipset. Invariants: a key
 * covers every input; what is remembered was computed by a real verifier; memory is bounded.
 */
import { hash } from "node:crypto";
import type { CryptoKernel } from "@holdfast/base";
import { Bounded } from "./bounded.ts";
import { limits } from "./limits.ts";

type BlsVerify = CryptoKernel["blsVerify"];

/** The same function, that answers a question it has answered before from memory (3 µs instead of 1 ms). */
export function rememberingBls(verify: BlsVerify): BlsVerify {
  const verdicts = new Bounded<boolean>(limits.verdicts);
  return (publicKey, message, signature) => {
    const key = hash("sha256", framed(publicKey, signature, message), "base64");
    const known = verdicts.get(key);
    if (known !== undefined) return known;
    const verdict = verify(publicKey, message, signature);
    verdicts.set(key, verdict);
    return verdict;
  };
}

/** The parts with their lengths before them, so that no two triples give the same bytes. */
function framed(...parts: readonly Uint8Array[]): Uint8Array {
  const bytes = new Uint8Array(parts.reduce((sum, part) => sum + 4 + part.length, 0));
  const view = new DataView(bytes.buffer);
  let at = 0;
  for (const part of parts) {
    view.setUint32(at, part.length);
    bytes.set(part, at + 4);
    at += 4 + part.length;
  }
  return bytes;
}
