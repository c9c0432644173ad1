/**
 * Evidence with exactly one thing wrong, and some that is unusual and right, each with the code that it must have: the
 * catalogue of dcap-qvl's generated samples (Phala-Network/dcap-qvl, `generate_all_samples.rs`; names only) and what
 * that one does not check. The bytes are made by an own PKI.
 */
import { fromHex, utf8Bytes } from "@holdfast/base";
import { softwareNames, softwareVendor } from "@holdfast/proofs/attestation/software";
import { chainCases, type NamedCase } from "./attestation-chain-cases.ts";
import { type Draft, flipped, type Knobs } from "./attestation-world.ts";

const day = 86_400;
const withAttributes = (hex: string): Knobs => ({ tee: "tdx", td: { tdAttributes: fromHex(hex) } });
const level = (draft: Draft): Draft => draft.tcbLevels[0];

/** Where fields of a quote of version 3 stand. */
const at3 = { signature: 436, attestationKey: 500, qeReport: 564, qeSignature: 948, authData: 1014 };

export const cases: readonly NamedCase[] = [
  ...chainCases,
  ["valid_sgx_v3", "ok", {}],
  ["valid_sgx_v4", "ok", { header: { version: 4 } }],
  ["invalid_sgx_v4", "certification-malformed", { bend: (quote) => flipped(quote, 0, 7) }],
  ["valid_sgx_v5", "ok", { header: { version: 5 } }],
  ["valid_tdx_v4", "ok", { tee: "tdx" }],
  ["valid_tdx_v5", "ok", { tee: "tdx", header: { version: 5 } }],
  ["valid_tdx_15", "ok", tdx15({})],
  ["invalid_quote_v5", "quote-body-type-unsupported", { tee: "tdx", header: { version: 5, bodyType: 4 } }],
  [
    "tdx_body_of_another_size",
    "quote-body-type-unsupported",
    { ...tdx15({}), header: { version: 5, bodyType: 2 } },
  ],
  [
    "tdx_missing_components",
    "tdx-components-missing",
    { tee: "tdx", tcbInfo: (info) => delete level(info).tcb.tdxtcbcomponents },
  ],
  [
    "tdx_qe_identity_id_mismatch",
    "qe-identity-id-mismatch",
    { tee: "tdx", qeIdentity: (one) => (one.id = "QE") },
  ],
  ["tdx_debug_enabled", "debug-enabled", withAttributes("0100001000000000")],
  ["tdx_sept_ve_disabled", "td-sept-ve-enabled", withAttributes("0000000000000000")],
  ["tdx_reserved_bits_set", "td-reserved-bits", withAttributes("0000101000000000")],
  ["tdx_pks_enabled", "ok", withAttributes("0000005000000000")],
  ["tdx_kl_enabled", "ok", withAttributes("0000009000000000")],
  ["tdx_service_domain", "td-service-bound", tdx15({ mrServiceTd: new Uint8Array(48).fill(1) })],
  ["debug_sgx_v3", "debug-enabled", { sgx: { attributes: fromHex("0700000000000000e700000000000000") } }],
  ["invalid_quote_format", "evidence-malformed", { bend: () => utf8Bytes("no quote at all!") }],
  ["truncated_quote", "quote-truncated", { bend: (quote) => quote.slice(0, 1000) }],
  ["unsupported_version", "quote-version-unsupported", { header: { version: 2 } }],
  ["unsupported_key_type", "quote-key-type-unsupported", { header: { keyType: 3 } }],
  ["unsupported_tee_type", "quote-tee-type-unsupported", { header: { version: 4, teeType: 2 } }],
  ["unknown_vendor", "qe-vendor-unknown", { header: { vendor: "00".repeat(16) } }],
  ["tcb_expired", "tcb-info-expired", { tcbInfo: (info) => (info.nextUpdate = "2025-06-15T15:06:39Z") }],
  [
    "tcb_issue_date_future",
    "tcb-info-not-yet-valid",
    { tcbInfo: (info) => (info.issueDate = "2025-06-15T15:06:41Z") },
  ],
  ["sgx_tcb_id_mismatch", "tcb-info-id-mismatch", { tcbInfo: (info) => (info.id = "TDX") }],
  ["tcb_version", "tcb-info-version-unsupported", { tcbInfo: (info) => (info.version = 4) }],
  ["invalid_tcb_json", "tcb-info-malformed", { bundle: ({ tcbInfo }) => ({ tcbInfo: tcbInfo.slice(1) }) }],
  [
    "tcb_json_with_a_key_twice",
    "tcb-info-malformed",
    { bundle: ({ tcbInfo }) => ({ tcbInfo: tcbInfo.replace('"version":3', '"version":3,"version":3') }) },
  ],
  [
    "sgx_component_svn_mismatch",
    "tcb-level-not-found",
    { tcbInfo: (info) => (level(info).tcb.sgxtcbcomponents[15].svn = 6) },
  ],
  ["pcesvn_mismatch", "tcb-level-not-found", { tcbInfo: (info) => (level(info).tcb.pcesvn = 12) }],
  [
    "tdx_component_svn_mismatch",
    "tcb-level-not-found",
    { tee: "tdx", tcbInfo: (info) => (level(info).tcb.tdxtcbcomponents[2].svn = 4) },
  ],
  [
    "component_svn_all_higher",
    "ok",
    {
      tcbInfo: (info) => (level(info).tcb.sgxtcbcomponents = Array.from({ length: 16 }, () => ({ svn: 1 }))),
    },
  ],
  [
    "tcb_info_with_one_space_more",
    "tcb-info-signature-invalid",
    { collateralText: (text) => text.replace('{\\"id\\":\\"SGX', '{ \\"id\\":\\"SGX') },
  ],
  ["fmspc_mismatch", "tcb-info-fmspc-mismatch", { tcbInfo: (info) => (info.fmspc = "00906EA10001") }],
  ["pceid_mismatch", "tcb-info-pceid-mismatch", { tcbInfo: (info) => (info.pceId = "0001") }],
  ["qe_report_hash_mismatch", "qe-report-hash-mismatch", { qe: { reportData: new Uint8Array(64) } }],
  [
    "qe_report_data_with_a_tail",
    "qe-report-hash-mismatch",
    { bend: (quote) => quote, qe: { reportData: new Uint8Array(64).fill(1) } },
  ],
  [
    "invalid_qe_report_signature",
    "qe-report-signature-invalid",
    { bend: (quote) => flipped(quote, at3.qeSignature) },
  ],
  ["invalid_quote_signature", "quote-signature-invalid", { bend: (quote) => flipped(quote, at3.signature) }],
  ["swapped_measurement", "quote-signature-invalid", { bend: (quote) => flipped(quote, 112) }],
  ["swapped_report_data", "quote-signature-invalid", { bend: (quote) => flipped(quote, 368) }],
  ["swapped_auth_data", "qe-report-hash-mismatch", { bend: (quote) => flipped(quote, at3.authData) }],
  [
    "qe_identity_expired",
    "qe-identity-expired",
    { qeIdentity: (one) => (one.nextUpdate = "2025-06-15T15:06:39Z") },
  ],
  [
    "qe_identity_issue_date_future",
    "qe-identity-not-yet-valid",
    { qeIdentity: (one) => (one.issueDate = "2025-06-15T15:06:41Z") },
  ],
  ["invalid_qe_identity_json", "qe-identity-malformed", { bundle: () => ({ qeIdentity: "{}" }) }],
  ["qe_identity_version", "qe-identity-version-unsupported", { qeIdentity: (one) => (one.version = 1) }],
  ["qe_mrsigner_mismatch", "qe-mrsigner-mismatch", { qe: { mrSigner: new Uint8Array(32) } }],
  ["qe_isvprodid_mismatch", "qe-isvprodid-mismatch", { qe: { isvProdId: 2 } }],
  ["qe_miscselect_mismatch", "qe-miscselect-mismatch", { qe: { miscSelect: Uint8Array.of(1, 0, 0, 0) } }],
  [
    "qe_attributes_mismatch",
    "qe-attributes-mismatch",
    { qe: { attributes: fromHex("3500000000000000e700000000000000") } },
  ],
  [
    "qe_debug_enabled",
    "qe-debug-enabled",
    { qe: { attributes: fromHex("1700000000000000e700000000000000") } },
  ],
  ["qe_below_every_level", "qe-tcb-level-not-found", { qe: { isvSvn: 7 } }],
  ["unknown_tcb_status", "tcb-status-unknown", { tcbInfo: (info) => (level(info).tcbStatus = "Fine") }],
  ["revoked_platform_tcb", "tcb-revoked", { tcbInfo: (info) => (level(info).tcbStatus = "Revoked") }],
  ["revoked_qe_tcb", "qe-revoked", { qeIdentity: (one) => (level(one).tcbStatus = "Revoked") }],
  ["out_of_date_platform", "tcb-out-of-date", { tcbInfo: (info) => (level(info).tcbStatus = "OutOfDate") }],
  ["out_of_date_qe", "tcb-out-of-date", { qeIdentity: (one) => (level(one).tcbStatus = "OutOfDate") }],
  [
    "out_of_date_platform_that_is_allowed",
    "ok",
    { tcbInfo: (info) => (level(info).tcbStatus = "OutOfDate"), policy: { allowedStatuses: ["OutOfDate"] } },
  ],
  [
    "tdx_module_unknown",
    "tdx-module-unknown",
    { tee: "tdx", tcbInfo: (info) => (info.tdxModuleIdentities[0].id = "TDX_02") },
  ],
  [
    "tdx_module_too_old",
    "tcb-level-not-found",
    { tee: "tdx", tcbInfo: (info) => (info.tdxModuleIdentities[0].tcbLevels[0].tcb.isvsvn = 7) },
  ],
  [
    "tdx_module_revoked",
    "tcb-revoked",
    { tee: "tdx", tcbInfo: (info) => (info.tdxModuleIdentities[0].tcbLevels[0].tcbStatus = "Revoked") },
  ],
  [
    "tdx_module_mrsigner_mismatch",
    "tdx-module-mrsigner-mismatch",
    { tee: "tdx", td: { mrSignerSeam: new Uint8Array(48).fill(1) } },
  ],
  [
    "tdx_module_attributes_mismatch",
    "tdx-module-attributes-mismatch",
    { tee: "tdx", td: { seamAttributes: new Uint8Array(8).fill(1) } },
  ],
  ["no_tcb_info", "tcb-info-missing", { collateralText: (text) => text.replace('"tcb_info":', '"other":') }],
  [
    "no_qe_identity",
    "qe-identity-missing",
    { collateralText: (text) => text.replace('"qe_identity":', '"other":') },
  ],
  ["no_collateral", "collateral-missing", { collateralText: () => "{}" }],
  ["simulated_quote_on_a_network_that_allows_none", "software-not-allowed", software({})],
  ["simulated_quote_on_a_network_that_allows_it", "ok", software({ allowSoftware: true })],
  ["simulated_quote_with_another_vendor", "pck-root-not-pinned", { names: softwareNames }],
  [
    "hardware_root_for_a_simulated_quote",
    "pck-root-not-pinned",
    { header: { vendor: softwareVendor }, policy: { allowSoftware: true } },
  ],
  [
    "program_not_allowed",
    "measurement-not-allowed",
    { policy: { measurements: [{ mrEnclave: "00".repeat(32) }] } },
  ],
  [
    "program_allowed",
    "ok",
    { policy: { measurements: [{ mrEnclave: "3E".repeat(32), isvProdId: 7, isvSvn: 2 }] } },
  ],
  [
    "program_too_old",
    "measurement-not-allowed",
    { policy: { measurements: [{ mrEnclave: "3e".repeat(32), isvSvn: 4 }] } },
  ],
  [
    "signer_with_a_public_key",
    "signer-denied",
    { sgx: { mrSigner: fromHex("83d719e77deaca1470f6baf62a4d774303c899db69020f9c70ee1dfc08c7ce9e") } },
  ],
  [
    "replayed_for_another_nonce",
    "report-data-mismatch",
    { policy: { reportData: new Uint8Array(64).fill(0xdb) } },
  ],
  ["bound_to_this", "ok", { policy: { reportData: new Uint8Array(64).fill(0xda) } }],
  [
    "bound_to_more_than_this",
    "report-data-mismatch",
    { policy: { reportData: new Uint8Array(32).fill(0xda) } },
  ],
  [
    "advisory_denied",
    "advisory-denied",
    {
      tcbInfo: (info) => (level(info).advisoryIDs = ["INTEL-SA-00615"]),
      policy: { deniedAdvisories: ["INTEL-SA-00615"] },
    },
  ],
  ["collateral_of_an_old_evaluation", "tcb-info-too-old", { policy: { leastTcbEvaluation: 18 } }],
  ["platform_level_too_old", "tcb-too-old", { policy: { tcbAgeSeconds: 30 * day } }],
];

function tdx15(td: Knobs["td"]): Knobs {
  const teeTcbSvn2 = Uint8Array.of(6, 1, 3, ...new Uint8Array(13));
  return { tee: "tdx", header: { version: 5, bodyType: 3 }, td: { teeTcbSvn2, ...td } };
}

function software(policy: Knobs["policy"]): Knobs {
  return { names: softwareNames, header: { vendor: softwareVendor }, policy: policy ?? {} };
}
