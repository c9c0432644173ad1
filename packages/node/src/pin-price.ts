/** Prices of pinning: people name them for a GiB and a day, the chain for a GiB and a slot. */
import { type AttoFil, attoFil, filText } from "@holdfast/base";
import type { NetworkParams } from "@holdfast/consensus";

const msPerDay = 86_400_000n;

type Slots = Pick<NetworkParams, "pinSlotEpochs" | "roundMs">;

export const slotMs = ({ pinSlotEpochs, roundMs }: Slots): number => pinSlotEpochs * roundMs;

/** Rounded up, so that no price becomes nothing. */
export function pricePerSlot(perDay: AttoFil, params: Slots): AttoFil {
  return attoFil((perDay * BigInt(slotMs(params)) + msPerDay - 1n) / msPerDay);
}

export const pricePerDay = (perSlot: AttoFil, params: Slots): string =>
  filText(attoFil((perSlot * msPerDay) / BigInt(slotMs(params))));
