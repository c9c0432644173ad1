/**
 * All that is secret about one encrypted file, from one seed: the file key, the nonce of its payload and what is used
 * once for each recipient. The seed is random; or, where the content's digest is known before its first byte is
 * encrypted, it is a secret of the account and of exactly that content, so that the same file is stored under the same
 * CID and a put that is run again is the same put. Invariant: no two contents are ever encrypted with the same seed.
 */
import { hkdfSync } from "node:crypto";
import {
  type AgeStanza,
  agePayloadKey,
  concatBytes,
  equalBytes,
  printAgeHeader,
  toHex,
  utf8Bytes,
  wrapAgeFileKey,
} from "@holdfast/base";
import type { EncryptionNeeds } from "./needs.ts";

/** What is inside: the bytes of a file, or a folder as a tar stream with a list behind it. */
export const sealedKinds = ["file", "folder"] as const;
export type SealedKind = (typeof sealedKinds)[number];

/** First in the header: programs that know only age pass over it. */
export const kindStanza = "holdfast/1";

export interface FileSecrets {
  /** The header, and the nonce of the payload. */
  readonly head: Uint8Array;
  readonly payloadKey: Uint8Array;
}

export interface SealRequest {
  readonly kind: SealedKind;
  /** Of the plain bytes, if it is known. */
  readonly sha256: Uint8Array | undefined;
  /** Beside the account itself; 32 bytes each. */
  readonly recipients: readonly Uint8Array[];
}

/** `wallet/no-key`, `age/bad-recipient`. */
export function makeFileSecrets({ keys }: Pick<EncryptionNeeds, "keys">, request: SealRequest): FileSecrets {
  const { kind, sha256 } = request;
  const account = keys.payer();
  const all = distinct([keys.fileRecipient(account), ...request.recipients]);
  const purpose = utf8Bytes(["seal", kind, ...[sha256 ?? new Uint8Array(0), ...all].map(toHex)].join("\n"));
  const seed = sha256 === undefined ? keys.newFileSecret() : keys.fileSecret(account, purpose);
  const fileKey = derived(seed, "file key", 16);
  const nonce = derived(seed, "payload nonce", 16);
  const stanzas: AgeStanza[] = [
    { type: kindStanza, args: [kind], body: new Uint8Array(0) },
    ...all.map((recipient, index) => wrapAgeFileKey(fileKey, recipient, derived(seed, `share ${index}`, 32))),
  ];
  return {
    head: concatBytes(printAgeHeader(stanzas, fileKey), nonce),
    payloadKey: agePayloadKey(fileKey, nonce),
  };
}

function derived(seed: Uint8Array, what: string, bytes: number): Uint8Array {
  return new Uint8Array(
    hkdfSync("sha256", seed, new Uint8Array(0), `holdfast/encrypted-file/1/${what}`, bytes),
  );
}

function distinct(list: readonly Uint8Array[]): Uint8Array[] {
  return list.filter((one, index) => list.findIndex((other) => equalBytes(one, other)) === index);
}
