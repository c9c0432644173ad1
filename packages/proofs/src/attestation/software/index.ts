/**
 * Making evidence of one's own: a PKI, quotes and collateral that the production verifier judges under another root.
 * Test networks attest by software with it, and tests make every wrong quote there is.
 */
export { intelNames, type SignerNames, softwareNames } from "../dcap/names.ts";
export { intelVendor, softwareVendor } from "../dcap/quote.ts";
export {
  type Amd,
  type AmdRequest,
  amdSerials,
  composeTable,
  type EndorsementFields,
  makeAmd,
  type SnpFields,
  snpTcb,
} from "./amd.ts";
export {
  type SoftwareAuthority,
  type SoftwareCollateral,
  type SoftwareReport,
  softwareAuthority,
  softwareProduct,
} from "./authority.ts";
export { type BundleRequest, composeBundle, isoTime, pemText } from "./collateral.ts";
export {
  type CertificateRequest,
  type ExtensionRequest,
  issueCertificate,
  issueRevocationList,
  type KeyPair,
  keyIdOf,
  keyOf,
  type RevocationListRequest,
  signP256,
  type Validity,
} from "./issue.ts";
export {
  authorityNames,
  makePki,
  type Pki,
  type PkiRequest,
  type PlatformFields,
  platformExtension,
} from "./pki.ts";
export {
  composeQuote,
  composeSgxReport,
  composeTdReport,
  type QuoteRequest,
  type SgxFields,
  type TdFields,
} from "./quote.ts";
export { networkSeed, softwareRootOf } from "./root.ts";
