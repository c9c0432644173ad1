/**
 * Reports of SEV-SNP with exactly one thing wrong, made under an AMD of our own: each is refused with a code of its
 * own, and the same report without the fault is accepted, with its certificates behind it or beside it, of every line
 * of products and by either kind of key.
 */
import { toHex } from "@holdfast/base";
import { installSignatureKernel, plainSignatures, rememberingSignatures } from "@holdfast/proofs/attestation";
import { composeTable } from "@holdfast/proofs/attestation/software";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { amdOf, snpVerdict } from "./attestation-amd.ts";
import { snpCases } from "./attestation-snp-cases.ts";

let restore = (): void => undefined;
beforeAll(() => {
  restore = installSignatureKernel(rememberingSignatures(plainSignatures));
});
afterAll(() => restore());

const milan = amdOf("Milan");
const { authority: ask, root: ark } = milan;
const key = milan.endorsement();

describe("a report of SEV-SNP", () => {
  it.each(snpCases)("%s is %s", (_name, code, given) => {
    const verdict = snpVerdict(given);
    expect([verdict.kind, verdict.code, verdict.ok]).toEqual(["sev-snp", code, code === "ok"]);
  });

  it("brings its certificates and its list in a table behind it, whatever the order", () => {
    const all = [
      ["root", ark],
      ["list", milan.list([])],
      ["vcek", key],
      ["authority", ask],
    ] as const;
    const policy = { snpListRequired: true };
    expect(snpVerdict({ table: composeTable(all), collateral: [], policy }).code).toBe("ok");
    const some = composeTable(all.slice(0, 3));
    expect(snpVerdict({ table: some, collateral: [] }).code).toBe("snp-chain-incomplete");
    expect(snpVerdict({ table: some, collateral: [ask] }).code).toBe("ok");
    const cloud = composeTable([
      ["vlek", milan.endorsement({ name: "SEV-VLEK" })],
      ["authority", ask],
      ["root", ark],
    ]);
    expect(snpVerdict({ report: { signedBy: "vlek" }, table: cloud, collateral: [] }).code).toBe("ok");
  });

  it.each(["Milan", "Genoa", "Turin"] as const)("of %s tells what it measures", (line) => {
    const { measurement } = snpVerdict({ line });
    const chipId = toHex(amdOf(line).chipId);
    expect(measurement).toMatchObject({ measurement: "5e".repeat(48), chipId, guestSvn: 5 });
  });
});
