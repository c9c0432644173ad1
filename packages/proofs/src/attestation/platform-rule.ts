/**
 * What a network asks of the platforms that one of its programs runs on, beside that they are genuine. The applicant
 * brings the collateral, so after a recovery of the TCB an older document, which holds for weeks yet, would still call
 * its platform up to date; AMD says nothing of a firmware but its versions. Both floors are the network's to set.
 */
import { type Codec, c } from "@holdfast/base";
import { type TcbStatus, tcbStatuses } from "./dcap/tcb-level.ts";
import { attestLimits } from "./limits.ts";
import { type AttestPolicy, defaultPolicy } from "./policy.ts";
import { type FirmwareFloor, snpLines } from "./snp/endorsement.ts";
import { wordCodec } from "./word-codec.ts";

/** What a rule may take: a platform that is revoked is nobody's to take. */
const takenStatuses = tcbStatuses.filter((status) => status !== "Revoked");
type TakenStatus = Exclude<TcbStatus, "Revoked">;

export interface PlatformRule {
  /** Intel: TCB info and identity of this evaluation (`tcbEvaluationDataNumber`) or a later one; 0: of any. */
  readonly leastTcbEvaluation: number;
  /** Intel: what may be said of the platform; none: what the policy takes anyway. */
  readonly tcbStatuses: readonly TakenStatus[];
  /** AMD: the least versions of firmware, one line of products each, and no other line; none: any. */
  readonly leastFirmware: readonly FirmwareFloor[];
}

export const anyPlatform: PlatformRule = Object.freeze({
  leastTcbEvaluation: 0,
  tcbStatuses: [],
  leastFirmware: [],
});

const svn = c.uint(255);

export const platformRuleCodec: Codec<PlatformRule> = c.tuple("PlatformRule", {
  leastTcbEvaluation: c.uint(attestLimits.tcbEvaluations),
  tcbStatuses: c.list(wordCodec("TakenStatus", takenStatuses), takenStatuses.length),
  leastFirmware: c.list(
    c.tuple("FirmwareFloor", {
      ...{ line: wordCodec("SnpLine", snpLines), fmc: svn, bl: svn, tee: svn, snp: svn, ucode: svn },
    }),
    snpLines.length,
  ),
});

/** What is asked of every node of a network, and by this rule besides. */
export function admissionPolicy(rule: PlatformRule): Partial<AttestPolicy> {
  const { leastTcbEvaluation, leastFirmware } = rule;
  return {
    leastTcbEvaluation,
    leastFirmware,
    allowedStatuses: rule.tcbStatuses.length === 0 ? defaultPolicy.allowedStatuses : rule.tcbStatuses,
    // What is left out is AMD's list of what it revoked: whoever is on it would leave it out.
    snpListRequired: true,
    mostVmpl: 0,
  };
}
