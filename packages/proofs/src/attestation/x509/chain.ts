/**
 * From a signer to a pinned root, by issuer and not by position: files hold their certificates in any order, and two
 * certificates of one root key are in use. Invariant: every certificate of a chain is valid at the time given, signed
 * by the next, issued by an authority that may have so many below it; the last one signs itself, with a pinned key.
 * Source: RFC 5280 §6.1, without policies and name constraints, which are critical and so malformed.
 */
import { equalBytes } from "@holdfast/base";
import type { ChainFault, ChainRole } from "../codes.ts";
import { orUndefined, refused, refusedAs } from "../errors.ts";
import { attestLimits } from "../limits.ts";
import { type Certificate, readCertificate } from "./certificate.ts";
import { type RevocationList, readRevocationList } from "./crl.ts";
import { verifySigned } from "./public-key.ts";

export interface ChainRequest {
  readonly role: ChainRole;
  readonly leaf: Certificate;
  /** DER of the certificates that came with the signer: each must be one. */
  readonly own: readonly Uint8Array[];
  /** DER of others that its issuers may be among; what is no certificate of X.509 is passed over. */
  readonly loose: readonly Uint8Array[];
  /** SHA-256 of the SubjectPublicKeyInfo of each root, in hex. */
  readonly roots: readonly string[];
  readonly atSeconds: number;
  /** The common name of the signer is one of these. */
  readonly leafNames: readonly string[];
}

/** Signer first, root last. Errors `attest/refused` with a code of the role. */
export function chainOf(request: ChainRequest): readonly Certificate[] {
  const { role, leaf, roots } = request;
  const fail = (fault: ChainFault) => refused(`${role}-${fault}`);
  const pool = readPool(request);
  const chain: Certificate[] = [leaf];
  for (let last = leaf; ; ) {
    checkValidity(last, request);
    if (roots.includes(last.keyId)) break;
    if (last.issuer === last.subject) throw fail("root-not-pinned");
    if (chain.length === attestLimits.chainCertificates) throw fail("path-too-long");
    last = issuerOf(last, pool, request);
    if (chain.includes(last)) throw fail("chain-incomplete");
    const below = chain.length - 1; // authorities between the signer and this one
    if (last.pathLength !== undefined && below > last.pathLength) throw fail("path-too-long");
    chain.push(last);
  }
  const root = chain.at(-1) as Certificate;
  if (chain.length === 1) throw fail("leaf-is-ca");
  if (!isSignedBy(root, root)) throw fail("certificate-signature-invalid");
  if (leaf.isAuthority) throw fail("leaf-is-ca");
  if (!request.leafNames.includes(leaf.commonName)) throw fail("leaf-name");
  return chain;
}

function readPool({ role, own, loose }: ChainRequest): Certificate[] {
  const read = own.map((der) => refusedAs(`${role}-certificate-malformed`, () => readCertificate(der)));
  const others = loose.map((der) => orUndefined(() => readCertificate(der)));
  return [...read, ...others.filter((one) => one !== undefined)].slice(0, attestLimits.poolCertificates);
}

function checkValidity(one: Certificate, { role, atSeconds }: ChainRequest): void {
  if (atSeconds < one.notBeforeSeconds) throw refused(`${role}-certificate-not-yet-valid`);
  if (atSeconds > one.notAfterSeconds) throw refused(`${role}-certificate-expired`);
}

const isSignedBy = (one: Certificate, issuer: Certificate): boolean =>
  verifySigned(issuer.publicKey, one.scheme, one.signedBytes, one.signature);

/** Without those that are there twice: each would cost a signature. */
function distinct<One extends { readonly signedBytes: Uint8Array; readonly signature: Uint8Array }>(
  given: readonly One[],
): readonly One[] {
  const same = (a: One, b: One): boolean =>
    equalBytes(a.signedBytes, b.signedBytes) && equalBytes(a.signature, b.signature);
  return given.filter((one, at) => !given.slice(0, at).some((other) => same(one, other)));
}

/** Of several that signed it, one that is valid now. */
function issuerOf(
  one: Certificate,
  pool: readonly Certificate[],
  { role, atSeconds }: ChainRequest,
): Certificate {
  const named = distinct(pool.filter(({ subject }) => subject === one.issuer)).slice(
    0,
    attestLimits.sameNames,
  );
  if (named.length === 0) throw refused(`${role}-chain-incomplete`);
  const authorities = named.filter(({ isAuthority, maySign }) => isAuthority && maySign);
  if (authorities.length === 0) throw refused(`${role}-issuer-not-ca`);
  const signers = authorities.filter((issuer) => isSignedBy(one, issuer));
  const valid = signers.find(
    (each) => atSeconds >= each.notBeforeSeconds && atSeconds <= each.notAfterSeconds,
  );
  const found = valid ?? signers[0];
  if (found === undefined) throw refused(`${role}-certificate-signature-invalid`);
  return found;
}

export interface RevocationRequest {
  readonly role: ChainRole;
  /** Signer first, root last. */
  readonly chain: readonly Certificate[];
  /** DER of all lists that there are. */
  readonly lists: readonly Uint8Array[];
  readonly atSeconds: number;
  /** Whose lists must be there; others are asked if they are. AMD makes one of the root alone. */
  readonly listsRequired: "all" | "root" | "none";
}

/** No certificate but the root may be on its issuer's list. Errors `attest/refused` with a code of the role. */
export function checkRevocation(request: RevocationRequest): void {
  const { role, chain } = request;
  const lists = request.lists
    .slice(0, attestLimits.collateralItems)
    .map((der) => refusedAs(`${role}-crl-malformed`, () => readRevocationList(der)));
  for (const [index, one] of chain.slice(0, -1).entries()) {
    const issuer = chain[index + 1] as Certificate;
    const isRoot = index === chain.length - 2;
    const isRequired = request.listsRequired === "all" || (isRoot && request.listsRequired === "root");
    const list = listOf(issuer, lists, { ...request, isRequired });
    if (list?.revoked.has(one.serial)) throw refused(`${role}-certificate-revoked`);
  }
}

/** The newest that its issuer has signed and that is valid now. */
function listOf(
  issuer: Certificate,
  lists: readonly RevocationList[],
  { role, atSeconds, isRequired }: RevocationRequest & { readonly isRequired: boolean },
): RevocationList | undefined {
  const own = lists.filter((list) => list.issuer === issuer.subject);
  const named = distinct(own).slice(0, attestLimits.sameNames);
  if (named.length === 0 && isRequired) throw refused(`${role}-crl-missing`);
  if (named.length === 0) return undefined;
  const signed = named.filter((list) =>
    verifySigned(issuer.publicKey, list.scheme, list.signedBytes, list.signature),
  );
  if (signed.length === 0) throw refused(`${role}-crl-signature-invalid`);
  const begun = signed.filter(({ thisUpdateSeconds }) => thisUpdateSeconds <= atSeconds);
  if (begun.length === 0) throw refused(`${role}-crl-not-yet-valid`);
  const newest = begun.reduce((a, b) => (b.thisUpdateSeconds > a.thisUpdateSeconds ? b : a));
  if (atSeconds > newest.nextUpdateSeconds) throw refused(`${role}-crl-expired`);
  return newest;
}
