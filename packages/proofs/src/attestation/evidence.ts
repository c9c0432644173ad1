/**
 * Evidence as it travels: what an enclave's device gave, and the collateral that its owner sends with it. Whoever gets
 * it judges it with `verifyAttestation` for a time of its own and believes nothing of it before.
 */
import { type Codec, c } from "@holdfast/base";
import { type Collateral, readCollateral } from "./collateral.ts";
import { attestLimits } from "./limits.ts";
import { type EvidenceKind, evidenceKinds } from "./verdict.ts";
import { wordCodec } from "./word-codec.ts";

export interface Evidence {
  readonly kind: EvidenceKind;
  /** A quote or a report, raw. */
  readonly evidence: Uint8Array;
  /** Files as `readCollateral` takes them. */
  readonly collateral: readonly Uint8Array[];
}

export const evidenceCodec: Codec<Evidence> = c.tuple("Evidence", {
  kind: wordCodec("EvidenceKind", evidenceKinds),
  evidence: c.bytes(attestLimits.evidenceBytes),
  collateral: c.list(c.bytes(attestLimits.sentCollateralBytes), attestLimits.sentCollateralFiles),
});

/** What the files that came with evidence hold. */
export const collateralOf = ({ collateral }: Evidence): Collateral => readCollateral(collateral);
