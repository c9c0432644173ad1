/**
 * Certificates of SEV-SNP from AMD's key distribution service: that of the chip's key at its firmware, the chain above
 * it, and the revocation list. Source: AMD 57230, VCEK certificate and KDS interface specification §4.
 */
import { type AmdPlatform, readCollateral } from "@holdfast/proofs/attestation";
import { attestationErrors } from "./errors.ts";
import { type DocumentNeeds, keptOrFetched, type Wanted } from "./kept-documents.ts";

export const amdService = "https://kdsintf.amd.com";

/** Files for `readCollateral`. Errors: `attestation/not-fetched`, `attestation/bad-collateral`. */
export async function amdCollateral(
  needs: DocumentNeeds,
  service: string,
  { line, chipId, versions, key }: AmdPlatform,
  signal?: AbortSignal,
): Promise<readonly Uint8Array[]> {
  const base = `${service}/${key}/v1/${line}`;
  const query = versions.map(([name, version]) => `${name}=${version}`).join("&");
  const wanted: readonly Wanted[] = [
    // A key of a cloud comes with the report, from the cloud alone.
    ...(key === "vcek" ? [document(`${base}/${chipId}?${query}`, "certificates", true)] : []),
    document(`${base}/cert_chain`, "certificates", true),
    document(`${base}/crl`, "revocationLists", false),
  ];
  const files: Uint8Array[] = [];
  for (const one of wanted) files.push((await keptOrFetched(needs, one, signal)).bytes);
  return files;
}

function document(url: string, part: "certificates" | "revocationLists", forGood: boolean): Wanted {
  return {
    url,
    forGood,
    check(bytes) {
      if (readCollateral([bytes])[part].length > 0) return;
      throw attestationErrors.badCollateral({ url, problem: `no ${part} in it` });
    },
  };
}
