/**
 * The PKI of evidence by software: the three levels and the collateral signer of Intel's, with a root of one's own.
 * Whoever holds the seed can attest anything: it proves that the owner of the root said so, and nothing of hardware.
 */
import { fromHex } from "@holdfast/base";
import { intelNames, type SignerNames } from "../dcap/names.ts";
import { tags } from "../der/reader.ts";
import { der, derInteger, derOctets, derOid, derSequence } from "../der/writer.ts";
import {
  issueCertificate,
  issueRevocationList,
  type KeyPair,
  keyIdOf,
  keyOf,
  type Validity,
} from "./issue.ts";

export interface PlatformFields {
  /** Hex of 6 bytes. */
  readonly fmspc: string;
  /** Hex of 2 bytes. */
  readonly pceId: string;
  /** Of the sixteen components. */
  readonly svns: readonly number[];
  readonly pceSvn: number;
}

export interface PkiRequest {
  readonly seed: Uint8Array;
  readonly names: SignerNames;
  readonly validity: Validity;
  readonly platform: PlatformFields;
}

export interface Pki {
  readonly rootKeyId: string;
  /** DER, and the keys that sign with them. */
  readonly root: Uint8Array;
  readonly authority: Uint8Array;
  readonly pck: Uint8Array;
  readonly pckKey: KeyPair;
  readonly signer: Uint8Array;
  readonly signerKey: KeyPair;
  readonly rootList: Uint8Array;
  readonly authorityList: Uint8Array;
}

const extensionRoot = "1.2.840.113741.1.13.1";
const pair = (oid: string, value: Uint8Array): Uint8Array =>
  derSequence(derOid(`${extensionRoot}.${oid}`), value);

/** What the PCK certificate says of the platform (Intel SGX PCK Certificate and CRL Profile §1.3.5). */
export function platformExtension({ fmspc, pceId, svns, pceSvn }: PlatformFields): Uint8Array {
  return derSequence(
    pair("1", derOctets(new Uint8Array(16))),
    pair(
      "2",
      derSequence(
        ...svns.map((svn, index) => pair(`2.${index + 1}`, derInteger(svn))),
        pair("2.17", derInteger(pceSvn)),
        pair("2.18", derOctets(Uint8Array.from(svns))),
      ),
    ),
    pair("3", derOctets(fromHex(pceId))),
    pair("4", derOctets(fromHex(fmspc))),
    pair("5", der(tags.enumerated, Uint8Array.of(0))),
  );
}

/** Names of the authorities; those of signers are what verifiers look for. */
export function authorityNames(names: SignerNames): { readonly root: string; readonly platform: string } {
  return names === intelNames
    ? { root: "Test SGX Root CA", platform: "Test SGX PCK Platform CA" }
    : { root: "Holdfast software root", platform: "Holdfast software platform CA" };
}

export function makePki({ seed, names, validity, platform }: PkiRequest): Pki {
  const { root: rootName, platform: authorityName } = authorityNames(names);
  const [rootKey, authorityKey, pckKey, signerKey] = ["root", "authority", "pck", "signer"].map((name) =>
    keyOf(seed, name),
  ) as [KeyPair, KeyPair, KeyPair, KeyPair];
  const fromRoot = { ...validity, issuer: rootName, issuerKey: rootKey };
  const root = issueCertificate({
    ...fromRoot,
    subject: rootName,
    serial: 1,
    key: rootKey,
    isAuthority: true,
  });
  const authority = issueCertificate({
    ...fromRoot,
    ...{ subject: authorityName, serial: 2, key: authorityKey, isAuthority: true, pathLength: 0 },
  });
  const signer = issueCertificate({
    ...fromRoot,
    ...{ subject: names.signer, serial: 3, key: signerKey, isAuthority: false },
  });
  const pck = issueCertificate({
    ...validity,
    ...{ issuer: authorityName, issuerKey: authorityKey, subject: names.pck, serial: 4, key: pckKey },
    isAuthority: false,
    extensions: [{ oid: extensionRoot, value: platformExtension(platform) }],
  });
  const dates = { thisUpdateSeconds: validity.notBeforeSeconds, nextUpdateSeconds: validity.notAfterSeconds };
  const list = (issuer: string, issuerKey: KeyPair): Uint8Array =>
    issueRevocationList({ issuer, issuerKey, ...dates, revokedSerials: [] });
  const rootList = list(rootName, rootKey);
  const authorityList = list(authorityName, authorityKey);
  const rootKeyId = keyIdOf(rootKey);
  return { rootKeyId, root, authority, pck, pckKey, signer, signerKey, rootList, authorityList };
}
