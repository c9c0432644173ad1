/**
 * Public evidence with known verdicts (vectors/attestation): what the verifier says of each, with the pure kernel and
 * in every spelling of the bytes. The facts in expected.json were computed by other programs.
 */
import { readFileSync } from "node:fs";
import { fromHex, toBase64, toHex, utf8Bytes } from "@holdfast/base";
import {
  readCollateral,
  signatureKernel,
  type Verdict,
  verifyAttestation,
} from "@holdfast/proofs/attestation";
import { describe, expect, it } from "vitest";

const folder = new URL("../../../vectors/attestation/", import.meta.url);
const read = (name: string): Uint8Array => new Uint8Array(readFileSync(new URL(name, folder)));

interface Case {
  readonly name: string;
  readonly evidence: string;
  readonly collateral: readonly string[];
  readonly at: string;
  readonly kind: string;
  readonly ok: boolean;
  readonly code: string;
  readonly debug: boolean;
  readonly tcbStatus: string | null;
  readonly advisories: readonly string[];
  readonly checks: { readonly [name: string]: string };
  readonly measurement: { readonly [field: string]: string | number };
}

const { cases } = JSON.parse(new TextDecoder().decode(read("expected.json"))) as {
  readonly cases: readonly Case[];
};

function verdictOf({ evidence, collateral, at }: Case, spelled = (bytes: Uint8Array) => bytes): Verdict {
  return verifyAttestation({
    evidence: spelled(read(evidence)),
    collateral: readCollateral(collateral.map(read)),
    atSeconds: Date.parse(at) / 1000,
  });
}

describe("public evidence", () => {
  it.each(cases)("$name", (expected) => {
    const verdict = verdictOf(expected);
    const { kind, ok, code, debug, tcbStatus } = verdict;
    expect({ kind, ok, code, debug, tcbStatus }).toEqual({
      kind: expected.kind,
      ok: expected.ok,
      code: expected.code,
      debug: expected.debug,
      tcbStatus: expected.tcbStatus,
    });
    expect([...verdict.advisories].sort()).toEqual([...expected.advisories].sort());
    expect(verdict.measurement).toMatchObject(expected.measurement);
    const codes = Object.fromEntries(verdict.checks.map((check) => [check.name, check.code]));
    expect(codes).toMatchObject(expected.checks);
  });

  it("has the same verdict raw, in hex and in base64, also broken into lines", () => {
    for (const [one] of [
      cases.filter(({ name }) => name.includes("SGX v3 with its collateral")),
      cases.filter(({ kind }) => kind === "sev-snp"),
    ]) {
      if (one === undefined) continue;
      const raw = verdictOf(one);
      const spellings = [
        (bytes: Uint8Array) => utf8Bytes(toHex(bytes)),
        (bytes: Uint8Array) => utf8Bytes(`0x${toHex(bytes).toUpperCase()}\n`),
        (bytes: Uint8Array) => utf8Bytes(toBase64(bytes)),
        (bytes: Uint8Array) => utf8Bytes(toBase64(bytes).replace(/.{76}/g, "$&\r\n")),
        (bytes: Uint8Array) =>
          utf8Bytes(toBase64(bytes).replaceAll("+", "-").replaceAll("/", "_").replace(/=+$/, "")),
      ];
      for (const spelled of spellings) expect(verdictOf(one, spelled)).toEqual(raw);
    }
  });
});

const sampleFiles =
  "pckCert.pem pckSignChain.pem tcbInfo.txt qeIdentity.txt tcbSignChain.pem rootCaCrl.der intermediateCaCrl.der";

/** Judged under the root that comes with it. */
function sampleVerdict(at: string): Verdict {
  const root = read(`${at}trustedRootCaCert.pem`);
  return verifyAttestation({
    evidence: read(`${at}quote.dat`),
    collateral: readCollateral([root, ...sampleFiles.split(" ").map((name) => read(at + name))]),
    atSeconds: Date.parse("2023-06-01T00:00:00Z") / 1000,
    trust: { sgx: [rootKeyId(root)] },
  });
}

describe("registrations that the chain of Crust takes", () => {
  const { registrations } = JSON.parse(new TextDecoder().decode(read("ias-crust/register.txt"))) as {
    readonly registrations: readonly { readonly [field: string]: string }[];
  };
  /** Two numbers of 32 bytes each, least significant first, as SGX writes them. */
  const turned = (bytes: Uint8Array): Uint8Array =>
    Uint8Array.of(...bytes.slice(0, 32).reverse(), ...bytes.slice(32).reverse());

  it.each([
    ["legal_register_info", "2020-10-27T08:00:00Z", "debug-enabled"],
    ["another_legal_register_info", "2021-03-17T04:00:00Z", "ok"],
  ])("are signed by service and enclave, of platforms that are out of date: %s", (name, at, debug) => {
    const one = registrations.find((each) => each.name === name) ?? {};
    const { ias_cert = "", ias_sig = "", isv_body = "", account_id_hex = "", sig = "" } = one;
    const evidence = utf8Bytes(JSON.stringify(one));
    const verdict = verifyAttestation({ evidence, atSeconds: Date.parse(at) / 1000 });
    expect(verdict).toMatchObject({ ok: false, code: "tcb-out-of-date", tcbStatus: "GROUP_OUT_OF_DATE" });
    const codes = Object.fromEntries(verdict.checks.map((check) => [check.name, check.code]));
    expect(codes).toMatchObject({ "certificate-chain": "ok", "quote-signature": "ok", debug });
    const key = Uint8Array.of(4, ...turned(fromHex(String(verdict.measurement.reportData))));
    const message = Uint8Array.of(...utf8Bytes(ias_cert + ias_sig + isv_body), ...fromHex(account_id_hex));
    expect(signatureKernel.ecdsaVerify("P-256", key, message, turned(fromHex(sig)))).toBe(true);
  });
});

describe("Intel's synthetic samples under their own roots", () => {
  it("of SGX, without a chain in the quote and with TCB info of version 2, is accepted", () => {
    expect(sampleVerdict("dcap-intel-qvl/")).toMatchObject({
      ok: true,
      tcbStatus: "UpToDate",
      advisories: [],
    });
  });

  it("of TDX, with a chain in DER, is signed rightly, and refused for security versions above a byte", () => {
    const { ok, code, checks } = sampleVerdict("dcap-intel-qvl/tdx/");
    expect({ ok, code }).toEqual({ ok: false, code: "tcb-info-malformed" });
    const held = checks.filter((check) => check.ok).map(({ name }) => name);
    const signed = ["certificate-chain", "qe-report-signature", "qe-report-data", "quote-signature"];
    expect(held).toEqual(expect.arrayContaining([...signed, "tcb-info-signature", "qe-identity-signature"]));
  });
});

/** SHA-256 of the SubjectPublicKeyInfo, found by its first bytes: P-256's have one form. */
function rootKeyId(pem: Uint8Array): string {
  const text = new TextDecoder().decode(pem).replace(/-----[^-]+-----|\s/g, "");
  const hex = Buffer.from(text, "base64").toString("hex");
  const start = hex.indexOf("3059301306072a8648ce3d020106082a8648ce3d030107034200");
  return toHex(signatureKernel.sha256(fromHex(hex.slice(start, start + 182))));
}
