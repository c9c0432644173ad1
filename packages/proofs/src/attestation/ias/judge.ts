/**
 * The judgement of a report of the EPID attestation service: its signer up to Intel's pinned root, the signature over
 * the exact bytes, its age at the time given, and what the service says of quote and platform. A correctly signed
 * report may well say that the quote is worthless.
 */
import type { FailureCode } from "../codes.ts";
import type { DcapInput } from "../dcap/judge.ts";
import { isDebugEnclave, sgxMeasurement } from "../dcap/report-body.ts";
import { orUndefined, refused, refusedAs } from "../errors.ts";
import { judgePolicy } from "../policy.ts";
import { Judgement, type Verdict } from "../verdict.ts";
import { type Certificate, readCertificate } from "../x509/certificate.ts";
import { chainOf, checkRevocation } from "../x509/chain.ts";
import { verifySigned } from "../x509/public-key.ts";
import { type IasEvidence, withCollateral } from "./envelope.ts";
import { type IasReport, type IasStatus, readEpidQuote, readIasReport } from "./report.ts";
import { iasRoot } from "./root.ts";

const signerName = "Intel SGX Attestation Report Signing";

export function judgeIas(found: IasEvidence, input: DcapInput): Verdict {
  const judgement = new Judgement();
  const evidence = withCollateral(found, input.collateral);
  if (input.kind !== undefined && input.kind !== "sgx-ias") {
    judgement.check("evidence-kind", () => refuse("kind-mismatch"));
  }
  const report = judgement.check("report-format", () =>
    refusedAs("ias-report-malformed", () => readIasReport(evidence.body)),
  );
  judgeSigner(judgement, evidence, input);
  const unread = judgement.codeOf("report-format") ?? "ias-report-malformed";
  judgement.checkGiven("report-age", report, unread, (one) => checkAge(one, input));
  judgement.checkGiven("epid-status", report, unread, ({ status }) => checkEpid(status));
  const quote = judgement.checkGiven("quote-format", report, unread, ({ quoteBody }) =>
    refusedAs("ias-quote-malformed", () => readEpidQuote(quoteBody)),
  );
  const facts = {
    debug: quote !== undefined && isDebugEnclave(quote.report),
    measurement: quote === undefined ? {} : sgxMeasurement(quote.report),
    tcbStatus: report?.status ?? null,
    advisories: report?.advisories ?? [],
  };
  if (quote !== undefined) judgePolicy(judgement, facts, input.policy);
  return judgement.verdict({ ...facts, kind: "sgx-ias" });
}

function refuse(code: FailureCode): never {
  throw refused(code);
}

function judgeSigner(judgement: Judgement, evidence: IasEvidence, input: DcapInput): void {
  const { collateral, atSeconds, trust } = input;
  const own = evidence.certificates;
  let leaf: Certificate | undefined;
  judgement.check("certificate-chain", () => {
    leaf = signerOf(evidence, collateral.certificates);
    const loose = [...collateral.certificates, iasRoot()];
    const request = {
      role: "ias",
      leaf,
      own,
      loose,
      roots: trust.ias,
      atSeconds,
      leafNames: [signerName],
    } as const;
    const chain = chainOf(request);
    const lists = collateral.revocationLists;
    checkRevocation({ role: "ias", chain, lists, atSeconds, listsRequired: "none" });
  });
  const missing = judgement.codeOf("certificate-chain") ?? "ias-certificate-missing";
  judgement.checkGiven("quote-signature", leaf, missing, ({ publicKey }) => {
    const { body, signatures } = evidence;
    if (signatures.length === 0) throw refused("ias-signature-missing");
    const isSigned = signatures.some((one) => verifySigned(publicKey, "rsa-pkcs1-sha256", body, one));
    if (!isSigned) throw refused("ias-signature-invalid");
  });
}

/** By name; else the first that came with the report. */
function signerOf({ certificates }: IasEvidence, others: readonly Uint8Array[]): Certificate {
  const own = certificates.map((der) => refusedAs("ias-certificate-malformed", () => readCertificate(der)));
  const loose = others.map((der) => orUndefined(() => readCertificate(der)));
  const all = [...own, ...loose].filter((one) => one !== undefined);
  const leaf = all.find(({ commonName }) => commonName === signerName) ?? own[0];
  if (leaf === undefined) throw refused("ias-certificate-missing");
  return leaf;
}

function checkAge({ madeSeconds, nonce }: IasReport, { atSeconds, policy }: DcapInput): void {
  if (madeSeconds > atSeconds) throw refused("report-from-future");
  if (atSeconds - madeSeconds >= policy.reportAgeSeconds) throw refused("report-too-old");
  if (policy.nonce !== undefined && policy.nonce !== nonce) throw refused("ias-nonce-mismatch");
}

const epidCodes: { readonly [Status in IasStatus]?: FailureCode } = {
  SIGNATURE_INVALID: "epid-signature-invalid",
  GROUP_REVOKED: "epid-revoked",
  SIGNATURE_REVOKED: "epid-revoked",
  KEY_REVOKED: "epid-revoked",
  SIGRL_VERSION_MISMATCH: "epid-not-judged",
};

/** Of these no policy can make anything; the others are statuses of the platform. */
function checkEpid(status: IasStatus): void {
  const code = epidCodes[status];
  if (code !== undefined) throw refused(code);
}
