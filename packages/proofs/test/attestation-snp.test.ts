/**
 * Reports of SEV-SNP with exactly one thing wrong, made under an AMD of our own: each is refused with a code of its
 * own, and the same report without the fault is accepted, with its certificates behind it or beside it.
 */
import { concatBytes, fromHex, littleEndian, toHex, utf8Bytes } from "@holdfast/base";
import {
  type AttestPolicy,
  installSignatureKernel,
  plainSignatures,
  readCollateral,
  rememberingSignatures,
  type Verdict,
  verifyAttestation,
} from "@holdfast/proofs/attestation";
import {
  type ExtensionRequest,
  issueCertificate,
  issueRevocationList,
  keyIdOf,
  keyOf,
} from "@holdfast/proofs/attestation/software";
import { p384 } from "@noble/curves/nist.js";
import { afterAll, beforeAll, describe, expect, it } from "vitest";

let restore = (): void => undefined;
beforeAll(() => {
  restore = installSignatureKernel(rememberingSignatures(plainSignatures));
});
afterAll(() => restore());

const atSeconds = 1_750_000_000;
const day = 86_400;
const validity = { notBeforeSeconds: atSeconds - 30 * day, notAfterSeconds: atSeconds + 30 * day };
const filled = (length: number, value: number): Uint8Array => new Uint8Array(length).fill(value);
const seed = utf8Bytes("an AMD of tests");
const [arkKey, askKey] = [keyOf(seed, "ark"), keyOf(seed, "ask")];
const chipSecret = filled(48, 7);
const chip = { point: p384.getPublicKey(chipSecret, false) };
const chipId = filled(64, 0xc1);

const root = "1.3.6.1.4.1.3704.1";
const der = (tag: number, bytes: Uint8Array): Uint8Array =>
  concatBytes(Uint8Array.of(tag, bytes.length), bytes);

interface Endorsement {
  readonly name?: string;
  readonly product?: string;
  readonly ucode?: number;
  readonly hwid?: Uint8Array;
  readonly extensions?: readonly ExtensionRequest[];
  readonly notAfterSeconds?: number;
}

function endorsements({ product = "Milan-B0", ucode = 4, hwid = chipId }: Endorsement): ExtensionRequest[] {
  const versions = { "3.1": 1, "3.2": 2, "3.3": 3, "3.8": ucode };
  return [
    { oid: `${root}.2`, value: der(0x16, utf8Bytes(product)) },
    ...Object.entries(versions).map(([oid, version]) => ({
      ...{ oid: `${root}.${oid}`, value: der(2, Uint8Array.of(version)) },
    })),
    { oid: `${root}.4`, value: hwid },
  ];
}

const ark = issueCertificate({
  ...{ ...validity, subject: "ARK-Milan", issuer: "ARK-Milan", serial: 1, key: arkKey, issuerKey: arkKey },
  isAuthority: true,
});
const ask = issueCertificate({
  ...{ ...validity, subject: "SEV-Milan", issuer: "ARK-Milan", serial: 2, key: askKey, issuerKey: arkKey },
  isAuthority: true,
});
const vcek = (given: Endorsement = {}): Uint8Array =>
  issueCertificate({
    ...{ ...validity, subject: given.name ?? "SEV-VCEK", issuer: "SEV-Milan", serial: 3, key: chip },
    ...{ issuerKey: askKey, isAuthority: false, extensions: given.extensions ?? endorsements(given) },
    ...(given.notAfterSeconds !== undefined && { notAfterSeconds: given.notAfterSeconds }),
  });
const list = (issuer: string, key: typeof arkKey, revokedSerials: readonly number[]): Uint8Array =>
  issueRevocationList({
    ...{ issuer, issuerKey: key, revokedSerials },
    ...{ thisUpdateSeconds: atSeconds - day, nextUpdateSeconds: atSeconds + day },
  });

interface Report {
  readonly version?: number;
  readonly policy?: bigint;
  readonly algorithm?: number;
  /** 0 VCEK, 1 VLEK. */
  readonly signingKey?: number;
  readonly tcb?: readonly number[];
  /** Changes the signed report. */
  readonly bend?: (report: Uint8Array) => void;
}

/** 1184 bytes: AMD 56860, ATTESTATION_REPORT. */
function reportOf(given: Report = {}): Uint8Array {
  const report = new Uint8Array(1184);
  report.set(littleEndian(given.version ?? 2, 4), 0);
  report.set(littleEndian(5, 4), 4);
  new DataView(report.buffer).setBigUint64(8, given.policy ?? 0x30000n, true);
  report.set(littleEndian(given.algorithm ?? 1, 4), 0x34);
  report.set(littleEndian((given.signingKey ?? 0) << 2, 4), 0x48);
  report.set(filled(64, 0xda), 0x50);
  report.set(filled(48, 0x5e), 0x90);
  report.set(given.tcb ?? [1, 2, 0, 0, 0, 0, 3, 4], 0x180);
  report.set(chipId, 0x1a0);
  const signature = p384.sign(report.subarray(0, 0x2a0), chipSecret, { lowS: false, format: "compact" });
  report.set(signature.subarray(0, 48).toReversed(), 0x2a0);
  report.set(signature.subarray(48).toReversed(), 0x2a0 + 72);
  given.bend?.(report);
  return report;
}

/** The table of certificates that a host hands over. */
function tableOf(entries: readonly (readonly [guid: string, bytes: Uint8Array])[]): Uint8Array {
  const header = 24 * (entries.length + 1);
  let offset = header;
  const rows = entries.map(([guid, bytes]) => {
    const row = concatBytes(fromHex(guid), littleEndian(offset, 4), littleEndian(bytes.length, 4));
    offset += bytes.length;
    return row;
  });
  return concatBytes(...rows, new Uint8Array(24), ...entries.map(([, bytes]) => bytes));
}
const guids = {
  vcek: "63da758de6644564adc5f4b93be8accd",
  ask: "4ab7b379bbac4fe4a02f05aef327c782",
  ark: "c0b406a4a803495297433fb6014cd0ae",
};

interface Case {
  readonly report?: Report;
  readonly key?: Endorsement;
  readonly collateral?: readonly Uint8Array[];
  readonly table?: Uint8Array;
  readonly policy?: Partial<AttestPolicy>;
  readonly roots?: { readonly [line: string]: readonly string[] };
  readonly at?: number;
}

function judged({ report, key, table, policy, roots, ...given }: Case = {}): Verdict {
  const certificates = given.collateral ?? [vcek(key), ask, ark];
  const made = reportOf(report);
  return verifyAttestation({
    evidence: table === undefined ? made : concatBytes(made, table),
    collateral: readCollateral(certificates),
    atSeconds: given.at ?? atSeconds,
    trust: { snp: roots ?? { Milan: [keyIdOf(arkKey)] } },
    ...(policy && { policy }),
  });
}

const cases: readonly (readonly [name: string, code: string, given: Case])[] = [
  ["valid", "ok", {}],
  ["valid_of_version_5", "ok", { report: { version: 5 } }],
  [
    "valid_with_lists",
    "ok",
    { collateral: [vcek(), ask, ark, list("ARK-Milan", arkKey, []), list("SEV-Milan", askKey, [])] },
  ],
  ["unknown_version", "snp-version-unsupported", { report: { version: 1 } }],
  ["unknown_algorithm", "snp-algorithm-unsupported", { report: { algorithm: 0x101 } }],
  ["signature_too_long", "snp-report-malformed", { report: { bend: (bytes) => bytes.set([1], 0x2a0 + 50) } }],
  ["no_certificates", "snp-certificate-missing", { collateral: [] }],
  ["no_key_of_the_chip", "snp-certificate-missing", { collateral: [ask, ark] }],
  ["no_authority", "snp-chain-incomplete", { collateral: [vcek(), ark] }],
  ["table_that_is_none", "snp-table-malformed", { table: filled(48, 0x11) }],
  [
    "certificate_outside_of_its_table",
    "snp-table-malformed",
    { table: tableOf([[guids.vcek, vcek()]]).subarray(0, 60) },
  ],
  ["changed_measurement", "snp-signature-invalid", { report: { bend: (bytes) => bytes.set([0], 0x90) } }],
  ["changed_report_data", "snp-signature-invalid", { report: { bend: (bytes) => bytes.set([0], 0x50) } }],
  [
    "changed_signature",
    "snp-signature-invalid",
    { report: { bend: (bytes) => bytes.set([bytes[0x2a0] === 1 ? 2 : 1], 0x2a0) } },
  ],
  ["certificate_without_its_facts", "snp-extension-malformed", { key: { extensions: [] } }],
  ["chip_id_of_another_length", "snp-extension-malformed", { key: { hwid: filled(9, 1) } }],
  ["certificate_of_another_product", "snp-product-mismatch", { key: { product: "Genoa-B1" } }],
  ["certificate_of_other_firmware", "snp-tcb-mismatch", { key: { ucode: 5 } }],
  ["report_of_older_firmware", "snp-tcb-mismatch", { report: { tcb: [1, 2, 0, 0, 0, 0, 3, 3] } }],
  ["certificate_of_another_chip", "snp-chip-mismatch", { key: { hwid: filled(64, 0xc2) } }],
  ["key_of_a_cloud_for_a_report_by_a_chip", "snp-key-kind-mismatch", { key: { name: "SEV-VLEK" } }],
  ["key_of_a_chip_for_a_report_by_a_cloud", "snp-key-kind-mismatch", { report: { signingKey: 1 } }],
  ["certificate_of_another_name", "snp-certificate-missing", { key: { name: "SEV-OTHER" } }],
  ["root_of_somebody_else", "snp-root-not-pinned", { roots: { Milan: ["00".repeat(32)] } }],
  ["root_of_another_line", "snp-product-mismatch", { roots: { Genoa: [keyIdOf(arkKey)] } }],
  ["certificate_expired", "snp-certificate-expired", { key: { notAfterSeconds: atSeconds - 1 } }],
  ["before_the_certificates", "snp-certificate-not-yet-valid", { at: atSeconds - 31 * day }],
  [
    "key_revoked",
    "snp-certificate-revoked",
    { collateral: [vcek(), ask, ark, list("SEV-Milan", askKey, [3])] },
  ],
  [
    "authority_revoked",
    "snp-certificate-revoked",
    { collateral: [vcek(), ask, ark, list("ARK-Milan", arkKey, [2])] },
  ],
  [
    "list_by_another",
    "snp-crl-signature-invalid",
    { collateral: [vcek(), ask, ark, list("SEV-Milan", arkKey, [])] },
  ],
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

describe("a report of SEV-SNP", () => {
  it.each(cases)("%s is %s", (_name, code, given) => {
    const verdict = judged(given);
    expect([verdict.kind, verdict.code, verdict.ok]).toEqual(["sev-snp", code, code === "ok"]);
  });

  it("brings its certificates in a table behind it, whatever the order", () => {
    const all = [guids.ark, guids.vcek, guids.ask].map((guid, index) => {
      return [guid, [ark, vcek(), ask][index] as Uint8Array] as const;
    });
    expect(judged({ table: tableOf(all), collateral: [] }).code).toBe("ok");
    expect(judged({ table: tableOf(all.slice(0, 2)), collateral: [] }).code).toBe("snp-chain-incomplete");
    expect(judged({ table: tableOf(all.slice(0, 2)), collateral: [ask] }).code).toBe("ok");
  });

  it("tells what it measures, and is never accepted with a signed byte turned", () => {
    const { measurement } = judged();
    expect(measurement).toMatchObject({ measurement: "5e".repeat(48), chipId: toHex(chipId), guestSvn: 5 });
    const certificates = readCollateral([vcek(), ask, ark]);
    const report = reportOf();
    for (let at = 0; at < 0x2a0; at += 11) {
      const bent = report.slice();
      bent[at] = (bent[at] ?? 0) ^ 0x20;
      const trust = { snp: { Milan: [keyIdOf(arkKey)] } };
      expect([
        at,
        verifyAttestation({ evidence: bent, collateral: certificates, atSeconds, trust }).ok,
      ]).toEqual([...[at, false]]);
    }
  });
});
