/** Devices that attest, through the one interface, on machines that are made up as their documents describe them. */
import { fromHex, HoldfastError, toHex, utf8Bytes } from "@holdfast/base";
import { anyPlatform, judgeAdmission, reportDataOf, verifyAttestation } from "@holdfast/proofs/attestation";
import { describe, expect, it } from "vitest";
import {
  boundEvidence,
  chooseProvider,
  type Devices,
  openAttestation,
  type ProducedKind,
  probeAll,
  providerOf,
} from "../../src/attestation/index.ts";
import { limits } from "../../src/limits.ts";
import {
  amd,
  atSeconds,
  enclave,
  expectedOf,
  FakeGramine,
  FakeKeyService,
  FakeService,
  FakeTsm,
  filled,
  identityOf,
  needsOf,
  networkId,
  noDevices,
  vendor,
  vendorQuote,
} from "./fakes.ts";

const data = reportDataOf(identityOf());
const codeOf = async (work: Promise<unknown>): Promise<string> =>
  await work.then(
    () => "fine",
    (error: unknown) => (error instanceof HoldfastError ? error.code : String(error)),
  );
const trust = { sgx: [vendor.rootKeyId], snp: { Milan: [amd.rootKeyId] } };

describe("a provider of evidence", () => {
  it("of SGX asks Gramine for a quote that carries its data, and a key of the enclave", async () => {
    const needs = needsOf(new FakeGramine());
    const provider = await chooseProvider(needs, undefined);
    const verdict = verifyAttestation({ evidence: await provider.evidence(data), atSeconds, trust });
    expect([provider.kind, verdict.code, verdict.measurement.reportData]).toEqual([
      ...["sgx-dcap", "collateral-missing", toHex(data)],
    ]);
    const { key, boundTo } = await provider.sealingKey();
    expect([key.length, boundTo]).toEqual([32, "program"]);
    const other = new FakeGramine();
    other.type = "none\n";
    expect(await providerOf("sgx-dcap", needsOf(other)).probe()).toMatchObject({
      ...{ available: false, reason: expect.stringContaining('"none"') },
    });
  });

  it("of SGX lets two that ask at once wait for each other, because the data belong to the process", async () => {
    const provider = providerOf("sgx-dcap", needsOf(new FakeGramine()));
    const wanted = [filled(64, 1), filled(64, 2), filled(64, 3)];
    const quotes = await Promise.all(wanted.map((one) => provider.evidence(one)));
    expect(quotes.map((one) => one.subarray(368, 432))).toEqual(wanted);
  });

  it.each([["tdx", "tdx_guest"] as const])(
    "of %s makes a request of its own and takes it away",
    async (kind, name) => {
      const tsm = new FakeTsm(name, (inblob) => vendorQuote("tdx", inblob));
      const provider = await chooseProvider(needsOf(tsm), undefined);
      expect(provider.kind).toBe(kind);
      const verdict = verifyAttestation({ evidence: await provider.evidence(data), atSeconds, trust });
      expect([verdict.kind, verdict.measurement.reportData]).toEqual([kind, toHex(data)]);
      expect(tsm.requests).toBe(0);
    },
  );

  it("of SEV-SNP hands the table of certificates on behind the report", async () => {
    const report = snpReport(data);
    const tsm = new FakeTsm("sev_guest", () => report);
    tsm.auxblob = filled(48, 0x11);
    const provider = await chooseProvider(needsOf(tsm), "sev-snp");
    const evidence = await provider.evidence(data);
    expect([evidence.subarray(0, report.length), evidence.subarray(report.length)]).toEqual([
      ...[report, filled(48, 0x11)],
    ]);
    tsm.auxblob = undefined;
    expect(await provider.evidence(data)).toEqual(report);
  });

  it("asks again if another program has written to its request, and gives up at last", async () => {
    let turns = 2;
    const tsm = new FakeTsm("tdx_guest", (inblob) => vendorQuote("tdx", inblob));
    tsm.onRead = (write) => {
      turns -= 1;
      if (turns >= 0) write(filled(64, 0xee));
    };
    const provider = providerOf("tdx", needsOf(tsm));
    const { measurement } = verifyAttestation({ evidence: await provider.evidence(data), atSeconds });
    expect(measurement.reportData).toBe(toHex(data));
    turns = limits.deviceTries + 1;
    expect(await codeOf(provider.evidence(data))).toBe("attestation/device-busy");
    expect(tsm.requests).toBe(0);
  });

  it("is hardware before anything, and software only if it is named and the network allows it", async () => {
    expect(await codeOf(chooseProvider(needsOf(noDevices), undefined))).toBe("attestation/not-available");
    expect((await chooseProvider(needsOf(noDevices), "software")).kind).toBe("software");
    const strict = needsOf(noDevices, { network: { id: networkId, softwareAllowed: false } });
    expect(await codeOf(chooseProvider(strict, "software"))).toBe("attestation/software-refused");
    const provider = providerOf("software", strict);
    expect(await codeOf(provider.evidence(data))).toBe("attestation/software-refused");
    for (const kind of ["sgx-dcap", "tdx", "sev-snp"] as const) {
      expect(await codeOf(chooseProvider(needsOf(noDevices), kind))).toBe("attestation/not-available");
    }
    const kinds = (await probeAll(needsOf(noDevices))).flatMap(({ kind, probe }) =>
      probe.available ? [kind] : [],
    );
    expect(kinds).toEqual(["software"]);
  });

  it("whose host hands out a quote of somebody else is not believed by the node itself", async () => {
    const gramine = new FakeGramine();
    gramine.onQuote = () => filled(64, 0x66);
    const provider = providerOf("sgx-dcap", needsOf(gramine));
    expect(await codeOf(boundEvidence(provider, data))).toBe("attestation/not-bound");
    expect(await codeOf(boundEvidence(provider, data.subarray(1)))).toBe("attestation/bad-report-data");
    const broken = providerOf("tdx", needsOf(new FakeTsm("tdx_guest", () => utf8Bytes("no quote"))));
    expect(await codeOf(boundEvidence(broken, data))).toBe("attestation/unreadable");
  });
});

describe("a node's attestation", () => {
  it.each<[ProducedKind, () => Devices]>([
    ["sgx-dcap", () => new FakeGramine()],
    ["tdx", () => new FakeTsm("tdx_guest", (inblob) => vendorQuote("tdx", inblob))],
    ["sev-snp", () => amdGuest()],
    ["software", () => noDevices],
  ])("of %s goes with its collateral through the verifier that everybody has", async (kind, devices) => {
    const fetcher = kind === "sev-snp" ? new FakeKeyService() : new FakeService();
    const attestation = await openAttestation(needsOf(devices(), { fetcher }), { kind });
    const identity = identityOf();
    const { evidence, collateralEndSeconds } = await attestation.attest(identity);
    const request = {
      ...{ evidence, identity, expected: expectedOf(identity), atSeconds, softwareAllowed: true },
      allowed: { kind, program: attestation.program, platform: anyPlatform },
      trust,
    };
    const admission = judgeAdmission(request);
    // Nobody says of a chip of AMD's whether it is up to date.
    const status = kind === "sev-snp" ? null : "UpToDate";
    expect([admission.code, admission.kind, admission.tcbStatus]).toEqual(["ok", kind, status]);
    expect(collateralEndSeconds).toBeGreaterThan(atSeconds + 29 * 86_400);
    expect(judgeAdmission({ ...request, atSeconds: collateralEndSeconds + 1 }).ok).toBe(false);
    if (kind === "sgx-dcap") expect(attestation.program).toEqual(enclave);
    if (kind === "software") expect(attestation.program).toEqual(filled(32, 0x50));
  });
});

/** A guest of SEV-SNP: its reports are signed by the made-up AMD's chip. */
const amdGuest = (): FakeTsm => new FakeTsm("sev_guest", (reportData) => amd.report({ reportData }));

/** A report of version 2 with these data, unsigned. */
function snpReport(reportData: Uint8Array): Uint8Array {
  const report = new Uint8Array(1184);
  report[0] = 2;
  report[0x34] = 1;
  report.set(reportData, 0x50);
  report.set(fromHex("aa".repeat(48)), 0x90);
  return report;
}
