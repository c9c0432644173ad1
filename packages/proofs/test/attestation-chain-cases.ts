/**
 * Certificates, chains and revocation lists with one thing wrong, and some that are unusual and right: each with the
 * code that evidence with them must have.
 */
import { concatBytes, utf8Bytes } from "@holdfast/base";
import type { AttestCode } from "@holdfast/proofs/attestation";
import {
  intelNames,
  issueCertificate,
  issueRevocationList,
  keyOf,
  pemText,
} from "@holdfast/proofs/attestation/software";
import { atSeconds, type Knobs, pkiOf, seed, validity } from "./attestation-world.ts";

export type NamedCase = readonly [name: string, code: AttestCode, knobs: Knobs];

const pki = pkiOf(intelNames);
const day = 86_400;
const rootKey = keyOf(seed, "root");
const authorityKey = keyOf(seed, "authority");
const rootName = "Test SGX Root CA";
const authorityName = "Test SGX PCK Platform CA";

const signer = (change: Partial<Parameters<typeof issueCertificate>[0]>): Uint8Array =>
  issueCertificate({
    ...{ ...validity, issuer: rootName, issuerKey: rootKey, subject: intelNames.signer, serial: 3 },
    ...{ key: pki.signerKey, isAuthority: false, ...change },
  });
const list = (change: Partial<Parameters<typeof issueRevocationList>[0]>): Uint8Array =>
  issueRevocationList({
    ...{ issuer: rootName, issuerKey: rootKey, thisUpdateSeconds: validity.notBeforeSeconds },
    ...{ nextUpdateSeconds: validity.notAfterSeconds, revokedSerials: [], ...change },
  });
const tcbChain = (...certificates: readonly Uint8Array[]): Knobs => ({
  bundle: () => ({ tcbInfoChain: pemText(...certificates) }),
});
const qeChain = (...certificates: readonly Uint8Array[]): Knobs => ({
  bundle: () => ({ qeIdentityChain: pemText(...certificates) }),
});
const pckInQuote = (...certificates: readonly Uint8Array[]): Knobs => ({
  quote: { certificationData: utf8Bytes(pemText(...certificates)) },
});
const plainChain = concatBytes(new Uint8Array(384), new Uint8Array(16), new Uint8Array(4));

function pckWith(change: Partial<Parameters<typeof issueCertificate>[0]>): Uint8Array {
  return issueCertificate({
    ...{ ...validity, issuer: authorityName, issuerKey: authorityKey, subject: intelNames.pck, serial: 4 },
    ...{ key: pki.pckKey, isAuthority: false, ...change },
  });
}

function authorityWith(change: Partial<Parameters<typeof issueCertificate>[0]>): Uint8Array {
  return issueCertificate({
    ...{ ...validity, issuer: rootName, issuerKey: rootKey, subject: authorityName, serial: 2 },
    ...{ key: authorityKey, isAuthority: true, pathLength: 0, ...change },
  });
}

/** An authority below one that allows none. */
function longPath(): Knobs {
  const name = "Test lower CA";
  const key = keyOf(seed, "lower");
  const lower = issueCertificate({
    ...{ ...validity, issuer: authorityName, issuerKey: authorityKey, subject: name, serial: 9 },
    ...{ key, isAuthority: true },
  });
  return pckInQuote(pckWith({ issuer: name, issuerKey: key }), lower, pki.authority, pki.root);
}

export const chainCases: readonly NamedCase[] = [
  ["short_tcb_chain", "tcb-info-chain-incomplete", tcbChain(pki.signer)],
  ["empty_tcb_chain", "tcb-info-certificate-malformed", { bundle: () => ({ tcbInfoChain: "" }) }],
  [
    "invalid_cert_format",
    "tcb-info-certificate-malformed",
    { bundle: () => ({ tcbInfoChain: "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n" }) },
  ],
  ["invalid_tcb_signature", "tcb-info-signature-invalid", { bundle: () => ({ tcbInfoKey: rootKey }) }],
  ["qe_report_of_another_platform", "qe-report-signature-invalid", { quote: { pckKey: rootKey } }],
  ["short_qe_chain", "qe-identity-chain-incomplete", qeChain(pki.signer)],
  [
    "invalid_qe_cert_format",
    "qe-identity-certificate-malformed",
    { bundle: () => ({ qeIdentityChain: "not PEM" }) },
  ],
  [
    "invalid_qe_identity_signature",
    "qe-identity-signature-invalid",
    { bundle: () => ({ qeIdentityKey: rootKey }) },
  ],
  [
    "cert_type_5_with_pck_chain",
    "ok",
    { bundle: () => ({ pckChain: pemText(pki.pck, pki.authority, pki.root) }) },
  ],
  [
    "cert_type_3_with_pck_chain",
    "ok",
    {
      quote: { certificationType: 3, certificationData: plainChain },
      bundle: () => ({ pckChain: pemText(pki.pck, pki.authority, pki.root) }),
    },
  ],
  [
    "cert_type_3_without_pck_chain",
    "pck-certificate-missing",
    { quote: { certificationType: 3, certificationData: plainChain } },
  ],
  ["pck_chain_in_any_order", "ok", pckInQuote(pki.root, pki.pck, pki.authority)],
  ["pck_chain_in_der", "ok", { quote: { certificationData: concatBytes(pki.pck, pki.authority, pki.root) } }],
  ["short_pck_chain", "pck-chain-incomplete", pckInQuote(pki.pck, pki.root)],
  [
    "pck_of_no_platform",
    "pck-extension-malformed",
    pckInQuote(pckWith({ extensions: [] }), pki.authority, pki.root),
  ],
  [
    "pck_of_another_name",
    "pck-leaf-name",
    pckInQuote(pckWith({ subject: "Somebody" }), pki.authority, pki.root),
  ],
  [
    "pck_expired",
    "pck-certificate-expired",
    pckInQuote(pckWith({ notAfterSeconds: atSeconds - day }), pki.authority, pki.root),
  ],
  [
    "pck_not_yet_valid",
    "pck-certificate-not-yet-valid",
    pckInQuote(pckWith({ notBeforeSeconds: atSeconds + day }), pki.authority, pki.root),
  ],
  [
    "pck_signed_by_another",
    "pck-certificate-signature-invalid",
    pckInQuote(pckWith({ issuerKey: rootKey }), pki.authority, pki.root),
  ],
  [
    "pck_is_an_authority",
    "pck-leaf-is-ca",
    pckInQuote(pckWith({ isAuthority: true }), pki.authority, pki.root),
  ],
  [
    "pck_issued_by_no_authority",
    "pck-issuer-not-ca",
    pckInQuote(pki.pck, authorityWith({ isAuthority: false }), pki.root),
  ],
  [
    "pck_with_a_critical_extension",
    "pck-certificate-malformed",
    pckInQuote(
      pckWith({ extensions: [{ oid: "1.2.3", critical: true, value: new Uint8Array(0) }] }),
      pki.authority,
      pki.root,
    ),
  ],
  ["pck_path_too_long", "pck-path-too-long", longPath()],
  ["root_of_somebody_else", "pck-root-not-pinned", { trust: { sgx: ["00".repeat(32)] } }],
  ["ca_used_as_end_entity_tcb", "tcb-info-leaf-is-ca", tcbChain(pki.root)],
  ["ca_used_as_end_entity_qe", "qe-identity-leaf-is-ca", qeChain(signer({ isAuthority: true }), pki.root)],
  ["tcb_signer_of_another_name", "tcb-info-leaf-name", tcbChain(signer({ subject: "Somebody" }), pki.root)],
  [
    "tcb_signer_expired",
    "tcb-info-certificate-expired",
    tcbChain(signer({ notAfterSeconds: atSeconds - day }), pki.root),
  ],
  [
    "qe_signer_expired",
    "qe-identity-certificate-expired",
    qeChain(signer({ notAfterSeconds: atSeconds - day }), pki.root),
  ],
  [
    "pck_revoked",
    "pck-certificate-revoked",
    {
      bundle: () => ({
        authorityList: list({ issuer: authorityName, issuerKey: authorityKey, revokedSerials: [4] }),
      }),
    },
  ],
  [
    "authority_revoked",
    "pck-certificate-revoked",
    { bundle: () => ({ rootList: list({ revokedSerials: [2] }) }) },
  ],
  [
    "tcb_signer_revoked",
    "tcb-info-certificate-revoked",
    { bundle: () => ({ rootList: list({ revokedSerials: [3] }) }) },
  ],
  ["swapped_crl", "pck-crl-missing", { bundle: ({ rootList }) => ({ authorityList: rootList }) }],
  [
    "crl_signed_by_another",
    "pck-crl-signature-invalid",
    { bundle: () => ({ authorityList: list({ issuer: authorityName }) }) },
  ],
  [
    "crl_expired",
    "pck-crl-expired",
    {
      bundle: () => ({
        authorityList: list({
          issuer: authorityName,
          issuerKey: authorityKey,
          nextUpdateSeconds: atSeconds - 1,
        }),
      }),
    },
  ],
  [
    "crl_not_yet_valid",
    "pck-crl-not-yet-valid",
    {
      bundle: () => ({
        authorityList: list({
          issuer: authorityName,
          issuerKey: authorityKey,
          thisUpdateSeconds: atSeconds + 1,
        }),
      }),
    },
  ],
  [
    "root_crl_missing",
    "tcb-info-crl-missing",
    { bundle: ({ authorityList }) => ({ rootList: authorityList }) },
  ],
];
