/**
 * Attestation reports of AMD SEV-SNP: 1184 bytes, of which the first 672 are signed. Source: SEV Secure Nested Paging
 * Firmware ABI specification (AMD 56860), table "ATTESTATION_REPORT".
 */
import { bigEndian, toHex } from "@holdfast/base";
import { Cursor } from "../cursor.ts";
import { malformed, refused } from "../errors.ts";
import type { Measurement } from "../verdict.ts";

export const snpReportBytes = 1184;
const signedLength = 0x2a0;

export interface SnpReport {
  readonly version: number;
  readonly policy: bigint;
  readonly vmpl: number;
  /** 0 VCEK, 1 VLEK, 7 none. */
  readonly signingKey: number;
  readonly reportedTcb: Uint8Array;
  readonly chipId: Uint8Array;
  readonly measurement: Measurement;
  readonly signedBytes: Uint8Array;
  /** r‖s, most significant first. */
  readonly signature: Uint8Array;
}

const ecdsaP384 = 1;
/** Versions 2 to 5 have the fields read here at the same places. */
const newestVersion = 5;

/** Of exactly so many bytes. Errors `attest/malformed`, `attest/refused` with `snp-…`. */
export function readSnpReport(bytes: Uint8Array): SnpReport {
  if (bytes.length !== snpReportBytes) throw malformed(`${bytes.length} bytes instead of ${snpReportBytes}`);
  const at = new Cursor(bytes);
  const version = at.u32();
  if (version < 2 || version > newestVersion) throw refused("snp-version-unsupported");
  const guestSvn = at.u32();
  const policy = at.u64();
  const [familyId, imageId] = [at.bytes(16), at.bytes(16)];
  const vmpl = at.u32();
  if (at.u32() !== ecdsaP384) throw refused("snp-algorithm-unsupported");
  at.bytes(8 + 8); // current TCB, platform info
  const signingKey = (at.u32() >> 2) & 7;
  at.bytes(4);
  const reportData = at.bytes(64);
  const measurement = at.bytes(48);
  const hostData = at.bytes(32);
  const [idKeyDigest, authorKeyDigest] = [at.bytes(48), at.bytes(48)];
  const reportId = at.bytes(32);
  at.bytes(32); // report of a migration agent
  const reportedTcb = at.bytes(8);
  at.bytes(24); // CPUID of version 3 on, reserved
  const chipId = at.bytes(64);
  return {
    version,
    policy,
    vmpl,
    signingKey,
    reportedTcb,
    chipId,
    measurement: {
      measurement: toHex(measurement),
      hostData: toHex(hostData),
      idKeyDigest: toHex(idKeyDigest),
      authorKeyDigest: toHex(authorKeyDigest),
      familyId: toHex(familyId),
      imageId: toHex(imageId),
      guestSvn,
      vmpl,
      policy: toHex(bigEndian(policy, 8)),
      reportId: toHex(reportId),
      reportedTcb: toHex(reportedTcb),
      chipId: toHex(chipId),
      reportData: toHex(reportData),
    },
    signedBytes: bytes.subarray(0, signedLength),
    signature: signatureOf(bytes.subarray(signedLength)),
  };
}

const fieldBytes = 72;
const scalarBytes = 48;

/** r and s stand there least significant first in 72 bytes each; what is above 48 must be zero. */
function signatureOf(bytes: Uint8Array): Uint8Array {
  const out = new Uint8Array(2 * scalarBytes);
  for (const index of [0, 1]) {
    const field = bytes.subarray(index * fieldBytes, (index + 1) * fieldBytes);
    if (field.subarray(scalarBytes).some((byte) => byte !== 0))
      throw malformed("a signature that is too long");
    out.set(field.subarray(0, scalarBytes).toReversed(), index * scalarBytes);
  }
  return out;
}

/** Bit 19 of the guest's policy: the host may look into it. */
export const isDebugGuest = ({ policy }: SnpReport): boolean => (policy & (1n << 19n)) !== 0n;
