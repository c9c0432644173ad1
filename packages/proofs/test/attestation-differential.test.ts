/**
 * The verifier against dcap-qvl, an independent one, on the same quotes, collateral, roots and times: public ones,
 * every case of the catalogue, and bytes with a turned bit. Where they differ, the reason stands here, and one of the
 * two refuses more; no evidence has two different statuses.
 */
import { readFileSync } from "node:fs";
import {
  defaultPolicy,
  installSignatureKernel,
  plainSignatures,
  readCollateral,
  rememberingSignatures,
  type TrustAnchors,
  type Verdict,
  verifyAttestation,
} from "@holdfast/proofs/attestation";
import { intelNames } from "@holdfast/proofs/attestation/software";
import { QuoteVerifier } from "@phala/dcap-qvl";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { cases } from "./attestation-cases.ts";
import { atSeconds, evidenceOf, flipped, pkiOf } from "./attestation-world.ts";

const folder = new URL("../../../vectors/attestation/", import.meta.url);
const read = (name: string): Buffer => readFileSync(new URL(name, folder));

interface Question {
  readonly quote: Uint8Array;
  /** JSON. */
  readonly collateral: string;
  readonly atSeconds: number;
  /** DER; the vendor's if there is none. */
  readonly root?: Uint8Array;
  readonly trust?: Partial<TrustAnchors>;
}

/** The status, or "refused". */
function theirs({ quote, collateral, atSeconds, root }: Question): {
  status: string;
  advisories: readonly string[];
} {
  const verifier =
    root === undefined ? QuoteVerifier.newProd() : QuoteVerifier.newWithRootCa(Buffer.from(root));
  try {
    const { status, advisory_ids } = verifier.verify(Buffer.from(quote), JSON.parse(collateral), atSeconds);
    return { status, advisories: [...advisory_ids].sort() };
  } catch {
    return { status: "refused", advisories: [] };
  }
}

/** Ours, with every status allowed that they do not refuse, and without what only our policy refuses. */
function ours({ quote, collateral, atSeconds, trust }: Question): Verdict {
  const outdated = ["OutOfDate", "OutOfDateConfigurationNeeded"];
  return verifyAttestation({
    evidence: quote,
    collateral: readCollateral([new TextEncoder().encode(collateral)]),
    atSeconds,
    policy: { allowedStatuses: [...defaultPolicy.allowedStatuses, ...outdated], deniedSigners: [] },
    ...(trust && { trust }),
  });
}

/** What version 0.3.9 does not look at, and so accepts. */
const unseenByThem: { readonly [what: string]: readonly string[] } = {
  "lists that are missing, of others, or of another time": [
    ...["swapped_crl", "crl_signed_by_another", "crl_expired", "crl_not_yet_valid", "root_crl_missing"],
  ],
  "whether an issuer is an authority": ["pck_issued_by_no_authority"],
  "names of signers": ["tcb_signer_of_another_name"],
  "PCEID, the version of TCB info above 3, keys of JSON that are there twice": [
    ...["pceid_mismatch", "tcb_version", "tcb_json_with_a_key_twice"],
  ],
  "the vendor of the quoting enclave": [
    ...[
      "unknown_vendor",
      "simulated_quote_on_a_network_that_allows_none",
      "simulated_quote_with_another_vendor",
    ],
    ...["simulated_quote_on_a_network_that_allows_it", "hardware_root_for_a_simulated_quote"],
  ],
  "identities of TDX modules": [
    ...["tdx_module_unknown", "tdx_module_too_old", "tdx_module_revoked", "tdx_module_mrsigner_mismatch"],
    "tdx_module_attributes_mismatch",
  ],
  "other roots than the one that is given to both": ["root_of_somebody_else"],
};
/** What it refuses although it is right. */
const unknownToThem = ["pck_chain_in_any_order", "pck_chain_in_der", "valid_sgx_v4", "valid_sgx_v5"];

let restore = (): void => undefined;
beforeAll(() => {
  restore = installSignatureKernel(rememberingSignatures(plainSignatures));
});
afterAll(() => restore());

const samples = ["dcap-qvl/sgx_quote", "dcap-qvl/tdx_quote", "dcap-qvl/tdx_quote_outdated"];
const question = (sample: string, at: string): Question => ({
  quote: read(sample),
  collateral: read(`${sample}_collateral.txt`).toString(),
  atSeconds: Date.parse(at) / 1000,
});

describe("dcap-qvl", () => {
  it.each(samples)("says the same of %s, at any time", (sample) => {
    for (const at of ["2025-06-01", "2025-07-01", "2025-09-01", "2026-03-01", "2027-01-01"]) {
      const asked = question(sample, at);
      const [found, expected] = [ours(asked), theirs(asked)];
      expect(found.ok ? found.tcbStatus : "refused", `${sample} at ${at}`).toBe(expected.status);
      if (found.ok) expect([...found.advisories].sort()).toEqual(expected.advisories);
    }
  });

  it("says the same of every case, but for what one of us does not look at", () => {
    const accepted: string[] = [];
    const refused: string[] = [];
    for (const [name, , knobs] of cases) {
      const { quote, collateral } = evidenceOf(knobs);
      const names = knobs.names ?? intelNames;
      const trust = { sgx: [pkiOf(intelNames).rootKeyId], ...knobs.trust };
      const asked = { quote, collateral, atSeconds, root: pkiOf(names).root, trust };
      const [found, expected] = [ours(asked), theirs(asked)];
      if (found.ok && expected.status === "refused") refused.push(name);
      else if (!found.ok && expected.status !== "refused") accepted.push(name);
      else if (found.ok) expect([name, found.tcbStatus]).toEqual([name, expected.status]);
    }
    expect(refused.sort()).toEqual(unknownToThem.toSorted());
    expect(accepted.sort()).toEqual(Object.values(unseenByThem).flat().toSorted());
  });

  it("refuses, as we do, every turned bit of a quote that is tried", () => {
    const asked = question("dcap-qvl/sgx_quote", "2025-07-01");
    for (let at = 0; at < 1_040; at += 37) {
      const turned = { ...asked, quote: flipped(asked.quote, at, 1 << (at % 8)) };
      const [found, expected] = [ours(turned), theirs(turned)];
      expect([found.ok, expected.status], `byte ${at}`).toEqual([false, "refused"]);
    }
  });
});
