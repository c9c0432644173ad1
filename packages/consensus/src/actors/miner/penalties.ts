/**
 * What failures cost, as fractions of what is still pledged for the sector, rounded up. A fault that is
 * declared in time costs 1 % of it for each period, one that only the proof admits 2 % more, a missed proof
 * 5 %: the earlier the truth, the cheaper. A sector that is ended before its time costs a quarter. One that stays
 * faulty is given up and its whole pledge burnt. A fee never exceeds the sector's own pledge: no miner can owe money.
 */
import type { AttoFil } from "@holdfast/base";
import { ceilDivAtto, minAtto } from "@holdfast/base";

/** Denominator of the fee for a due sector whose proof is missing at the deadline: 5 %. */
const missedProofDivisor = 20n;
/** Denominator of the fee for a due sector that a proof skips, on top of the one at the judgement: 2 %. */
const skippedSectorDivisor = 50n;
/** Denominator of the fee for each judgement at which a sector is faulty without being due: 1 %. */
const ongoingFaultDivisor = 100n;
/** Denominator of the fee for a pre-commitment that expired: 10 %. */
const expiredPreCommitDivisor = 10n;
/** Denominator of the fee for a sector that its miner ends early: 25 %. */
const terminationDivisor = 4n;
/** Denominator of the reporter's share of a pledge that is lost by a consensus fault: 5 %. */
const reporterDivisor = 20n;
/** After so many consecutive faulty judgements the sector is terminated. */
export const maxFaultyPeriods = 14;

const fraction = (pledge: AttoFil, divisor: bigint): AttoFil =>
  minAtto(pledge, ceilDivAtto(pledge, 1n, divisor));

export const missedProofFee = (pledge: AttoFil): AttoFil => fraction(pledge, missedProofDivisor);
export const skippedSectorFee = (pledge: AttoFil): AttoFil => fraction(pledge, skippedSectorDivisor);
export const ongoingFaultFee = (pledge: AttoFil): AttoFil => fraction(pledge, ongoingFaultDivisor);
export const expiredPreCommitFee = (pledge: AttoFil): AttoFil => fraction(pledge, expiredPreCommitDivisor);
export const terminationFee = (pledge: AttoFil): AttoFil => fraction(pledge, terminationDivisor);
export const reporterShare = (pledge: AttoFil): AttoFil => fraction(pledge, reporterDivisor);
