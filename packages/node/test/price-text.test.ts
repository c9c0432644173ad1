/**
 * Prices are shown as they were said: what is shown rounds to what is written down, and nothing shorter does. Division
 * alone would show 0.0100000000000008 for 0.01.
 */
import { attoFil, parseFil } from "@holdfast/base";
import fc from "fast-check";
import { expect, it } from "vitest";
import { pricePerDay, pricePerSlot } from "../src/pin-price.ts";
import { roundedUp, shortestPrice } from "../src/price-text.ts";

const day = 86_400_000n;
const GiB = 2n ** 30n;

it("a price of pinning for a day is shown as it was said, whatever slots are", () => {
  for (const said of ["0.01", "0.02", "1", "0.123456", "31.5", "0.000001"]) {
    for (const roundMs of [100, 777, 1_000, 30_000]) {
      const params = { pinSlotEpochs: 20, roundMs };
      expect(pricePerDay(pricePerSlot(parseFil(said), params), params)).toBe(said);
    }
  }
  const params = { pinSlotEpochs: 7, roundMs: 1_000 };
  expect(pricePerDay(attoFil(0n), params)).toBe("0");
});

it("an ask is shown as it was said, though it is written down for a byte and a round", () => {
  const ratio = { times: 1_000n, per: GiB * day };
  const shown = (said: string): string =>
    shortestPrice({ stored: roundedUp(parseFil(said), ratio), ...ratio });
  expect(["0.01", "0.5", "2"].map(shown)).toEqual(["0.01", "0.5", "2"]);
});

it("what is shown rounds to what is written down, and is no longer than what was said", () => {
  const ratios = fc.record({ times: fc.bigInt(1n, 10n ** 9n), per: fc.bigInt(1n, 10n ** 18n) });
  const length = (amount: bigint): number => amount.toString().replace(/0+$/, "").length;
  fc.assert(
    fc.property(fc.bigInt(1n, 10n ** 24n), ratios, (said, ratio) => {
      const stored = roundedUp(said, ratio);
      const shown = parseFil(shortestPrice({ stored, ...ratio }));
      expect(roundedUp(shown, ratio)).toBe(stored);
      expect(length(shown)).toBeLessThanOrEqual(length(said));
    }),
    { seed: 11 },
  );
});
