/**
 * Making parameters, on a thread of its own. Randomness comes from the system and is gone when the thread ends.
 * A set that is there and belongs to the circuit is left as it is: its name holds the hash of the constraints.
 */
import { randomBytes } from "node:crypto";
import { join } from "node:path";
import { fromHex, type Json, toHex } from "@holdfast/base";
import {
  beaconToCircuit,
  beaconToPowers,
  type CircuitUse,
  circuitHash,
  circuitOf,
  contributeToCircuit,
  contributeToPowers,
  describeParameters,
  domainSizeOf,
  encodeMeta,
  encodeProvingKey,
  encodeTranscript,
  encodeVerifyingKey,
  findProfile,
  type MadeBy,
  newCircuitCeremony,
  newPowersOfTau,
  parameterFileKinds,
  parameterFileName,
  parameterId,
  type R1cs,
  setup,
  shapeOf,
} from "@holdfast/proofs";
import { paramsErrors } from "./errors.ts";
import { digestsOfFile, keepReplaced, putAside, writeDurably } from "./files.ts";
import { beaconName, type ParameterSet, readSet, statedDigests } from "./sets.ts";

/** A circuit by what it is for: a row of the table of sector sizes, and a use. */
export interface CircuitName {
  /** Such as `zigzag-poseidon-2KiB`. */
  readonly profile: string;
  readonly use: CircuitUse;
}

export interface MakeRequest {
  readonly folder: string;
  readonly wanted: readonly CircuitName[];
  /** Names of those who contribute; none: one party makes them, who could forge. */
  readonly contributors: readonly string[];
  /** Public randomness at the end of each phase, in hex. */
  readonly beacon?: string;
}

export interface MadeSet extends CircuitName {
  readonly id: string;
  /** False: it was there. */
  readonly madeNow: boolean;
}

const entropyBytes = 64;
/** Hashes of the beacon in a row, so that nobody could try many values of it in the moment that it was drawn. */
const beaconIterations = 1024;

/** Errors `proofs/…`, `groth16/…`, `params/…`. */
export async function work(request: MakeRequest, report: (what: Json) => void): Promise<readonly MadeSet[]> {
  const made: MadeSet[] = [];
  for (const [index, name] of request.wanted.entries()) {
    const tell = (what: string): void => {
      report({ what: `${name.use} of ${name.profile}: ${what}`, doneRatio: index / request.wanted.length });
    };
    tell("reading the circuit");
    made.push({ ...name, ...(await makeOne(request, name, tell)) });
  }
  return made;
}

async function makeOne(
  request: MakeRequest,
  { profile, use }: CircuitName,
  tell: (what: string) => void,
): Promise<{ readonly id: string; readonly madeNow: boolean }> {
  const { folder, contributors } = request;
  const row = findProfile(profile);
  if (row === undefined) throw paramsErrors.noProfile({ profile });
  const circuit = circuitOf(row, use);
  const r1cs = shapeOf(circuit);
  const id = parameterId(circuit.id, r1cs);
  const known = await readSet(folder, id);
  if (known !== undefined && (await isWhole(folder, known))) {
    if (contributors.length > 0 && known.meta.made.how === "setup") throw paramsErrors.otherMaker({ id });
    return { id, madeNow: false };
  }
  tell(`making keys for ${r1cs.constraintCount.toLocaleString("en")} constraints`);
  const files = contributors.length === 0 ? setupOf(r1cs) : ceremonyOf(r1cs, request, tell);
  // What is left of a set that lacks a file may be all that proves for a network; its name is the same.
  for (const kind of parameterFileKinds) await keepReplaced(join(folder, parameterFileName(id, kind)));
  for (const kind of ["params", "vk", "transcript"] as const) {
    const content = files[kind];
    if (content !== null) await writeDurably(join(folder, parameterFileName(id, kind)), content);
  }
  const meta = encodeMeta(describeParameters(circuit.id, r1cs, files, files.made));
  await writeDurably(join(folder, parameterFileName(id, "meta")), meta);
  return { id, madeNow: true };
}

/** Whether all files are there with their digests; those with others are put aside. */
async function isWhole(folder: string, { meta, files, missing }: ParameterSet): Promise<boolean> {
  let isFine = missing.length === 0;
  for (const { name, kind } of files) {
    const stated = statedDigests(meta, kind);
    if (stated === undefined) continue;
    const path = join(folder, name);
    if ((await digestsOfFile(path)).sha256 === stated.sha256) continue;
    await putAside(path);
    isFine = false;
  }
  return isFine;
}

interface Keys {
  readonly params: Uint8Array;
  readonly vk: Uint8Array;
  readonly transcript: Uint8Array | null;
  readonly made: MadeBy;
}

function setupOf(r1cs: R1cs): Keys {
  const { provingKey } = setup(r1cs, randomBytes(entropyBytes));
  return {
    params: encodeProvingKey(provingKey),
    vk: encodeVerifyingKey(provingKey.verifyingKey),
    transcript: null,
    made: { how: "setup" },
  };
}

/** Both phases with everybody's randomness, each ended by the beacon if there is one. */
function ceremonyOf(
  r1cs: R1cs,
  { contributors, beacon: randomness }: Pick<MakeRequest, "contributors" | "beacon">,
  tell: (what: string) => void,
): Keys {
  const beacon = randomness && { seed: fromHex(randomness), iterations: beaconIterations };
  let phase1 = newPowersOfTau(Math.log2(domainSizeOf(r1cs)));
  for (const name of contributors) {
    tell(`phase 1, ${name} contributes`);
    phase1 = contributeToPowers(phase1, name, randomBytes(entropyBytes));
  }
  if (beacon) phase1 = beaconToPowers(phase1, beaconName, beacon);
  tell("the circuit's key from the powers");
  let phase2 = newCircuitCeremony(phase1, r1cs);
  for (const name of contributors) {
    tell(`phase 2, ${name} contributes`);
    phase2 = contributeToCircuit(phase2, name, randomBytes(entropyBytes));
  }
  if (beacon) phase2 = beaconToCircuit(phase2, beaconName, beacon);
  const { provingKey, transcript } = phase2;
  return {
    params: encodeProvingKey(provingKey),
    vk: encodeVerifyingKey(provingKey.verifyingKey),
    transcript: encodeTranscript(transcript),
    made: {
      how: "ceremony",
      phase1: phase1.contributions.map(({ name }) => name),
      phase2: transcript.contributions.map(({ name }) => name),
      lastHash: toHex(circuitHash(transcript)),
    },
  };
}
