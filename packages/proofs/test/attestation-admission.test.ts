/**
 * Whom a network takes for an attested node (docs/ATTACKS.md). Evidence that was replayed, bound to something else, of
 * a revoked or debuggable platform, of another program, judged by old collateral, or simulated where that is not
 * allowed: each is refused with a code of its own, and the same request without the fault is admitted.
 */
import { decode, encode, seedAddress, toHex } from "@holdfast/base";
import {
  type AttestedIdentity,
  attestedIdentityCodec,
  attestedUses,
  collateralEndSeconds,
  type Evidence,
  evidenceCodec,
  installSignatureKernel,
  judgeAdmission,
  networkSeed,
  plainSignatures,
  programOf,
  readCollateral,
  rememberingSignatures,
  reportDataOf,
  softwareRootOf,
} from "@holdfast/proofs/attestation";
import { softwareAuthority } from "@holdfast/proofs/attestation/software";
import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { admissionAttacks } from "./attestation-admission-cases.ts";
import {
  admitted,
  atSeconds,
  day,
  filled,
  identity,
  networkId,
  nonceAt,
  operator,
  program,
  requestOf,
} from "./attestation-admission-world.ts";

let restore = (): void => undefined;
beforeAll(() => {
  restore = installSignatureKernel(rememberingSignatures(plainSignatures));
});
afterAll(() => restore());

describe("the admission of an attested node", () => {
  it("takes genuine evidence of an allowed program that is bound to who asks", () => {
    const admission = judgeAdmission(admitted);
    expect(admission).toMatchObject({ ok: true, code: "ok", kind: "software", tcbStatus: "UpToDate" });
    expect(admission.program).toEqual(program);
    expect(admission.checks.map(({ name }) => name)).toEqual(expect.arrayContaining(["identity", "program"]));
  });

  it.each(admissionAttacks)("refuses %s (%s)", (_name, code, request) => {
    const { ok, checks } = judgeAdmission(request);
    const failed = checks.filter((check) => !check.ok).map((check) => check.code as string);
    expect(ok).toBe(false);
    expect(failed).toContain(code);
  });

  it("tells replay, nonce, TCB, debug flag, program, collateral and simulation apart", () => {
    const codes = admissionAttacks.map(([, , request]) => judgeAdmission(request).code);
    expect(new Set(codes).size).toBeGreaterThanOrEqual(16);
    for (const one of ["evidence-replayed", "identity-nonce-mismatch", "tcb-revoked", "debug-enabled"]) {
      expect(codes).toContain(one);
    }
  });

  it("is never had by turning a byte of what is signed, and never ends in an error", () => {
    const { evidence } = admitted.evidence;
    // The root stands last; it is believed for its key alone.
    const end = Buffer.from(evidence).lastIndexOf("-----BEGIN");
    for (let at = 0; at < end; at += at < 1_046 ? 7 : 97) {
      const bent = evidence.slice();
      bent[at] = (bent[at] ?? 0) ^ 0x10;
      const { ok, code } = judgeAdmission({
        ...admitted,
        evidence: { ...admitted.evidence, evidence: bent },
      });
      expect([ok, code === "ok", at]).toEqual([false, false, at]);
    }
  });
});

describe("what evidence is bound to", () => {
  it("is another for every field, and has a golden value", () => {
    const changes: readonly Partial<AttestedIdentity>[] = [
      { use: "check" },
      { networkId: filled(32, 3) },
      { nodeKey: filled(65, 5) },
      { peerId: "12D3KooWtesu" },
      { operator: seedAddress(1, "another") },
      { epoch: 101 },
      { nonce: nonceAt(101) },
    ];
    const digests = [identity, ...changes.map((one) => ({ ...identity, ...one }))].map((one) =>
      toHex(reportDataOf(one)),
    );
    expect(new Set(digests).size).toBe(digests.length);
    expect(digests[0]).toBe(
      "3c9e860097779e0d47be078839873c3225bdd92af1c27ea98ff67999bf0b5f6e".padEnd(128, "0"),
    );
  });

  it("and evidence itself travel in one encoding, strictly read", () => {
    const identities = fc.record({
      use: fc.constantFrom(...attestedUses),
      networkId: fc.uint8Array({ minLength: 32, maxLength: 32 }),
      nodeKey: fc.uint8Array({ maxLength: 133 }),
      peerId: fc.string({ maxLength: 40 }),
      operator: fc.constant(operator),
      epoch: fc.nat(),
      nonce: fc.uint8Array({ minLength: 32, maxLength: 32 }),
    });
    fc.assert(
      fc.property(identities, (one) => {
        expect(decode(attestedIdentityCodec, encode(attestedIdentityCodec, one))).toEqual(one);
      }),
    );
    const evidence: Evidence = admitted.evidence;
    const bytes = encode(evidenceCodec, evidence);
    expect(decode(evidenceCodec, bytes)).toEqual(evidence);
    expect(() => decode(evidenceCodec, bytes.subarray(1))).toThrow();
    const long = { ...evidence, collateral: Array.from({ length: 17 }, () => filled(1, 1)) };
    expect(() => encode(evidenceCodec, long)).toThrow();
  });
});

describe("the authority of a network that allows software", () => {
  it("follows from the network alone, and its root is all that verifiers need", () => {
    const authority = softwareAuthority(networkSeed(networkId));
    expect(authority.rootKeyId).toBe(softwareRootOf(networkId));
    expect(softwareRootOf(networkId)).not.toBe(softwareRootOf(filled(32, 2)));
    const again = softwareAuthority(networkSeed(networkId));
    const report = { program, reportData: filled(64, 1), svn: 1 };
    expect(again.quote(report)).toEqual(authority.quote(report));
  });

  it("gives collateral that holds for thirty days at least, for any day of a network's life", () => {
    const authority = softwareAuthority(networkSeed(networkId));
    for (const at of [1_735_689_600, atSeconds, atSeconds + 40 * 365 * day]) {
      const file = authority.collateral({ atSeconds: at });
      const end = collateralEndSeconds(readCollateral([file]));
      expect(end - at).toBeGreaterThanOrEqual(30 * day);
      const request = requestOf({ collateral: { atSeconds: at } }, { atSeconds: at });
      expect(judgeAdmission(request).code).toBe("ok");
    }
  });

  it("is a program of its kind alone: the same bytes of other evidence are another program", () => {
    const measured = { mrEnclave: "11".repeat(32), mrTd: "22".repeat(48), measurement: "33".repeat(48) };
    expect(programOf("software", measured)).toEqual(filled(32, 0x11));
    expect(programOf("tdx", measured)).toBeUndefined();
    const registers = { rtmr0: "00", rtmr1: "00", rtmr2: "00", rtmr3: "00" };
    const domain = programOf("tdx", { ...measured, ...registers });
    expect(domain?.length).toBe(32);
    expect(programOf("tdx", { ...measured, ...registers, rtmr3: "01" })).not.toEqual(domain);
    expect(programOf("sev-snp", { ...measured, hostData: "44" })?.length).toBe(32);
  });
});
