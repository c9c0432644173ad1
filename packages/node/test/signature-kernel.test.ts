/**
 * OpenSSL behind the signature kernel gives the answers of the reference, for keys and signatures of every scheme and
 * for malformed ones; and with it every signed byte of public evidence is turned, one after the other: none of that is
 * ever accepted, and nothing is thrown.
 */
import { constants, generateKeyPairSync, type KeyObject, sign } from "node:crypto";
import { readFileSync } from "node:fs";
import { concatBytes, fromHex, toHex, utf8Bytes } from "@holdfast/base";
import { SimClock, SimDisk } from "@holdfast/base/testing";
import {
  attestCodes,
  type Collateral,
  type Curve,
  installSignatureKernel,
  noCollateral,
  plainSignatures,
  type RsaKey,
  type RsaScheme,
  readCollateral,
  rememberingSignatures,
  type TrustAnchors,
  type Verdict,
  verifyAttestation,
} from "@holdfast/proofs/attestation";
import { softwareAuthority } from "@holdfast/proofs/attestation/software";
import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { vendorCollateral } from "../src/attestation/index.ts";
import { opensslSignatures } from "../src/signature-kernel.ts";
import { FakeService, filled, atSeconds as madeAt, vendor, vendorQuote } from "./attestation/fakes.ts";

const folder = new URL("../../../vectors/attestation/", import.meta.url);
const read = (name: string): Uint8Array => new Uint8Array(readFileSync(new URL(name, folder)));
const both = [plainSignatures, opensslSignatures] as const;

function jwkBytes(key: KeyObject, ...names: readonly ("x" | "y" | "n" | "e")[]): Uint8Array[] {
  const jwk = key.export({ format: "jwk" });
  return names.map((name) => new Uint8Array(Buffer.from(jwk[name] ?? "", "base64url")));
}

describe("OpenSSL's signatures", () => {
  it.each([
    ["P-256", "sha256"],
    ["P-384", "sha384"],
  ] as const)(
    "of %s are those of the reference, turned bits and malformed keys too",
    (curve: Curve, digest) => {
      const { publicKey, privateKey } = generateKeyPairSync("ec", { namedCurve: curve });
      const [x, y] = jwkBytes(publicKey, "x", "y") as [Uint8Array, Uint8Array];
      const point = Uint8Array.of(4, ...x, ...y);
      const message = utf8Bytes("what was signed");
      const signature = new Uint8Array(sign(digest, message, { key: privateKey, dsaEncoding: "ieee-p1363" }));
      for (const kernel of both) expect(kernel.ecdsaVerify(curve, point, message, signature)).toBe(true);
      const turned = (bytes: Uint8Array, at: number) => bytes.with(at, (bytes[at] ?? 0) ^ 1);
      const zero = new Uint8Array(signature.length);
      const half = signature.length / 2;
      const claims: [Uint8Array, Uint8Array, Uint8Array][] = [
        [turned(point, 5), message, signature],
        [point.with(0, 2), message, signature],
        [new Uint8Array(point.length).fill(4, 0, 1), message, signature],
        [point, turned(message, 0), signature],
        [point, message, turned(signature, half)],
        [point, message, zero],
        [point, message, new Uint8Array(signature.length).fill(0xff)],
        [point, message, Uint8Array.of(...signature.subarray(0, half), ...zero.subarray(half))],
      ];
      for (const claim of claims) {
        expect(both.map((kernel) => kernel.ecdsaVerify(curve, ...claim))).toEqual([false, false]);
      }
    },
  );

  it.each([
    ["pkcs1-sha256", "sha256", constants.RSA_PKCS1_PADDING, 2048],
    ["pss-sha384", "sha384", constants.RSA_PKCS1_PSS_PADDING, 2048],
    ["pss-sha384", "sha384", constants.RSA_PKCS1_PSS_PADDING, 2049],
  ] as const)(
    "of RSA by %s are those of the reference (%s, padding %i, %i bits)",
    (scheme: RsaScheme, digest, padding, modulusLength) => {
      const { publicKey, privateKey } = generateKeyPairSync("rsa", { modulusLength });
      const [modulus, exponent] = jwkBytes(publicKey, "n", "e") as [Uint8Array, Uint8Array];
      const key: RsaKey = { modulus, exponent };
      const message = utf8Bytes("what was signed");
      const made = (saltLength: number) =>
        new Uint8Array(sign(digest, message, { key: privateKey, padding, saltLength }));
      const signature = made(48);
      for (const kernel of both) expect(kernel.rsaVerify(scheme, key, message, signature)).toBe(true);
      const turned = signature.with(9, (signature[9] ?? 0) ^ 1);
      const claims: [Uint8Array, Uint8Array][] = [
        [utf8Bytes("something else"), signature],
        [message, turned],
        [message, signature.subarray(1)],
        [message, new Uint8Array(signature.length)],
        [message, new Uint8Array(signature.length).fill(0xff)],
        ...(scheme === "pss-sha384" ? [[message, made(20)] as [Uint8Array, Uint8Array]] : []),
      ];
      for (const claim of claims) {
        expect(both.map((kernel) => kernel.rsaVerify(scheme, key, ...claim))).toEqual([false, false]);
      }
    },
  );

  it("that were true are remembered, false ones never, and what was not asked for longest is forgotten", () => {
    let asked = 0;
    const kernel = rememberingSignatures(
      {
        ...plainSignatures,
        ecdsaVerify: (_curve, _key, message) => {
          asked += 1;
          return message[0] === 1;
        },
      },
      2,
    );
    const ask = (first: number, second = 0): boolean =>
      kernel.ecdsaVerify("P-256", new Uint8Array(65), Uint8Array.of(first, second), new Uint8Array(64));
    expect([ask(1), ask(1), asked]).toEqual([true, true, 1]);
    expect([ask(0), ask(0), asked]).toEqual([false, false, 3]);
    expect([ask(1, 1), ask(1), ask(1, 2), asked]).toEqual([true, true, true, 5]);
    expect([ask(1), asked, ask(1, 1), asked]).toEqual([true, 5, true, 6]);
  });
});

interface Known {
  readonly evidence: Uint8Array;
  readonly collateral: Collateral;
  readonly at: string;
  readonly allowDebug?: boolean;
  readonly trust?: Partial<TrustAnchors>;
}

function verdictOf({ evidence, collateral, at, allowDebug = false, trust = {} }: Known): Verdict {
  const atSeconds = Date.parse(at) / 1000;
  const policy = { allowDebug, allowSoftware: trust.software !== undefined };
  return verifyAttestation({ evidence, collateral, atSeconds, policy, trust });
}

/** Whether it is refused with a code of the table. */
const isRefused = ({ ok, code }: Verdict): boolean => !ok && code in attestCodes;

/** Places of a range whose turned bit was not refused. */
function passed(known: Known, from: number, to: number, skip = (_byte: number): boolean => false): number[] {
  const places = Array.from({ length: to - from }, (_, index) => from + index);
  return places.filter((at) => {
    const byte = known.evidence[at] ?? 0;
    if (skip(byte)) return false;
    return !isRefused(verdictOf({ ...known, evidence: known.evidence.with(at, byte ^ (1 << (at % 7))) }));
  });
}

const text = (name: string): string => new TextDecoder().decode(read(name));
const sgx: Known = {
  evidence: read("dcap-qvl/sgx_quote"),
  collateral: readCollateral([read("dcap-qvl/sgx_quote_collateral.txt")]),
  at: "2025-07-01T00:00:00Z",
};
const tdx: Known = {
  evidence: read("dcap-qvl/tdx_quote"),
  collateral: readCollateral([read("dcap-qvl/tdx_quote_collateral.txt")]),
  at: "2025-07-01T00:00:00Z",
};
const snp: Known = {
  evidence: read("snp-google/attestation.bin"),
  collateral: readCollateral([read("snp-google/vcek.testcer"), read("snp-google/milan.testcer")]),
  at: "2025-01-01T00:00:00Z",
  allowDebug: true,
};
const ias: Known = {
  evidence: read("ias-phala/ias_attestation.pallet.txt"),
  collateral: noCollateral,
  at: "2021-09-12T18:30:00Z",
};

const authority = softwareAuthority(filled(32, 7));
const soft: Known = {
  evidence: authority.quote({ program: filled(32, 1), reportData: filled(64, 2), svn: 1 }),
  collateral: readCollateral([authority.collateral({ atSeconds: madeAt })]),
  at: new Date(1000 * madeAt).toISOString(),
  trust: { software: [authority.rootKeyId] },
};

/** White space and the end of PEM, which nothing signs. */
const isBlank = (byte: number): boolean => byte === 0x0a || byte === 0x00;
/** Where the last certificate begins. */
const lastPem = (bytes: Uint8Array): number => Buffer.from(bytes).lastIndexOf("-----BEGIN");

describe("no turned bit", () => {
  let restore = (): void => undefined;
  beforeAll(() => {
    restore = installSignatureKernel(rememberingSignatures(opensslSignatures));
  });
  afterAll(() => restore());

  it("of what is turned here is refused for itself: untouched it is accepted", () => {
    for (const known of [sgx, tdx, snp, ias, soft])
      expect(verdictOf(known)).toMatchObject({ ok: true, code: "ok" });
  });

  it("of a signed byte of a quote of SGX is accepted, or throws", () => {
    expect(passed(sgx, 0, 432)).toEqual([]); // header and body
    expect(passed(sgx, 436, sgx.evidence.length, isBlank)).toEqual([]); // signatures, keys, reports, chain
  });

  it("of a signed byte of a quote of TDX is accepted, or throws", () => {
    expect(passed(tdx, 0, 632)).toEqual([]);
    const end = 636 + new DataView(tdx.evidence.buffer, tdx.evidence.byteOffset).getUint32(632, true);
    expect(passed(tdx, 636, end, isBlank)).toEqual([]); // signatures, keys, reports, chain
  });

  it.each(["sgx", "tdx"] as const)(
    "of a signed byte of a quote of version 5 of %s is accepted, or throws",
    async (tee) => {
      const needs = { clock: new SimClock(), disk: new SimDisk(), fetcher: new FakeService() };
      const evidence = vendorQuote(tee, filled(64, 1), 5);
      const collateral = readCollateral(await vendorCollateral(needs).collateralFor(evidence, madeAt));
      const at = new Date(1000 * madeAt).toISOString();
      const known: Known = { evidence, collateral, at, trust: { sgx: [vendor.rootKeyId] } };
      expect(verdictOf(known)).toMatchObject({ ok: true, kind: tee === "sgx" ? "sgx-dcap" : "tdx" });
      // Behind the body, of the length that the quote says, stands the length of the rest.
      const view = new DataView(evidence.buffer, evidence.byteOffset);
      const body = 54 + view.getUint32(50, true);
      expect(passed(known, 0, body)).toEqual([]);
      // The root stands last. The collateral has it too, and it is believed for its key alone.
      expect(passed(known, body + 4, lastPem(evidence), isBlank)).toEqual([]);
    },
  );

  it("of a signed byte of evidence by software is accepted, or throws", () => {
    // The root stands last, and in the collateral too; it is believed for its key alone.
    expect(passed(soft, 0, 432)).toEqual([]);
    expect(passed(soft, 436, lastPem(soft.evidence), isBlank)).toEqual([]);
  });

  it("of a report of SEV-SNP, or of its signature, is accepted, or throws", () => {
    expect(passed(snp, 0, 0x2a0 + 144)).toEqual([]);
  });

  it("of the certificates of a report of SEV-SNP is accepted, or throws", () => {
    const files = ["snp-google/vcek.testcer", "snp-google/milan.testcer"].map(
      (name) => readCollateral([read(name)]).certificates,
    );
    const certificates = files.flat();
    expect(certificates.length).toBe(3);
    for (const [index, certificate] of certificates.entries()) {
      const places = Array.from(certificate, (_, at) => at).filter((at) => {
        const bent = certificate.with(at, (certificate[at] ?? 0) ^ (1 << (at % 7)));
        const collateral = { ...noCollateral, certificates: certificates.with(index, bent) };
        return !isRefused(verdictOf({ ...snp, collateral }));
      });
      expect([index, places]).toEqual([index, []]);
    }
  });

  it("of the signature and the certificate of a report of the attestation service is accepted, or throws", () => {
    const whole: { readonly [name: string]: string } = JSON.parse(
      text("ias-phala/ias_attestation.pallet.txt"),
    );
    for (const name of ["signature", "rawSigningCert"]) {
      const hex = whole[name] ?? "";
      expect(hex).toMatch(/^[0-9a-f]{512,}$/);
      const places = Array.from(hex, (_, at) => at).filter((at) => {
        const other = (Number.parseInt(hex[at] ?? "0", 16) ^ (1 << (at % 4))).toString(16);
        const evidence = utf8Bytes(
          JSON.stringify({ ...whole, [name]: hex.slice(0, at) + other + hex.slice(at + 1) }),
        );
        return !isRefused(verdictOf({ ...ias, evidence }));
      });
      expect([name, places]).toEqual([name, []]);
    }
  });

  it("of the body of a report of the attestation service is accepted, or throws", () => {
    const { raReport, ...others } = JSON.parse(text("ias-phala/ias_attestation.pallet.txt"));
    const bytes = Buffer.from(raReport);
    for (let at = 0; at < bytes.length; at += 1) {
      const turned = bytes.with(at, (bytes[at] ?? 0) ^ 1);
      const evidence = utf8Bytes(JSON.stringify({ ...others, raReport: Buffer.from(turned).toString() }));
      expect(isRefused(verdictOf({ ...ias, evidence })), `at ${at}`).toBe(true);
    }
  });

  it.each([
    ["SGX", sgx],
    ["TDX", tdx],
    ["software", soft],
  ])("of signed documents, lists and certificates of collateral of %s is accepted, or throws", (_, known) => {
    const { collateral } = known;
    const turned = (whole: Uint8Array, change: (bent: Uint8Array) => Partial<Collateral>): number[] =>
      Array.from(whole, (_byte, at) => at).filter((at) => {
        const byte = whole[at] ?? 0;
        if (isBlank(byte)) return false;
        const bent = whole.with(at, byte ^ (1 << (at % 7)));
        return !isRefused(verdictOf({ ...known, collateral: { ...collateral, ...change(bent) } }));
      });
    for (const name of ["tcbInfos", "qeIdentities"] as const) {
      const [document] = collateral[name];
      if (document === undefined) throw new RangeError(`${name} are there`);
      for (const part of ["text", "signature", "issuerChain"] as const) {
        const whole = document[part] ?? new Uint8Array(0);
        // Software's quote has the root as well, and takes it from there.
        const end = known === soft && part === "issuerChain" ? lastPem(whole) : whole.length;
        const places = turned(whole.subarray(0, end), (bent) => ({
          [name]: [{ ...document, [part]: concatBytes(bent, whole.subarray(end)) }],
        }));
        expect([name, part, places]).toEqual([name, part, []]);
      }
    }
    expect(collateral.revocationLists.length).toBe(2);
    for (const [index, list] of collateral.revocationLists.entries()) {
      const places = turned(list, (bent) => ({
        revocationLists: collateral.revocationLists.with(index, bent),
      }));
      expect([index, places]).toEqual([index, []]);
    }
  });

  it("and no other bytes at all are accepted, or throw", () => {
    const any = fc.oneof(
      fc.uint8Array({ maxLength: 6_000 }),
      fc.tuple(fc.nat(4_599), fc.uint8Array({ minLength: 1, maxLength: 64 })).map(([at, bytes]) => {
        const copy = sgx.evidence.slice();
        copy.set(bytes.subarray(0, copy.length - at), at);
        return copy;
      }),
      fc.nat(4_599).map((length) => sgx.evidence.slice(0, length)),
      fc.json().map(utf8Bytes),
    );
    fc.assert(
      fc.property(any, fc.option(any), (evidence, file) => {
        const collateral = file === null ? sgx.collateral : readCollateral([file]);
        expect(isRefused(verdictOf({ ...sgx, evidence, collateral }))).toBe(true);
      }),
      { numRuns: 400, seed: 8 },
    );
  });
});

describe("the answers to known questions", () => {
  it("are those of FIPS 180-4", () => {
    const known = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
    for (const kernel of both) expect(toHex(kernel.sha256(utf8Bytes("abc")))).toBe(known);
    expect(fromHex(known).length).toBe(32);
  });
});
