/**
 * Every code that a check of evidence can have, with its meaning in a line: stable words that programs compare. Codes
 * of certificate chains exist once for each role that a chain plays, so that a code alone says what was wrong.
 */

/** What a chain of certificates answers for. */
const roles = {
  pck: "of the platform's PCK certificate",
  "tcb-info": "of the TCB info",
  "qe-identity": "of the quoting enclave's identity",
  ias: "of the attestation service's report",
  snp: "of the report's key (VCEK or VLEK)",
} as const;
export type ChainRole = keyof typeof roles;

const chainFaults = {
  "certificate-malformed": "a certificate has another form",
  "certificate-expired": "a certificate has expired at the time of verification",
  "certificate-not-yet-valid": "a certificate is not valid yet at the time of verification",
  "certificate-signature-invalid": "a certificate was not signed by its issuer",
  "certificate-revoked": "a certificate is revoked",
  "chain-incomplete": "the certificate of an issuer is missing",
  "root-not-pinned": "the chain ends at a key that is no pinned root",
  "issuer-not-ca": "a certificate was issued by one that is no authority",
  "path-too-long": "there are more authorities below one than it allows",
  "leaf-is-ca": "an authority's certificate is used as that of a signer",
  "leaf-name": "the signer's certificate has another name than such signers have",
  "crl-missing": "there is no revocation list of an issuer",
  "crl-malformed": "a revocation list has another form",
  "crl-signature-invalid": "a revocation list was not signed by its issuer",
  "crl-expired": "a revocation list has expired at the time of verification",
  "crl-not-yet-valid": "a revocation list is of later than the time of verification",
} as const;
export type ChainFault = keyof typeof chainFaults;
export type ChainCode = `${ChainRole}-${ChainFault}`;

const own = {
  "evidence-malformed": "this is no evidence of a known kind",
  "kind-mismatch": "the evidence is of another kind than was said",
  "epid-without-report": "an EPID quote proves nothing without the report of the attestation service",

  "quote-truncated": "the quote ends before its signature does",
  "quote-version-unsupported": "quotes of this version are unknown",
  "quote-key-type-unsupported": "the attestation key is not of P-256",
  "quote-tee-type-unsupported": "the quote is of no known kind of enclave",
  "quote-body-type-unsupported": "the body of the quote is of no known kind",
  "qe-vendor-unknown": "the quoting enclave is of an unknown vendor",
  "certification-malformed": "the certification data in the quote have another form",
  "pck-certificate-missing": "neither the quote nor the collateral hold the platform's PCK certificate",
  "pck-extension-malformed": "the PCK certificate does not say what platform it is of",
  "qe-report-signature-invalid": "the platform's PCK key has not signed the quoting enclave's report",
  "qe-report-hash-mismatch": "the quoting enclave's report does not bind the attestation key",
  "quote-signature-invalid": "the attestation key has not signed the quote",

  "collateral-missing": "there is no collateral to judge this by",
  "tcb-info-missing": "the collateral holds no TCB info",
  "tcb-info-malformed": "the TCB info has another form",
  "tcb-info-version-unsupported": "TCB info of this version is unknown",
  "tcb-info-signature-invalid": "the TCB info is not signed by the key of its chain",
  "tcb-info-expired": "the TCB info has expired at the time of verification",
  "tcb-info-not-yet-valid": "the TCB info is of later than the time of verification",
  "tcb-info-id-mismatch": "the TCB info is of another kind of enclave",
  "tcb-info-fmspc-mismatch": "the TCB info is of another platform (FMSPC)",
  "tcb-info-pceid-mismatch": "the TCB info is of another provisioning enclave (PCEID)",
  "tcb-info-too-old": "the TCB info is of an older evaluation than the policy asks for",
  "qe-identity-missing": "the collateral holds no identity of the quoting enclave",
  "qe-identity-malformed": "the quoting enclave's identity has another form",
  "qe-identity-version-unsupported": "identities of this version are unknown",
  "qe-identity-signature-invalid": "the quoting enclave's identity is not signed by the key of its chain",
  "qe-identity-expired": "the quoting enclave's identity has expired at the time of verification",
  "qe-identity-not-yet-valid": "the quoting enclave's identity is of later than the time of verification",
  "qe-identity-id-mismatch": "the identity is of another kind of quoting enclave",
  "qe-mrsigner-mismatch": "the quoting enclave is of another signer",
  "qe-isvprodid-mismatch": "the quoting enclave is another product of its signer",
  "qe-miscselect-mismatch": "the quoting enclave has other extended features",
  "qe-attributes-mismatch": "the quoting enclave has other attributes",
  "qe-debug-enabled": "the quoting enclave can be looked into",
  "qe-tcb-level-not-found": "the quoting enclave is older than any known level",
  "tcb-level-not-found": "the platform is older than any known level",
  "tcb-status-unknown": "the collateral names a status that is unknown",
  "tdx-components-missing": "the TCB info does not list the components of TDX",
  "tdx-module-unknown": "the TCB info does not know this TDX module",
  "tdx-module-mrsigner-mismatch": "the TDX module is of another signer",
  "tdx-module-attributes-mismatch": "the TDX module has other attributes",

  "tcb-revoked": "the platform is revoked",
  "qe-revoked": "the quoting enclave is revoked",
  "tcb-out-of-date": "the platform lacks updates that it must have",
  "tcb-configuration-needed": "the policy refuses platforms that have to be configured",
  "tcb-hardening-needed": "the policy refuses platforms whose software has to be hardened",
  "tcb-too-old": "the platform's level is older than the policy allows",
  "advisory-denied": "the platform is open to an advisory that the policy refuses",
  "debug-enabled": "whoever runs it can look into it: it keeps no secret and proves nothing",
  "td-reserved-bits": "attributes of the trust domain are set that have no meaning",
  "td-sept-ve-enabled": "the trust domain can be interrupted by its host (SEPT_VE_DISABLE is not set)",
  "td-service-bound": "the trust domain is bound to a service domain that nobody has named",
  "signer-denied": "the enclave's signing key is public or refused",
  "measurement-not-allowed": "another program runs than those that are allowed",
  "report-data-mismatch": "the evidence is bound to something else than was expected",
  "software-not-allowed": "evidence by software alone is not allowed here",

  "identity-use-mismatch": "the key is bound for another use",
  "identity-network-mismatch": "the key is bound to another network",
  "identity-key-mismatch": "another key is bound than the one that asks",
  "identity-operator-mismatch": "another account is bound than the one that asks",
  "identity-peer-mismatch": "another peer is bound than the one that asks",
  "identity-nonce-mismatch": "the chain has drawn something else at the height that is named",
  "identity-from-future": "the evidence is bound to a height that the chain has not reached",
  "identity-too-old": "the evidence was made too long ago",
  "evidence-replayed": "the evidence is not of after the last that was accepted",

  "ias-report-malformed": "the report of the attestation service has another form",
  "ias-version-unsupported": "the report is of a version of the service that is not judged",
  "ias-certificate-missing": "there is no certificate of the attestation service",
  "ias-signature-missing": "there is no signature of the attestation service",
  "ias-signature-invalid": "the attestation service has not signed the report",
  "ias-nonce-mismatch": "the report answers another question",
  "report-too-old": "the report was made too long before the time of verification",
  "report-from-future": "the report was made after the time of verification",
  "ias-quote-malformed": "the report holds no EPID quote",
  "epid-signature-invalid": "the service says that the quote's signature is wrong",
  "epid-revoked": "the service says that the group, the key or the signature is revoked",
  "epid-not-judged": "the service could not tell whether the platform is revoked",

  "snp-report-malformed": "this is no attestation report of SEV-SNP",
  "snp-version-unsupported": "reports of this version are unknown",
  "snp-algorithm-unsupported": "the report is signed by another algorithm than ECDSA P-384 with SHA-384",
  "snp-certificate-missing": "the certificate of the report's key is missing",
  "snp-table-malformed": "the table of certificates behind the report has another form",
  "snp-signature-invalid": "the key of this chip has not signed the report",
  "snp-extension-malformed": "the certificate does not say what chip and firmware it is of",
  "snp-product-mismatch": "the certificate is of another product than the root it ends at",
  "snp-tcb-mismatch": "the certificate is of other firmware than the report",
  "snp-chip-mismatch": "the certificate is of another chip than the report",
  "snp-key-kind-mismatch": "the report says that it was signed by the other kind of key",
  "snp-line-not-taken": "the policy takes no chips of this line of products",
  "snp-firmware-too-old": "the chip's firmware is older than the policy takes",
  "snp-vmpl-too-high": "the report was asked for by software of less privilege than the policy takes",
} as const;

export type FailureCode = keyof typeof own | ChainCode;
export type AttestCode = "ok" | FailureCode;

const chainCodes = Object.fromEntries(
  Object.entries(roles).flatMap(([role, of]) =>
    Object.entries(chainFaults).map(([fault, says]) => [`${role}-${fault}`, `${says} (${of})`]),
  ),
) as { readonly [Code in ChainCode]: string };

/** All codes but "ok", with their meanings. */
export const attestCodes: { readonly [Code in FailureCode]: string } = { ...chainCodes, ...own };

export const meaningOf = (code: AttestCode): string => (code === "ok" ? "it holds" : attestCodes[code]);
