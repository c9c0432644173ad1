/**
 * Issuing certificates and revocation lists of an own PKI on P-256. Deterministic: keys come from a seed, signatures
 * from RFC 6979, so that the same request gives the same bytes.
 */
import { bigEndian, concatBytes, readBigEndian, toHex, utf8Bytes } from "@holdfast/base";
import { p256 } from "@noble/curves/nist.js";
import { sha256 } from "@noble/hashes/sha2.js";
import {
  derBits,
  derBoolean,
  derEcdsa,
  derEcKey,
  derInteger,
  derOctets,
  derOid,
  derSequence,
  derSet,
  derTagged,
  derText,
  derTime,
  ecdsaSha256,
} from "../der/writer.ts";

export interface KeyPair {
  readonly privateKey: Uint8Array;
  /** 04‖x‖y. */
  readonly point: Uint8Array;
}

/** A key of this name out of a secret seed. */
export function keyOf(seed: Uint8Array, name: string): KeyPair {
  const order = p256.Point.Fn.ORDER;
  const material = concatBytes(
    sha256(concatBytes(seed, utf8Bytes(name))),
    sha256(concatBytes(utf8Bytes(name), seed)),
  );
  const privateKey = bigEndian((readBigEndian(material) % (order - 1n)) + 1n, 32);
  return { privateKey, point: p256.getPublicKey(privateKey, false) };
}

/** r‖s. */
export function signP256(message: Uint8Array, { privateKey }: KeyPair): Uint8Array {
  return p256.sign(message, privateKey, { lowS: false, format: "compact", extraEntropy: false });
}

/** What roots are pinned by. */
export const keyIdOf = ({ point }: KeyPair): string => toHex(sha256(derEcKey(point)));

export interface Validity {
  readonly notBeforeSeconds: number;
  readonly notAfterSeconds: number;
}

export interface CertificateRequest extends Validity {
  readonly subject: string;
  readonly issuer: string;
  readonly serial: number;
  /** Its public part alone: 04‖x‖y on P-256 or P-384, or a SubjectPublicKeyInfo of any kind. */
  readonly key: Pick<KeyPair, "point"> | { readonly publicKeyInfo: Uint8Array };
  readonly issuerKey: KeyPair;
  readonly isAuthority: boolean;
  readonly pathLength?: number;
  /** Besides basic constraints and key usage. */
  readonly extensions?: readonly ExtensionRequest[];
}

export interface ExtensionRequest {
  readonly oid: string;
  readonly critical?: boolean;
  readonly value: Uint8Array;
}

export const nameOf = (commonName: string): Uint8Array =>
  derSequence(derSet(derSequence(derOid("2.5.4.3"), derText(commonName))));

function extension({ oid, critical = false, value }: ExtensionRequest): Uint8Array {
  return derSequence(derOid(oid), ...(critical ? [derBoolean(true)] : []), derOctets(value));
}

const certSignAndCrlSign = derBits(Uint8Array.of(0b0000_0110), 1);
const digitalSignature = derBits(Uint8Array.of(0b1000_0000), 7);

/** DER. */
export function issueCertificate(request: CertificateRequest): Uint8Array {
  const { isAuthority, pathLength, extensions = [] } = request;
  const length = pathLength === undefined ? [] : [derInteger(pathLength)];
  const constraints = derSequence(...(isAuthority ? [derBoolean(true), ...length] : []));
  const usage = isAuthority ? certSignAndCrlSign : digitalSignature;
  const signed = derSequence(
    derTagged(0, derInteger(2)),
    derInteger(request.serial),
    ecdsaSha256(),
    nameOf(request.issuer),
    derSequence(derTime(request.notBeforeSeconds), derTime(request.notAfterSeconds)),
    nameOf(request.subject),
    "point" in request.key ? derEcKey(request.key.point) : request.key.publicKeyInfo,
    derTagged(
      3,
      derSequence(
        extension({ oid: "2.5.29.19", critical: true, value: constraints }),
        extension({ oid: "2.5.29.15", critical: true, value: usage }),
        ...extensions.map(extension),
      ),
    ),
  );
  return signedWith(signed, request.issuerKey);
}

function signedWith(signed: Uint8Array, key: KeyPair): Uint8Array {
  return derSequence(signed, ecdsaSha256(), derBits(derEcdsa(signP256(signed, key))));
}

export interface RevocationListRequest {
  readonly issuer: string;
  readonly issuerKey: KeyPair;
  readonly thisUpdateSeconds: number;
  readonly nextUpdateSeconds: number;
  readonly revokedSerials: readonly number[];
}

/** DER. */
export function issueRevocationList(request: RevocationListRequest): Uint8Array {
  const { issuer, issuerKey, thisUpdateSeconds, nextUpdateSeconds, revokedSerials } = request;
  const entries = revokedSerials.map((serial) => derSequence(derInteger(serial), derTime(thisUpdateSeconds)));
  const number = extension({ oid: "2.5.29.20", value: derInteger(1) });
  const signed = derSequence(
    derInteger(1),
    ecdsaSha256(),
    nameOf(issuer),
    derTime(thisUpdateSeconds),
    derTime(nextUpdateSeconds),
    ...(entries.length === 0 ? [] : [derSequence(...entries)]),
    derTagged(0, derSequence(number)),
  );
  return signedWith(signed, issuerKey);
}
