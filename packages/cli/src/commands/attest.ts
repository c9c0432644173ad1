/** Words of evidence of enclaves, which need no running node. */
import type { CommandSpec } from "../command.ts";

export const attestCommands: readonly CommandSpec[] = [
  {
    path: ["attest", "verify"],
    summary: "Judge a quote or report of an enclave, check by check",
    about:
      "Kinds: sgx-dcap and tdx are quotes of Intel's scheme of today (versions 3 to 5), sev-snp is a report of AMD's " +
      "processors, sgx-ias a report of Intel's former service, software is of our own test roots. Nothing is fetched: " +
      "what the vendor says of a platform comes from --collateral, a file or a folder of TCB info, identities, " +
      "revocation lists, certificates, or a bundle of them; files are told by what they hold. Without it what the " +
      "evidence proves by itself is judged all the same, and the code says what is missing.\n" +
      "Refused are also debuggable and out-of-date platforms. Ends with exit code 5 if a check fails.",
    examples: [
      "holdfast attest verify quote.bin --collateral collateral.json --at 2025-07-01T00:00:00Z",
      "holdfast attest verify report.bin --kind sev-snp --collateral certificates --json",
    ],
    args: [{ name: "file", summary: "quote or report, raw, hex or base64; - reads standard input" }],
    options: [
      { flags: "--kind <kind>", summary: "what it must be: sgx-ias, sgx-dcap, tdx, sev-snp or software" },
      { flags: "--collateral <path>", summary: "file or folder of what it is judged by" },
      {
        flags: "--at <time>",
        summary: "time of verification: ISO 8601, or seconds since 1970 (default: now)",
      },
      {
        flags: "--program <hex>",
        summary: "MRENCLAVE, MRTD or measurement that must run; may be repeated",
        repeated: true,
      },
      { flags: "--report-data <hex>", summary: "what it must be bound to, from the first byte on" },
      {
        flags: "--allow-status <status>",
        summary: "accept platforms that the vendor calls so, such as OutOfDate; may be repeated",
        repeated: true,
      },
      { flags: "--allow-debug", summary: "accept enclaves that can be looked into" },
      {
        flags: "--software-root <hex>",
        summary: "accept evidence by software under this root: SHA-256 of its public key",
      },
    ],
    connection: "none",
    stream: true,
    action: async () => (await import("../actions/attest.ts")).attestVerify,
  },
];
