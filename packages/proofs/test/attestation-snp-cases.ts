/** Reports of SEV-SNP with one thing wrong, and unusual ones that are right, with the code that each must have. */
import { amdSerials, composeTable, snpTcb } from "@holdfast/proofs/attestation/software";
import { amdFiles, amdOf, type SnpCase } from "./attestation-amd.ts";
import { atSeconds } from "./attestation-world.ts";

const day = 86_400;
const filled = (length: number, value: number): Uint8Array => new Uint8Array(length).fill(value);
const milan = amdOf("Milan");
const { authority: ask, root: ark } = milan;
const key = milan.endorsement();
/** `snpTcb` with one byte more or less. */
const tcbWith = (place: number, by: number): Uint8Array => snpTcb.with(place, (snpTcb[place] ?? 0) + by);
const floor = { fmc: 0, bl: 1, tee: 2, snp: 6, ucode: 7 } as const;
const yesterday = { notBeforeSeconds: atSeconds - 2 * day, notAfterSeconds: atSeconds - day };
const tomorrow = { notBeforeSeconds: atSeconds + day, notAfterSeconds: atSeconds + 2 * day };

export const snpCases: readonly (readonly [name: string, code: string, given: SnpCase])[] = [
  ["valid", "ok", {}],
  ["valid_of_version_5", "ok", { report: { version: 5 } }],
  ["valid_genoa", "ok", { line: "Genoa" }],
  ["valid_turin_with_its_own_order_and_short_id", "ok", { line: "Turin" }],
  ["valid_by_the_key_of_a_cloud", "ok", { report: { signedBy: "vlek" }, key: { name: "SEV-VLEK" } }],
  [
    "valid_genoa_by_the_key_of_a_cloud",
    "ok",
    { line: "Genoa", report: { signedBy: "vlek" }, key: { name: "SEV-VLEK" } },
  ],
  [
    "valid_turin_by_the_key_of_a_cloud",
    "ok",
    { line: "Turin", report: { signedBy: "vlek" }, key: { name: "SEV-VLEK" } },
  ],
  [
    "valid_with_lists",
    "ok",
    { collateral: [key, ask, ark, milan.list([], "root"), milan.list([], "authority")] },
  ],
  ["unknown_version", "snp-version-unsupported", { report: { version: 1 } }],
  ["unknown_algorithm", "snp-algorithm-unsupported", { report: { algorithm: 0x101 } }],
  ["signature_too_long", "snp-report-malformed", { bend: (bytes) => bytes.set([1], 0x2a0 + 50) }],
  ["no_certificates", "snp-certificate-missing", { collateral: [] }],
  ["no_key_of_the_chip", "snp-certificate-missing", { collateral: [ask, ark] }],
  ["no_authority", "snp-chain-incomplete", { collateral: [key, ark] }],
  ["table_that_is_none", "snp-table-malformed", { table: filled(48, 0x11) }],
  [
    "certificate_outside_of_its_table",
    "snp-table-malformed",
    { table: composeTable([["vcek", key]]).subarray(0, 60) },
  ],
  ["changed_measurement", "snp-signature-invalid", { bend: (bytes) => bytes.set([0], 0x90) }],
  ["changed_report_data", "snp-signature-invalid", { bend: (bytes) => bytes.set([0], 0x50) }],
  [
    "changed_signature",
    "snp-signature-invalid",
    { bend: (bytes) => bytes.set([bytes[0x2a0] === 1 ? 2 : 1], 0x2a0) },
  ],
  ["certificate_without_its_facts", "snp-extension-malformed", { key: { extensions: [] } }],
  ["chip_id_of_another_length", "snp-extension-malformed", { key: { chipId: filled(9, 1) } }],
  [
    "chip_id_of_another_length_turin",
    "snp-extension-malformed",
    { line: "Turin", key: { chipId: filled(7, 0xc1) } },
  ],
  ["certificate_of_another_product", "snp-product-mismatch", { key: { product: "Genoa-B1" } }],
  ["certificate_of_other_firmware", "snp-tcb-mismatch", { key: { tcb: tcbWith(7, 1) } }],
  ["report_of_older_firmware", "snp-tcb-mismatch", { report: { tcb: tcbWith(7, -1) } }],
  ["certificate_of_other_firmware_genoa", "snp-tcb-mismatch", { line: "Genoa", key: { tcb: tcbWith(6, 1) } }],
  // Byte 3 is SNP in Turin's order and nothing in Milan's; byte 0 is FMC there and the boot loader here.
  ["certificate_of_other_firmware_turin", "snp-tcb-mismatch", { line: "Turin", key: { tcb: tcbWith(3, 1) } }],
  ["certificate_of_other_fmc_turin", "snp-tcb-mismatch", { line: "Turin", key: { tcb: tcbWith(0, 1) } }],
  ["certificate_of_other_unused_byte", "ok", { key: { tcb: tcbWith(3, 1) } }],
  [
    "certificate_of_a_cloud_of_other_firmware",
    "snp-tcb-mismatch",
    { report: { signedBy: "vlek" }, key: { name: "SEV-VLEK", tcb: tcbWith(6, 1) } },
  ],
  ["certificate_of_another_chip", "snp-chip-mismatch", { key: { chipId: filled(64, 0xc2) } }],
  [
    "certificate_of_another_chip_genoa",
    "snp-chip-mismatch",
    { line: "Genoa", key: { chipId: filled(64, 2) } },
  ],
  [
    "certificate_of_another_chip_turin",
    "snp-chip-mismatch",
    { line: "Turin", key: { chipId: filled(8, 2) } },
  ],
  ["key_of_a_cloud_for_a_report_by_a_chip", "snp-key-kind-mismatch", { key: { name: "SEV-VLEK" } }],
  ["key_of_a_chip_for_a_report_by_a_cloud", "snp-key-kind-mismatch", { report: { signedBy: "vlek" } }],
  ["certificate_of_another_name", "snp-certificate-missing", { key: { name: "SEV-OTHER" } }],
  ["root_of_somebody_else", "snp-root-not-pinned", { trust: { snp: { Milan: ["00".repeat(32)] } } }],
  ["root_of_another_line", "snp-product-mismatch", { trust: { snp: { Genoa: [milan.rootKeyId] } } }],
  ["certificate_expired", "snp-certificate-expired", { key: { notAfterSeconds: atSeconds - 1 } }],
  ["before_the_certificates", "snp-certificate-not-yet-valid", { at: atSeconds - 31 * day }],
  [
    "key_revoked",
    "snp-certificate-revoked",
    { collateral: [key, ask, ark, milan.list([amdSerials.key], "authority")] },
  ],
  [
    "authority_revoked",
    "snp-certificate-revoked",
    { collateral: [key, ask, ark, milan.list([amdSerials.authority])] },
  ],
  [
    "list_by_another",
    "snp-crl-signature-invalid",
    { collateral: amdFiles({}, "Milan", bentList(milan.list([]))) },
  ],
  [
    "list_expired",
    "snp-crl-expired",
    { collateral: amdFiles({}, "Milan", milan.list([], "root", yesterday)) },
  ],
  [
    "list_of_later",
    "snp-crl-not-yet-valid",
    { collateral: amdFiles({}, "Milan", milan.list([], "root", tomorrow)) },
  ],
  ["list_left_out_that_is_asked_for", "snp-crl-missing", { policy: { snpListRequired: true } }],
  [
    "list_that_is_asked_for",
    "ok",
    { collateral: amdFiles({}, "Milan", milan.list([])), policy: { snpListRequired: true } },
  ],
  [
    "list_of_the_authority_in_the_place_of_the_roots",
    "snp-crl-missing",
    { collateral: amdFiles({}, "Milan", milan.list([], "authority")), policy: { snpListRequired: true } },
  ],
  ["firmware_as_asked_for", "ok", { policy: { leastFirmware: [{ line: "Milan", ...floor }] } }],
  ...(["bl", "tee", "snp", "ucode"] as const).map((part) => {
    const policy = { leastFirmware: [{ line: "Milan" as const, ...floor, [part]: floor[part] + 1 }] };
    return [`firmware_older_in_${part}`, "snp-firmware-too-old", { policy }] as const;
  }),
  [
    "firmware_of_a_component_that_the_line_has_not",
    "ok",
    { policy: { leastFirmware: [{ line: "Milan", ...floor, fmc: 9 }] } },
  ],
  [
    "firmware_as_asked_for_in_the_order_of_turin",
    "ok",
    {
      line: "Turin",
      policy: { leastFirmware: [{ line: "Turin", fmc: 1, bl: 2, tee: 3, snp: 4, ucode: 7 }] },
    },
  ],
  [
    "firmware_older_in_fmc",
    "snp-firmware-too-old",
    {
      line: "Turin",
      policy: { leastFirmware: [{ line: "Turin", fmc: 2, bl: 0, tee: 0, snp: 0, ucode: 0 }] },
    },
  ],
  [
    "line_that_is_not_asked_for",
    "snp-line-not-taken",
    { policy: { leastFirmware: [{ line: "Genoa", ...floor }] } },
  ],
  ["privilege_of_the_kernel", "ok", { policy: { mostVmpl: 0 } }],
  ["less_privilege", "snp-vmpl-too-high", { report: { vmpl: 1 }, policy: { mostVmpl: 0 } }],
  ["debug_policy", "debug-enabled", { report: { policy: 0xb0000n } }],
  ["debug_policy_that_is_allowed", "ok", { report: { policy: 0xb0000n }, policy: { allowDebug: true } }],
  [
    "another_program",
    "measurement-not-allowed",
    { policy: { measurements: [{ measurement: "00".repeat(48) }] } },
  ],
  ["this_program", "ok", { policy: { measurements: [{ measurement: "5e".repeat(48), guestSvn: 5 }] } }],
  ["program_too_old", "measurement-not-allowed", { policy: { measurements: [{ guestSvn: 6 }] } }],
  ["bound_to_something_else", "report-data-mismatch", { policy: { reportData: filled(64, 0xdb) } }],
];

/** With the last byte of its signature turned. */
function bentList(list: Uint8Array): Uint8Array {
  return list.with(list.length - 1, (list.at(-1) ?? 0) ^ 1);
}
