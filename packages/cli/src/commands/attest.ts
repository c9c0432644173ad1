/** Words of evidence of enclaves, which need no running node. */
import type { CommandSpec } from "../command.ts";

const services = [
  { flags: "--intel <url>", summary: "service for SGX and TDX (default: Intel's)" },
  { flags: "--amd <url>", summary: "service for SEV-SNP (default: AMD's)" },
  {
    flags: "--dir <dir>",
    summary: "folder where what was fetched is kept (default: ~/.holdfast/collateral)",
  },
];

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
      {
        flags: "--collateral <path>",
        summary: "file of what it is judged by, or a folder with all that is below it; may be repeated",
        repeated: true,
      },
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
      {
        flags: "--network <file>",
        summary: "network's file or genesis: accept evidence by software as far as this network does",
      },
    ],
    connection: "none",
    stream: true,
    action: async () => (await import("../actions/attest.ts")).attestVerify,
  },
  {
    path: ["attest", "quote"],
    summary: "Make evidence of the program that runs here",
    about:
      "Inside Gramine (sgx-dcap) and in confidential guests (tdx, sev-snp) the hardware that is there makes it. Kind " +
      "software is made by this program for networks that allow it, and proves nothing: anybody can make the same. " +
      "It is bound to --report-data; with --collateral what it is judged by is fetched too (of software: made).",
    examples: [
      "holdfast attest quote -o quote.bin --collateral collateral",
      "holdfast attest quote --kind software --network club.json -o quote.bin --collateral collateral",
    ],
    options: [
      { flags: "-o, --output <file>", summary: "where the evidence goes", required: true },
      {
        flags: "--kind <kind>",
        summary: "sgx-dcap, tdx, sev-snp or software (default: the hardware that is there)",
      },
      { flags: "--report-data <hex>", summary: "what it is bound to, up to 64 bytes (default: zeros)" },
      { flags: "--network <file>", summary: "network's file or genesis that software attests for" },
      { flags: "--program <hex>", summary: "what software says that it runs (default: its own measurement)" },
      { flags: "--collateral <dir>", summary: "folder that gets what the evidence is judged by" },
      ...services,
    ],
    connection: "none",
    action: async () => (await import("../actions/attest-quote.ts")).attestQuote,
  },
  {
    path: ["attest", "collateral"],
    summary: "Fetch what evidence is judged by, for `attest verify --collateral`",
    about:
      "Of SGX and TDX from Intel's service or a caching one (PCCS), of SEV-SNP from AMD's. What was fetched is kept for half " +
      "a day in --dir, and taken from there for longer when nobody answers; the verifier says when it has expired.",
    examples: ["holdfast attest collateral quote.bin --to collateral"],
    args: [{ name: "file", summary: "quote or report, raw, hex or base64; - reads standard input" }],
    options: [{ flags: "--to <dir>", summary: "folder that gets the files", required: true }, ...services],
    connection: "none",
    action: async () => (await import("../actions/attest-quote.ts")).attestCollateral,
  },
  {
    path: ["attest", "program"],
    summary: "Measure this program: what evidence by software says that it runs",
    about:
      "SHA-256 over the names and contents of the program's files, the packages as they are installed, the lockfile, " +
      "the native kernels, if there are any, and the version of Node. The same sources have the same measurement on " +
      "every machine of a platform, so that it can be computed before anybody runs them. Kernels that were built by " +
      "hand make it another one.",
    examples: ["holdfast attest program", "holdfast attest program --folder ~/holdfast-0.2 --files"],
    options: [
      { flags: "--folder <dir>", summary: "measure the program in this folder (default: the one that runs)" },
      { flags: "--runtime <name>", summary: 'as if run by this (default: "node" and its version)' },
      { flags: "--files", summary: "list the files" },
    ],
    connection: "none",
    action: async () => (await import("../actions/attest-quote.ts")).attestProgram,
  },
];
