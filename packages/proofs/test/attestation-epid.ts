/** A service of EPID of tests: reports signed by RSA under a root of its own, with a knob for all that can be wrong. */
import { generateKeyPairSync, sign } from "node:crypto";
import { littleEndian, toBase64, toHex, utf8Bytes } from "@holdfast/base";
import {
  type AttestPolicy,
  readCollateral,
  type Verdict,
  verifyAttestation,
} from "@holdfast/proofs/attestation";
import {
  composeSgxReport,
  issueCertificate,
  keyIdOf,
  keyOf,
  pemText,
} from "@holdfast/proofs/attestation/software";
import { atSeconds, validity } from "./attestation-world.ts";

const seed = utf8Bytes("an attestation service of tests");
const rootKey = keyOf(seed, "root");
const { publicKey, privateKey } = generateKeyPairSync("rsa", { modulusLength: 2_048 });
export const epidKey = {
  publicKeyInfo: new Uint8Array(publicKey.export({ type: "spki", format: "der" })),
};
const rootName = "Test Attestation Report Signing CA";
export const epidSignerName = "Intel SGX Attestation Report Signing";
const root = issueCertificate({
  ...{ ...validity, subject: rootName, issuer: rootName, serial: 1, key: rootKey, issuerKey: rootKey },
  isAuthority: true,
});
const signer = issueCertificate({
  ...{ ...validity, subject: epidSignerName, issuer: rootName, serial: 2, key: epidKey },
  ...{ issuerKey: rootKey, isAuthority: false },
});

const filled = (length: number, value: number): Uint8Array => new Uint8Array(length).fill(value);

/** The signed part of an EPID quote. */
function quoteBody(change: { readonly version?: number; readonly debug?: boolean }): Uint8Array {
  const header = new Uint8Array(48);
  header.set(littleEndian(change.version ?? 2, 2), 0);
  const report = composeSgxReport({
    ...{
      cpuSvn: filled(16, 1),
      miscSelect: filled(4, 0),
      mrEnclave: filled(32, 0x3e),
      mrSigner: filled(32, 0x51),
    },
    attributes: Uint8Array.of(change.debug === true ? 7 : 5, ...filled(15, 0)),
    ...{ isvProdId: 1, isvSvn: 1, reportData: filled(64, 0xda) },
  });
  return Uint8Array.of(...header, ...report);
}

export interface EpidCase {
  readonly fields?: { readonly [name: string]: unknown };
  readonly quote?: Parameters<typeof quoteBody>[0];
  /** In the place of the signature; null: none. */
  readonly signature?: Uint8Array | null;
  readonly certificates?: readonly Uint8Array[];
  readonly collateral?: readonly Uint8Array[];
  readonly policy?: Partial<AttestPolicy>;
  readonly roots?: readonly string[];
  readonly evidence?: Uint8Array;
}

/** Made an hour before the time of verification. */
export function epidVerdict(given: EpidCase = {}): Verdict {
  const body = JSON.stringify({
    ...{ id: "1", timestamp: new Date(1000 * (atSeconds - 3600)).toISOString().replace("Z", ""), version: 4 },
    ...{ isvEnclaveQuoteStatus: "OK", isvEnclaveQuoteBody: toBase64(quoteBody(given.quote ?? {})) },
    ...given.fields,
  });
  const { signature = new Uint8Array(sign("sha256", utf8Bytes(body), privateKey)) } = given;
  const { certificates = [signer, root] } = given;
  const whole = {
    raReport: body,
    ...(signature !== null && { signature: toHex(signature) }),
    ...(certificates.length > 0 && { rawSigningCert: pemText(...certificates) }),
  };
  return verifyAttestation({
    evidence: given.evidence ?? utf8Bytes(JSON.stringify(whole)),
    collateral: readCollateral(given.collateral ?? []),
    atSeconds,
    policy: given.policy ?? {},
    trust: { ias: given.roots ?? [keyIdOf(rootKey)] },
  });
}

const status = (isvEnclaveQuoteStatus: string): EpidCase => ({ fields: { isvEnclaveQuoteStatus } });
const bareQuote = Uint8Array.of(...quoteBody({}), 0, 0, 0, 0);

export const epidCases: readonly (readonly [name: string, code: string, given: EpidCase])[] = [
  ["valid", "ok", {}],
  ["valid_of_version_3", "ok", { fields: { version: 3 } }],
  ["answer_to_a_question", "ok", { fields: { nonce: "7" }, policy: { nonce: "7" } }],
  ["another_version", "ias-version-unsupported", { fields: { version: 5 } }],
  ["no_status_of_the_service", "ias-report-malformed", status("FINE")],
  ["no_time", "ias-report-malformed", { fields: { timestamp: "yesterday" } }],
  ["advisories_that_are_no_texts", "ias-report-malformed", { fields: { advisoryIDs: [1] } }],
  ["no_signature", "ias-signature-missing", { signature: null }],
  ["signature_of_something_else", "ias-signature-invalid", { signature: filled(256, 1) }],
  ["no_certificate", "ias-certificate-missing", { certificates: [] }],
  ["answer_to_another_question", "ias-nonce-mismatch", { fields: { nonce: "8" }, policy: { nonce: "7" } }],
  ["answer_to_no_question", "ias-nonce-mismatch", { policy: { nonce: "7" } }],
  ["two_hours_old", "report-too-old", { policy: { reportAgeSeconds: 3_600 } }],
  [
    "of_later",
    "report-from-future",
    { fields: { timestamp: new Date(1000 * (atSeconds + 1)).toISOString().replace("Z", "") } },
  ],
  ["quote_of_another_version", "ias-quote-malformed", { quote: { version: 3 } }],
  ["quote_of_another_length", "ias-quote-malformed", { fields: { isvEnclaveQuoteBody: "AAAA" } }],
  ["signature_of_the_quote_is_wrong", "epid-signature-invalid", status("SIGNATURE_INVALID")],
  ["group_revoked", "epid-revoked", status("GROUP_REVOKED")],
  ["key_revoked", "epid-revoked", status("KEY_REVOKED")],
  ["signature_revoked", "epid-revoked", status("SIGNATURE_REVOKED")],
  ["revocations_of_another_version", "epid-not-judged", status("SIGRL_VERSION_MISMATCH")],
  ["out_of_date", "tcb-out-of-date", status("GROUP_OUT_OF_DATE")],
  [
    "configuration_needed_where_that_is_refused",
    "tcb-configuration-needed",
    { ...status("CONFIGURATION_NEEDED"), policy: { allowedStatuses: ["OK"] } },
  ],
  [
    "hardening_needed_where_that_is_refused",
    "tcb-hardening-needed",
    { ...status("SW_HARDENING_NEEDED"), policy: { allowedStatuses: ["OK"] } },
  ],
  ["debuggable", "debug-enabled", { quote: { debug: true } }],
  ["root_of_somebody_else", "ias-root-not-pinned", { roots: ["00".repeat(32)] }],
  ["quote_without_its_report", "epid-without-report", { evidence: bareQuote }],
];
