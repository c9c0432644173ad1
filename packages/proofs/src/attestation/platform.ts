/**
 * What platform evidence is of, as far as whoever fetches collateral must know it. Nothing of it is verified: wrong
 * answers lead to collateral that does not fit, which the verifier says.
 */
import { toHex } from "@holdfast/base";
import { noCollateral } from "./collateral.ts";
import { findPck } from "./dcap/chains.ts";
import { intelNames } from "./dcap/names.ts";
import { readPckPlatform } from "./dcap/pck-extension.ts";
import { readQuote, softwareVendor } from "./dcap/quote.ts";
import { malformed } from "./errors.ts";
import { readSnpReport, snpReportBytes } from "./snp/report.ts";
import { rawBytes } from "./text-forms.ts";

export interface IntelPlatform {
  readonly vendor: "intel";
  readonly tee: "sgx" | "tdx";
  /** Hex of 6 bytes. */
  readonly fmspc: string;
  /** Which of the two authorities of Intel's issued the PCK certificate. */
  readonly authority: "platform" | "processor";
}

export interface AmdPlatform {
  readonly vendor: "amd";
  readonly line: "Milan" | "Genoa" | "Turin";
  /** Hex, of 64 bytes, of Turin's chips 8. */
  readonly chipId: string;
  /** Versions of firmware by the names that AMD's service has for them, in its order. */
  readonly versions: readonly (readonly [name: string, version: number])[];
  /** Of one chip, or of a cloud, whose certificate nobody but the cloud gives. */
  readonly key: "vcek" | "vlek";
}

export type EvidencePlatform = IntelPlatform | AmdPlatform | { readonly vendor: "software" };

/** Errors `attest/malformed`, `attest/refused`: no evidence, or such that does not say it. */
export function platformOf(evidence: Uint8Array): EvidencePlatform {
  const bytes = rawBytes(evidence);
  if (isSnp(bytes)) return amdPlatform(bytes.subarray(0, snpReportBytes));
  const quote = readQuote(bytes);
  if (quote.vendor === softwareVendor) return { vendor: "software" };
  const context = { collateral: noCollateral, roots: [], names: intelNames, atSeconds: 0 };
  const { leaf } = findPck(quote, context);
  const { fmspc } = readPckPlatform(leaf);
  const authority = /Processor/.test(issuerText(leaf.issuer)) ? "processor" : "platform";
  return { vendor: "intel", tee: quote.body.tee, fmspc, authority };
}

/** A name's bytes as text, for the word that is looked for in it. */
function issuerText(hex: string): string {
  return (hex.match(/../g) ?? []).map((byte) => String.fromCharCode(Number.parseInt(byte, 16))).join("");
}

/** As `verify.ts` tells it from quotes: their third byte is the type of a key. */
function isSnp(bytes: Uint8Array): boolean {
  const [low = 0, high = 0, third = 0, fourth = 0] = bytes;
  const isSmall = low >= 1 && low <= 5 && high === 0 && third === 0 && fourth === 0;
  return isSmall && bytes.length >= snpReportBytes && bytes[0x34] === 1;
}

const places = {
  Milan: [
    ["blSPL", 0],
    ["teeSPL", 1],
    ["snpSPL", 6],
    ["ucodeSPL", 7],
  ],
  Turin: [
    ["fmcSPL", 0],
    ["blSPL", 1],
    ["teeSPL", 2],
    ["snpSPL", 3],
    ["ucodeSPL", 7],
  ],
} as const;

const cpuAt = 0x188;

function amdPlatform(bytes: Uint8Array): AmdPlatform {
  const report = readSnpReport(bytes);
  const [family = 0, model = 0] = bytes.subarray(cpuAt);
  // Reports of before version 3 do not say it, and come from the first line alone in practice.
  const line = report.version < 3 ? "Milan" : lineOf(family, model);
  const versions = places[line === "Turin" ? "Turin" : "Milan"].map(
    ([name, place]) => [name, report.reportedTcb[place] ?? 0] as const,
  );
  const chip = toHex(report.chipId);
  return {
    ...{ vendor: "amd", line, chipId: line === "Turin" ? chip.slice(0, 16) : chip, versions },
    key: report.signingKey === 1 ? "vlek" : "vcek",
  };
}

function lineOf(family: number, model: number): AmdPlatform["line"] {
  if (family === 0x1a) return "Turin";
  if (family !== 0x19) throw malformed(`a processor of family ${family}`);
  return model < 0x10 ? "Milan" : "Genoa";
}
