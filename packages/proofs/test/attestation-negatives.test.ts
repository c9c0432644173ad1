/** Evidence with exactly one thing wrong is refused with a code of its own (attestation-cases.ts). */
import { installSignatureKernel, plainSignatures, rememberingSignatures } from "@holdfast/proofs/attestation";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { cases } from "./attestation-cases.ts";
import { evidenceOf, judged, verdictOf } from "./attestation-world.ts";

// The chains are the same for nearly all cases.
let restore = (): void => undefined;
beforeAll(() => {
  restore = installSignatureKernel(rememberingSignatures(plainSignatures));
});
afterAll(() => restore());

describe("evidence with one thing wrong", () => {
  it.each(cases)("%s is %s", (_name, code, knobs) => {
    const verdict = verdictOf(knobs);
    expect([verdict.code, verdict.ok]).toEqual([code, code === "ok"]);
    const failed = verdict.checks.filter(({ ok }) => !ok);
    expect(failed.every((check) => check.code !== "ok")).toBe(true);
    expect(failed.length > 0).toBe(code !== "ok");
  });

  it("has more than the forty-five names of the catalogue, and each name once", () => {
    expect(new Set(cases.map(([name]) => name)).size).toBe(cases.length);
    expect(cases.filter(([, code]) => code !== "ok").length).toBeGreaterThan(80);
  });

  it("is refused if its collateral lies in loose files too, and accepted if that holds", () => {
    const { quote, collateral } = evidenceOf();
    expect(judged({ quote, collateral }).ok).toBe(true);
    expect(judged({ quote, collateral: collateral.replace("SGX", "SGY") }).ok).toBe(false);
  });
});
