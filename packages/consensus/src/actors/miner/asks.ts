/** Asks: the prices at which a miner offers storage. They bind nobody; a deal names its own price. */
import type { AttoFil, Codec } from "@holdfast/base";
import { addEpochs, c } from "@holdfast/base";
import { maxCollateralPercent } from "../../types/params.ts";
import type { ActorContext } from "../../vm/context.ts";
import { vmExitCodes } from "../../vm/exit-codes.ts";
import { readAsOperator, readMiner, writeMiner } from "./access.ts";
import type { Ask } from "./state.ts";
import { loadAsks, maxAsks } from "./state.ts";

/** Longest life of an ask (epochs). */
const maxAskEpochs = 2 ** 32;

export interface AddAsk {
  readonly pricePerBytePerEpoch: AttoFil;
  readonly minBytes: number;
  readonly maxBytes: number;
  /** Percent of the price, no less than the network's shares. */
  readonly providerCollateralPercent: number;
  readonly clientCollateralPercent: number;
  /** The ask holds for this many epochs from now on. */
  readonly expiresAfterEpochs: number;
}
export const addAskCodec: Codec<AddAsk> = c.tuple("AddAsk", {
  pricePerBytePerEpoch: c.attoFil,
  minBytes: c.uint(),
  maxBytes: c.uint(),
  providerCollateralPercent: c.uint(),
  clientCollateralPercent: c.uint(),
  expiresAfterEpochs: c.uint(),
});

/** Stores an ask and forgets the expired ones; returns its id. `notWorker`, `askInvalid`. */
export function addAsk(ctx: ActorContext, given: AddAsk): number {
  const state = readAsOperator(ctx);
  const { pricePerBytePerEpoch, minBytes, maxBytes, expiresAfterEpochs } = given;
  if (pricePerBytePerEpoch < 0n) ctx.fail(vmExitCodes.askInvalid, "a price is not negative");
  if (minBytes > maxBytes) ctx.fail(vmExitCodes.askInvalid, "minBytes is above maxBytes");
  if (expiresAfterEpochs < 1 || expiresAfterEpochs > maxAskEpochs) {
    ctx.fail(vmExitCodes.askInvalid, `an ask holds for 1 to ${maxAskEpochs} epochs`);
  }
  checkCollaterals(ctx, given);
  const asks = loadAsks(ctx.store, state);
  const expired = [...asks.entries()].filter(([, ask]) => ask.expiry <= ctx.height);
  for (const [askId] of expired) asks.delete(askId);
  if (asks.count >= maxAsks) ctx.fail(vmExitCodes.askInvalid, `a miner keeps at most ${maxAsks} asks`);
  const askId = state.nextAskId;
  const expiry = addEpochs(ctx.height, expiresAfterEpochs);
  const { providerCollateralPercent, clientCollateralPercent } = given;
  const shares = { providerCollateralPercent, clientCollateralPercent };
  asks.set(askId, { askId, pricePerBytePerEpoch, minBytes, maxBytes, ...shares, expiry });
  writeMiner(ctx, { ...state, asks: asks.flush(), nextAskId: askId + 1 });
  return askId;
}

/** No less than the network asks for; of the client no more than the price, which no deal may lock. */
function checkCollaterals(ctx: ActorContext, given: AddAsk): void {
  const { minProviderCollateralPercent, minClientCollateralPercent } = ctx.params;
  const { providerCollateralPercent, clientCollateralPercent } = given;
  const mostOfClient = Math.max(100, minClientCollateralPercent);
  const isBounded =
    providerCollateralPercent >= minProviderCollateralPercent &&
    providerCollateralPercent <= maxCollateralPercent &&
    clientCollateralPercent >= minClientCollateralPercent &&
    clientCollateralPercent <= mostOfClient;
  if (isBounded) return;
  const ofProvider = `${minProviderCollateralPercent} to ${maxCollateralPercent} % of the provider`;
  const ofClient = `${minClientCollateralPercent} to ${mostOfClient} % of the client`;
  ctx.fail(vmExitCodes.askInvalid, `a deal may lock ${ofProvider} and ${ofClient}`);
}

/** The asks that hold at this height, in the order of their ids. */
export function getAsks(ctx: ActorContext): readonly Ask[] {
  const asks = [...loadAsks(ctx.store, readMiner(ctx)).entries()].map(([, ask]) => ask);
  return asks.filter((ask) => ask.expiry > ctx.height);
}

/** One ask; `askNotFound` if there is none or it has expired. */
export function getAsk(ctx: ActorContext, { askId }: { readonly askId: number }): Ask {
  const state = readMiner(ctx);
  // Ids are given out in sequence; a greater one may not even be an index of a list.
  const ask = askId < state.nextAskId ? loadAsks(ctx.store, state).get(askId) : undefined;
  if (ask === undefined || ask.expiry <= ctx.height) {
    return ctx.fail(vmExitCodes.askNotFound, `there is no ask ${askId}`);
  }
  return ask;
}
