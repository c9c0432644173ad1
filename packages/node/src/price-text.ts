/**
 * A price as whoever set it has said it. Prices are written down in whole attoFIL of a small unit and rounded up, so
 * what comes out of turning them back is a long number that nobody has named: of all prices that round to what is
 * written down, the shortest one is shown.
 */
import { attoFil, filText } from "@holdfast/base";

/** `stored` is the least whole number that is not below the price times `times` / `per`. */
export interface Rounded {
  readonly stored: bigint;
  readonly times: bigint;
  readonly per: bigint;
}

export const roundedUp = (price: bigint, { times, per }: Omit<Rounded, "stored">): bigint =>
  (price * times + per - 1n) / per;

export function shortestPrice({ stored, times, per }: Rounded): string {
  const most = (stored * per) / times;
  const below = ((stored - 1n) * per) / times;
  let unit = 10n ** BigInt(most.toString().length);
  while (unit > 1n && (most / unit) * unit <= below) unit /= 10n;
  return filText(attoFil((most / unit) * unit));
}
