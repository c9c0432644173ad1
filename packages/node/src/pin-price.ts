/** Prices of pinning: people name them for a GiB and a day, the chain for a GiB and a slot. */
import { type AttoFil, attoFil } from "@holdfast/base";
import type { NetworkParams } from "@holdfast/consensus";
import { roundedUp, shortestPrice } from "./price-text.ts";

const msPerDay = 86_400_000n;

type Slots = Pick<NetworkParams, "pinSlotEpochs" | "roundMs">;

export const slotMs = ({ pinSlotEpochs, roundMs }: Slots): number => pinSlotEpochs * roundMs;

const ratio = (params: Slots) => ({ times: BigInt(slotMs(params)), per: msPerDay });

/** Rounded up, so that no price becomes nothing. */
export const pricePerSlot = (perDay: AttoFil, params: Slots): AttoFil =>
  attoFil(roundedUp(perDay, ratio(params)));

export const pricePerDay = (perSlot: AttoFil, params: Slots): string =>
  shortestPrice({ stored: perSlot, ...ratio(params) });
