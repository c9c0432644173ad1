/**
 * Every code that a check can have is one that evidence is refused with: each is made at least once, with the same
 * fault in each role that a chain plays, and a code that nothing makes is none.
 */
import {
  attestCodes,
  installSignatureKernel,
  judgeAdmission,
  plainSignatures,
  rememberingSignatures,
} from "@holdfast/proofs/attestation";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { admissionAttacks } from "./attestation-admission-cases.ts";
import { snpVerdict } from "./attestation-amd.ts";
import { cases } from "./attestation-cases.ts";
import { epidCases, epidVerdict } from "./attestation-epid.ts";
import { chainFaults, failedIn, roles } from "./attestation-roles.ts";
import { snpCases } from "./attestation-snp-cases.ts";
import { verdictOf } from "./attestation-world.ts";

let restore = (): void => undefined;
beforeAll(() => {
  restore = installSignatureKernel(rememberingSignatures(plainSignatures));
});
afterAll(() => restore());

/** What the table of codes has because it has every fault for every role, and no evidence comes to. */
const unreached: { readonly [code: string]: string } = {
  "ias-crl-missing": "the service's lists are asked if they are there",
  "snp-certificate-malformed": "what is no certificate is passed over: the key's is missing then",
  "snp-leaf-name": "the key's certificate is found by its name: it is missing then",
};

describe("a report of the EPID service", () => {
  it.each(epidCases)("%s is %s", (_name, code, given) => {
    const verdict = epidVerdict(given);
    expect([verdict.kind, verdict.code, verdict.ok]).toEqual(["sgx-ias", code, code === "ok"]);
  });
});

describe("a chain of certificates", () => {
  const named = roles.flatMap((role) => Object.keys(chainFaults).map((fault) => [role, fault] as const));

  it.each(roles)("of %s holds when nothing is wrong with it", (role) => {
    expect(failedIn(role).filter((code) => code.startsWith(`${role}-c`))).toEqual([]);
  });

  it.each(named.filter(([role, fault]) => !(`${role}-${fault}` in unreached)))("of %s: %s", (role, fault) => {
    expect(failedIn(role, chainFaults[fault])).toContain(`${role}-${fault}`);
  });
});

describe("the table of codes", () => {
  it("has no code that nothing is refused with", () => {
    const made = new Set<string>(
      [
        ...cases.flatMap(([, , knobs]) => verdictOf(knobs).checks),
        ...snpCases.flatMap(([, , given]) => snpVerdict(given).checks),
        ...epidCases.flatMap(([, , given]) => epidVerdict(given).checks),
        ...admissionAttacks.flatMap(([, , request]) => judgeAdmission(request).checks),
      ].map(({ code }) => code),
    );
    for (const role of roles) {
      for (const fault of Object.values(chainFaults))
        for (const code of failedIn(role, fault)) made.add(code);
    }
    const missing = Object.keys(attestCodes).filter((code) => !made.has(code) && !(code in unreached));
    expect(missing).toEqual([]);
    expect(Object.keys(unreached).filter((code) => made.has(code) || !(code in attestCodes))).toEqual([]);
  });
});
