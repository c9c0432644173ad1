/** Ceremonies that make proving keys: powers of tau, the phase of each circuit, transcripts and their verdicts. */
export {
  beaconToCircuit,
  type CircuitCeremony,
  circuitHash,
  contributeToCircuit,
  newCircuitCeremony,
  type Transcript,
} from "./circuit.ts";
export { type Beacon, type Contribution, isContributorName, maxBeaconIterations } from "./contribution.ts";
export { ceremonyErrors } from "./errors.ts";
export { decodePowersOfTau, decodeTranscript, encodePowersOfTau, encodeTranscript } from "./files.ts";
export {
  beaconToPowers,
  contributeToPowers,
  newPowersOfTau,
  type Powers,
  type PowersOfTau,
  powersHash,
} from "./powers.ts";
export type { CeremonyFault, CeremonyStep, CeremonyVerdict } from "./verdict.ts";
export { continuesCircuit, continuesPowers, verifyPowersOfTau, verifyTranscript } from "./verify.ts";
