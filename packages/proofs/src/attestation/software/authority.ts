/**
 * The root of evidence by software, complete: a platform, a quoting enclave, and the collateral of any day. All follows
 * from a seed, so the same seed is the same authority on every machine. The seed of a network that allows software to
 * attest follows from its genesis: such evidence is a rehearsal of the real thing, and anybody can make it up. Whoever
 * wants to know at least who vouches takes a secret seed and pins its root.
 */
import { fromHex, toHex, utf8Bytes } from "@holdfast/base";
import { sha256 } from "@noble/hashes/sha2.js";
import { softwareNames } from "../dcap/names.ts";
import { softwareVendor } from "../dcap/quote.ts";
import { composeBundle, isoTime, pemText } from "./collateral.ts";
import { issueRevocationList, keyOf } from "./issue.ts";
import { authorityNames, makePki, type Pki, type PlatformFields } from "./pki.ts";
import { composeQuote, composeSgxReport } from "./quote.ts";

/** What is attested: the program in the place of an enclave. */
export interface SoftwareReport {
  /** MRENCLAVE: 32 bytes, the measurement of the program. */
  readonly program: Uint8Array;
  /** 64 bytes. */
  readonly reportData: Uint8Array;
  /** ISVSVN. */
  readonly svn: number;
  /** As an enclave that can be looked into; verifiers refuse it. */
  readonly debug?: boolean;
}

export interface SoftwareCollateral {
  readonly atSeconds: number;
  /** What the authority says of its one platform: any TCB status of Intel's. Default: UpToDate. */
  readonly tcbStatus?: string;
  /** The platform's certificate is on the list of revoked ones. */
  readonly revoked?: boolean;
}

export interface SoftwareAuthority {
  /** SHA-256 of the root's public key in hex: what verifiers pin. */
  readonly rootKeyId: string;
  /** MRSIGNER of all that it attests, 32 bytes. */
  readonly signer: Uint8Array;
  /** A quote of version 3. */
  quote(report: SoftwareReport): Uint8Array;
  /** A file of collateral that holds at this time and for thirty days more at least. */
  collateral(request: SoftwareCollateral): Uint8Array;
}

/** ISVPRODID of all evidence by software. */
export const softwareProduct = 1;

const platform: PlatformFields = {
  fmspc: "686f6c640001", // "hold", 1
  pceId: "0000",
  svns: Array<number>(16).fill(1),
  pceSvn: 1,
};
const periodSeconds = 30 * 86_400;
/** 2020-01-01 to 2200-01-01: collateral expires, the platform of a seed does not. */
const validity = { notBeforeSeconds: 1_577_836_800, notAfterSeconds: 7_258_118_400 };
const attributes = "0500000000000000e700000000000000";
const debugAttributes = "0700000000000000e700000000000000";
const filled = (length: number, value: number): Uint8Array => new Uint8Array(length).fill(value);
const quotingSigner = sha256(utf8Bytes("holdfast software quoting enclave"));
const quotingEnclave = {
  cpuSvn: filled(16, 1),
  miscSelect: filled(4, 0),
  attributes: fromHex(attributes),
  mrEnclave: quotingSigner,
  mrSigner: quotingSigner,
  isvProdId: 1,
  isvSvn: 1,
};

export function softwareAuthority(seed: Uint8Array): SoftwareAuthority {
  const pki = makePki({ seed, names: softwareNames, validity, platform });
  const attestationKey = keyOf(seed, "attestation");
  const signer = fromHex(pki.rootKeyId);
  const chain = utf8Bytes(`${pemText(pki.pck, pki.authority, pki.root)}\0`);
  return {
    rootKeyId: pki.rootKeyId,
    signer,
    quote: ({ program, reportData, svn, debug = false }) =>
      composeQuote({
        ...{ version: 3, keyType: 2, teeType: 0, vendor: softwareVendor, bodyType: 1 },
        body: composeSgxReport({
          ...{ cpuSvn: filled(16, 1), miscSelect: filled(4, 0), mrEnclave: program, mrSigner: signer },
          ...{ attributes: fromHex(debug ? debugAttributes : attributes), isvProdId: softwareProduct },
          ...{ isvSvn: svn, reportData },
        }),
        ...{ attestationKey, qe: quotingEnclave, pckKey: pki.pckKey, authData: filled(32, 0) },
        ...{ certificationType: 5, certificationData: chain },
      }),
    collateral: (request) => utf8Bytes(bundleAt(seed, pki, request)),
  };
}

/** JSON. Collateral of one period is the same whenever it is asked for. */
function bundleAt(seed: Uint8Array, pki: Pki, request: SoftwareCollateral): string {
  const { atSeconds, tcbStatus = "UpToDate", revoked = false } = request;
  const issueSeconds = Math.floor(atSeconds / periodSeconds) * periodSeconds;
  const nextSeconds = issueSeconds + 2 * periodSeconds;
  const dates = { issueDate: isoTime(issueSeconds), nextUpdate: isoTime(nextSeconds) };
  const evaluation = { ...dates, tcbEvaluationDataNumber: 1 };
  const tcbDate = dates.issueDate;
  const tcbLevels = [
    {
      tcb: { sgxtcbcomponents: platform.svns.map((svn) => ({ svn })), pcesvn: platform.pceSvn },
      ...{ tcbDate, tcbStatus },
    },
  ];
  const names = authorityNames(softwareNames);
  const list = (issuer: string, key: string, revokedSerials: readonly number[]): Uint8Array =>
    issueRevocationList({
      ...{ issuer, issuerKey: keyOf(seed, key), revokedSerials },
      ...{ thisUpdateSeconds: issueSeconds, nextUpdateSeconds: nextSeconds },
    });
  const issuers = pemText(pki.signer, pki.root);
  return composeBundle({
    tcbInfo: JSON.stringify({
      ...{ id: "SGX", version: 3, ...evaluation, fmspc: platform.fmspc, pceId: platform.pceId },
      ...{ tcbType: 0, tcbLevels },
    }),
    qeIdentity: JSON.stringify({
      ...{ id: "QE", version: 2, ...evaluation, miscselect: "00000000", miscselectMask: "FFFFFFFF" },
      ...{ attributes, attributesMask: "FFFFFFFFFFFFFFFF0000000000000000" },
      ...{ mrsigner: toHex(quotingSigner), isvprodid: 1 },
      tcbLevels: [{ tcb: { isvsvn: 1 }, tcbDate, tcbStatus: "UpToDate" }],
    }),
    ...{ tcbInfoKey: pki.signerKey, tcbInfoChain: issuers },
    ...{ qeIdentityKey: pki.signerKey, qeIdentityChain: issuers },
    rootList: list(names.root, "root", []),
    authorityList: list(names.platform, "authority", revoked ? [pckSerial] : []),
  });
}

/** Of the platform's certificate, as `makePki` numbers them. */
const pckSerial = 4;
