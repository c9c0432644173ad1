/**
 * What platform evidence is of, as far as whoever fetches collateral must know it. Nothing of it is verified: wrong
 * answers lead to collateral that does not fit, which the verifier says.
 */
import { toHex } from "@holdfast/base";
import { type Collateral, noCollateral, readCollateral } from "./collateral.ts";
import { findPck } from "./dcap/chains.ts";
import { intelNames } from "./dcap/names.ts";
import { readPckPlatform } from "./dcap/pck-extension.ts";
import { type Quote, readPlatformId, readQuote, softwareVendor } from "./dcap/quote.ts";
import { malformed } from "./errors.ts";
import type { SnpLine } from "./snp/endorsement.ts";
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

/** A quote without its certificate: whoever fetches asks for that first, and `intelPlatformOf` goes on from there. */
export interface UncertifiedPlatform {
  readonly vendor: "intel, uncertified";
  readonly tee: "sgx" | "tdx";
  /** Hex, by the names that Intel's service has for them, in its order. */
  readonly names: readonly (readonly [name: string, value: string])[];
}

export interface AmdPlatform {
  readonly vendor: "amd";
  /** The line of products, or those that it can be of, in the order in which they are tried. */
  readonly lines: readonly SnpLine[];
  /** Hex, of 64 bytes, of Turin's chips 8. */
  readonly chipId: string;
  /** Versions of firmware by the names that AMD's service has for them, in its order. */
  readonly versions: readonly (readonly [name: string, version: number])[];
  /** Of one chip, or of a cloud, whose certificate nobody but the cloud gives. */
  readonly key: "vcek" | "vlek";
}

export type EvidencePlatform =
  | IntelPlatform
  | UncertifiedPlatform
  | AmdPlatform
  | { readonly vendor: "software" };

/** Errors `attest/malformed`, `attest/refused`: no evidence, or such that does not say it. */
export function platformOf(evidence: Uint8Array): EvidencePlatform {
  const bytes = rawBytes(evidence);
  if (isSnp(bytes)) return amdPlatform(bytes.subarray(0, snpReportBytes));
  const quote = readQuote(bytes);
  if (quote.vendor === softwareVendor) return { vendor: "software" };
  const { tee } = quote.body;
  const id = readPlatformId(quote);
  if (id === undefined) return certified(quote, noCollateral);
  const { qeId, encryptedPpid, cpuSvn, pceSvn, pceId } = id;
  const names = Object.entries({
    qeid: qeId,
    encrypted_ppid: encryptedPpid,
    cpusvn: cpuSvn,
    pcesvn: pceSvn,
    pceid: pceId,
  });
  return {
    ...{ vendor: "intel, uncertified", tee },
    names: names.flatMap(([name, value]) => (value === undefined ? [] : [[name, toHex(value)] as const])),
  };
}

/** By the certificate that a service has for a quote without one. Errors as `platformOf`. */
export function intelPlatformOf(evidence: Uint8Array, certificates: readonly Uint8Array[]): IntelPlatform {
  return certified(readQuote(rawBytes(evidence)), readCollateral(certificates));
}

function certified(quote: Quote, collateral: Collateral): IntelPlatform {
  const { leaf } = findPck(quote, { collateral, roots: [], names: intelNames, atSeconds: 0 });
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
  // Reports of before version 3 do not say it; chips of the first two lines make such, with the same versions.
  const lines = report.version < 3 ? (["Milan", "Genoa"] as const) : [lineOf(family, model)];
  const isTurin = lines[0] === "Turin";
  const versions = places[isTurin ? "Turin" : "Milan"].map(
    ([name, place]) => [name, report.reportedTcb[place] ?? 0] as const,
  );
  const chip = toHex(report.chipId);
  return {
    ...{ vendor: "amd", lines, chipId: isTurin ? chip.slice(0, 16) : chip, versions },
    key: report.signingKey === 1 ? "vlek" : "vcek",
  };
}

function lineOf(family: number, model: number): SnpLine {
  if (family === 0x1a) return "Turin";
  if (family !== 0x19) throw malformed(`a processor of family ${family}`);
  return model < 0x10 ? "Milan" : "Genoa";
}
