/**
 * What AMD says in the certificate of a report's key: of which chip and which firmware it is. A VCEK is of one chip, a
 * VLEK of one cloud; Turin writes its firmware's versions in another order. Source: AMD 57230, VCEK certificate and
 * KDS interface specification §3.
 */
import { toHex } from "@holdfast/base";
import { readDer, tags } from "../der/reader.ts";
import { asciiOf, smallNumber } from "../der/values.ts";
import { malformed, refused, refusedAs } from "../errors.ts";
import type { Certificate } from "../x509/certificate.ts";
import type { SnpReport } from "./report.ts";

const root = "1.3.6.1.4.1.3704.1";
const versionOids = {
  bl: `${root}.3.1`,
  tee: `${root}.3.2`,
  snp: `${root}.3.3`,
  ucode: `${root}.3.8`,
  fmc: `${root}.3.9`,
};
export type SnpComponent = keyof typeof versionOids;
export const snpLines = ["Milan", "Genoa", "Turin"] as const;
export type SnpLine = (typeof snpLines)[number];

type Layout = { readonly [Name in SnpComponent]?: number };
const beforeTurin: Layout = { bl: 0, tee: 1, snp: 6, ucode: 7 };
const layouts: { readonly [Line in SnpLine]: Layout } = {
  Milan: beforeTurin,
  Genoa: beforeTurin,
  Turin: { fmc: 0, bl: 1, tee: 2, snp: 3, ucode: 7 },
};

/** The least versions of the firmware of a line; a component that the line has not is asked for nothing. */
export type FirmwareFloor = { readonly line: SnpLine } & { readonly [Name in SnpComponent]: number };

export const vcekName = "SEV-VCEK";
export const vlekName = "SEV-VLEK";
export const endorsementNames: readonly string[] = [vcekName, vlekName];

/** Errors `attest/refused` with `snp-…`. */
export function checkEndorsement(key: Certificate, report: SnpReport, line: string): void {
  const read = refusedAs("snp-extension-malformed", () => readEndorsement(key, line));
  if (!read.product.startsWith(line)) throw refused("snp-product-mismatch");
  const isVlek = key.commonName === vlekName;
  if (report.signingKey !== (isVlek ? 1 : 0)) throw refused("snp-key-kind-mismatch");
  for (const [name, place] of Object.entries(snpLayout(line))) {
    if (report.reportedTcb[place] !== read.versions[name as SnpComponent]) throw refused("snp-tcb-mismatch");
  }
  if (isVlek) return; // of a cloud, not of a chip
  const chip = toHex(report.chipId);
  // Turin's chips have ids of eight bytes, with zeros behind.
  if (read.chip === "" || chip !== read.chip.padEnd(chip.length, "0")) throw refused("snp-chip-mismatch");
}

/** Where in the eight bytes of a report each version stands; a line that AMD has not is of tests. */
export function snpLayout(line: string): Layout {
  return layouts[snpLines.find((one) => one === line) ?? "Milan"];
}

/** Errors `attest/refused` with `snp-line-not-taken`, `snp-firmware-too-old`. */
export function checkFirmware(report: SnpReport, line: string, floors: readonly FirmwareFloor[]): void {
  const own = floors.filter((floor) => floor.line === line);
  if (own.length === 0) throw refused("snp-line-not-taken");
  const isReached = (floor: FirmwareFloor): boolean =>
    Object.entries(snpLayout(line)).every(
      ([name, place]) => (report.reportedTcb[place] ?? 0) >= floor[name as SnpComponent],
    );
  if (!own.every(isReached)) throw refused("snp-firmware-too-old");
}

interface Endorsement {
  readonly product: string;
  readonly versions: { readonly [Name in SnpComponent]?: number };
  /** Hex; "" in a VLEK. */
  readonly chip: string;
}

function readEndorsement({ extensions }: Certificate, line: string): Endorsement {
  const product = new Uint8Array(extensions.get(`${root}.2`)?.value ?? []);
  const text = readDer(product);
  if (text.tag !== tags.ia5String) throw malformed("a product without a name");
  const versions: { [Name in SnpComponent]?: number } = {};
  for (const [name, oid] of Object.entries(versionOids)) {
    const extension = extensions.get(oid);
    if (extension !== undefined)
      versions[name as SnpComponent] = smallNumber(readDer(extension.value, tags.integer));
  }
  const chip = toHex(extensions.get(`${root}.4`)?.value ?? new Uint8Array(0));
  const lengths = line === "Turin" ? [0, 8] : [0, 64];
  if (!lengths.includes(chip.length / 2)) throw malformed("a chip id of another length");
  return { product: asciiOf(text.content), versions, chip };
}
