/**
 * What failures cost, as fractions of what is still pledged for the sector, rounded up. A missed proof
 * costs five times a declared fault, so that honesty pays; a sector that stays faulty is given up and its
 * whole pledge burnt. A fee never exceeds the sector's own pledge: no miner can owe money.
 */
import type { AttoFil } from "@holdfast/base";
import { ceilDivAtto, minAtto } from "@holdfast/base";

/** Denominator of the fee for a due sector whose proof is missing at the deadline: 5 %. */
const missedProofDivisor = 20n;
/** Denominator of the fee for each deadline at which a sector is faulty without being due: 1 %. */
const ongoingFaultDivisor = 100n;
/** Denominator of the fee for a pre-commitment that expired: 10 %. */
const expiredPreCommitDivisor = 10n;
/** Denominator of the reporter's share of a pledge that is lost by a consensus fault: 5 %. */
const reporterDivisor = 20n;
/** After so many consecutive faulty deadlines the sector is terminated. */
export const maxFaultyPeriods = 14;

const fraction = (pledge: AttoFil, divisor: bigint): AttoFil =>
  minAtto(pledge, ceilDivAtto(pledge, 1n, divisor));

export const missedProofFee = (pledge: AttoFil): AttoFil => fraction(pledge, missedProofDivisor);
export const ongoingFaultFee = (pledge: AttoFil): AttoFil => fraction(pledge, ongoingFaultDivisor);
export const expiredPreCommitFee = (pledge: AttoFil): AttoFil => fraction(pledge, expiredPreCommitDivisor);
export const reporterShare = (pledge: AttoFil): AttoFil => fraction(pledge, reporterDivisor);
