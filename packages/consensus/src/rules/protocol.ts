/**
 * Which rules hold at a height. They follow from the parent state alone: whatever upgrade is due there is in force for
 * the whole block, and the first block at or above its height writes it into the state and migrates. A state that asks
 * for a version this program does not know is not executed at all.
 */
import type { Blockstore, CID, Epoch } from "@holdfast/base";
import { assert, putObject } from "@holdfast/base";
import { upgradeErrors } from "../errors.ts";
import { builtinAddresses } from "../types/builtins.ts";
import type { NetworkParams } from "../types/params.ts";
import type { ProtocolState, Upgrade } from "../types/upgrade.ts";
import { protocolAt, protocolStateCodec, readProtocolObject } from "../types/upgrade.ts";
import { readProtocol } from "../views/actors.ts";
import type { Env } from "../vm/env.ts";
import type { Machine } from "../vm/machine.ts";
import { createMachine } from "../vm/machine.ts";
import { builtinProtocols, codesAt, knownVersion, migrate, type Protocols } from "../vm/protocols.ts";
import type { StateTree } from "../vm/state-tree.ts";

/**
 * The first upgrade at or below a height whose version the program does not know; undefined if it can go there. A state
 * that is above the program already counts as an upgrade at its own height.
 */
export function unknownUpgrade(
  { version, upgrades, applied }: ProtocolState,
  protocols: Protocols | undefined,
  height: number,
): Upgrade | undefined {
  const known = knownVersion(protocols);
  const all = version > known ? [...applied, ...upgrades] : upgrades;
  return all.find((upgrade) => upgrade.version > known && upgrade.height <= height);
}

/** The environment at a height above a state. `upgrade/unknown-version`. */
export function envAt(store: Blockstore, state: CID, env: Env, height: number): Env {
  const held = readProtocol(store, state);
  refuseUnknown(held, env, height);
  return { ...env, params: protocolAt(held, height).params };
}

function refuseUnknown(held: ProtocolState, { protocols }: Env, height: number): void {
  const unknown = unknownUpgrade(held, protocols, height);
  if (unknown === undefined) return;
  throw upgradeErrors.unknownVersion({
    version: unknown.version,
    height: unknown.height,
    known: knownVersion(protocols),
  });
}

/** Actors are given them, and nobody changes them but an upgrade. */
function frozen(params: NetworkParams): NetworkParams {
  for (const one of [params.gas, params.sectorClasses, ...params.sectorClasses]) Object.freeze(one);
  return Object.freeze(params);
}

/**
 * A machine on a state with everything done that is due at its height. `upgrade/unknown-version`,
 * `upgrade/migration-too-large`.
 */
export function createMachineAt(tree: StateTree, env: Env, height: Epoch): Machine {
  const { init } = builtinAddresses(env.params.networkByte);
  const record = tree.get(init);
  assert(record?.head !== null && record?.head !== undefined, "a state has an init actor");
  const held = readProtocolObject(tree.objects, record.head);
  refuseUnknown(held, env, height);
  const now = protocolAt(held, height);
  const protocols = env.protocols ?? builtinProtocols;
  if (now.applied !== held.applied) {
    tree.set(init, { ...record, head: putObject(tree.objects, protocolStateCodec, now) });
    migrate(tree, { protocols, from: held.version, to: now.version }, { height, params: now.params });
  }
  const codes = codesAt(protocols, now.version);
  const inForce = { ...env, params: frozen(now.params) };
  return createMachine(tree, codes === undefined ? inForce : { ...inForce, codes }, height, now.version);
}
