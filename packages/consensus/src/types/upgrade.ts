/**
 * Upgrades of a network: from a height on, other constants, another version of the rules, or both. They stand in
 * the init actor's state before they take effect, so which rules hold at a height follows from the parent state
 * alone: a reorganisation over an upgrade needs no rule of its own, and a program that does not know the version
 * sees in time that it will have to stop.
 */
import type { Blockstore, CID, Codec, Epoch } from "@holdfast/base";
import { c, decode, getEncoded } from "@holdfast/base";
import { changedGas, type GasChanges, gasChangesCodec } from "./gas.ts";
import type { NetworkParams } from "./params.ts";
import { maxEpochs, maxSize, networkParamsCodec } from "./params.ts";

/**
 * What an upgrade may change. The rest stays for ever: the shape of the proving period lies in every miner's state,
 * the length of a round in every timestamp, finality in what was already called final.
 */
const changeFields = {
  blockReward: c.nullable(c.attoFil),
  minPledgePerSector: c.nullable(c.attoFil),
  blockGasLimit: c.nullable(c.uint(maxSize)),
  maxMessageBytes: c.nullable(c.uint(maxSize)),
  maxBlockMessages: c.nullable(c.uint(maxSize)),
  channelCancelDelayEpochs: c.nullable(c.uint(maxEpochs)),
  minSectorLifetimeEpochs: c.nullable(c.uint(maxEpochs)),
  maxSectorLifetimeEpochs: c.nullable(c.uint(maxEpochs)),
  preCommitExpiryEpochs: c.nullable(c.uint(maxEpochs)),
  gas: c.nullable(gasChangesCodec),
} as const;

export type ChangeableParam = keyof typeof changeFields;
export const changeableParams = Object.keys(changeFields) as readonly ChangeableParam[];

/** A constant that is null stays as it is; of the prices of gas, each by itself. */
export type ParamChanges = {
  readonly [Name in ChangeableParam]: (Name extends "gas" ? GasChanges : NetworkParams[Name]) | null;
};

export const noChanges: ParamChanges = {
  blockReward: null,
  minPledgePerSector: null,
  blockGasLimit: null,
  maxMessageBytes: null,
  maxBlockMessages: null,
  channelCancelDelayEpochs: null,
  minSectorLifetimeEpochs: null,
  maxSectorLifetimeEpochs: null,
  preCommitExpiryEpochs: null,
  gas: null,
};

export interface Upgrade {
  /** The first height to which it applies, its own block included. */
  readonly height: Epoch;
  /** Version of the rules from there on; the present one if only constants change. */
  readonly version: number;
  readonly changes: ParamChanges;
}

/** Upgrades that wait, and those that are remembered: more than one a week for a year. */
export const maxUpgrades = 64;
/** Versions are counted from 1, which a genesis begins with. */
export const maxVersion: number = 2 ** 16;
export const firstVersion = 1;

export const paramChangesCodec: Codec<ParamChanges> = c.tuple("ParamChanges", changeFields);
export const upgradeCodec: Codec<Upgrade> = c.tuple("Upgrade", {
  height: c.epoch,
  version: c.uint(maxVersion),
  changes: paramChangesCodec,
});

/** What the init actor holds: the rules in force, what will change them, and what has. */
export interface ProtocolState {
  readonly params: NetworkParams;
  readonly version: number;
  /** In ascending order of heights; none of them has taken effect. */
  readonly upgrades: readonly Upgrade[];
  /** In ascending order of heights, the newest `maxUpgrades` of those that have taken effect. */
  readonly applied: readonly Upgrade[];
}

export const protocolStateCodec: Codec<ProtocolState> = c.tuple("InitState", {
  params: networkParamsCodec,
  version: c.uint(maxVersion),
  upgrades: c.list(upgradeCodec, maxUpgrades),
  applied: c.list(upgradeCodec, maxUpgrades),
});

/**
 * Of each store the object that was decoded last: every head asks, and only upgrades make another. With the store it
 * goes, so that nothing is shared between networks and nothing stays.
 */
const decodedProtocols = new WeakMap<Blockstore, { readonly cid: CID; readonly protocol: ProtocolState }>();

/** The object of a CID; it is read from the store each time, which may not have it. */
export function readProtocolObject(store: Blockstore, cid: CID): ProtocolState {
  const bytes = getEncoded(store, cid);
  const known = decodedProtocols.get(store);
  if (known?.cid.equals(cid) === true) return known.protocol;
  const protocol = frozen(decode(protocolStateCodec, bytes));
  decodedProtocols.set(store, { cid, protocol });
  return protocol;
}

/** Who is given it may be anybody. */
function frozen<T extends object>(value: T): T {
  for (const part of Object.values(value)) {
    if (typeof part === "object" && part !== null && !ArrayBuffer.isView(part)) frozen(part);
  }
  return Object.freeze(value);
}

/** The parameters with one upgrade's changes. */
export function changedParams(params: NetworkParams, changes: ParamChanges): NetworkParams {
  const { gas, ...plain } = changes;
  const set = Object.entries(plain).filter(([, value]) => value !== null);
  return {
    ...params,
    ...Object.fromEntries(set),
    gas: gas === null ? params.gas : changedGas(params.gas, gas),
  };
}

/** What holds at a height: everything due is in force. Migrations of the state are not done here. */
export function protocolAt(state: ProtocolState, height: number): ProtocolState {
  const due = state.upgrades.filter((upgrade) => upgrade.height <= height);
  return due.reduce(
    ({ params, version, upgrades, applied }, upgrade) => ({
      params: changedParams(params, upgrade.changes),
      version: Math.max(version, upgrade.version),
      upgrades: upgrades.slice(1),
      applied: [...applied, upgrade].slice(-maxUpgrades),
    }),
    state,
  );
}
