/**
 * The init actor holds what all nodes of a network agree on: its parameters, written at genesis and
 * never changed. The idea is Filecoin's (September 2019), where it held the network's name only. It also makes
 * the actors that anybody may have: multisigs.
 */
import type { Address, Blockstore, CID, Codec } from "@holdfast/base";
import { c, encode, putObject } from "@holdfast/base";
import { codeNames } from "../types/builtins.ts";
import type { NetworkParams } from "../types/params.ts";
import { networkParamsCodec } from "../types/params.ts";
import type { ActorContext } from "../vm/context.ts";
import { vmExitCodes } from "../vm/exit-codes.ts";
import { actorOf, getter, method, pay } from "./kit.ts";
import { multisigConstructorCodec } from "./multisig/index.ts";
import { maxSigners } from "./multisig/state.ts";

export interface InitState {
  readonly params: NetworkParams;
}
export const initStateCodec: Codec<InitState> = c.tuple("InitState", { params: networkParamsCodec });

export interface CreateMultisig {
  readonly signers: readonly Address[];
  /** How many of them must approve. */
  readonly threshold: number;
  /** The value becomes free evenly over so many epochs; 0: at once. */
  readonly unlockEpochs: number;
}
const createMultisigCodec: Codec<CreateMultisig> = c.tuple("CreateMultisig", {
  signers: c.list(c.address, maxSigners),
  threshold: c.uint(maxSigners),
  unlockEpochs: c.uint(),
});

function createMultisig(ctx: ActorContext, { signers, threshold, unlockEpochs }: CreateMultisig): Address {
  const { value } = ctx.message;
  if (unlockEpochs > 0 && value === 0n)
    ctx.fail(vmExitCodes.lockInvalid, "nothing is sent that could be locked");
  const lock = unlockEpochs === 0 ? null : { amount: value, start: ctx.height, durationEpochs: unlockEpochs };
  const address = ctx.addressForNewActor();
  ctx.createNewActor(
    address,
    codeNames.multisig,
    encode(multisigConstructorCodec, { signers, threshold, lock }),
  );
  pay(ctx, address, value);
  return address;
}

export const initMethods = {
  /**
   * Makes a multisig with the value as its first balance; returns its address. `signersInvalid`,
   * `thresholdInvalid`, `lockInvalid`.
   */
  createMultisig: method<CreateMultisig, Address>({
    params: createMultisigCodec,
    returns: c.address,
    payable: true,
    run: createMultisig,
  }),
  getNetworkParams: getter(networkParamsCodec, (ctx) => ctx.readState(initStateCodec).params),
  getNetworkName: getter(c.text(64), (ctx) => ctx.readState(initStateCodec).params.name),
} as const;

export const initActor = actorOf(codeNames.init, initMethods);

/** The state at genesis. */
export function createInitState(store: Blockstore, params: NetworkParams): CID {
  return putObject(store, initStateCodec, { params });
}
