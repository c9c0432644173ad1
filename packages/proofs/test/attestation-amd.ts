/** An AMD of tests for each line of products, made once; a knob for everything that can be wrong with its evidence. */
import { concatBytes, utf8Bytes } from "@holdfast/base";
import {
  type AttestPolicy,
  readCollateral,
  type TrustAnchors,
  type Verdict,
  verifyAttestation,
} from "@holdfast/proofs/attestation";
import {
  type Amd,
  type AmdRequest,
  type EndorsementFields,
  makeAmd,
  type SnpFields,
} from "@holdfast/proofs/attestation/software";
import { atSeconds, validity } from "./attestation-world.ts";

type Line = AmdRequest["line"];
const seed = utf8Bytes("an AMD of tests");
const known = new Map<Line, Amd>();
export function amdOf(line: Line = "Milan"): Amd {
  const amd = known.get(line) ?? makeAmd({ seed, line, validity });
  known.set(line, amd);
  return amd;
}
export const amdTrust = (line: Line = "Milan"): Partial<TrustAnchors> => ({
  snp: { [line]: [amdOf(line).rootKeyId] },
});

export interface SnpCase {
  readonly line?: Line;
  readonly report?: SnpFields;
  readonly key?: EndorsementFields;
  /** Changes the signed report. */
  readonly bend?: (report: Uint8Array) => void;
  readonly collateral?: readonly Uint8Array[];
  readonly table?: Uint8Array;
  readonly policy?: Partial<AttestPolicy>;
  readonly trust?: Partial<TrustAnchors>;
  readonly at?: number;
}

/** The three certificates that a report is judged by, and more. */
export function amdFiles(
  key: EndorsementFields = {},
  line: Line = "Milan",
  ...more: readonly Uint8Array[]
): readonly Uint8Array[] {
  const amd = amdOf(line);
  return [amd.endorsement(key), amd.authority, amd.root, ...more];
}

export function snpVerdict({ line = "Milan", report, key, bend, table, ...given }: SnpCase = {}): Verdict {
  const made = amdOf(line).report(report);
  bend?.(made);
  return verifyAttestation({
    evidence: table === undefined ? made : concatBytes(made, table),
    collateral: readCollateral(given.collateral ?? amdFiles(key, line)),
    atSeconds: given.at ?? atSeconds,
    trust: given.trust ?? amdTrust(line),
    ...(given.policy && { policy: given.policy }),
  });
}
