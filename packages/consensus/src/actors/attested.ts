/**
 * Evidence of the program that runs, as messages bring it. The actor of pins judges it, for itself and for whoever else
 * admits by it, because the list of programs that may run and the time of an epoch are in its state.
 */
import type { Address, Codec, Epoch } from "@holdfast/base";
import { c } from "@holdfast/base";
import { type Evidence, evidenceCodec } from "@holdfast/proofs/attestation";
import {
  type PinEvidenceKind,
  type PinProgram,
  pinEvidenceKindCodec,
  pinProgramBytes,
  pinProgramCodec,
} from "../types/pin.ts";
import { maxPeerIdBytes } from "./calls.ts";
import type { CallSpec } from "./kit.ts";

/** Of an account's public key, uncompressed. */
export const publicKeyBytes = 65;

/** What proves which program runs, bound to the node's identity. */
export interface AdmissionProof {
  /** Which line of the list it is about; the kind is the evidence's. */
  readonly program: Uint8Array;
  /** The epoch of the draw that the evidence is bound to. */
  readonly nonceEpoch: Epoch;
  readonly evidence: Evidence;
}
export const admissionProofCodec: Codec<AdmissionProof> = c.tuple("AdmissionProof", {
  program: c.fixedBytes(pinProgramBytes),
  nonceEpoch: c.epoch,
  evidence: evidenceCodec,
});

/** A line of the list of programs. */
export interface ProgramRef {
  readonly kind: PinEvidenceKind;
  readonly program: Uint8Array;
}
/** To pins: the line as it stands now. */
export const getProgramCall: CallSpec<ProgramRef, PinProgram> = {
  method: "getProgram",
  params: c.tuple("ProgramRef", { kind: pinEvidenceKindCodec, program: c.fixedBytes(pinProgramBytes) }),
  returns: pinProgramCodec,
};

/** Whom the evidence must be bound to. */
export interface AttestedParty {
  /** The key that the enclave made: secp256k1, uncompressed, as accounts have it. */
  readonly publicKey: Uint8Array;
  readonly peerId: string;
  readonly operator: Address;
}

/** What evidence has shown. */
export interface SeenProgram {
  /** Account of the key. */
  readonly key: Address;
  readonly kind: PinEvidenceKind;
  readonly program: Uint8Array;
  /** BLAKE2b-256 of the evidence. */
  readonly evidence: Uint8Array;
  /** The evidence counts below this epoch. */
  readonly validUntil: Epoch;
}

export interface JudgeVerifier extends AttestedParty {
  readonly proof: AdmissionProof;
}
/** Idle space to pins: judges the evidence of a verifier, by the same list and rules as that of a pinning node. */
export const judgeVerifierCall: CallSpec<JudgeVerifier, SeenProgram> = {
  method: "judgeVerifier",
  params: c.tuple("JudgeVerifier", {
    publicKey: c.fixedBytes(publicKeyBytes),
    peerId: c.text(maxPeerIdBytes),
    operator: c.address,
    proof: admissionProofCodec,
  }),
  returns: c.tuple("SeenProgram", {
    key: c.address,
    kind: pinEvidenceKindCodec,
    program: c.fixedBytes(pinProgramBytes),
    evidence: c.fixedBytes(32),
    validUntil: c.epoch,
  }),
};
