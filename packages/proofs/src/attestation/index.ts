/**
 * Attestation, the verifying side: quotes of SGX and TDX, reports of SEV-SNP and of the historic EPID service, judged
 * check by check, offline, for a time that is given. See docs/ATTESTATION.md.
 */
export {
  type Admission,
  type AdmissionRequest,
  type AllowedProgram,
  type ExpectedIdentity,
  judgeAdmission,
  programOf,
} from "./admission.ts";
export {
  type AttestedIdentity,
  type AttestedUse,
  attestedIdentityCodec,
  attestedUses,
  reportDataOf,
} from "./binding.ts";
export { type AttestCode, attestCodes, type FailureCode, meaningOf } from "./codes.ts";
export { type Collateral, isEmpty, noCollateral, readCollateral, type SignedDocument } from "./collateral.ts";
export { intelVendor, softwareVendor } from "./dcap/quote.ts";
export { attestErrors } from "./errors.ts";
export { collateralOf, type Evidence, evidenceCodec } from "./evidence.ts";
export { collateralEndSeconds } from "./expiry.ts";
export { attestLimits } from "./limits.ts";
export {
  type AmdPlatform,
  type EvidencePlatform,
  type IntelPlatform,
  intelPlatformOf,
  platformOf,
  type UncertifiedPlatform,
} from "./platform.ts";
export { anyPlatform, type PlatformRule, platformRuleCodec } from "./platform-rule.ts";
export { type AttestPolicy, defaultPolicy, type MeasurementRule } from "./policy.ts";
export {
  type Curve,
  installSignatureKernel,
  plainSignatures,
  type RsaKey,
  type RsaScheme,
  rememberingSignatures,
  type SignatureKernel,
  signatureKernel,
} from "./signatures/index.ts";
export { networkSeed, softwareRootOf } from "./software/root.ts";
export { type TrustAnchors, vendorTrust } from "./trust.ts";
export { type Check, type EvidenceKind, evidenceKinds, type Measurement, type Verdict } from "./verdict.ts";
export { type AttestRequest, verifyAttestation } from "./verify.ts";
