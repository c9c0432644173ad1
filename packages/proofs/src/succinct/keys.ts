/**
 * Where provers find proving keys. A network fixes the verifying keys; the proving key that belongs to one is
 * a file of many megabytes, which the host looks for (a folder, a cache) by the verifying key's bytes.
 */
import { sha256, toHex } from "@holdfast/base";
import { proofsErrors } from "../errors.ts";
import type { ProvingKey } from "../groth16/index.ts";

export interface ProvingKeySource {
  /** The key that belongs to the encoded verifying key, or `undefined`. */
  find(verifyingKey: Uint8Array): Promise<ProvingKey | undefined>;
}

const none: ProvingKeySource = { find: () => Promise.resolve(undefined) };
let installed: ProvingKeySource = none;

/** Gives this thread's provers their keys; returns the function that puts the old source back. */
export function installProvingKeys(source: ProvingKeySource): () => void {
  const before = installed;
  installed = source;
  return () => {
    installed = before;
  };
}

/** Throws proofs/no-parameters. */
export async function provingKeyOf(verifyingKey: Uint8Array, what: string): Promise<ProvingKey> {
  const key = await installed.find(verifyingKey);
  if (key === undefined) throw proofsErrors.noParameters({ what, key: toHex(sha256(verifyingKey)) });
  return key;
}
