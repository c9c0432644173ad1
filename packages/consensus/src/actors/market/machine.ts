/**
 * A deal on the chain as a state machine, pure: which status follows of itself, when, and what that costs whom; who
 * has to act in each status, until when, and how the money gets out. The market actor is driven by it, and the nodes
 * of both sides reckon with it (Filecoin's market actor v8 has the same ends, but no release and no client's duty).
 */
import type { AttoFil, Epoch } from "@holdfast/base";
import { addEpochs, ceilDivAtto, subAtto, zeroAtto } from "@holdfast/base";
import { percentOf } from "../../types/deal.ts";
import type { NetworkParams } from "../../types/params.ts";
import type { Deal, DealStatus } from "./book.ts";

/** What of a collateral a party loses when a deal ends so. */
export interface DealLoss {
  readonly provider: AttoFil;
  /** Of that, what the client gets; the rest is burnt. */
  readonly toClient: AttoFil;
  readonly burnt: AttoFil;
  /** Of the client's, which the provider gets. */
  readonly client: AttoFil;
}

type LossParams = Pick<NetworkParams, "lateStartPercent" | "lostCollateralClientPercent">;
type Collaterals = Pick<Deal, "clientCollateral" | "providerCollateral">;

/** What an end costs; nothing for the ends that nobody has to answer for. */
export function lossOf(status: DealStatus, deal: Collaterals, params: LossParams): DealLoss {
  const none = { provider: zeroAtto, toClient: zeroAtto, burnt: zeroAtto, client: zeroAtto };
  if (status === "broken") return { ...none, client: deal.clientCollateral };
  const { providerCollateral: all } = deal;
  const provider =
    status === "lost" ? all : status === "late" ? percentOf(all, params.lateStartPercent) : zeroAtto;
  const burnt = ceilDivAtto(provider, BigInt(100 - params.lostCollateralClientPercent), 100n);
  return { ...none, provider, burnt, toClient: subAtto(provider, burnt) };
}

/** What is known of a deal's sectors and of the chain when somebody looks at the deal. */
export interface DealMoment {
  readonly height: Epoch;
  /** When the first of its sectors was lost; null if none was. */
  readonly lostAt: Epoch | null;
  /** The chain itself stood still when the deal had to start. */
  readonly stoodStill: boolean;
}
export interface DealEnd {
  readonly status: "late" | "lost" | "complete";
  readonly loss: DealLoss;
}

type Dated = Pick<Deal, "status" | "startBy" | "endHeight">;

/**
 * The end to which a deal has come by itself; undefined while it goes on, or when it was over before. What happens
 * depends on what was recorded and not on when it is looked at.
 */
export function dueEnd(
  deal: Dated & Collaterals,
  moment: DealMoment,
  params: LossParams,
): DealEnd | undefined {
  const { height, lostAt, stoodStill } = moment;
  const end = (status: DealEnd["status"], cost: DealStatus = status): DealEnd => {
    return { status, loss: lossOf(cost, deal, params) };
  };
  if (deal.status === "published") {
    // The chain standing still at `startBy` is nobody's fault.
    return height > deal.startBy ? end("late", stoodStill ? "complete" : "late") : undefined;
  }
  if (deal.status !== "active") return undefined;
  if (lostAt !== null && lostAt < deal.endHeight) return end("lost");
  return height >= deal.endHeight ? end("complete") : undefined;
}

/** The last height at which the miner has kept its part so far: in time to start, or with its sectors in place. */
export function holdsUntil({ status, startBy, endHeight }: Dated): Epoch {
  return status === "published" ? startBy : addEpochs(endHeight, -1);
}

export interface DealDuty {
  /** Who has to act; "chain": nobody, it happens of itself. */
  readonly owner: "miner" | "client" | "chain";
  readonly duty: string;
  readonly deadline: "startBy" | "endHeight" | "settlement";
  /** What the chain does at the deadline. */
  readonly next: DealStatus | "gone";
  /** How the money that is locked, or paid in, gets out. */
  readonly money: string;
}

const settlement = {
  deadline: "settlement",
  next: "gone",
} as const;

/** Every status has an owner, a deadline, and a way out of the money. */
export const dealDuties: { readonly [Status in DealStatus]: DealDuty } = {
  published: {
    owner: "miner",
    duty: "bring all sectors onto the chain and start the deal",
    deadline: "startBy",
    next: "late",
    money: "late: the client has its collateral and a share of the miner's, and its channel back",
  },
  active: {
    owner: "miner",
    duty: "keep the sectors proven to the end",
    deadline: "endHeight",
    next: "complete",
    money: "the miner redeems what is earned; a lost sector gives the client the miner's collateral",
  },
  complete: {
    ...settlement,
    owner: "miner",
    duty: "redeem the last voucher",
    money: "both collaterals are free; what was not redeemed is the client's after the channel's end",
  },
  lost: {
    ...settlement,
    owner: "client",
    duty: "take the collateral and the channel back",
    money: "the client has its collateral and a share of the miner's",
  },
  late: {
    ...settlement,
    owner: "client",
    duty: "take the collateral and the channel back",
    money: "the client has its collateral and a share of what the miner lost",
  },
  broken: {
    ...settlement,
    owner: "miner",
    duty: "take both collaterals out",
    money: "the client's collateral is the miner's; the rest of the channel is the client's",
  },
  released: {
    ...settlement,
    owner: "miner",
    duty: "redeem the voucher of the early end",
    money: "both collaterals are free; what was not earned is the client's",
  },
};
