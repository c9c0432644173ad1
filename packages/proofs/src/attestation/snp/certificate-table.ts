/**
 * The table of certificates that a host hands to a guest beside its report (`auxblob` of configfs-tsm): entries of
 * GUID, offset and length, ended by an entry of zeros. Source: GHCB specification (AMD 56421) §4.1.8.1.
 */
import { toHex } from "@holdfast/base";
import { Cursor } from "../cursor.ts";
import { malformed } from "../errors.ts";
import { attestLimits } from "../limits.ts";

export interface CertificateTable {
  /** DER. */
  readonly certificates: readonly Uint8Array[];
  readonly revocationLists: readonly Uint8Array[];
}

/** As the text of a GUID reads; some hosts write its first three parts with their bytes turned round. */
const kindOf: { readonly [guid: string]: "certificate" | "list" } = Object.fromEntries(
  (
    [
      ["63da758de6644564adc5f4b93be8accd", "certificate"], // VCEK
      ["a8074bc2a25a483eaae639c045a0b8a1", "certificate"], // VLEK
      ["4ab7b379bbac4fe4a02f05aef327c782", "certificate"], // ASK, or ASVK
      ["c0b406a4a803495297433fb6014cd0ae", "certificate"], // ARK
      ["92f81bc358114d3d97ffd19f88dc67ea", "list"], // CRL
    ] as const
  ).flatMap(([guid, kind]) => [
    [guid, kind],
    [turned(guid), kind],
  ]),
);

function turned(guid: string): string {
  const byte = (index: number): string => guid.slice(2 * index, 2 * index + 2);
  return [3, 2, 1, 0, 5, 4, 7, 6].map(byte).join("") + guid.slice(16);
}

/** Error `attest/malformed`. */
export function readCertificateTable(bytes: Uint8Array): CertificateTable {
  const found = { certificates: [] as Uint8Array[], revocationLists: [] as Uint8Array[] };
  const at = new Cursor(bytes);
  for (let count = 0; ; count++) {
    const [guid, offset, length] = [toHex(at.bytes(16)), at.u32(), at.u32()];
    if (/^0+$/.test(guid)) break;
    if (count === attestLimits.collateralItems) throw malformed("a table with too many certificates");
    if (offset + length > bytes.length) throw malformed("a certificate outside of its table");
    const kind = kindOf[guid];
    const one = bytes.subarray(offset, offset + length);
    if (kind === "certificate") found.certificates.push(one);
    else if (kind === "list") found.revocationLists.push(one);
  }
  if (found.certificates.length === 0) throw malformed("a table without certificates");
  return found;
}
