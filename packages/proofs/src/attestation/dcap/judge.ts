/**
 * The whole judgement of a quote of Intel's ECDSA scheme, for SGX, TDX and evidence by software, in the order of
 * Intel's verification library. What the quote proves by itself is judged first and without collateral.
 */
import { compareBytes, concatBytes } from "@holdfast/base";
import type { FailureCode } from "../codes.ts";
import { type Collateral, isEmpty } from "../collateral.ts";
import { orUndefined, refused } from "../errors.ts";
import { type AttestPolicy, judgePolicy } from "../policy.ts";
import { signatureKernel } from "../signatures/index.ts";
import type { TrustAnchors } from "../trust.ts";
import { type EvidenceKind, Judgement, type Measurement, type Verdict } from "../verdict.ts";
import { type ChainContext, checkLists, findPck, type Pck, pckChain } from "./chains.ts";
import { checkDomain } from "./domain.ts";
import { documentCode, judgeDocument } from "./judge-document.ts";
import { intelNames, softwareNames } from "./names.ts";
import { uncompressed, verifyP256 } from "./p256.ts";
import { type PckPlatform, readPckPlatform } from "./pck-extension.ts";
import { checkQe, type QeIdentity, qeLevel, readQeIdentity } from "./qe-identity.ts";
import { intelVendor, type Quote, type QuoteBody, readQuote, softwareVendor } from "./quote.ts";
import { isDebugDomain, isDebugEnclave, sgxMeasurement, tdMeasurement } from "./report-body.ts";
import { readTcbInfo, type TcbInfo } from "./tcb-info.ts";
import { type PlatformStatus, sgxStatus, tdxStatus, worse } from "./tcb-level.ts";

export interface DcapInput {
  readonly bytes: Uint8Array;
  /** Undefined: whatever the quote is of. */
  readonly kind: EvidenceKind | undefined;
  readonly collateral: Collateral;
  readonly atSeconds: number;
  readonly trust: TrustAnchors;
  readonly policy: AttestPolicy;
}

export function judgeDcap(input: DcapInput): Verdict {
  const judgement = new Judgement();
  const quote = judgement.check("quote-format", () => readQuote(input.bytes));
  const kind = quote === undefined ? (input.kind ?? "sgx-dcap") : kindOf(quote);
  if (quote === undefined) return judgement.verdict({ ...noFacts, kind });
  judgement.check("evidence-kind", () => checkKind(quote, kind, input));
  const roots = kind === "software" ? input.trust.software : input.trust.sgx;
  const names = kind === "software" ? softwareNames : intelNames;
  const context = { collateral: input.collateral, roots, names, atSeconds: input.atSeconds };
  const pck = judgeOwn(judgement, quote, context);
  const platform = judgeCollateral(judgement, quote, pck, context, input.policy);
  const facts = { ...factsOf(quote.body), tcbStatus: null, advisories: [], ...platform };
  judgePolicy(judgement, facts, input.policy);
  judgeDomain(judgement, quote);
  return judgement.verdict({ ...facts, kind });
}

const noFacts = { debug: false, measurement: {}, tcbStatus: null, advisories: [] } as const;

const kindOf = ({ vendor, body }: Quote): EvidenceKind =>
  vendor === softwareVendor ? "software" : body.tee === "tdx" ? "tdx" : "sgx-dcap";

function checkKind({ vendor }: Quote, kind: EvidenceKind, { kind: said, policy }: DcapInput): void {
  if (vendor !== intelVendor && vendor !== softwareVendor) throw refused("qe-vendor-unknown");
  if (said !== undefined && said !== kind) throw refused("kind-mismatch");
  if (kind === "software" && !policy.allowSoftware) throw refused("software-not-allowed");
}

function factsOf(body: QuoteBody): { readonly debug: boolean; readonly measurement: Measurement } {
  return body.tee === "sgx"
    ? { debug: isDebugEnclave(body.report), measurement: sgxMeasurement(body.report) }
    : { debug: isDebugDomain(body.report), measurement: tdMeasurement(body.report) };
}

/** What needs no collateral: the chain in the quote, and the three signatures that hang on it. */
function judgeOwn(judgement: Judgement, quote: Quote, context: ChainContext): PckFound {
  let pck: Pck | undefined;
  const chain = judgement.check("certificate-chain", () => {
    pck = findPck(quote, context);
    return pckChain(pck, context);
  });
  const missing = judgement.codeOf("certificate-chain") ?? "pck-certificate-missing";
  judgement.checkGiven("qe-report-signature", pck, missing, ({ leaf: { publicKey } }) => {
    const point = publicKey.kind === "ec" ? publicKey.point : new Uint8Array(0);
    const isSigned = verifyP256(point, quote.qeReportBytes, quote.qeReportSignature);
    if (!isSigned) throw refused("qe-report-signature-invalid");
  });
  judgement.check("qe-report-data", () => {
    const digest = signatureKernel.sha256(concatBytes(quote.attestationKey, quote.authData));
    const bound = concatBytes(digest, new Uint8Array(32));
    if (compareBytes(bound, quote.qeReport.reportData) !== 0) throw refused("qe-report-hash-mismatch");
  });
  judgement.check("quote-signature", () => {
    const isSigned = verifyP256(uncompressed(quote.attestationKey), quote.signedBytes, quote.signature);
    if (!isSigned) throw refused("quote-signature-invalid");
  });
  return { pck, chain, missing };
}

interface PckFound {
  readonly pck: Pck | undefined;
  readonly chain: ReturnType<typeof pckChain> | undefined;
  readonly missing: Parameters<Judgement["checkGiven"]>[2];
}

interface PlatformFacts {
  readonly tcbStatus: string;
  readonly advisories: readonly string[];
}

function judgeCollateral(
  judgement: Judgement,
  quote: Quote,
  { pck, chain, missing }: PckFound,
  context: ChainContext,
  policy: AttestPolicy,
): PlatformFacts | undefined {
  const { collateral } = context;
  // Of a certificate that nobody vouches for nothing is told.
  const platform = chain && pck && orUndefined(() => readPckPlatform(pck.leaf));
  const info = judgeTcbInfo(judgement, quote, platform, context);
  judgement.checkGiven("tcb-info-platform", info, documentCode(judgement, "tcb-info"), (found) => {
    if (chain === undefined) throw refused(missing);
    checkPlatform(found, platform);
  });
  const identity = judgeQeIdentity(judgement, quote, context);
  const qe = judgement.checkGiven(
    "qe-identity-match",
    identity,
    documentCode(judgement, "qe-identity"),
    (found) => {
      checkQe(quote.qeReport, found);
      return qeLevel(quote.qeReport, found);
    },
  );
  judgement.checkGiven("certificate-revocation", chain, missing, (found) => {
    if (isEmpty(collateral)) throw refused("collateral-missing");
    checkLists("pck", found, context);
  });
  const both =
    info !== undefined && platform !== undefined && qe !== undefined ? { info, platform, qe } : undefined;
  const unjudged =
    judgement.codeOf("tcb-info-platform") ?? judgement.codeOf("qe-identity-match") ?? "collateral-missing";
  const status = judgement.checkGiven("tcb-level", both, unjudged, (found) => {
    const platformStatus = statusOf(quote.body, found.info, found.platform);
    return { platformStatus, qe: found.qe };
  });
  if (status === undefined || info === undefined || identity === undefined) {
    const unknown = judgement.codeOf("tcb-level") ?? unjudged;
    judgement.check("tcb-status", () => refuse(unknown));
    return undefined;
  }
  const whole = worse(status.platformStatus, status.qe);
  judgeAge(judgement, { info, identity, whole, policy, atSeconds: context.atSeconds });
  judgement.check("qe-status", () => {
    if (status.qe.status === "Revoked") throw refused("qe-revoked");
  });
  return { tcbStatus: whole.status, advisories: whole.advisories };
}

function refuse(code: FailureCode): never {
  throw refused(code);
}

function statusOf(body: QuoteBody, info: TcbInfo, platform: PckPlatform): PlatformStatus {
  return body.tee === "sgx" ? sgxStatus(info, platform) : tdxStatus(info, platform, body.report);
}

function checkPlatform(info: TcbInfo, platform: PckPlatform | undefined): void {
  if (platform === undefined) throw refused("pck-extension-malformed");
  if (info.fmspc !== platform.fmspc) throw refused("tcb-info-fmspc-mismatch");
  if (info.pceId !== platform.pceId) throw refused("tcb-info-pceid-mismatch");
}

interface AgeInput {
  readonly info: TcbInfo;
  readonly identity: QeIdentity;
  readonly whole: PlatformStatus;
  readonly policy: AttestPolicy;
  readonly atSeconds: number;
}

function judgeAge(judgement: Judgement, { info, identity, whole, policy, atSeconds }: AgeInput): void {
  judgement.check("collateral-age", () => {
    const evaluation = Math.min(info.evaluation, identity.evaluation);
    if (evaluation < policy.leastTcbEvaluation) throw refused("tcb-info-too-old");
    const { tcbAgeSeconds } = policy;
    if (tcbAgeSeconds !== undefined && atSeconds - whole.dateSeconds > tcbAgeSeconds)
      throw refused("tcb-too-old");
  });
}

function judgeDomain(judgement: Judgement, { body }: Quote): void {
  if (body.tee === "tdx") judgement.check("td-attributes", () => checkDomain(body.report));
}

function judgeTcbInfo(
  judgement: Judgement,
  { body }: Quote,
  platform: PckPlatform | undefined,
  context: ChainContext,
): TcbInfo | undefined {
  const id = body.tee === "sgx" ? "SGX" : "TDX";
  return judgeDocument(judgement, "tcb-info", context, {
    documents: context.collateral.tcbInfos,
    read: readTcbInfo,
    fits: (info) => info.id === id && (platform === undefined || info.fmspc === platform.fmspc),
    check: (info) => {
      if (info.id !== id) throw refused("tcb-info-id-mismatch");
    },
  });
}

function judgeQeIdentity(
  judgement: Judgement,
  { body }: Quote,
  context: ChainContext,
): QeIdentity | undefined {
  const id = body.tee === "sgx" ? "QE" : "TD_QE";
  return judgeDocument(judgement, "qe-identity", context, {
    documents: context.collateral.qeIdentities,
    read: readQeIdentity,
    fits: (identity) => identity.id === id,
    check: (identity) => {
      if (identity.id !== id) throw refused("qe-identity-id-mismatch");
    },
  });
}
