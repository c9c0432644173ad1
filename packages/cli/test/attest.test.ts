/** Evidence through the command line: the verdict as JSON, where input comes from, what ends with which code. */
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { jsonError, run } from "./run.ts";

const vector = (name: string): string =>
  fileURLToPath(new URL(`../../../vectors/attestation/${name}`, import.meta.url));
const quote = vector("dcap-qvl/sgx_quote");
const collateral = ["--collateral", vector("dcap-qvl/sgx_quote_collateral.txt")];
const at = ["--at", "2025-07-01T00:00:00Z"];

let folder = "";
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "holdfast-attest-"));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

const verify = (...argv: readonly string[]) => run(["attest", "verify", ...argv]);

describe("attest verify", () => {
  it("prints a verdict with exactly these fields, and ends well if all checks hold", async () => {
    const { code, out, err } = await verify(quote, ...collateral, ...at, "--json");
    expect({ code, err }).toEqual({ code: 0, err: "" });
    const verdict = JSON.parse(out);
    expect(Object.keys(verdict)).toEqual(
      ["kind", "ok", "code", "debug", "measurement", "tcbStatus", "advisories", "checks"], // in this order
    );
    expect(verdict).toMatchObject({ kind: "sgx-dcap", ok: true, code: "ok", debug: false });
    expect(verdict.tcbStatus).toBe("ConfigurationAndSWHardeningNeeded");
    for (const check of verdict.checks) expect(Object.keys(check)).toEqual(["name", "ok", "code"]);
  });

  it("judges what the quote proves by itself without collateral, and says what is missing", async () => {
    const ended = await verify(quote, ...at, "--json");
    const { code, out } = ended;
    const verdict = JSON.parse(out);
    expect({ code, verdict: verdict.code, error: jsonError(ended).code }).toEqual({
      ...{ code: 5, verdict: "collateral-missing", error: "attest/refused" },
    });
    const held = verdict.checks
      .filter(({ ok }: { ok: boolean }) => ok)
      .map(({ name }: { name: string }) => name);
    expect(held).toEqual(
      expect.arrayContaining(["quote-signature", "qe-report-signature", "certificate-chain"]),
    );
  });

  it("reads hex and base64 from a file and from standard input, and collateral from a folder", async () => {
    const bytes = await readFile(quote);
    await writeFile(join(folder, "quote.hex"), `${bytes.toString("hex")}\n`);
    const sentence = "what is read here is told by what it holds";
    await writeFile(join(folder, "README"), sentence);
    await writeFile(join(folder, "c"), await readFile(collateral[1] ?? ""));
    const fromHex = await verify(join(folder, "quote.hex"), "--collateral", folder, ...at);
    expect(fromHex).toMatchObject({ code: 0, err: "" });
    const stdin = bytes.toString("base64");
    const fromStdin = await run(["attest", "verify", "-", ...collateral, ...at], { stdin });
    expect(fromStdin.out).toBe(fromHex.out);
    expect(fromHex.out).toContain("✓ sgx-dcap: accepted");
  });

  it("takes collateral from several places, and from folders in folders", async () => {
    const automata = "dcap-automata";
    const judged = async (...paths: string[]) => {
      const named = paths.flatMap((path) => ["--collateral", vector(`${automata}/${path}`)]);
      const time = ["--at", "2025-08-16T00:00:00Z"];
      return JSON.parse((await verify(vector(`${automata}/quotev3.hex`), ...named, ...time, "--json")).out);
    };
    expect((await judged("evm-assets/0825", "solana-tests")).code).toBe("ok");
    expect((await judged("evm-assets", "solana-tests/root.der", "solana-tests")).code).toBe("ok");
    expect((await judged("evm-assets/0825")).code).toBe("tcb-info-chain-incomplete");
  });

  it("says in words why evidence is refused, and what for", async () => {
    const { code, out, err } = await verify(
      quote,
      ...collateral,
      "--at",
      "1755000000",
      "--program",
      "00".repeat(32),
    );
    expect(code).toBe(5);
    expect(out).toContain("✗ tcb-info-validity  tcb-info-expired: the TCB info has expired");
    expect(out).toContain("✗ measurement  measurement-not-allowed: another program runs");
    expect(err).toContain("attest/refused");
  });

  it("takes a report of another maker with loose certificates, and what the options allow", async () => {
    const loose = ["--collateral", vector("snp-google"), "--at", "2025-01-01", "--json"];
    expect((await verify(vector("snp-google/attestation.bin"), ...loose)).code).toBe(5);
    const debug = await verify(vector("snp-google/attestation.bin"), ...loose, "--allow-debug");
    expect(debug).toMatchObject({ code: 0, err: "" });
    expect(JSON.parse(debug.out)).toMatchObject({ kind: "sev-snp", ok: true, debug: true, tcbStatus: null });
  });

  it.each([
    ["an unknown kind", ["--kind", "tpm"], "proof/unknown-kind"],
    ["a time that is none", ["--at", "yesterday"], "cli/bad-value"],
    ["collateral that is none", ["--collateral", vector("README.md")], "proof/no-collateral"],
    ["a file that is not there", ["--collateral", "/nowhere/at/all"], "cli/file-missing"],
  ])("is wrong usage with %s", async (_name, argv, error) => {
    const ended = await verify(quote, ...argv, "--json");
    expect(jsonError(ended).code).toBe(error);
    expect([2, 3]).toContain(ended.code);
  });
});
