/**
 * Judging evidence in a block: by the list of programs that may run, at the time that the height stands for, bound to a
 * draw of the chain that lies not far back. Every node comes to the same, because nothing else goes into it.
 */
import { accountAddress, addEpochs, blake2b256 } from "@holdfast/base";
import { type AttestedUse, judgeAdmission } from "@holdfast/proofs/attestation";
import { pinEvidenceKinds, pinNonceTag } from "../../types/pin.ts";
import type { ActorContext } from "../../vm/context.ts";
import { vmExitCodes } from "../../vm/exit-codes.ts";
import type { AdmissionProof, AttestedParty, JudgeVerifier, SeenProgram } from "../attested.ts";
import { PinBook } from "./book.ts";
import { listedProgram } from "./programs.ts";

/**
 * Judges evidence at this height. `programNotAllowed`, `programExpired`, `nonceTooOld`, `evidenceRefused`,
 * `programInvalid`.
 */
export function judgeEvidence(
  ctx: ActorContext,
  book: PinBook,
  use: AttestedUse,
  { publicKey, peerId, operator }: AttestedParty,
  { program, nonceEpoch, evidence }: AdmissionProof,
): SeenProgram {
  const kind = pinEvidenceKinds.find((one) => one === evidence.kind);
  if (kind === undefined)
    return ctx.fail(vmExitCodes.programInvalid, `no node is admitted by ${evidence.kind}`);
  const { expires, platform } = listedProgram(ctx, book, { kind, program });
  if (ctx.height >= expires) ctx.fail(vmExitCodes.programExpired, `it ended at ${expires}`);
  const { height, networkId, params } = ctx;
  // Before anything is reckoned with it: it is the sender's number.
  const isKnown = nonceEpoch < height && nonceEpoch >= height - params.ticketLookbackEpochs;
  if (!isKnown || nonceEpoch + params.pinEvidenceEpochs <= height) {
    ctx.fail(vmExitCodes.nonceTooOld, `epoch ${nonceEpoch} lies too far back, or ahead`);
  }
  const validUntil = addEpochs(nonceEpoch, params.pinEvidenceEpochs);
  const nonce = ctx.rand(nonceEpoch, pinNonceTag, new Uint8Array(0));
  const who = { use, networkId, nodeKey: publicKey, peerId, operator } as const;
  const size = evidence.collateral.reduce((sum, { length }) => sum + length, evidence.evidence.length);
  ctx.chargeProof("evidence", size);
  const verdict = judgeAdmission({
    evidence,
    identity: { ...who, epoch: nonceEpoch, nonce },
    expected: { ...who, epoch: height, mostAgeEpochs: params.ticketLookbackEpochs, nonceAt: () => nonce },
    atSeconds: Math.floor((book.state.genesisTimeMs + height * params.roundMs) / 1000),
    softwareAllowed: params.softwareAttestation,
    allowed: { kind, program, platform },
  });
  if (!verdict.ok) ctx.fail(vmExitCodes.evidenceRefused, `the evidence is refused: ${verdict.code}`);
  const key = accountAddress(params.networkByte, publicKey);
  return { key, kind, program, evidence: blake2b256(evidence.evidence), validUntil };
}

/** For the actor of idle space: what a verifier's evidence shows. Errors as `judgeEvidence`. */
export function judgeVerifier(ctx: ActorContext, { proof, ...party }: JudgeVerifier): SeenProgram {
  return judgeEvidence(ctx, new PinBook(ctx), "idle-verifier", party, proof);
}
