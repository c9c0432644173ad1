/**
 * Collateral of SGX and TDX from Intel's provisioning service or a caching one (PCCS) of one's own: TCB info of the
 * platform, the quoting enclave's identity, revocation lists, and the chains that come in headers; of a quote that has
 * none, the platform's certificate. Source: Intel PCS API version 4, and the design guide of PCCS for `qeid`.
 */

import { utf8Bytes } from "@holdfast/base";
import type { IntelPlatform, UncertifiedPlatform } from "@holdfast/proofs/attestation";
import { readCollateral } from "@holdfast/proofs/attestation";
import { attestationErrors } from "./errors.ts";
import { type DocumentNeeds, type KeptDocument, keptOrFetched, type Wanted } from "./kept-documents.ts";

export const intelService = "https://api.trustedservices.intel.com";
const intelRootList = "https://certificates.trustedservices.intel.com/IntelSGXRootCA.der";

/** Files for `readCollateral`. Errors: `attestation/not-fetched`, `attestation/bad-collateral`. */
export async function intelCollateral(
  needs: DocumentNeeds,
  service: string,
  { tee, fmspc, authority }: IntelPlatform,
  signal?: AbortSignal,
): Promise<readonly Uint8Array[]> {
  const sgx = `${service}/sgx/certification/v4`;
  const own = `${service}/${tee}/certification/v4`;
  const wanted: readonly Wanted[] = [
    document(`${own}/tcb?fmspc=${fmspc}`, "tcb-info-issuer-chain", "tcbInfos"),
    document(`${own}/qe/identity`, "sgx-enclave-identity-issuer-chain", "qeIdentities"),
    document(`${sgx}/pckcrl?ca=${authority}&encoding=der`, "sgx-pck-crl-issuer-chain", "revocationLists"),
    document(service === intelService ? intelRootList : `${sgx}/rootcacrl`, "", "revocationLists"),
  ];
  const found: KeptDocument[] = [];
  // One after the other: a service that is down is asked once, not four times.
  for (const one of wanted) found.push(await keptOrFetched(needs, one, signal));
  return found.flatMap(({ bytes, chain }) => (chain === "" ? [bytes] : [bytes, utf8Bytes(chain)]));
}

/** The platform's certificate and those above it, for `readCollateral`. Errors as `intelCollateral`. */
export async function pckCertificates(
  needs: DocumentNeeds,
  service: string,
  { names }: UncertifiedPlatform,
  signal?: AbortSignal,
): Promise<readonly Uint8Array[]> {
  const query = names.map(([name, value]) => `${name}=${value}`).join("&");
  const url = `${service}/sgx/certification/v4/pckcert?${query}`;
  const wanted = document(url, "sgx-pck-certificate-issuer-chain", "certificates");
  const { bytes, chain } = await keptOrFetched(needs, wanted, signal);
  return [bytes, utf8Bytes(chain)];
}

function document(
  url: string,
  chainHeader: string,
  part: "tcbInfos" | "qeIdentities" | "revocationLists" | "certificates",
): Wanted {
  return {
    url,
    chainHeader,
    check(bytes, chain) {
      const found = readCollateral([bytes]);
      if (found[part].length !== 1)
        throw attestationErrors.badCollateral({ url, problem: `no ${part} in it` });
      const isSigned =
        part === "revocationLists" || readCollateral([utf8Bytes(chain)]).certificates.length > 0;
      if (!isSigned)
        throw attestationErrors.badCollateral({ url, problem: `no ${chainHeader} came with it` });
    },
  };
}
