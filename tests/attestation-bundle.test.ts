/**
 * The verifier of evidence outside of Node: `@holdfast/proofs/attestation` as one file, loaded by a real browser from
 * nothing but that file, has the verdicts that it has here.
 */
import { existsSync, readFileSync } from "node:fs";
import { readCollateral, verifyAttestation } from "@holdfast/proofs/attestation";
import { chromium } from "playwright-core";
import { describe, expect, it } from "vitest";
import { bundleDoor } from "../tools/verifier-bundle.ts";

const chromiumPath = "/usr/bin/chromium";
const noBrowser = existsSync(chromiumPath) ? "" : ` (left out: there is no ${chromiumPath})`;
const read = (name: string): Uint8Array =>
  new Uint8Array(readFileSync(new URL(`../vectors/attestation/${name}`, import.meta.url)));

const given = [
  ["dcap-qvl/sgx_quote", ["dcap-qvl/sgx_quote_collateral.txt"], "2025-07-01T00:00:00Z"],
  [
    "snp-google/attestation.bin",
    ["snp-google/vcek.testcer", "snp-google/milan.testcer"],
    "2025-01-01T00:00:00Z",
  ],
  ["ias-phala/ias_attestation.pallet.txt", [], "2021-09-12T18:30:00Z"],
] as const;
const questions = given.map(([evidence, files, at]) => ({
  evidence: read(evidence),
  files: files.map(read),
  atSeconds: Date.parse(at) / 1000,
}));
const verdicts = questions.map(({ evidence, files, atSeconds }) =>
  verifyAttestation({ evidence, collateral: readCollateral(files), atSeconds }),
);

describe("the verifier of evidence as one file", () => {
  it("asks for nothing of Node, and stays small", async () => {
    const { code, sizeBytes } = await bundleDoor("attestation");
    expect(code).not.toMatch(/\bfrom\s*["']node:|\brequire\(|\bprocess\.|\bBuffer\b/);
    expect(sizeBytes).toBeLessThan(145_000);
  });

  it.skipIf(noBrowser !== "")(`has the same verdicts in a browser${noBrowser}`, async () => {
    const { code } = await bundleDoor("attestation");
    const browser = await chromium.launch({ executablePath: chromiumPath, args: ["--no-sandbox"] });
    try {
      const page = await browser.newPage();
      const plain = questions.map((one) => ({
        ...one,
        evidence: [...one.evidence],
        files: one.files.map((file) => [...file]),
      }));
      const found = await page.evaluate(`(${inPage})(${JSON.stringify({ code, questions: plain })})`);
      expect(found).toEqual(JSON.parse(JSON.stringify(verdicts)));
      expect(verdicts.map((one) => one.code)).toEqual(["ok", "debug-enabled", "ok"]);
    } finally {
      await browser.close();
    }
  });
});

/** Runs in the page; a text, because the test runner rewrites the imports of functions. */
const inPage = `async ({ code, questions }) => {
  const door = await import(URL.createObjectURL(new Blob([code], { type: "text/javascript" })));
  return questions.map(({ evidence, files, atSeconds }) =>
    door.verifyAttestation({
      evidence: Uint8Array.from(evidence),
      collateral: door.readCollateral(files.map((file) => Uint8Array.from(file))),
      atSeconds,
    }),
  );
}`;
