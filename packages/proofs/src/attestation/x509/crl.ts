/** Revocation lists, version 2, whole ones: a delta or a partial list has a critical extension and is malformed here.
 * Source: RFC 5280 §5. */
import { toHex } from "@holdfast/base";
import { contextTag, elementsOf, Fields, readDer, tags } from "../der/reader.ts";
import { integerBytes, smallNumber, timeSeconds, wholeBits } from "../der/values.ts";
import { malformed } from "../errors.ts";
import { attestLimits } from "../limits.ts";
import { readOnce } from "../remembered.ts";
import { checkCritical, readExtensions } from "./names.ts";
import { readScheme, type SignatureScheme, sameAlgorithm } from "./public-key.ts";

export interface RevocationList {
  readonly signedBytes: Uint8Array;
  readonly scheme: SignatureScheme;
  readonly signature: Uint8Array;
  /** Hex of the whole name. */
  readonly issuer: string;
  readonly thisUpdateSeconds: number;
  readonly nextUpdateSeconds: number;
  /** Serial numbers in hex, as a certificate's. */
  readonly revoked: ReadonlySet<string>;
}

const version2 = 1;

/** Error `attest/malformed`. */
export const readRevocationList = readOnce(parse);

function parse(bytes: Uint8Array): RevocationList {
  if (bytes.length > attestLimits.collateralFileBytes) throw malformed("a revocation list that is too long");
  const whole = new Fields(readDer(bytes, tags.sequence));
  const signed = whole.take(tags.sequence);
  const algorithm = whole.take(tags.sequence);
  const signature = wholeBits(whole.take(tags.bitString));
  whole.end();
  const fields = new Fields(signed);
  if (smallNumber(fields.take(tags.integer)) !== version2) throw malformed("a list of another version");
  const inner = fields.take(tags.sequence);
  if (!sameAlgorithm(algorithm, inner)) throw malformed("two different signature algorithms");
  const issuer = toHex(fields.take(tags.sequence).raw);
  const thisUpdateSeconds = timeSeconds(fields.take(tags.utcTime, tags.generalizedTime));
  const nextUpdateSeconds = timeSeconds(fields.take(tags.utcTime, tags.generalizedTime));
  const entries = fields.maybe(tags.sequence);
  const extensions = fields.maybe(contextTag(0));
  fields.end();
  checkCritical(readExtensions(extensions), []);
  const revoked = new Set<string>();
  for (const entry of entries === undefined ? [] : elementsOf(entries)) {
    const one = new Fields(entry);
    revoked.add(toHex(integerBytes(one.take(tags.integer))));
    timeSeconds(one.take(tags.utcTime, tags.generalizedTime));
    one.maybe(tags.sequence);
    one.end();
  }
  return {
    signedBytes: signed.raw,
    scheme: readScheme(algorithm),
    signature,
    issuer,
    thisUpdateSeconds,
    nextUpdateSeconds,
    revoked,
  };
}
