/**
 * `.meta` files: what a set of parameters is, which bytes belong to it and how it was made, as JSON for people and
 * programs. Invariant: a decoded file has exactly the fields below, and its digests decide which `.params`, `.vk`
 * and `.transcript` it speaks of; whether the maker is to be believed, the transcript says.
 */
import { blake2b256, sha256, toHex, utf8Bytes } from "@holdfast/base";
import { domainSizeOf, isContributorName } from "../groth16/index.ts";
import { type R1cs, r1csDigest } from "../r1cs/index.ts";
import { parametersErrors } from "./errors.ts";
import { isCircuitId } from "./id.ts";
import { countOf, exactFields, parseJson, textOf } from "./json.ts";

/** Size and digests of a file, in lower-case hex. */
export interface FileDigests {
  readonly sizeBytes: number;
  readonly blake2b256: string;
  readonly sha256: string;
}

/** `setup`: one party, who could forge. `ceremony`: contributors by name, of whom one honest one suffices. */
export type MadeBy =
  | { readonly how: "setup" }
  | {
      readonly how: "ceremony";
      readonly phase1: readonly string[];
      readonly phase2: readonly string[];
      /** The hash of the last contribution, in hex: what contributors publish. */
      readonly lastHash: string;
    };

export interface ParametersMeta {
  readonly circuitId: string;
  readonly r1csDigest: string;
  readonly publicCount: number;
  readonly variableCount: number;
  readonly constraintCount: number;
  readonly domainSize: number;
  readonly params: FileDigests;
  readonly vk: FileDigests;
  readonly transcript: FileDigests | null;
  readonly made: MadeBy;
}

/** Bytes of a `.meta` file, at most. */
export const maxMetaBytes = 262_144;
const format = "holdfast parameters 1";
const hash = /^[0-9a-f]{64}$/;
const maxCount = 2 ** 32;
const maxContributions = 1_000;
const refuse = parametersErrors.malformedMeta;

export function digestsOf(file: Uint8Array): FileDigests {
  return { sizeBytes: file.length, blake2b256: toHex(blake2b256(file)), sha256: toHex(sha256(file)) };
}

/** Whether these bytes are the file that the digests speak of. */
export function isFileOf(digests: FileDigests, file: Uint8Array): boolean {
  const actual = digestsOf(file);
  const { sizeBytes, blake2b256: blake, sha256: sha } = digests;
  return actual.sizeBytes === sizeBytes && actual.blake2b256 === blake && actual.sha256 === sha;
}

/** The description of a circuit's files. */
export function describeParameters(
  circuitId: string,
  r1cs: R1cs,
  files: { readonly params: Uint8Array; readonly vk: Uint8Array; readonly transcript: Uint8Array | null },
  made: MadeBy,
): ParametersMeta {
  return {
    circuitId,
    r1csDigest: toHex(r1csDigest(r1cs)),
    publicCount: r1cs.publicCount,
    variableCount: r1cs.variableCount,
    constraintCount: r1cs.constraintCount,
    domainSize: domainSizeOf(r1cs),
    params: digestsOf(files.params),
    vk: digestsOf(files.vk),
    transcript: files.transcript === null ? null : digestsOf(files.transcript),
    made,
  };
}

/** The bytes of a `.meta` file. Throws parameters/malformed-meta for what `decodeMeta` would not read. */
export function encodeMeta(meta: ParametersMeta): Uint8Array {
  const bytes = utf8Bytes(`${JSON.stringify({ format, ...meta }, null, 2)}\n`);
  decodeMeta(bytes);
  return bytes;
}

const names = [
  "format",
  "circuitId",
  "r1csDigest",
  "publicCount",
  "variableCount",
  "constraintCount",
  "domainSize",
  "params",
  "vk",
  "transcript",
  "made",
];

/** Throws parameters/malformed-meta with the reason. */
export function decodeMeta(bytes: Uint8Array): ParametersMeta {
  const document = parseJson(bytes, maxMetaBytes, refuse);
  const fields = exactFields(document, "the document", { required: names }, refuse);
  if (fields.format !== format) throw refuse({ reason: `its format is not "${format}"` });
  const circuitId = fields.circuitId;
  if (typeof circuitId !== "string" || !isCircuitId(circuitId)) {
    throw refuse({ reason: "circuitId is no circuit id" });
  }
  const count = (name: string): number => countOf(fields[name], name, [0, maxCount], refuse);
  const transcript = fields.transcript;
  return {
    circuitId,
    r1csDigest: textOf(fields.r1csDigest, "r1csDigest", hash, refuse),
    publicCount: count("publicCount"),
    variableCount: count("variableCount"),
    constraintCount: count("constraintCount"),
    domainSize: count("domainSize"),
    params: readDigests(fields.params, "params"),
    vk: readDigests(fields.vk, "vk"),
    transcript: transcript === null ? null : readDigests(transcript, "transcript"),
    made: readMade(fields.made),
  };
}

function readDigests(value: unknown, where: string): FileDigests {
  const required = ["sizeBytes", "blake2b256", "sha256"];
  const fields = exactFields(value, where, { required }, refuse);
  return {
    sizeBytes: countOf(fields.sizeBytes, `${where}.sizeBytes`, [1, Number.MAX_SAFE_INTEGER], refuse),
    blake2b256: textOf(fields.blake2b256, `${where}.blake2b256`, hash, refuse),
    sha256: textOf(fields.sha256, `${where}.sha256`, hash, refuse),
  };
}

function readMade(value: unknown): MadeBy {
  const ceremony = ["phase1", "phase2", "lastHash"];
  const { how, ...rest } = exactFields(value, "made", { required: ["how"], optional: ceremony }, refuse);
  if (how === "setup") {
    exactFields(rest, "made", { required: [] }, refuse);
    return { how };
  }
  if (how !== "ceremony") throw refuse({ reason: "made.how is neither setup nor ceremony" });
  const fields = exactFields(rest, "made", { required: ceremony }, refuse);
  return {
    how,
    phase1: readNames(fields.phase1, "made.phase1"),
    phase2: readNames(fields.phase2, "made.phase2"),
    lastHash: textOf(fields.lastHash, "made.lastHash", hash, refuse),
  };
}

function readNames(value: unknown, where: string): string[] {
  if (!Array.isArray(value) || value.length === 0 || value.length > maxContributions) {
    throw refuse({ reason: `${where} is no list of 1 to ${maxContributions} names` });
  }
  return value.map((name: unknown) => {
    if (typeof name === "string" && isContributorName(name)) return name;
    throw refuse({ reason: `${where} has something that is no name` });
  });
}
