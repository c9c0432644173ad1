/**
 * What a platform comes to: the worse of platform, TDX module and quoting enclave, by a table that is written down here
 * case by case as Intel's verification library has it, and not by the rule that is tested.
 */
import { installSignatureKernel, plainSignatures, rememberingSignatures } from "@holdfast/proofs/attestation";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type Draft, type Knobs, verdictOf } from "./attestation-world.ts";

let restore = (): void => undefined;
beforeAll(() => {
  restore = installSignatureKernel(rememberingSignatures(plainSignatures));
});
afterAll(() => restore());

/** Of a platform: by itself, beside a part that is out of date. Beside one that is revoked it is revoked. */
const table: readonly (readonly [platform: string, besideOld: string])[] = [
  ["UpToDate", "OutOfDate"],
  ["SWHardeningNeeded", "OutOfDate"],
  ["ConfigurationNeeded", "OutOfDateConfigurationNeeded"],
  ["ConfigurationAndSWHardeningNeeded", "OutOfDateConfigurationNeeded"],
  ["OutOfDate", "OutOfDate"],
  ["OutOfDateConfigurationNeeded", "OutOfDateConfigurationNeeded"],
  ["Revoked", "Revoked"],
];
const parts: readonly (readonly [part: string, beside: (own: string, old: string) => string])[] = [
  ["UpToDate", (own) => own],
  ["OutOfDate", (_, old) => old],
  ["Revoked", () => "Revoked"],
];
const level = (draft: Draft): Draft => draft.tcbLevels[0];
const moduleLevel = (info: Draft): Draft => info.tdxModuleIdentities[0].tcbLevels[0];

describe("the status of a platform", () => {
  it.each(table)("that is %s counts with that of its quoting enclave", (platform, old) => {
    for (const [part, beside] of parts) {
      for (const tee of ["sgx", "tdx"] as const) {
        const { tcbStatus } = verdictOf({
          tee,
          tcbInfo: (info) => (level(info).tcbStatus = platform),
          qeIdentity: (one) => (level(one).tcbStatus = part),
        });
        expect([platform, part, tcbStatus]).toEqual([platform, part, beside(platform, old)]);
      }
    }
  });

  it.each(table)(
    "that is %s counts with that of its TDX module, and then of the quoting enclave",
    (platform, old) => {
      for (const [module, besideModule] of parts) {
        for (const [enclave, besideEnclave] of parts) {
          const { tcbStatus } = verdictOf({
            tee: "tdx",
            tcbInfo: (info) => {
              level(info).tcbStatus = platform;
              moduleLevel(info).tcbStatus = module;
            },
            qeIdentity: (one) => (level(one).tcbStatus = enclave),
          });
          const both = besideModule(platform, old);
          const oldOfBoth = table.find(([own]) => own === both)?.[1] ?? "";
          expect([module, enclave, tcbStatus]).toEqual([module, enclave, besideEnclave(both, oldOfBoth)]);
        }
      }
    },
  );

  it("has the advisories of all three, each once", () => {
    const { advisories } = verdictOf({
      tee: "tdx",
      tcbInfo: (info) => {
        level(info).advisoryIDs = ["INTEL-SA-00001", "INTEL-SA-00002"];
        moduleLevel(info).advisoryIDs = ["INTEL-SA-00002", "INTEL-SA-00003"];
      },
      qeIdentity: (one) => (level(one).advisoryIDs = ["INTEL-SA-00003", "INTEL-SA-00004"]),
    });
    expect([...advisories].sort()).toEqual([1, 2, 3, 4].map((number) => `INTEL-SA-0000${number}`));
  });

  it("is that of the first level whose every component is reached", () => {
    const levels = (...svns: readonly number[]): Knobs => ({
      tcbInfo: (info) => {
        const { tcbDate } = level(info);
        info.tcbLevels = svns.map((svn, index) => ({
          tcb: { sgxtcbcomponents: Array.from({ length: 16 }, () => ({ svn })), pcesvn: 11 },
          ...{ tcbDate, tcbStatus: table[index]?.[0] },
        }));
      },
    });
    expect(verdictOf(levels(5, 4)).tcbStatus).toBe("UpToDate");
    expect(verdictOf(levels(6, 5, 4)).tcbStatus).toBe("SWHardeningNeeded");
    expect(verdictOf(levels(7, 6, 5)).tcbStatus).toBe("ConfigurationNeeded");
    expect(verdictOf(levels(7, 6)).code).toBe("tcb-level-not-found");
  });
});

describe("a trust domain of TDX 1.5", () => {
  /** Launched below the first level; the platform is at `now` since, with the module's version beside it. */
  const launched = (status: string, now: readonly number[], more: Knobs = {}): Knobs => ({
    ...{ tee: "tdx", header: { version: 5, bodyType: 3 } },
    td: { teeTcbSvn2: Uint8Array.of(...now, ...new Uint8Array(13)) },
    tcbInfo: (info) => {
      const old = structuredClone(level(info));
      level(info).tcb.tdxtcbcomponents[2].svn = 4;
      level(info).tcbStatus = status;
      old.tcbStatus = "OutOfDate";
      info.tcbLevels.push(old);
    },
    ...more,
  });

  it.each([
    ["UpToDate", "TDRelaunchAdvised"],
    ["SWHardeningNeeded", "TDRelaunchAdvised"],
    ["ConfigurationNeeded", "TDRelaunchAdvisedConfigurationNeeded"],
    ["ConfigurationAndSWHardeningNeeded", "TDRelaunchAdvisedConfigurationNeeded"],
    ["OutOfDate", "OutOfDate"],
  ])("on a platform that is %s by now is %s", (status, expected) => {
    const verdict = verdictOf(launched(status, [6, 1, 4]));
    expect([verdict.tcbStatus, verdict.code]).toEqual([expected, "tcb-out-of-date"]);
    const allowed = { policy: { allowedStatuses: [expected] } };
    expect(verdictOf(launched(status, [6, 1, 4], allowed)).code).toBe("ok");
  });

  it("is out of date where the platform was not updated either, or its quoting enclave was not", () => {
    expect(verdictOf(launched("UpToDate", [6, 1, 3])).tcbStatus).toBe("OutOfDate");
    const old: Knobs = { qeIdentity: (one) => (level(one).tcbStatus = "OutOfDate") };
    expect(verdictOf(launched("UpToDate", [6, 1, 4], old)).tcbStatus).toBe("OutOfDate");
    expect(verdictOf(launched("ConfigurationNeeded", [6, 1, 4], old)).tcbStatus).toBe(
      "OutOfDateConfigurationNeeded",
    );
    const revoked: Knobs = { qeIdentity: (one) => (level(one).tcbStatus = "Revoked") };
    expect(verdictOf(launched("UpToDate", [6, 1, 4], revoked)).tcbStatus).toBe("Revoked");
  });
});
