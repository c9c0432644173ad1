/**
 * Verifying a set of parameters, on a thread of its own: the digests of its files, that they belong to the circuit
 * that they name, that their points are what a key needs, and who made them.
 */
import { join } from "node:path";
import { equalBytes, type Json, toHex } from "@holdfast/base";
import {
  checkProvingKey,
  circuitOf,
  circuitUses,
  decodeProvingKey,
  decodeTranscript,
  encodeVerifyingKey,
  type ParametersMeta,
  type ProvingKey,
  parameterFileName,
  parameterId,
  type R1cs,
  sectorProfiles,
  shapeOf,
  verifyTranscript,
} from "@holdfast/proofs";
import { paramsErrors } from "./errors.ts";
import { digestsOfFile, readIfThere } from "./files.ts";
import { beaconName, type ParameterSet, readSet, statedDigests } from "./sets.ts";

export interface VerifyRequest {
  readonly folder: string;
  readonly id: string;
}

export interface VerifiedSet {
  readonly id: string;
  readonly circuitId: string;
  /** What was checked, in words. */
  readonly checks: readonly string[];
  /** What a reader should know besides. */
  readonly notes: readonly string[];
}

/** Errors `params/unknown`, `params/not-proven`. */
export async function work(
  { folder, id }: VerifyRequest,
  report: (what: Json) => void,
): Promise<VerifiedSet> {
  const tell = (what: string, doneRatio: number): void => report({ what, doneRatio });
  const set = await readSet(folder, id);
  if (set === undefined) throw paramsErrors.unknown({ what: id, folder });
  tell("digests", 0);
  await checkDigests(folder, set);
  tell("the circuit's constraints", 0.2);
  const r1cs = circuitOfSet(set);
  const key = await keyOfSet(folder, set);
  tell("every point of the keys", 0.5);
  const verdict = checkProvingKey(key, r1cs);
  if (!verdict.ok)
    throw paramsErrors.notProven({ id, problem: `the keys fail the check "${verdict.check}"` });
  tell("the transcript", 0.7);
  const checks = [
    "every file has the size and the digests that .meta states",
    "the name holds the hash of the circuit's id and of its constraints as this program makes them",
    "the proving key has the form of this circuit, and every point is in its group",
    "the verifying key is that of the proving key",
    ...(await transcriptChecks(folder, set, r1cs, key)),
  ];
  return { id, circuitId: set.meta.circuitId, checks, notes: notesOn(set.meta) };
}

async function checkDigests(folder: string, { id, meta }: ParameterSet): Promise<void> {
  for (const kind of ["params", "vk", "transcript"] as const) {
    const stated = statedDigests(meta, kind);
    if (stated === undefined) continue;
    const name = parameterFileName(id, kind);
    const found = await digestsOfFile(join(folder, name));
    const same = found.sha256 === stated.sha256 && found.blake2b256 === stated.blake2b256;
    if (!same) throw paramsErrors.notProven({ id, problem: `${name} has other digests than .meta states` });
  }
}

/** The constraints of the circuit that the set names, as this program makes them. */
function circuitOfSet({ id, meta }: ParameterSet): R1cs {
  for (const profile of sectorProfiles) {
    for (const use of circuitUses) {
      if (use === "seal" && (profile.kind !== "zigzag" || profile.keyDerivation === "sha256")) continue;
      const circuit = circuitOf(profile, use);
      if (circuit.id !== meta.circuitId) continue;
      const r1cs = shapeOf(circuit);
      if (parameterId(circuit.id, r1cs) === id) return r1cs;
      throw paramsErrors.notProven({ id, problem: "the circuit of that name has other constraints now" });
    }
  }
  throw paramsErrors.notProven({ id, problem: `this program has no circuit ${meta.circuitId}` });
}

async function keyOfSet(folder: string, { id, meta }: ParameterSet): Promise<ProvingKey> {
  const bytes = await readIfThere(join(folder, parameterFileName(id, "params")));
  const key = bytes && decodeProvingKey(bytes);
  if (key === undefined) throw paramsErrors.notProven({ id, problem: "the .params file is no proving key" });
  if (toHex(key.circuitDigest) !== meta.r1csDigest) {
    throw paramsErrors.notProven({
      id,
      problem: "the proving key is of other constraints than .meta states",
    });
  }
  const verifyingKey = await readIfThere(join(folder, parameterFileName(id, "vk")));
  if (verifyingKey === undefined || !equalBytes(verifyingKey, encodeVerifyingKey(key.verifyingKey))) {
    throw paramsErrors.notProven({ id, problem: "the .vk file is not the verifying key of the proving key" });
  }
  return key;
}

/** What the transcript shows, step by step; nothing without one. */
async function transcriptChecks(
  folder: string,
  { id, meta }: ParameterSet,
  r1cs: R1cs,
  key: ProvingKey,
): Promise<readonly string[]> {
  const { made, transcript: stated } = meta;
  if (stated === null) {
    if (made.how === "setup") return [];
    throw paramsErrors.notProven({ id, problem: "it names contributors, but has no transcript" });
  }
  const bytes = await readIfThere(join(folder, parameterFileName(id, "transcript")));
  const transcript = bytes && decodeTranscript(bytes);
  if (transcript === undefined) throw paramsErrors.notProven({ id, problem: "the .transcript file is none" });
  const { ok, steps } = verifyTranscript(r1cs, transcript, key);
  const words = steps.map(
    ({ phase, name, check }) => `phase ${phase}${name === "" ? "" : `, ${name}`}: ${check}`,
  );
  if (!ok) throw paramsErrors.notProven({ id, problem: words.at(-1) ?? "the ceremony has no step" });
  const told = made.how === "ceremony" ? [made.phase1, made.phase2] : [];
  const found = [transcript.phase1.contributions, transcript.contributions];
  const same = found.every((list, i) => list.map(({ name }) => name).join("\n") === told[i]?.join("\n"));
  if (!same)
    throw paramsErrors.notProven({ id, problem: "the transcript has other contributors than .meta" });
  return words;
}

function notesOn({ made }: ParametersMeta): readonly string[] {
  return made.how === "setup"
    ? ["one party made them and could forge proofs: they are for devnets"]
    : [
        `sound if one of the contributors was honest: ${made.phase2.filter((name) => name !== beaconName).join(", ")}`,
      ];
}
