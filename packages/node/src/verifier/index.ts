/**
 * Verifiers of idle space, and a miner's way to them and to the chain. A verifier is a node of its own that follows the
 * chain and answers with a bond for what it signs; it holds no state of any miner.
 */
import type { Address, AttoFil } from "@holdfast/base";
import { type IdleVerifier, idleVerdictBytes, isInOffice } from "@holdfast/consensus";
import { idleCertificateSigningBytes } from "@holdfast/proofs";
import { verifierErrors } from "./errors.ts";
import { certificateOf, Judgement, refusalOf } from "./judge.ts";
import type { VerifierNeeds } from "./needs.ts";
import { Office, type OfficeState, type Voice } from "./office.ts";
import { serveVerifier } from "./protocol.ts";

export { openedAnswers } from "./answers.ts";
export { verifierErrors } from "./errors.ts";
export type {
  IdleNetworkNeeds,
  IdleSender,
  VerifierChain,
  VerifierKey,
  VerifierNeeds,
  VerifierSigner,
} from "./needs.ts";
export { openIdleNetwork } from "./network.ts";
export type { OfficeState } from "./office.ts";
export { verifierProtocol } from "./protocol.ts";

export interface VerifierView {
  readonly account: Address;
  readonly office: OfficeState;
  /** What the chain has of it; null: it is not admitted. */
  readonly entry: IdleVerifier | null;
  readonly isInOffice: boolean;
  readonly bond: AttoFil;
  readonly certified: number;
  readonly judged: number;
  readonly refused: number;
}

export interface Verifier extends AsyncDisposable {
  status(): VerifierView;
  /** Resolves when no evidence is under way. */
  settled(): Promise<void>;
}

/** Errors: `verifier/not-ours`. */
export function openVerifier(needs: VerifierNeeds): Verifier {
  const { chain, signer, account, logger } = needs;
  if (!signer.has(account)) throw verifierErrors.notOurs({ account });
  const counts = { certified: 0, judged: 0, refused: 0 };
  const refuse = (miner: Address, reason: string): { readonly refused: string } => {
    counts.refused += 1;
    logger.info("verifier: refused", { miner, reason });
    return { refused: reason };
  };
  const office = new Office(needs);
  const endLooking = chain.onHead(() => office.look());
  office.look();
  const end = serveVerifier(needs, {
    refusal: (request, peer) => refusalOf(chain, request, peer),
    certify(request, proof) {
      const voice = office.voice();
      if (voice === undefined) return refuse(request.miner, "not-attested");
      const certificate = certificateOf(chain, voice.address, request, proof);
      if ("refused" in certificate) return refuse(request.miner, certificate.refused);
      counts.certified += 1;
      return { certificate, signature: voice.sign(idleCertificateSigningBytes(certificate)) };
    },
    async judge(miner, batches) {
      const voice: Voice | undefined = office.voice();
      if (voice === undefined) return refuse(miner, "not-attested");
      const judgement = Judgement.of(chain, voice.address, miner);
      if ("refused" in judgement) return refuse(miner, judgement.refused);
      for await (const batch of batches) if (!judgement.take(batch)) return refuse(miner, "bad-batch");
      const verdict = judgement.verdict(voice.address);
      if ("refused" in verdict) return refuse(miner, verdict.refused);
      counts.judged += 1;
      return { verdict, signature: voice.sign(idleVerdictBytes(verdict, chain.networkId)) };
    },
  });
  return {
    status() {
      const { tipset } = chain.headState();
      const entry = office.entry() ?? null;
      return {
        account,
        office: office.state(),
        entry,
        isInOffice: entry !== null && isInOffice(entry, chain.params.idle, tipset.height + 1),
        bond: entry?.bond ?? (0n as AttoFil),
        ...counts,
      };
    },
    settled: () => office.settled(),
    async [Symbol.asyncDispose]() {
      endLooking();
      end();
      await office.settled();
    },
  };
}
