/**
 * The rest of the public evidence (vectors/attestation), each with what makes it worth keeping: collateral that no time
 * fits, evaluations of which the newest counts, bundles in SCALE, trust domains by other tools' collateral, keys of
 * clouds, and signatures of enclaves over reports of work.
 */
import { readFileSync } from "node:fs";
import { fromHex, toHex, utf8Bytes } from "@holdfast/base";
import {
  type AttestPolicy,
  installSignatureKernel,
  noCollateral,
  plainSignatures,
  readCollateral,
  rememberingSignatures,
  signatureKernel,
  type Verdict,
  verifyAttestation,
} from "@holdfast/proofs/attestation";
import { afterAll, beforeAll, describe, expect, it } from "vitest";

let restore = (): void => undefined;
beforeAll(() => {
  restore = installSignatureKernel(rememberingSignatures(plainSignatures));
});
afterAll(() => restore());

const folder = new URL("../../../vectors/attestation/", import.meta.url);
const read = (name: string): Uint8Array => new Uint8Array(readFileSync(new URL(name, folder)));
const seconds = (at: string): number => Date.parse(at) / 1000;

interface Asked {
  readonly evidence: string;
  readonly files: readonly string[];
  readonly at: string;
  readonly policy?: Partial<AttestPolicy>;
}
function verdictOf({ evidence, files, at, policy = {} }: Asked): Verdict {
  const collateral = readCollateral(files.map(read));
  return verifyAttestation({ evidence: read(evidence), collateral, atSeconds: seconds(at), policy });
}
const failed = ({ checks }: Verdict): readonly string[] =>
  checks.filter(({ ok }) => !ok).map(({ code }) => code);

const solana = (...names: string[]): string[] => names.map((name) => `dcap-automata/solana-tests/${name}`);
const rust = (...names: string[]): string[] => names.map((name) => `dcap-automata-rs/${name}`);
const roots = solana("root.der", "signing.der", "intel_root_ca_crl.der");

describe("collateral whose documents are of two times", () => {
  const files = [...roots, ...solana("tcb_info_v3_sgx.txt", "qe_identity.txt", "pck_platform_crl.der")];

  it("holds at no time: its TCB info ends a month before its identity begins, which is of another enclave", () => {
    const days = Array.from({ length: 27 }, (_, at) => seconds("2025-05-01T00:00:00Z") + at * 5 * 86_400);
    const edges = [
      "2025-05-05T08:03:36Z",
      "2025-06-04T08:03:36Z",
      "2025-07-07T09:20:26Z",
      "2025-08-06T09:20:26Z",
    ];
    for (const at of [...days, ...edges.map(seconds)]) {
      const verdict = verdictOf({
        evidence: "dcap-automata/solana-tests/quote_sgx.bin",
        ...{ files, at: new Date(at * 1000).toISOString(), policy: { allowDebug: true } },
      });
      expect(verdict).toMatchObject({ ok: false, kind: "sgx-dcap", debug: true, tcbStatus: null });
      expect(failed(verdict)).toContain("qe-identity-id-mismatch");
      const isOfItsTime = at >= seconds("2025-05-05T08:03:36Z") && at <= seconds("2025-06-04T08:03:36Z");
      if (!isOfItsTime) expect(failed(verdict).join(" ")).toMatch(/tcb-info-(expired|certificate-|not-yet)/);
      expect(verdict.checks.find(({ name }) => name === "quote-signature")).toMatchObject({ ok: true });
    }
  });
});

describe("several evaluations of one platform", () => {
  const best = "dcap-fortanix/pcs/eval-num-select-best";
  const infoOf = (number: number): string => `${best}/00606a000000-${number}.tcb`;
  const identityOf = (number: number): string => `${best}/qe3_identity-${number}.id`;
  const judged = (numbers: readonly number[], policy: Partial<AttestPolicy> = {}): Verdict =>
    verdictOf({
      evidence: "dcap-automata/quotev3.hex",
      files: [...roots, ...numbers.map(infoOf), ...numbers.map(identityOf)],
      ...{ at: "2025-06-20T00:00:00Z", policy },
    });

  it("are judged by the newest that holds, whatever their order; an older one would call it up to date", () => {
    const expected = [
      [17, "SWHardeningNeeded", ["INTEL-SA-00615"]],
      [18, "OutOfDate", [...beyond, "INTEL-SA-00615"]],
      [19, "OutOfDate", [...beyond, "INTEL-SA-01153", "INTEL-SA-00615"]],
    ] as const;
    for (const [number, tcbStatus, advisories] of expected) {
      const verdict = judged([number]);
      expect([number, verdict.tcbStatus]).toEqual([number, tcbStatus]);
      expect(new Set(verdict.advisories)).toEqual(new Set(advisories));
    }
    const newest = judged([19]);
    for (const order of [
      [8, 17, 18, 19],
      [19, 18, 17, 8],
      [18, 19, 17],
    ]) {
      expect(judged(order)).toEqual(newest);
    }
    expect(judged([8, 17]).tcbStatus).toBe("SWHardeningNeeded");
  });

  it("are no way around a network's floor: who leaves the newer ones out is told so", () => {
    const of = (numbers: readonly number[], leastTcbEvaluation: number) =>
      failed(judged(numbers, { leastTcbEvaluation, allowedStatuses: ["SWHardeningNeeded", "OutOfDate"] }));
    const unlisted = "pck-crl-missing"; // no list of that time was published
    expect(of([17], 17)).toEqual([unlisted]);
    expect(of([17], 18)).toEqual([unlisted, "tcb-info-too-old"]);
    expect(of([17, 18, 19], 19)).toEqual([unlisted]);
    expect(of([17, 18, 19], 20)).toEqual([unlisted, "tcb-info-too-old"]);
  });
});
const beyond = ["INTEL-SA-01079", "INTEL-SA-01103", "INTEL-SA-00657", "INTEL-SA-00767"];

describe("quotes by other tools' collateral", () => {
  const byRust = rust(
    ...["intel_root_ca_crl.der", "pck_platform_crl.der", "signing_cert.pem"],
    "Intel_SGX_Provisioning_Certification_RootCA.cer",
  );
  const outOfDate = ["INTEL-SA-00960", "INTEL-SA-00982", "INTEL-SA-00986"];

  it.each([
    [
      "of February 2025",
      "2025-03-01T00:00:00Z",
      [...byRust, ...rust("tcbinfov3_00806f050000.txt", "qeidentityv2_apiv4.txt")],
    ],
    [
      "of July 2025",
      "2025-07-20T00:00:00Z",
      [...roots, ...solana("tcb_info_v3_with_tdx_module.txt", "qe_identity.txt", "pck_platform_crl.der")],
    ],
    [
      "of October 2025",
      "2025-11-01T00:00:00Z",
      [
        ...roots,
        ...["tcb_info.txt", "identity.txt", "pck_crl.der"].map(
          (name) => `dcap-automata/evm-assets/1025/${name}`,
        ),
      ],
    ],
  ])(
    "of three trust domains, collateral %s: everything holds, and the platform lacks updates",
    (_, at, files) => {
      for (const evidence of [
        ...rust("quote_tdx_00806f050000.dat"),
        ...solana("quote_tdx.bin"),
        "dcap-automata/quotev4.hex",
      ]) {
        const verdict = verdictOf({ evidence, files, at });
        expect(failed(verdict)).toEqual(["tcb-out-of-date"]);
        expect(verdict).toMatchObject({ kind: "tdx", tcbStatus: "OutOfDate", advisories: outOfDate });
        const policy = { allowedStatuses: ["OutOfDate"] };
        expect(verdictOf({ evidence, files, at, policy })).toMatchObject({ ok: true, code: "ok" });
      }
    },
  );

  it("of SGX, with TCB info of version 2, is accepted", () => {
    const files = [...byRust, ...rust("tcbinfov2.txt", "qeidentityv2.txt")];
    const asked = { evidence: "dcap-automata/quotev3.hex", files, at: "2025-03-01T00:00:00Z" };
    expect(verdictOf(asked)).toMatchObject({ ok: true, kind: "sgx-dcap", tcbStatus: "SWHardeningNeeded" });
  });

  it("of SGX, in SCALE as a pallet takes it, is accepted in its month, and no byte may be missing", () => {
    const asked = {
      evidence: "dcap-phala-blockchain/dcap_quote",
      files: ["dcap-phala-blockchain/dcap_quote_collateral.scale"],
    };
    const verdict = verdictOf({ ...asked, at: "2023-12-01T00:00:00Z" });
    expect(verdict).toMatchObject({ ok: true, code: "ok", tcbStatus: "ConfigurationAndSWHardeningNeeded" });
    expect(verdictOf({ ...asked, at: "2024-01-01T00:00:00Z" }).ok).toBe(false);
    const bundle = read(asked.files[0] ?? "");
    for (const cut of [1, 64, bundle.length - 1]) {
      expect(readCollateral([bundle.subarray(0, bundle.length - cut)]).tcbInfos).toEqual([]);
    }
    const longer = Uint8Array.of(...bundle, 0);
    expect(readCollateral([longer]).tcbInfos).toEqual([]);
  });
});

describe("AMD's authority for keys of clouds", () => {
  it("is under the root of keys of chips, and signs none of these", () => {
    const parts = (name: string) => readCollateral([read(`snp-google/${name}`)]).certificates;
    const [key, ofChips, ofClouds] = ["vcek.testcer", "milan.testcer", "milanvlek.testcer"].map(parts);
    if (key === undefined || ofChips === undefined || ofClouds === undefined)
      throw new RangeError("three files");
    expect([key.length, ofChips.length, ofClouds.length]).toEqual([1, 2, 2]);
    const judged = (...certificates: readonly (Uint8Array | undefined)[]) =>
      verifyAttestation({
        evidence: read("snp-google/attestation.bin"),
        collateral: { ...noCollateral, certificates: certificates.filter((one) => one !== undefined) },
        ...{ atSeconds: seconds("2025-01-01T00:00:00Z"), policy: { allowDebug: true } },
      }).code;
    expect(judged(...key, ...ofChips)).toBe("ok");
    expect(judged(...key, ofChips[0], ofClouds[1])).toBe("ok"); // that file's root is the pinned one too
    expect(judged(...key, ...ofClouds)).toBe("snp-chain-incomplete");
    expect(judged(...ofClouds)).toBe("snp-certificate-missing");
  });
});

interface WorkReport {
  readonly name: string;
  readonly [text: string]: unknown;
}

describe("reports of work that the chain of Crust takes", () => {
  const { reports } = JSON.parse(new TextDecoder().decode(read("ias-crust/work_reports.txt"))) as {
    readonly reports: readonly WorkReport[];
  };
  /** Two numbers of 32 bytes each, least significant first, as SGX writes them. */
  const turned = (bytes: Uint8Array): Uint8Array =>
    Uint8Array.of(...bytes.slice(0, 32).reverse(), ...bytes.slice(32).reverse());
  const hexOf = (report: WorkReport, ...names: string[]): Uint8Array[] =>
    names.map((name) => fromHex(String(report[name])));
  const messageOf = (one: WorkReport): Uint8Array =>
    Uint8Array.of(
      ...hexOf(one, "curr_pk", "prev_pk").flatMap((bytes) => [...bytes]),
      ...utf8Bytes(String(one.block_number)),
      ...(hexOf(one, "block_hash")[0] ?? []),
      ...utf8Bytes(String(one.free) + String(one.spower)),
      ...hexOf(one, "srd_root", "files_root").flatMap((bytes) => [...bytes]),
      ...utf8Bytes(JSON.stringify(one.added_files) + JSON.stringify(one.deleted_files)),
    );
  const isSigned = (one: WorkReport, message = messageOf(one)): boolean => {
    const [key, signature] = hexOf(one, "curr_pk", "sig").map(turned);
    const point = Uint8Array.of(4, ...(key ?? []));
    return signatureKernel.ecdsaVerify("P-256", point, message, signature ?? new Uint8Array(0));
  };

  it("are fifteen, each signed by the key of its enclave over every field", () => {
    expect(reports.length).toBe(15);
    for (const one of reports) {
      const digest = toHex(signatureKernel.sha256(messageOf(one)));
      expect([one.name, digest, isSigned(one)]).toEqual([one.name, workDigests[one.name], true]);
      expect(isSigned({ ...one, spower: Number(one.spower) + 1 })).toBe(false);
    }
  });
});

/** SHA-256 of what is signed, computed by another program. */
const workDigests: { readonly [name: string]: string } = {
  legal_work_report: "25417e33e7d1ac0eb3966c8b51ab2e914ff6c7eb93869607eec281a468787719",
  legal_work_report_with_added_and_deleted_files:
    "868efe300c05277ace19601fd976cecbcc9bc9c13ee739e1c60fd9dbe22d0b1d",
  continuous_ab_upgrade_work_report: "11cefefd3e2d2d4df5cd720528eab459b208dec1fe5caf5a49e51aaf4a5a4419",
  ab_upgrade_work_report: "194859163a6dffbfb5ef38367468640e121d6efb76ebae01bfefd90023f7dd1e",
  ab_upgrade_work_report_files_size_unmatch:
    "c2f9b8e879f3a978ab0c647fd674d1c14eac9438278c420cc51b62afc767c6bb",
  continuous_work_report_300: "0cae8ce69873b67cfb1987b07051e651522543a2787ec10b9a10d84d1d98fc6a",
  continuous_work_report_600: "5ab2a6579147619f312df269d1be626c5c58f9ccd04155e762113bd43696e584",
  legal_work_report_with_added_files: "cf4c41d774e6518b2edfea4532ebd8373ab9f5604f1f536313d0a77b83c33702",
  legal_work_report_with_deleted_files: "7fdce5e4da2ff8a1c3d3c5d47331e91e52711c09f57a5d55673b8e35260efe4b",
  group_work_report_alice_300: "041a9957e1c53dc453149833976ab434300e5ceba54fadf37d5308b8d3e96c0b",
  group_work_report_alice_1500: "0d2b4940d671638766b492d824354b7cdd93896ff5bfffc0f34ec7e1d40a62a0",
  group_work_report_bob_300: "95bf0d8a91acc1685e1880ee1a1deaf4f4075203851e1fe0f8897724140b3ef7",
  group_work_report_bob_600: "983b7ca240fb695ea5427960a37e9191c18e392cbe8278889bcfc4e77f3048bf",
  group_work_report_eve_300: "2f22aad6e3d9efb87a391b25d1238ff903e825bbb52a9b060660b283f8b95ca7",
  group_work_report_eve_600: "aa59358d1d02475ab3d19dffa9347100747ccffd53aa74c4be0a7227ee933592",
};
