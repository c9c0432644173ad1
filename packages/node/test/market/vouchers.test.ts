/** The payments of a deal: a straight line in at most 25 steps, and what a miner accepts of others' schedules. */
import { type AttoFil, attoFil, epoch } from "@holdfast/base";
import { codeThrown } from "@holdfast/base/testing";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  checkPayments,
  type DuePayment,
  longestGap,
  type PaidTime,
  paymentSchedule,
} from "../../src/market/vouchers.ts";

const times = fc.record({
  startHeight: fc.integer({ min: 0, max: 10_000_000 }),
  durationEpochs: fc.oneof(fc.integer({ min: 1, max: 100 }), fc.integer({ min: 1, max: 20_000_000 })),
  totalPrice: fc
    .oneof(fc.bigInt({ min: 1n, max: 50n }), fc.bigInt({ min: 1n, max: 10n ** 27n }))
    .map((amount): AttoFil => attoFil(amount)),
});
type Schedule = (time: PaidTime) => DuePayment[];

/** Everything that a schedule promises; throws on the first broken promise. */
function holds(schedule: Schedule, time: PaidTime): void {
  const { startHeight, durationEpochs, totalPrice } = time;
  const payments = schedule(time);
  expect(payments.length).toBeGreaterThanOrEqual(1);
  expect(payments.length).toBeLessThanOrEqual(25);
  expect(payments.at(-1)).toEqual({ amount: totalPrice, validAt: startHeight + durationEpochs });
  const first = payments[0]?.validAt ?? 0;
  expect(first).toBeGreaterThan(startHeight);
  expect(first - startHeight).toBeLessThanOrEqual(Math.max(1, Math.ceil(durationEpochs / 24) / 10));
  let before = { amount: 0n, validAt: startHeight };
  for (const { amount, validAt } of payments) {
    expect(validAt).toBeGreaterThan(before.validAt);
    expect(amount).toBeGreaterThanOrEqual(before.amount);
    // A straight line, to the attoFIL: the least whole amount at or above it.
    const exact = totalPrice * BigInt(validAt - startHeight);
    expect(amount * BigInt(durationEpochs) >= exact).toBe(true);
    expect((amount - 1n) * BigInt(durationEpochs) < exact).toBe(true);
    before = { amount, validAt };
  }
  checkPayments(time, payments);
}

describe("voucher schedule", () => {
  it("grows in a straight line to the total, in few steps, and a miner accepts it", () => {
    fc.assert(
      fc.property(times, (time) => holds(paymentSchedule, time)),
      { numRuns: 2_000 },
    );
  });

  const canaries: { readonly [name: string]: Schedule } = {
    "rounds down": (time) =>
      paymentSchedule(time).map(({ validAt }) => ({
        validAt,
        amount: attoFil((time.totalPrice * BigInt(validAt - time.startHeight)) / BigInt(time.durationEpochs)),
      })),
    "forgets the last": (time) => paymentSchedule(time).slice(0, -1),
    "has no early payment": (time) => paymentSchedule(time).slice(1),
    "counts from genesis": (time) =>
      paymentSchedule(time).map((due) => ({ ...due, validAt: epoch(due.validAt - time.startHeight) })),
    "pays every epoch": (time) => {
      const count = Math.min(time.durationEpochs, 1_000);
      const step = Math.ceil(time.durationEpochs / count);
      return Array.from({ length: count }, (_, k) =>
        paymentSchedule({ ...time, durationEpochs: step * (k + 1) }),
      )
        .map((payments) => payments.at(-1))
        .filter((last) => last !== undefined);
    },
  };
  for (const [name, broken] of Object.entries(canaries)) {
    it(`canary: a schedule that ${name} is caught`, () => {
      const caught = fc.check(
        fc.property(times, (time) => holds(broken, time)),
        { numRuns: 500 },
      );
      expect(caught.failed).toBe(true);
    });
  }

  it("is the example of a year in rounds of 30 seconds", () => {
    const year = 1_051_200;
    const schedule = paymentSchedule({
      startHeight: 100,
      durationEpochs: year,
      totalPrice: attoFil(24_000n),
    });
    expect(schedule.length).toBe(25);
    expect(schedule.slice(0, 3)).toEqual([
      { validAt: 100 + 4_380, amount: 100n },
      { validAt: 100 + 43_800, amount: 1_000n },
      { validAt: 100 + 87_600, amount: 2_000n },
    ]);
  });
});

describe("payments that a miner accepts", () => {
  const time: PaidTime = { startHeight: 1_000, durationEpochs: 2_400, totalPrice: attoFil(24_000n) };
  const due = (validAt: number, amount: bigint): DuePayment => ({
    validAt: epoch(validAt),
    amount: attoFil(amount),
  });
  const good = paymentSchedule(time);
  const codeOf = (payments: readonly DuePayment[]): string => codeThrown(() => checkPayments(time, payments));

  it("takes coarser steps and payments ahead of time", () => {
    const coarse = Array.from({ length: 8 }, (_, k) => due(1_000 + 300 * (k + 1), 3_000n * BigInt(k + 1)));
    checkPayments(time, coarse);
    checkPayments(time, [due(1_001, 24_000n)]);
    expect(longestGap(2_400)).toBe(300);
  });

  const lies: readonly [string, readonly DuePayment[]][] = [
    ["deal/no-vouchers", []],
    ["deal/voucher-order", [due(1_100, 1_000n), due(1_100, 2_000n), ...good.slice(-1)]],
    ["deal/voucher-order", [due(1_200, 2_000n), due(1_300, 1_999n)]],
    ["deal/voucher-order", [due(1_000, 24_000n)]],
    ["deal/voucher-gap", [due(1_301, 24_000n)]],
    ["deal/voucher-gap", [due(1_100, 1_000n), due(3_400, 24_000n)]],
    ["deal/voucher-too-low", [due(1_100, 999n), ...good.slice(2)]],
    ["deal/vouchers-too-late", [...good.slice(0, -1), due(3_401, 24_000n)]],
    ["deal/vouchers-too-low", [...good.slice(0, -1), due(3_400, 23_999n)]],
  ];
  for (const [index, [code, payments]] of lies.entries()) {
    it(`refuses with ${code} (${index})`, () => expect(codeOf(payments)).toBe(code));
  }
});
