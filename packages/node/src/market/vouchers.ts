/**
 * The payments of a deal: vouchers that grow in a straight line from its start to its end (go-filecoin 2019).
 * The first is due soon, so that both sides see early that paying works; the last covers all. What a miner
 * accepts is wider than what a client makes: other clients may cut otherwise.
 */
import { type AttoFil, assert, attoFil, ceilDivAtto, type Epoch, epoch } from "@holdfast/base";
import { dealRefusals } from "./refusals.ts";

export interface DuePayment {
  /** Cumulative. */
  readonly amount: AttoFil;
  readonly validAt: Epoch;
}
export interface PaidTime {
  readonly startHeight: number;
  /** At least 1. */
  readonly durationEpochs: number;
  /** More than nothing. */
  readonly totalPrice: AttoFil;
}

/** Even steps of a schedule; with the early first one a deal has at most one voucher more. */
const steps = 24;
/** The first voucher is due after this share of a step. */
const earlyShare = 10;
/** A miner accepts steps that are this many times longer than ours. */
const gapTolerance = 3;

/** What is due by `validAt`, rounded up. */
function dueAt({ startHeight, durationEpochs, totalPrice }: PaidTime, validAt: number): AttoFil {
  return ceilDivAtto(totalPrice, BigInt(validAt - startHeight), BigInt(durationEpochs));
}

/** At most 25 payments, ascending by time; the last is at the end and covers the total. */
export function paymentSchedule(time: PaidTime): DuePayment[] {
  const { startHeight, durationEpochs, totalPrice } = time;
  assert(durationEpochs >= 1 && totalPrice > 0n, "a deal has a duration and a price");
  const step = Math.ceil(durationEpochs / steps);
  const end = startHeight + durationEpochs;
  const points = new Set<number>([startHeight + Math.max(1, Math.floor(step / earlyShare))]);
  for (let at = startHeight + step; at < end; at += step) points.add(at);
  points.add(end);
  return [...points].map((at) => ({ validAt: epoch(at), amount: dueAt(time, at) }));
}

/** The longest time without a payment that a miner accepts. */
export function longestGap(durationEpochs: number): number {
  return gapTolerance * Math.ceil(durationEpochs / steps);
}

/**
 * Whether a miner can live with these payments; says nothing about signatures. `deal/no-vouchers`,
 * `deal/voucher-order`, `deal/voucher-gap`, `deal/voucher-too-low`, `deal/vouchers-too-late`,
 * `deal/vouchers-too-low`.
 */
export function checkPayments(time: PaidTime, payments: readonly DuePayment[]): void {
  const { startHeight, durationEpochs, totalPrice } = time;
  const last = payments.at(-1);
  if (last === undefined) throw dealRefusals.noVouchers({});
  const maxEpochs = longestGap(durationEpochs);
  let before: { readonly amount: bigint; readonly validAt: number } = { amount: 0n, validAt: startHeight };
  for (const [index, { amount, validAt }] of payments.entries()) {
    if (validAt <= before.validAt || amount < before.amount) throw dealRefusals.voucherOrder({ index });
    const gapEpochs = validAt - before.validAt;
    if (gapEpochs > maxEpochs) throw dealRefusals.voucherGap({ index, gapEpochs, maxEpochs });
    const expected = dueAt(time, Math.min(validAt, startHeight + durationEpochs));
    if (index < payments.length - 1 && amount < expected) {
      throw dealRefusals.voucherTooLow({ index, amount: amount.toString(), expected: expected.toString() });
    }
    before = { amount, validAt };
  }
  const endHeight = startHeight + durationEpochs;
  if (last.validAt > endHeight) throw dealRefusals.vouchersTooLate({ validAt: last.validAt, endHeight });
  if (last.amount < totalPrice) {
    throw dealRefusals.vouchersTooLow({ amount: last.amount.toString(), total: totalPrice.toString() });
  }
}

/** What the time up to `height` comes to between two payments, rounded up. */
export function earnedBy(payments: readonly DuePayment[], startHeight: number, height: number): AttoFil {
  let [amount, since]: [bigint, number] = [0n, startHeight];
  for (const next of payments) {
    if (next.validAt > height) {
      const passed = BigInt(Math.max(0, height - since));
      const more = attoFil(next.amount - amount);
      return attoFil(amount + ceilDivAtto(more, passed, BigInt(Math.max(1, next.validAt - since))));
    }
    [amount, since] = [next.amount, next.validAt];
  }
  return attoFil(amount);
}
