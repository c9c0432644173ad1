/**
 * What whoever wants to pass for a trusted node would try (docs/ATTACKS.md): each is refused, with a code of its own,
 * and the same evidence unchanged is accepted.
 */
import { concatBytes, utf8Bytes } from "@holdfast/base";
import {
  type AttestCode,
  installSignatureKernel,
  noCollateral,
  readCollateral,
  signatureKernel,
  verifyAttestation,
} from "@holdfast/proofs/attestation";
import { intelNames, softwareNames, softwareVendor } from "@holdfast/proofs/attestation/software";
import { describe, expect, it } from "vitest";
import { atSeconds, evidenceOf, flipped, judged, type Knobs, pkiOf, verdictOf } from "./attestation-world.ts";

const day = 86_400;
const codeOf = (knobs: Knobs): AttestCode => verdictOf(knobs).code;

describe("evidence in the hands of an attacker", () => {
  it("replayed for another key, nonce or network is bound to the wrong thing", () => {
    const bound = (byte: number): Knobs => ({ policy: { reportData: new Uint8Array(64).fill(byte) } });
    expect(codeOf(bound(0xda))).toBe("ok");
    expect(codeOf(bound(0xdb))).toBe("report-data-mismatch");
    // Whoever changes what it is bound to breaks the signature.
    expect(codeOf({ ...bound(0xdb), bend: (quote) => flipped(quote, 368) })).toBe("quote-signature-invalid");
  });

  it("of a platform that is revoked or lacks updates is refused, in each of its parts", () => {
    const platformIs = (tcbStatus: string): Knobs => ({
      tcbInfo: (info) => {
        info.tcbLevels[0].tcbStatus = tcbStatus;
      },
    });
    expect(codeOf(platformIs("UpToDate"))).toBe("ok");
    expect(codeOf(platformIs("Revoked"))).toBe("tcb-revoked");
    expect(codeOf(platformIs("OutOfDate"))).toBe("tcb-out-of-date");
    expect(codeOf(platformIs("OutOfDateConfigurationNeeded"))).toBe("tcb-out-of-date");
  });

  it("of a debuggable enclave is refused, though its measurement is an allowed one", () => {
    const allowed = { measurements: [{ mrEnclave: "3e".repeat(32) }] };
    const debug = Uint8Array.of(7, ...new Uint8Array(7), 0xe7, ...new Uint8Array(7));
    expect(codeOf({ policy: allowed })).toBe("ok");
    expect(codeOf({ policy: allowed, sgx: { attributes: debug } })).toBe("debug-enabled");
  });

  it("with the measurement of an allowed program put into it breaks; another program is refused", () => {
    const policy = { measurements: [{ mrEnclave: "3f".repeat(32) }] };
    expect(codeOf({ policy, sgx: { mrEnclave: new Uint8Array(32).fill(0x3f) } })).toBe("ok");
    expect(codeOf({ policy })).toBe("measurement-not-allowed");
    const swapped = (quote: Uint8Array) =>
      concatBytes(quote.subarray(0, 112), new Uint8Array(32).fill(0x3f), quote.subarray(144));
    expect(codeOf({ policy, bend: swapped })).toBe("quote-signature-invalid");
  });

  it("with collateral or certificates that have expired, or are of before an update, is refused", () => {
    const { quote, collateral } = evidenceOf();
    const at = (seconds: number): AttestCode => judged({ quote, collateral }, { at: seconds }).code;
    expect(at(atSeconds)).toBe("ok");
    expect(at(atSeconds + 21 * day)).toBe("tcb-info-expired");
    expect(at(atSeconds + 31 * day)).toBe("pck-certificate-expired");
    expect(at(atSeconds - 2 * day)).toBe("tcb-info-not-yet-valid");
    expect(codeOf({ policy: { leastTcbEvaluation: 18 } })).toBe("tcb-info-too-old");
  });

  it("by software is refused on a network that does not allow it, and is never taken for hardware", () => {
    const software: Knobs = { names: softwareNames, header: { vendor: softwareVendor } };
    expect(codeOf({ ...software, policy: { allowSoftware: true } })).toBe("ok");
    expect(codeOf(software)).toBe("software-not-allowed");
    expect(verdictOf({ ...software, policy: { allowSoftware: true } }).kind).toBe("software");
    const posing: Knobs = { names: softwareNames, policy: { allowSoftware: true } };
    expect(codeOf(posing)).toBe("pck-root-not-pinned");
    // The roots of hardware say nothing of software, and the other way round.
    const roots = { sgx: [pkiOf(softwareNames).rootKeyId], software: [pkiOf(intelNames).rootKeyId] };
    expect(codeOf({ ...software, policy: { allowSoftware: true }, trust: roots })).toBe(
      "pck-root-not-pinned",
    );
  });

  it("is judged for a time, and for no other thing: what is no number is refused as a bug of the caller", () => {
    const { quote } = evidenceOf();
    for (const at of [Number.NaN, Number.POSITIVE_INFINITY]) {
      expect(() => verifyAttestation({ evidence: quote, atSeconds: at })).toThrow(/broken invariant/);
    }
  });

  it("under a root that is not pinned tells no status of its platform", () => {
    const { tcbStatus, code } = verdictOf({ trust: { sgx: ["00".repeat(32)] } });
    expect({ tcbStatus, code }).toEqual({ tcbStatus: null, code: "pck-root-not-pinned" });
  });

  it("that is no text where a text is wanted, or of no form at all, has a code and throws nothing", () => {
    const lone = "\\ud800";
    const forms = [
      `{"raReport":"${lone}"}`,
      `{"raReport":"{}","ias_cert":"${lone}"}`,
      `{"raReport":"{}","ias_cert":"-----BEGIN ${lone}"}`,
      `{"raReport":"{}","signature":"${lone}","ias_cert":"%20%ff"}`,
      `{"isvEnclaveQuoteBody":"${lone}"}`,
      `{"report":"{\\"version\\":4}"}`,
    ];
    for (const form of forms) {
      const [evidence, collateral] = [utf8Bytes(form), { ...noCollateral, certificates: [utf8Bytes("A")] }];
      expect(verifyAttestation({ evidence, collateral, atSeconds }).ok).toBe(false);
    }
  });

  it("with certificates and lists of one name beyond number costs a few signatures, each of them once", () => {
    const { quote, collateral } = evidenceOf();
    const read = readCollateral([utf8Bytes(collateral)]);
    const [list] = read.revocationLists as [Uint8Array];
    const decoys = Array.from({ length: 60 }, (_, i) => flipped(list, list.length - 1 - (i % 30)));
    const flooded = { ...read, revocationLists: [...decoys, ...decoys, list] };
    let verified = 0;
    const before = signatureKernel.ecdsaVerify;
    const restore = installSignatureKernel({
      ecdsaVerify(...given) {
        verified += 1;
        return before(...given);
      },
    });
    const trust = { sgx: [pkiOf(intelNames).rootKeyId] };
    const { code } = verifyAttestation({ evidence: quote, collateral: flooded, atSeconds, trust });
    restore();
    expect(code).toMatch(/-crl-signature-invalid$/);
    expect(verified).toBeLessThan(60);
  });

  it("that claims huge lengths, deep nesting or many parts costs no more than its bytes", () => {
    const { quote } = evidenceOf();
    const long = concatBytes(
      quote.subarray(0, 432),
      Uint8Array.of(0xff, 0xff, 0xff, 0xff),
      quote.subarray(436),
    );
    const nested = new Uint8Array(60_000).fill(0x30);
    const evidence = [
      long,
      nested,
      new Uint8Array(100_000),
      utf8Bytes("[".repeat(60_000)),
      utf8Bytes('{"a":'.repeat(10_000)),
    ];
    const codes = evidence.map((bytes) => {
      const { ok, code } = verifyAttestation({ evidence: bytes, collateral: noCollateral, atSeconds });
      return [ok, code];
    });
    expect(codes).toEqual([
      [false, "quote-truncated"],
      ...Array.from({ length: 4 }, () => [false, "evidence-malformed"]),
    ]);
  });
});
