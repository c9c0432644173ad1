/**
 * Which deals a miner takes, beyond its asks on the chain: from whom, for how long, once or twice, and what a program
 * of the operator says. The same is asked before a deal, when a client wants to know the price, and for the proposal
 * itself, so that a client hears of it before it pays anything. Pure; the program is asked elsewhere.
 */
import type { Address } from "@holdfast/base";
import type { NetworkParams } from "@holdfast/consensus";
import type { AmendmentPolicy } from "./amendment.ts";
import type { Way } from "./delivery.ts";
import { dealRefusals } from "./refusals.ts";
import { durationBounds } from "./terms.ts";

export interface DealPolicy extends AmendmentPolicy {
  /** False: no new deals; those that are there go on. */
  readonly open: boolean;
  /** Epochs; null: the network's. */
  readonly minEpochs: number | null;
  readonly maxEpochs: number | null;
  /** Not empty: nobody else. */
  readonly allow: readonly Address[];
  readonly deny: readonly Address[];
  /** Clients that the operator knows. */
  readonly verified: readonly Address[];
  readonly verifiedOnly: boolean;
  /** What they pay, in percent of the ask. */
  readonly verifiedPercent: number;
  /** Whether a client may store here twice what it stores here already. */
  readonly duplicates: boolean;
  /** Whether the data of a deal is fetched from a web server that the client names. */
  readonly http: boolean;
  /** Whether it may be carried here. */
  readonly offline: boolean;
}

export const openPolicy: DealPolicy = {
  extend: true,
  release: true,
  open: true,
  minEpochs: null,
  maxEpochs: null,
  allow: [],
  deny: [],
  verified: [],
  verifiedOnly: false,
  verifiedPercent: 100,
  duplicates: true,
  http: true,
  offline: true,
};

/** What a client wants, as far as a policy judges it. */
export interface DealWish {
  readonly client: Address;
  readonly durationEpochs: number;
  /** The end of a deal for the same file of the same client that is here already; undefined if there is none. */
  readonly storedUntil: number | undefined;
  /** How its data would come. */
  readonly way: Way;
}

export function boundsOf(policy: DealPolicy, params: NetworkParams) {
  const { minEpochs, maxEpochs } = durationBounds(params);
  return {
    minEpochs: Math.max(minEpochs, policy.minEpochs ?? minEpochs),
    maxEpochs: Math.min(maxEpochs, policy.maxEpochs ?? maxEpochs),
  };
}

/** In percent of the ask. */
export function percentFor(policy: DealPolicy, client: Address): number {
  return policy.verified.includes(client) ? policy.verifiedPercent : 100;
}

/** Each rule has its own refusal, which says what would be taken. `deal/…`. */
export function checkPolicy(policy: DealPolicy, wish: DealWish, params: NetworkParams): void {
  const { client, durationEpochs, storedUntil, way } = wish;
  if (!policy.open) throw dealRefusals.closed({});
  if (way !== "stream" && !policy[way]) throw dealRefusals.deliveryRefused({ way });
  const isKnown = policy.verified.includes(client);
  const isDenied =
    policy.deny.includes(client) || (policy.allow.length > 0 && !policy.allow.includes(client));
  if (isDenied) throw dealRefusals.clientRefused({ client });
  if (policy.verifiedOnly && !isKnown) throw dealRefusals.notVerified({ client });
  const { minEpochs, maxEpochs } = boundsOf(policy, params);
  if (durationEpochs < minEpochs || durationEpochs > maxEpochs) {
    throw dealRefusals.durationOutOfRange({ durationEpochs, minEpochs, maxEpochs });
  }
  if (storedUntil !== undefined && !policy.duplicates)
    throw dealRefusals.duplicate({ endHeight: storedUntil });
}
