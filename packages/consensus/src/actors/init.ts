/**
 * The init actor holds what all nodes of a network agree on: its parameters, written at genesis and
 * never changed. The idea is Filecoin's (September 2019), where it held the network's name only.
 */
import type { Blockstore, CID, Codec } from "@holdfast/base";
import { c, putObject } from "@holdfast/base";
import { codeNames } from "../types/builtins.ts";
import type { NetworkParams } from "../types/params.ts";
import { networkParamsCodec } from "../types/params.ts";
import { actorOf, getter } from "./kit.ts";

export interface InitState {
  readonly params: NetworkParams;
}
export const initStateCodec: Codec<InitState> = c.tuple("InitState", { params: networkParamsCodec });

export const initMethods = {
  getNetworkParams: getter(networkParamsCodec, (ctx) => ctx.readState(initStateCodec).params),
  getNetworkName: getter(c.text(64), (ctx) => ctx.readState(initStateCodec).params.name),
} as const;

export const initActor = actorOf(codeNames.init, initMethods);

/** The state at genesis. */
export function createInitState(store: Blockstore, params: NetworkParams): CID {
  return putObject(store, initStateCodec, { params });
}
