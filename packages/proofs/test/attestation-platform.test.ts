/**
 * What a network asks of the platforms of a program: floors of evaluation, status and firmware in the line of its list,
 * AMD's list and privilege of everybody. The applicant brings the collateral, and it may not choose the older one.
 */
import { decode, encode } from "@holdfast/base";
import {
  anyPlatform,
  installSignatureKernel,
  judgeAdmission,
  type PlatformRule,
  plainSignatures,
  platformRuleCodec,
  programOf,
  rememberingSignatures,
  reportDataOf,
} from "@holdfast/proofs/attestation";
import { amdSerials, type SnpFields } from "@holdfast/proofs/attestation/software";
import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { asking, filled, identity, program, requestOf } from "./attestation-admission-world.ts";
import { amdFiles, amdOf, amdTrust, snpVerdict } from "./attestation-amd.ts";

let restore = (): void => undefined;
beforeAll(() => {
  restore = installSignatureKernel(rememberingSignatures(plainSignatures));
});
afterAll(() => restore());

describe("what is asked of platforms", () => {
  it("takes what the line of its program asks for, and what it names besides", () => {
    const rules: readonly Partial<PlatformRule>[] = [
      { leastTcbEvaluation: 1 },
      { tcbStatuses: ["UpToDate"] },
      { leastFirmware: [{ line: "Milan", fmc: 9, bl: 9, tee: 9, snp: 9, ucode: 9 }] }, // of AMD alone
    ];
    for (const rule of rules) expect(judgeAdmission(requestOf({}, asking(rule))).code).toBe("ok");
    const old = { tcbStatus: "OutOfDate" };
    const named = requestOf({ collateral: old }, asking({ tcbStatuses: ["UpToDate", "OutOfDate"] }));
    expect(judgeAdmission(named).code).toBe("ok");
  });

  it("has one form, strictly read; nobody can take a platform that is revoked", () => {
    const svn = fc.integer({ min: 0, max: 255 });
    const floors = fc.record({
      ...{
        line: fc.constantFrom("Milan", "Genoa", "Turin"),
        fmc: svn,
        bl: svn,
        tee: svn,
        snp: svn,
        ucode: svn,
      },
    });
    const rules = fc.record({
      leastTcbEvaluation: fc.integer({ min: 0, max: 0xffff_ffff }),
      tcbStatuses: fc.subarray(["UpToDate", "OutOfDate", "TDRelaunchAdvised"]),
      leastFirmware: fc.array(floors, { maxLength: 3 }),
    }) as fc.Arbitrary<PlatformRule>;
    fc.assert(
      fc.property(rules, (rule) => {
        expect(decode(platformRuleCodec, encode(platformRuleCodec, rule))).toEqual(rule);
      }),
    );
    const revoked = { ...anyPlatform, tcbStatuses: ["Revoked"] } as unknown as PlatformRule;
    expect(() => encode(platformRuleCodec, revoked)).toThrow();
    const bytes = encode(platformRuleCodec, { ...anyPlatform, tcbStatuses: ["UpToDate"] });
    const unknown = bytes.map((byte, at) => (at === 3 ? 8 : byte));
    expect(() => decode(platformRuleCodec, unknown)).toThrow();
    expect(
      decode(
        platformRuleCodec,
        bytes.map((byte, at) => (at === 3 ? 7 : byte)),
      ).tcbStatuses,
    ).toEqual(["TDRelaunchAdvisedConfigurationNeeded"]);
  });
});

interface SnpAdmission {
  readonly report?: SnpFields;
  readonly rule?: Partial<PlatformRule>;
  /** Null: left out. */
  readonly list?: Uint8Array | null;
}

describe("the admission by SEV-SNP", () => {
  const amd = amdOf("Milan");
  const admissionOf = (given: SnpAdmission = {}) => {
    const { report, rule, list = amd.list([]) } = given;
    const made = amd.report({ reportData: reportDataOf(identity), ...report });
    const collateral = amdFiles({}, "Milan", ...(list === null ? [] : [list]));
    return judgeAdmission({
      ...requestOf({}, { trust: amdTrust() }),
      evidence: { kind: "sev-snp", evidence: made, collateral },
      allowed: {
        ...{ kind: "sev-snp", program: programOf("sev-snp", snpVerdict().measurement) ?? program },
        platform: { ...anyPlatform, ...rule },
      },
    });
  };
  const floor = { line: "Milan", fmc: 0, bl: 1, tee: 2, snp: 6, ucode: 7 } as const;

  it("takes a report with AMD's list beside it, of firmware as asked for", () => {
    expect(admissionOf()).toMatchObject({ ok: true, kind: "sev-snp", code: "ok" });
    expect(admissionOf({ rule: { leastFirmware: [floor] } }).code).toBe("ok");
  });

  it.each<[string, string, SnpAdmission]>([
    ["without AMD's list, which may name its key's authority", "snp-crl-missing", { list: null }],
    ["with a list that names it", "snp-certificate-revoked", { list: amd.list([amdSerials.authority]) }],
    ["of older firmware", "snp-firmware-too-old", { rule: { leastFirmware: [{ ...floor, snp: 7 }] } }],
    [
      "of another line of products",
      "snp-line-not-taken",
      { rule: { leastFirmware: [{ ...floor, line: "Genoa" }] } },
    ],
    ["of software of less privilege", "snp-vmpl-too-high", { report: { vmpl: 1 } }],
    ["of another program", "measurement-not-allowed", { report: { measurement: filled(48, 1) } }],
    ["bound to somebody else", "report-data-mismatch", { report: { reportData: filled(64, 1) } }],
  ])("refuses one %s (%s)", (_name, code, given) => {
    expect(admissionOf(given)).toMatchObject({ ok: false, code });
  });
});
