/**
 * SEV-SNP of one's own: a root, an authority and the key of one chip or cloud in the shape of AMD's, and reports that
 * it signs. Certificates are signed on P-256, where AMD's are RSA: whoever verifies goes by what a certificate says.
 */
import { concatBytes, fromHex, littleEndian, utf8Bytes } from "@holdfast/base";
import { p384 } from "@noble/curves/nist.js";
import { derInteger } from "../der/writer.ts";
import { type SnpComponent, type SnpLine, snpLayout } from "../snp/endorsement.ts";
import {
  type ExtensionRequest,
  issueCertificate,
  issueRevocationList,
  keyIdOf,
  keyOf,
  type Validity,
} from "./issue.ts";

export interface AmdRequest {
  readonly seed: Uint8Array;
  readonly line: SnpLine;
  readonly validity: Validity;
}

/** What the certificate of the report's key says. */
export interface EndorsementFields {
  /** "SEV-VCEK" or "SEV-VLEK"; of a cloud's key no chip is named. */
  readonly name?: string;
  readonly product?: string;
  /** As reports have it: eight bytes, in the order of the line. */
  readonly tcb?: Uint8Array;
  readonly chipId?: Uint8Array;
  readonly extensions?: readonly ExtensionRequest[];
  readonly notAfterSeconds?: number;
}

export interface Amd {
  /** What verifiers pin for this line. */
  readonly rootKeyId: string;
  readonly root: Uint8Array;
  readonly authority: Uint8Array;
  readonly chipId: Uint8Array;
  endorsement(fields?: EndorsementFields): Uint8Array;
  /** The root's, as AMD has one; or its authority's, as AMD has none. */
  list(revokedSerials: readonly number[], by?: "root" | "authority", validity?: Validity): Uint8Array;
  report(fields?: SnpFields): Uint8Array;
}

/** Of what every report here has, unless it says otherwise. */
export interface SnpFields {
  readonly version?: number;
  readonly policy?: bigint;
  readonly algorithm?: number;
  readonly vmpl?: number;
  readonly signedBy?: "vcek" | "vlek";
  readonly tcb?: Uint8Array;
  readonly measurement?: Uint8Array;
  readonly reportData?: Uint8Array;
}

export const snpTcb: Uint8Array = Uint8Array.of(1, 2, 3, 4, 0, 0, 6, 7);
/** Serial numbers of the certificates, for lists. */
export const amdSerials = { root: 1, authority: 2, key: 3 } as const;
/** CPUID of a chip of each line: family and model. */
const chips = { Milan: [0x19, 0x01], Genoa: [0x19, 0x11], Turin: [0x1a, 0x02] } as const;

const filled = (length: number, value: number): Uint8Array => new Uint8Array(length).fill(value);
const extensionsOf = "1.3.6.1.4.1.3704.1";
const oids: { readonly [Name in SnpComponent]: string } = {
  ...{ bl: "3.1", tee: "3.2", snp: "3.3", ucode: "3.8", fmc: "3.9" },
};

export function makeAmd({ seed, line, validity }: AmdRequest): Amd {
  const [rootKey, authorityKey] = [keyOf(seed, `ark ${line}`), keyOf(seed, `ask ${line}`)];
  // Below the order of P-256, and so of P-384.
  const secret = concatBytes(new Uint8Array(16), keyOf(seed, `chip ${line}`).privateKey);
  const chip = { point: p384.getPublicKey(secret, false) };
  // Turin's ids have eight bytes, with zeros behind.
  const chipId = line === "Turin" ? concatBytes(filled(8, 0xc1), filled(56, 0)) : filled(64, 0xc1);
  const names = { root: `ARK-${line}`, authority: `SEV-${line}` };
  const issued = (role: "root" | "authority", key: typeof rootKey): Uint8Array =>
    issueCertificate({
      ...{ ...validity, subject: names[role], issuer: names.root, serial: amdSerials[role], key },
      ...{ issuerKey: rootKey, isAuthority: true },
    });
  return {
    ...{ rootKeyId: keyIdOf(rootKey), chipId },
    ...{ root: issued("root", rootKey), authority: issued("authority", authorityKey) },
    endorsement: ({ name = "SEV-VCEK", notAfterSeconds, ...fields } = {}) =>
      issueCertificate({
        ...{ ...validity, subject: name, issuer: names.authority, serial: amdSerials.key, key: chip },
        ...{ issuerKey: authorityKey, isAuthority: false },
        extensions: fields.extensions ?? endorsementExtensions(line, name, { chipId, ...fields }),
        ...(notAfterSeconds !== undefined && { notAfterSeconds }),
      }),
    list: (revokedSerials, by = "root", { notBeforeSeconds, notAfterSeconds } = validity) =>
      issueRevocationList({
        ...{ issuer: names[by], issuerKey: by === "root" ? rootKey : authorityKey, revokedSerials },
        ...{ thisUpdateSeconds: notBeforeSeconds, nextUpdateSeconds: notAfterSeconds },
      }),
    report: (fields = {}) => composeReport(fields, { line, chipId, secret }),
  };
}

const der = (tag: number, bytes: Uint8Array): Uint8Array =>
  concatBytes(Uint8Array.of(tag, bytes.length), bytes);

function endorsementExtensions(
  line: SnpLine,
  name: string,
  { product = `${line}-B0`, tcb = snpTcb, chipId = filled(64, 0) }: EndorsementFields,
): readonly ExtensionRequest[] {
  const versions = Object.entries(snpLayout(line)).map(([component, place]) => ({
    oid: `${extensionsOf}.${oids[component as SnpComponent]}`,
    value: derInteger(tcb[place] ?? 0),
  }));
  const hwid = { oid: `${extensionsOf}.4`, value: line === "Turin" ? chipId.subarray(0, 8) : chipId };
  const named = { oid: `${extensionsOf}.2`, value: der(0x16, utf8Bytes(product)) };
  return [named, ...versions, ...(name === "SEV-VLEK" ? [] : [hwid])];
}

/** 1184 bytes: AMD 56860, ATTESTATION_REPORT. */
function composeReport(
  fields: SnpFields,
  {
    line,
    chipId,
    secret,
  }: { readonly line: SnpLine; readonly chipId: Uint8Array; readonly secret: Uint8Array },
): Uint8Array {
  const { version = line === "Milan" ? 2 : 5, policy = 0x30000n, algorithm = 1, vmpl = 0 } = fields;
  const report = new Uint8Array(1184);
  report.set(littleEndian(version, 4), 0);
  report.set(littleEndian(5, 4), 4);
  new DataView(report.buffer).setBigUint64(8, policy, true);
  report.set(littleEndian(vmpl, 4), 0x30);
  report.set(littleEndian(algorithm, 4), 0x34);
  report.set(littleEndian(fields.signedBy === "vlek" ? 1 << 2 : 0, 4), 0x48);
  report.set(fields.reportData ?? filled(64, 0xda), 0x50);
  report.set(fields.measurement ?? filled(48, 0x5e), 0x90);
  report.set(fields.tcb ?? snpTcb, 0x180);
  if (version >= 3) report.set(chips[line], 0x188);
  // A host may hide which chip it is, and does where the key is a cloud's.
  if (fields.signedBy !== "vlek") report.set(chipId, 0x1a0);
  const signature = p384.sign(report.subarray(0, 0x2a0), secret, { lowS: false, format: "compact" });
  report.set(signature.subarray(0, 48).toReversed(), 0x2a0);
  report.set(signature.subarray(48).toReversed(), 0x2a0 + 72);
  return report;
}

const guids = {
  vcek: "63da758de6644564adc5f4b93be8accd",
  vlek: "a8074bc2a25a483eaae639c045a0b8a1",
  authority: "4ab7b379bbac4fe4a02f05aef327c782",
  root: "c0b406a4a803495297433fb6014cd0ae",
  list: "92f81bc358114d3d97ffd19f88dc67ea",
} as const;

/** The table of certificates that a host hands over. */
export function composeTable(
  entries: readonly (readonly [part: keyof typeof guids, bytes: Uint8Array])[],
): Uint8Array {
  const header = 24 * (entries.length + 1);
  let offset = header;
  const rows = entries.map(([part, bytes]) => {
    const row = concatBytes(fromHex(guids[part]), littleEndian(offset, 4), littleEndian(bytes.length, 4));
    offset += bytes.length;
    return row;
  });
  return concatBytes(...rows, new Uint8Array(24), ...entries.map(([, bytes]) => bytes));
}
