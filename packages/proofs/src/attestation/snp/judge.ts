/**
 * The judgement of a report of SEV-SNP: the key of the chip (VCEK) or of the cloud (VLEK) up to AMD's pinned root, the
 * report's signature, and that the certificate is of this chip and this firmware. The certificates come in a table
 * behind the report or as collateral.
 */
import type { DcapInput } from "../dcap/judge.ts";
import { orUndefined, refused, refusedAs } from "../errors.ts";
import { judgePolicy } from "../policy.ts";
import { signatureKernel } from "../signatures/index.ts";
import { Judgement, type Verdict } from "../verdict.ts";
import { type Certificate, readCertificate } from "../x509/certificate.ts";
import { chainOf, checkRevocation } from "../x509/chain.ts";
import { type CertificateTable, readCertificateTable } from "./certificate-table.ts";
import { checkEndorsement, checkFirmware, endorsementNames, vcekName, vlekName } from "./endorsement.ts";
import { isDebugGuest, readSnpReport, type SnpReport, snpReportBytes } from "./report.ts";

export function judgeSnp(input: DcapInput): Verdict {
  const judgement = new Judgement();
  const { bytes, kind } = input;
  if (kind !== undefined && kind !== "sev-snp") {
    judgement.check("evidence-kind", () => {
      throw refused("kind-mismatch");
    });
  }
  const report = judgement.check("report-format", () =>
    refusedAs("snp-report-malformed", () => readSnpReport(bytes.subarray(0, snpReportBytes))),
  );
  if (report === undefined) {
    return judgement.verdict({
      kind: "sev-snp",
      debug: false,
      measurement: {},
      tcbStatus: null,
      advisories: [],
    });
  }
  const table = judgement.check("certificate-table", () =>
    bytes.length === snpReportBytes
      ? { certificates: [], revocationLists: [] }
      : refusedAs("snp-table-malformed", () => readCertificateTable(bytes.subarray(snpReportBytes))),
  );
  judgeKey(judgement, report, table ?? { certificates: [], revocationLists: [] }, input);
  const facts = {
    debug: isDebugGuest(report),
    measurement: report.measurement,
    tcbStatus: null,
    advisories: [],
  };
  judgePolicy(judgement, facts, input.policy);
  const { mostVmpl } = input.policy;
  if (mostVmpl !== undefined) {
    judgement.check("vmpl", () => {
      if (report.vmpl > mostVmpl) throw refused("snp-vmpl-too-high");
    });
  }
  return judgement.verdict({ ...facts, kind: "sev-snp" });
}

function judgeKey(judgement: Judgement, report: SnpReport, table: CertificateTable, input: DcapInput): void {
  const { collateral, atSeconds, trust, policy } = input;
  const all = [...table.certificates, ...collateral.certificates];
  let leaf: Certificate | undefined;
  const chain = judgement.check("certificate-chain", () => {
    leaf = keyOf(report, all);
    const roots = Object.values(trust.snp).flat();
    const request = { role: "snp", leaf, own: [], loose: all, roots, atSeconds } as const;
    const found = chainOf({ ...request, leafNames: endorsementNames });
    const lists = [...table.revocationLists, ...collateral.revocationLists];
    const listsRequired = policy.snpListRequired ? "root" : "none";
    checkRevocation({ role: "snp", chain: found, lists, atSeconds, listsRequired });
    return found;
  });
  const missing = judgement.codeOf("certificate-chain") ?? "snp-certificate-missing";
  judgement.checkGiven("quote-signature", leaf, missing, ({ publicKey }) => {
    const isSigned =
      publicKey.kind === "ec" &&
      publicKey.curve === "P-384" &&
      signatureKernel.ecdsaVerify("P-384", publicKey.point, report.signedBytes, report.signature);
    if (!isSigned) throw refused("snp-signature-invalid");
  });
  const lineOf = (found: readonly Certificate[]): string => {
    const root = found.at(-1)?.keyId ?? "";
    return Object.entries(trust.snp).find(([, keys]) => keys.includes(root))?.[0] ?? "";
  };
  judgement.checkGiven("key-endorsement", chain, missing, (found) =>
    checkEndorsement(found[0] as Certificate, report, lineOf(found)),
  );
  const { leastFirmware } = policy;
  if (leastFirmware.length > 0) {
    judgement.checkGiven("platform-firmware", chain, missing, (found) =>
      checkFirmware(report, lineOf(found), leastFirmware),
    );
  }
}

/** Of the kind of key that the report names; of several, the one of this chip. */
function keyOf(report: SnpReport, certificates: readonly Uint8Array[]): Certificate {
  const wanted = report.signingKey === 1 ? vlekName : vcekName;
  const read = certificates.map((der) => orUndefined(() => readCertificate(der)));
  const named = read.filter(
    (one) => one !== undefined && endorsementNames.includes(one.commonName),
  ) as Certificate[];
  const found = named.find(({ commonName }) => commonName === wanted) ?? named[0];
  if (found === undefined) throw refused("snp-certificate-missing");
  return found;
}
