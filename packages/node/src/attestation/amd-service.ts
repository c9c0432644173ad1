/**
 * Certificates of SEV-SNP from AMD's key distribution service: that of the chip's key at its firmware, the chain above
 * it, and the revocation list. Of a report that does not say its line of products, the line is the one whose service
 * knows the chip. Source: AMD 57230, VCEK certificate and KDS interface specification §4.
 */
import { HoldfastError } from "@holdfast/base";
import { type AmdPlatform, readCollateral } from "@holdfast/proofs/attestation";
import { attestationErrors } from "./errors.ts";
import { type DocumentNeeds, keptOrFetched, type Wanted } from "./kept-documents.ts";

export const amdService = "https://kdsintf.amd.com";

/** Files for `readCollateral`. Errors: `attestation/not-fetched`, `attestation/bad-collateral`. */
export async function amdCollateral(
  needs: DocumentNeeds,
  service: string,
  platform: AmdPlatform,
  signal?: AbortSignal,
): Promise<readonly Uint8Array[]> {
  const { lines, key } = platform;
  const baseOf = (line: string): string => `${service}/${key}/v1/${line}`;
  const chain = lines.map((line) => [
    document(`${baseOf(line)}/cert_chain`, "certificates", true),
    document(`${baseOf(line)}/crl`, "revocationLists", false),
  ]);
  const fetched = async (wanted: readonly Wanted[]): Promise<Uint8Array[]> => {
    const files: Uint8Array[] = [];
    for (const one of wanted) files.push((await keptOrFetched(needs, one, signal)).bytes);
    return files;
  };
  // A key of a cloud comes with the report, from the cloud alone, and says whose chain it needs.
  if (key === "vlek") return await fetched(chain.flat());
  const { file, place } = await chipKey(needs, baseOf, platform, signal);
  return [file, ...(await fetched(chain[place] ?? []))];
}

/** From the first line that knows the chip; if none does, what the first one said. */
async function chipKey(
  needs: DocumentNeeds,
  baseOf: (line: string) => string,
  { lines, chipId, versions }: AmdPlatform,
  signal?: AbortSignal,
): Promise<{ readonly file: Uint8Array; readonly place: number }> {
  const query = versions.map(([name, version]) => `${name}=${version}`).join("&");
  const refusals: unknown[] = [];
  for (const [place, line] of lines.entries()) {
    try {
      const wanted = document(`${baseOf(line)}/${chipId}?${query}`, "certificates", true);
      return { file: (await keptOrFetched(needs, wanted, signal)).bytes, place };
    } catch (error) {
      signal?.throwIfAborted();
      if (!(error instanceof HoldfastError) || error.code !== "attestation/not-fetched") throw error;
      refusals.push(error);
    }
  }
  throw refusals[0];
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
