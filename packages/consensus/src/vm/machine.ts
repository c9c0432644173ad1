/** What all messages of one run share: the state tree, the environment, the height and the code table. */
import type { Address, AttoFil, CID, Epoch } from "@holdfast/base";
import { addAtto, nonce, zeroAtto } from "@holdfast/base";
import { builtinActors } from "../actors/index.ts";
import type { ActorRecord } from "../types/actor.ts";
import type { BuiltinAddresses } from "../types/builtins.ts";
import { builtinAddresses } from "../types/builtins.ts";
import { firstVersion } from "../types/upgrade.ts";
import { CodeTable, emptyCode, isEmptyCode } from "./codes.ts";
import type { Env } from "./env.ts";
import type { StateTree } from "./state-tree.ts";

export interface Machine {
  readonly tree: StateTree;
  readonly env: Env;
  readonly codes: CodeTable;
  readonly builtins: BuiltinAddresses;
  /** Height of the block or tipset that is executed. */
  readonly height: Epoch;
  /** Version of the rules at this height. */
  readonly version: number;
}

let builtinTable: CodeTable | undefined;

/** The code table of an environment: its own, else the built-in actors. */
export function codesOf(env: Env): CodeTable {
  if (env.codes !== undefined) return env.codes;
  builtinTable ??= new CodeTable(builtinActors);
  return builtinTable;
}

export function createMachine(tree: StateTree, env: Env, height: Epoch, version = firstVersion): Machine {
  return {
    tree,
    env,
    height,
    version,
    codes: codesOf(env),
    builtins: builtinAddresses(env.params.networkByte),
  };
}

/** A record for an address that holds money only. */
export function newRecord(code: CID, balance: AttoFil): ActorRecord {
  return { code, head: null, nonce: nonce(0), balance };
}

/** Adds money to an address; creates an empty actor if there is none, unless the amount is 0. */
export function credit(tree: StateTree, to: Address, amount: AttoFil): void {
  if (amount === zeroAtto) return;
  const record = tree.get(to) ?? newRecord(emptyCode.cid, zeroAtto);
  tree.set(to, { ...record, balance: addAtto(record.balance, amount) });
}

/** Code name of the actor at an address; undefined if there is none or it is an empty actor. */
export function codeNameAt(machine: Machine, address: Address): string | undefined {
  const record = machine.tree.get(address);
  if (record === undefined || isEmptyCode(record.code)) return undefined;
  return machine.codes.ofCid(record.code)?.name;
}
