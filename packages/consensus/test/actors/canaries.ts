/**
 * Code tables with one deliberately broken method: a property that does not catch them proves nothing.
 * The broken method runs the real one and adds its mistake.
 */
import type { ActorContext, ActorMethod } from "@holdfast/consensus";
import { builtinActors, CodeTable, defineActor, defineMethod, methods } from "@holdfast/consensus";

type ActorName = "broker" | "miner" | "market" | "reward" | "multisig" | "pins";
const codeNameOf = {
  broker: "paymentbroker",
  miner: "mineractor",
  market: "storagemarket",
  reward: "rewardactor",
  multisig: "multisigactor",
  pins: "pinsactor",
} as const;

/** The built-in codes with one method replaced or added. */
export function codesWith<P, R>(actor: ActorName, name: string, replacement: ActorMethod<P, R>): CodeTable {
  const codes = builtinActors.map((code) => {
    if (code.name !== codeNameOf[actor]) return code;
    const table = { ...Object.fromEntries(code.methods), [name]: defineMethod(replacement) };
    const { constructorMethod } = code;
    return defineActor({
      name: code.name,
      methods: table,
      ...(constructorMethod === undefined ? {} : { constructorMethod }),
    });
  });
  return new CodeTable(codes);
}

type BrokerMethods = (typeof methods)["broker"];
type MinerMethods = (typeof methods)["miner"];
type After<M> =
  M extends ActorMethod<infer P, infer R> ? (ctx: ActorContext, params: P, run: () => R) => R : never;

function wrap<P, R>(
  method: ActorMethod<P, R>,
  change: (ctx: ActorContext, params: P, run: () => R) => R,
): ActorMethod<P, R> {
  return { ...method, run: (ctx, params) => change(ctx, params, () => method.run(ctx, params)) };
}

export function brokenBroker<N extends keyof BrokerMethods>(
  name: N,
  change: After<BrokerMethods[N]>,
): CodeTable {
  const method = methods.broker[name] as ActorMethod<unknown, unknown>;
  return codesWith("broker", name, wrap(method, change as After<ActorMethod<unknown, unknown>>));
}

export function brokenMiner<N extends keyof MinerMethods>(
  name: N,
  change: After<MinerMethods[N]>,
): CodeTable {
  const method = methods.miner[name] as ActorMethod<unknown, unknown>;
  return codesWith("miner", name, wrap(method, change as After<ActorMethod<unknown, unknown>>));
}

type MarketMethods = (typeof methods)["market"];

export function brokenMarket<N extends keyof MarketMethods>(
  name: N,
  change: After<MarketMethods[N]>,
): CodeTable {
  const method = methods.market[name] as ActorMethod<unknown, unknown>;
  return codesWith("market", name, wrap(method, change as After<ActorMethod<unknown, unknown>>));
}

type MultisigMethods = (typeof methods)["multisig"];

export function brokenMultisig<N extends keyof MultisigMethods>(
  name: N,
  change: After<MultisigMethods[N]>,
): CodeTable {
  const method = methods.multisig[name] as ActorMethod<unknown, unknown>;
  return codesWith("multisig", name, wrap(method, change as After<ActorMethod<unknown, unknown>>));
}

type PinsMethods = (typeof methods)["pins"];

export function brokenPins<N extends keyof PinsMethods>(name: N, change: After<PinsMethods[N]>): CodeTable {
  const method = methods.pins[name] as ActorMethod<unknown, unknown>;
  return codesWith("pins", name, wrap(method, change as After<ActorMethod<unknown, unknown>>));
}
