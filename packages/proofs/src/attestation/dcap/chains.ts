/**
 * The signers of DCAP evidence: the platform's PCK certificate and Intel's signer of collateral, each up to the pinned
 * root and against the revocation lists of its issuers.
 */
import type { ChainRole, FailureCode } from "../codes.ts";
import type { Collateral, SignedDocument } from "../collateral.ts";
import { orUndefined, refused, refusedAs } from "../errors.ts";
import { type Certificate, readCertificate } from "../x509/certificate.ts";
import { chainOf, checkRevocation } from "../x509/chain.ts";
import { splitCertificates } from "../x509/pem.ts";
import type { SignerNames } from "./names.ts";
import { verifyP256 } from "./p256.ts";
import type { Quote } from "./quote.ts";

export interface ChainContext {
  readonly collateral: Collateral;
  readonly roots: readonly string[];
  readonly names: SignerNames;
  readonly atSeconds: number;
}

/** Certification data that hold a chain: the form that quotes of today have. */
const chainType = 5;

export interface Pck {
  readonly leaf: Certificate;
  /** DER of what came with it. */
  readonly own: readonly Uint8Array[];
}

/** From the collateral if that has one, else from the quote. Errors `attest/refused` with `pck-…`. */
export function findPck(quote: Quote, { collateral, names }: ChainContext): Pck {
  const [given] = collateral.pckChains;
  const inQuote = quote.certificationType === chainType ? quote.certificationData : undefined;
  const chain = given ?? inQuote;
  const own =
    chain === undefined
      ? collateral.certificates.filter((der) => isNamed(der, names.pck))
      : refusedAs("pck-certificate-malformed", () => splitCertificates(chain));
  const read = own.map((der) => refusedAs("pck-certificate-malformed", () => readCertificate(der)));
  const leaf = read.find(({ commonName }) => commonName === names.pck) ?? read[0];
  if (leaf === undefined) throw refused("pck-certificate-missing");
  return { leaf, own };
}

function isNamed(der: Uint8Array, name: string): boolean {
  return orUndefined(() => readCertificate(der))?.commonName === name;
}

/** Signer first, root last. */
export function pckChain({ leaf, own }: Pck, context: ChainContext): readonly Certificate[] {
  const { collateral, roots, names, atSeconds } = context;
  const loose = collateral.certificates;
  return chainOf({ role: "pck", leaf, own, loose, roots, atSeconds, leafNames: [names.pck] });
}

export type DocumentRole = Extract<ChainRole, "tcb-info" | "qe-identity">;

export interface Signer {
  readonly leaf: Certificate;
  readonly own: readonly Uint8Array[];
  readonly loose: readonly Uint8Array[];
}

/** Which certificate signed is told by its name; else it is the first of the chain that came with the document. */
export function findSigner(role: DocumentRole, document: SignedDocument, context: ChainContext): Signer {
  const { collateral, names } = context;
  const { issuerChain } = document;
  const own =
    issuerChain === undefined
      ? []
      : refusedAs(`${role}-certificate-malformed`, () => splitCertificates(issuerChain));
  const loose = issuerChain === undefined ? collateral.certificates : [];
  const read = own.map((der) => refusedAs(`${role}-certificate-malformed`, () => readCertificate(der)));
  const others = loose.map((der) => orUndefined(() => readCertificate(der)));
  const all = [...read, ...others].filter((one) => one !== undefined);
  const leaf = all.find(({ commonName }) => commonName === names.signer) ?? read[0];
  if (leaf === undefined) throw refused(`${role}-chain-incomplete`);
  return { leaf, own, loose };
}

/** Signer first, root last. */
export function signerChain(
  role: DocumentRole,
  signer: Signer,
  context: ChainContext,
): readonly Certificate[] {
  const { roots, names, atSeconds } = context;
  return chainOf({ role, ...signer, roots, atSeconds, leafNames: [names.signer] });
}

/** None of a chain may be on a list, and each issuer's list must be there. */
export function checkLists(role: ChainRole, chain: readonly Certificate[], context: ChainContext): void {
  const { collateral, atSeconds } = context;
  checkRevocation({ role, chain, lists: collateral.revocationLists, atSeconds, listsRequired: "all" });
}

/** r‖s over the exact text. */
export function checkDocumentSignature(code: FailureCode, document: SignedDocument, signer: Signer): void {
  const { publicKey } = signer.leaf;
  const isP256 = publicKey.kind === "ec" && publicKey.curve === "P-256";
  if (!isP256 || !verifyP256(publicKey.point, document.text, document.signature)) throw refused(code);
}
