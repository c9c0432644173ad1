/**
 * One chain of certificates, signer, authority and root, in each of the roles that chains play, with each fault that a
 * chain can have: what evidence with it is refused with.
 */
import { utf8Bytes } from "@holdfast/base";
import { readCollateral, type Verdict, verifyAttestation } from "@holdfast/proofs/attestation";
import {
  intelNames,
  issueCertificate,
  issueRevocationList,
  type KeyPair,
  keyIdOf,
  keyOf,
  pemText,
  platformExtension,
} from "@holdfast/proofs/attestation/software";
import { amdOf } from "./attestation-amd.ts";
import { epidKey, epidSignerName, epidVerdict } from "./attestation-epid.ts";
import { atSeconds, evidenceOf, judged, pkiOf, platform, seed, validity } from "./attestation-world.ts";

export const roles = ["pck", "tcb-info", "qe-identity", "ias", "snp"] as const;
type Role = (typeof roles)[number];
const day = 86_400;
const pki = pkiOf(intelNames);
// Those of the world: what the fault is not about holds.
const [rootKey, authorityKey] = [keyOf(seed, "root"), keyOf(seed, "authority")];
const [rootName, authorityName] = ["Test SGX Root CA", "Test SGX PCK Platform CA"];

const ofPlatform = { oid: "1.2.840.113741.1.13.1", value: platformExtension(platform) };

const signers = {
  pck: { subject: intelNames.pck, key: pki.pckKey },
  "tcb-info": { subject: intelNames.signer, key: pki.signerKey },
  "qe-identity": { subject: intelNames.signer, key: pki.signerKey },
  ias: { subject: epidSignerName, key: epidKey },
  snp: { subject: "SEV-VCEK", key: keyOf(seed, "chip") },
} as const;

type Change = Partial<Parameters<typeof issueCertificate>[0]>;
interface Made {
  readonly signer?: Change;
  readonly authority?: Change;
  readonly root?: Change & { readonly issuerKey?: KeyPair };
  /** Of the three which are there, and what else. */
  readonly without?: "authority";
  readonly more?: readonly Uint8Array[];
  readonly instead?: Uint8Array;
  readonly rootList?: Uint8Array;
  readonly authorityList?: Uint8Array;
}

function listBy(
  by: "root" | "authority",
  change: Partial<Parameters<typeof issueRevocationList>[0]> = {},
): Uint8Array {
  const issuer = by === "root" ? rootName : authorityName;
  return issueRevocationList({
    ...{ issuer, issuerKey: by === "root" ? rootKey : authorityKey, revokedSerials: [] },
    ...{
      thisUpdateSeconds: validity.notBeforeSeconds,
      nextUpdateSeconds: validity.notAfterSeconds,
      ...change,
    },
  });
}

const lower = { subject: "Test lower CA", key: keyOf(seed, "lower") } as const;
const lowerAuthority = issueCertificate({
  ...{ ...validity, ...lower, issuer: authorityName, issuerKey: authorityKey, serial: 9, isAuthority: true },
});
const strange = keyOf(seed, "somebody");
const noCertificate = Uint8Array.of(0x30, 3, 2, 1, 5);
/** Of version 1, which lists of these services never are. */
const malformedList = listBy("authority").map((byte, at, all) =>
  byte === 1 && all[at - 1] === 1 && all[at - 2] === 2 && all.indexOf(2) === at - 2 ? 0 : byte,
);

/** What is made wrong for each fault, the same in every role. */
export const chainFaults: { readonly [fault: string]: Made } = {
  "certificate-malformed": { instead: noCertificate },
  "certificate-expired": { signer: { notAfterSeconds: atSeconds - 1 } },
  "certificate-not-yet-valid": { signer: { notBeforeSeconds: atSeconds + 1 } },
  "certificate-signature-invalid": { signer: { issuerKey: strange } },
  "certificate-revoked": { authorityList: listBy("authority", { revokedSerials: [40] }) },
  "chain-incomplete": { without: "authority" },
  "root-not-pinned": { authority: { issuer: "Another CA", issuerKey: strange }, more: [anotherRoot()] },
  "issuer-not-ca": { authority: { isAuthority: false } },
  "path-too-long": {
    signer: { issuer: lower.subject, issuerKey: lower.key },
    authority: { pathLength: 0 },
    more: [lowerAuthority],
  },
  "leaf-is-ca": { signer: { isAuthority: true } },
  "leaf-name": { signer: { subject: "Somebody" } },
  "crl-missing": { rootList: listBy("authority") },
  "crl-malformed": { authorityList: malformedList },
  "crl-signature-invalid": { authorityList: listBy("authority", { issuerKey: strange }) },
  "crl-expired": { authorityList: listBy("authority", { nextUpdateSeconds: atSeconds - 1 }) },
  "crl-not-yet-valid": { authorityList: listBy("authority", { thisUpdateSeconds: atSeconds + day }) },
};

function anotherRoot(): Uint8Array {
  const subject = "Another CA";
  return issueCertificate({
    ...{
      ...validity,
      subject,
      issuer: subject,
      serial: 8,
      key: strange,
      issuerKey: strange,
      isAuthority: true,
    },
  });
}

/** Codes of all checks that fail of evidence with this chain in this role. */
export function failedIn(role: Role, made: Made = {}): readonly string[] {
  const signer = issueCertificate({
    ...{ ...validity, ...signers[role], issuer: authorityName, issuerKey: authorityKey, serial: 40 },
    ...{ isAuthority: false, ...(role === "pck" && { extensions: [ofPlatform] }), ...made.signer },
  });
  const authority = issueCertificate({
    ...{ ...validity, subject: authorityName, issuer: rootName, serial: 41, key: authorityKey },
    ...{ issuerKey: rootKey, isAuthority: true, ...made.authority },
  });
  const above = made.without === undefined ? [authority, pki.root] : [pki.root];
  const chain = [made.instead ?? signer, ...above, ...(made.more ?? [])];
  const { rootList = listBy("root"), authorityList = listBy("authority") } = made;
  return verdictIn(role, chain, [rootList, authorityList])
    .checks.filter(({ ok }) => !ok)
    .map(({ code }) => code);
}

function verdictIn(
  role: Role,
  chain: readonly Uint8Array[],
  lists: readonly [Uint8Array, Uint8Array],
): Verdict {
  const roots = [keyIdOf(rootKey)];
  if (role === "ias") return epidVerdict({ certificates: chain, collateral: lists, roots });
  if (role === "snp") {
    return verifyAttestation({
      evidence: amdOf().report(),
      collateral: readCollateral([...chain, ...lists]),
      ...{ atSeconds, trust: { snp: { Milan: roots } }, policy: { snpListRequired: true } },
    });
  }
  const pem = pemText(...chain);
  const [rootList, authorityList] = lists;
  const place = {
    pck: {},
    "tcb-info": { tcbInfoChain: pem },
    "qe-identity": { qeIdentityChain: pem },
  }[role];
  return judged(
    evidenceOf({
      ...(role === "pck" && { quote: { certificationData: utf8Bytes(pem) } }),
      bundle: () => ({ rootList, authorityList, ...place }),
    }),
  );
}
