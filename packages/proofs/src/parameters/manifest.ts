/**
 * `parameters.json`: the published parameters, a map from file names to where they are (CID), which bytes they are
 * (BLAKE2b-256) and for which sectors. `paramfetch` reads it, `parampublish` adds to it.
 *
 * Invariant: a name is a file name and nothing else (no folder, no way out of the cache). Source: the file of the
 * same name of rust-fil-proofs, whose digest was cut to 128 bits; this one is whole.
 */
import { blake2b256, parseCid, toHex, utf8Bytes } from "@holdfast/base";
import { parametersErrors } from "./errors.ts";
import { countOf, exactFields, isObject, parseJson, textOf } from "./json.ts";

export interface ManifestEntry {
  readonly cid: string;
  /** BLAKE2b-256 of the file, 64 hex digits. */
  readonly digest: string;
  readonly sizeBytes: number;
  /** Size of the sectors that the parameters are for; 0 if they are for any. */
  readonly sectorBytes: number;
}

/** File name → entry. */
export type ParametersManifest = ReadonlyMap<string, ManifestEntry>;

/** Bytes of a `parameters.json`, at most. */
export const maxManifestBytes = 1_048_576;
const maxSizeBytes = 2 ** 40;
const nameForm = /^v[0-9]{1,4}-[a-z][a-z0-9_-]{0,150}-[0-9a-f]{64}(\.(params|vk|transcript|meta))?$/;
const digestForm = /^[0-9a-f]{64}$/;
const refuse = parametersErrors.malformedManifest;

/** Whether a text can stand in a list as the name of a parameter file. */
export function isParameterFileName(name: string): boolean {
  return nameForm.test(name);
}

/** The entry for a file that was stored under `cid`. */
export function manifestEntry(file: Uint8Array, cid: string, sectorBytes: number): ManifestEntry {
  return { cid, digest: toHex(blake2b256(file)), sizeBytes: file.length, sectorBytes };
}

/** Whether these bytes are the file of the entry. */
export function matchesEntry({ digest, sizeBytes }: ManifestEntry, file: Uint8Array): boolean {
  return file.length === sizeBytes && toHex(blake2b256(file)) === digest;
}

/** Names in order, two spaces, a line feed at the end. Throws parameters/malformed-manifest. */
export function encodeManifest(manifest: ParametersManifest): Uint8Array {
  const sorted = [...manifest].sort(([a], [b]) => (a < b ? -1 : 1));
  const entries = sorted.map(
    ([name, { cid, digest, sizeBytes, sectorBytes }]) =>
      [name, { cid, digest, sizeBytes, sectorBytes }] as const,
  );
  const bytes = utf8Bytes(`${JSON.stringify(Object.fromEntries(entries), null, 2)}\n`);
  decodeManifest(bytes);
  return bytes;
}

/** Throws parameters/malformed-manifest with the reason. */
export function decodeManifest(bytes: Uint8Array): ParametersManifest {
  const document = parseJson(bytes, maxManifestBytes, refuse);
  if (!isObject(document)) throw refuse({ reason: "it is no map of file names" });
  return new Map(Object.entries(document).map(([name, value]) => [name, readEntry(name, value)]));
}

function readEntry(name: string, value: unknown): ManifestEntry {
  if (!isParameterFileName(name))
    throw refuse({ reason: `"${name.slice(0, 60)}" is no name of a parameter file` });
  const required = ["cid", "digest", "sizeBytes", "sectorBytes"];
  const fields = exactFields(value, name, { required }, refuse);
  const cid = textOf(fields.cid, `the cid of ${name}`, /^[A-Za-z0-9]{1,200}$/, refuse);
  try {
    parseCid(cid);
  } catch {
    throw refuse({ reason: `the cid of ${name} does not decode` });
  }
  return {
    cid,
    digest: textOf(fields.digest, `the digest of ${name}`, digestForm, refuse),
    sizeBytes: countOf(fields.sizeBytes, `sizeBytes of ${name}`, [1, maxSizeBytes], refuse),
    sectorBytes: countOf(fields.sectorBytes, `sectorBytes of ${name}`, [0, maxSizeBytes], refuse),
  };
}
