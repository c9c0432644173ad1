/**
 * The init actor holds what all nodes of a network agree on: its parameters, the version of its rules, and the upgrades
 * that wait. They are written at genesis; from then on only upgrades change them, which the network's authority
 * schedules long enough before they take effect. The idea is Filecoin's (September 2019), where it held the network's
 * name only. It also makes the actors that anybody may have: multisigs.
 */
import type { Address, Blockstore, CID, Codec, Epoch } from "@holdfast/base";
import { c, encode, putObject } from "@holdfast/base";
import { codeNames } from "../types/builtins.ts";
import type { NetworkParams } from "../types/params.ts";
import { networkParamsCodec } from "../types/params.ts";
import { paramProblems } from "../types/params-rules.ts";
import type { ProtocolState, Upgrade } from "../types/upgrade.ts";
import {
  changedParams,
  firstVersion,
  maxUpgrades,
  protocolStateCodec,
  upgradeCodec,
} from "../types/upgrade.ts";
import type { ActorContext } from "../vm/context.ts";
import { vmExitCodes } from "../vm/exit-codes.ts";
import type { None } from "./kit.ts";
import { actorOf, getter, method, none, noneCodec, pay } from "./kit.ts";
import { multisigConstructorCodec } from "./multisig/index.ts";
import { maxSigners } from "./multisig/state.ts";

export type InitState = ProtocolState;
export const initStateCodec: Codec<InitState> = protocolStateCodec;

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

/** Why upgrades that wait make no network, undefined if they do: they rise, and each leaves sound parameters. */
export function upgradesProblem(
  params: NetworkParams,
  upgrades: readonly Upgrade[],
  version = firstVersion,
): string | undefined {
  if (upgrades.length > maxUpgrades) return `more than ${maxUpgrades} upgrades wait`;
  let before = { height: 0, version, params };
  for (const { height, version: next, changes } of upgrades) {
    if (height <= before.height) return "the heights of upgrades rise, from 1 on";
    if (next < before.version) return "the version of the rules never falls";
    const changed = changedParams(before.params, changes);
    const [problem] = paramProblems(changed);
    if (problem !== undefined) return `from height ${height} on not so: ${problem}`;
    before = { height, version: next, params: changed };
  }
  return undefined;
}

/** Nodes need this long to learn of it, and no reorganisation may take it back: nothing else would do. */
const noticeEpochs = (params: NetworkParams): number => params.finalityEpochs;

function schedule(ctx: ActorContext, change: (waiting: readonly Upgrade[]) => readonly Upgrade[]): None {
  const state = ctx.readState(initStateCodec);
  if (ctx.message.from !== state.params.upgradeAuthority) {
    ctx.fail(vmExitCodes.notAuthorized, "only the network's upgrade authority schedules upgrades");
  }
  const upgrades = change(state.upgrades);
  const problem = upgradesProblem(state.params, upgrades, state.version);
  if (problem !== undefined) ctx.fail(vmExitCodes.upgradeInvalid, problem);
  ctx.writeState(initStateCodec, { ...state, upgrades });
  return none;
}

function scheduleUpgrade(ctx: ActorContext, upgrade: Upgrade): None {
  const earliest = ctx.height + noticeEpochs(ctx.params);
  if (upgrade.height < earliest) {
    ctx.fail(vmExitCodes.upgradeInvalid, `an upgrade is scheduled for ${earliest} or later, to be noticed`);
  }
  const ascending = (a: Upgrade, b: Upgrade): number => a.height - b.height;
  return schedule(ctx, (waiting) => [...waiting, upgrade].sort(ascending));
}

/** The next block may already have the upgrade in force; one that is that close stays. */
function cancelUpgrade(ctx: ActorContext, { height }: { readonly height: Epoch }): None {
  return schedule(ctx, (waiting) => {
    const left = waiting.filter((upgrade) => upgrade.height !== height);
    if (left.length === waiting.length) ctx.fail(vmExitCodes.upgradeInvalid, `none waits for ${height}`);
    return left;
  });
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
  /** By the upgrade authority, `finalityEpochs` before it takes effect. `notAuthorized`, `upgradeInvalid`. */
  scheduleUpgrade: method<Upgrade, None>({
    params: upgradeCodec,
    returns: noneCodec,
    run: scheduleUpgrade,
  }),
  /** Takes back an upgrade that has not taken effect. `notAuthorized`, `upgradeInvalid`. */
  cancelUpgrade: method<{ readonly height: Epoch }, None>({
    params: c.tuple("CancelUpgrade", { height: c.epoch }),
    returns: noneCodec,
    run: cancelUpgrade,
  }),
  getProtocol: getter(protocolStateCodec, (ctx) => ctx.readState(initStateCodec)),
  getNetworkParams: getter(networkParamsCodec, (ctx) => ctx.readState(initStateCodec).params),
  getNetworkName: getter(c.text(64), (ctx) => ctx.readState(initStateCodec).params.name),
} as const;

export const initActor = actorOf(codeNames.init, initMethods);

/** The state at genesis. */
export function createInitState(
  store: Blockstore,
  params: NetworkParams,
  upgrades: readonly Upgrade[] = [],
): CID {
  return putObject(store, initStateCodec, { params, version: firstVersion, upgrades, applied: [] });
}
