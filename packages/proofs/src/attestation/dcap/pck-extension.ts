/**
 * What Intel says of a platform in its PCK certificate: the security versions that count (not those in the quote),
 * the family (FMSPC) and the provisioning enclave. Source: Intel SGX PCK Certificate and CRL Profile §1.3.5.
 */
import { toHex } from "@holdfast/base";
import { type Der, elementsOf, Fields, readDer, tags } from "../der/reader.ts";
import { oidOf, smallNumber } from "../der/values.ts";
import { malformed } from "../errors.ts";
import type { Certificate } from "../x509/certificate.ts";

const root = "1.2.840.113741.1.13.1";

export interface PckPlatform {
  /** Of the sixteen components. */
  readonly svns: readonly number[];
  readonly pceSvn: number;
  /** Hex, lower-case. */
  readonly fmspc: string;
  readonly pceId: string;
}

/** Error `attest/malformed`. */
export function readPckPlatform({ extensions }: Certificate): PckPlatform {
  const extension = extensions.get(root);
  if (extension === undefined) throw malformed("a PCK certificate without Intel's extension");
  const values = pairs(readDer(extension.value, tags.sequence));
  const tcb = pairs(fieldOf(values, `${root}.2`));
  const svns = Array.from({ length: 16 }, (_, index) => smallNumber(fieldOf(tcb, `${root}.2.${index + 1}`)));
  if (svns.some((svn) => svn > 255)) throw malformed("a security version above 255");
  return {
    svns,
    pceSvn: smallNumber(fieldOf(tcb, `${root}.2.17`)),
    fmspc: octets(fieldOf(values, `${root}.4`), 6),
    pceId: octets(fieldOf(values, `${root}.3`), 2),
  };
}

/** A sequence of pairs of an identifier and a value, each identifier once. */
function pairs(der: Der): ReadonlyMap<string, Der> {
  const found = new Map<string, Der>();
  if (der.tag !== tags.sequence) throw malformed("no sequence of values");
  for (const one of elementsOf(der)) {
    const [, value] = elementsOf(one);
    const oid = oidOf(new Fields(one).take(tags.oid));
    if (value === undefined || found.has(oid)) throw malformed("no pair of identifier and value");
    found.set(oid, value);
  }
  return found;
}

function fieldOf(values: ReadonlyMap<string, Der>, oid: string): Der {
  const value = values.get(oid);
  if (value === undefined) throw malformed(`the extension lacks ${oid}`);
  return value;
}

function octets({ tag, content }: Der, length: number): string {
  if (tag !== tags.octetString || content.length !== length) throw malformed(`not ${length} bytes`);
  return toHex(content);
}
