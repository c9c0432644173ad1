/**
 * The versions of the rules that this program knows, and how a state gets from one to the next. A version may bring
 * other code for actors and a migration of the state. Invariants: a migration is a function of the state alone, its
 * work is bounded, and it cannot touch a balance, so money stays exact whatever it does.
 */
import type { Address, Blockstore, CID, Epoch } from "@holdfast/base";
import { assert, zeroAtto } from "@holdfast/base";
import { upgradeErrors } from "../errors.ts";
import type { ActorRecord } from "../types/actor.ts";
import type { GasSchedule } from "../types/gas.ts";
import type { NetworkParams } from "../types/params.ts";
import { firstVersion } from "../types/upgrade.ts";
import { codeCid } from "./actor-code.ts";
import type { CodeTable } from "./codes.ts";
import { isEmptyCode } from "./codes.ts";
import { GasMeter, OutOfGas } from "./gas.ts";
import { newRecord } from "./machine.ts";
import type { StateTree } from "./state-tree.ts";

/** What a migration may see and do. */
export interface MigrationContext {
  /** Height at which it runs. */
  readonly height: Epoch;
  /** The parameters that hold from here on. */
  readonly params: NetworkParams;
  /** Reads and writes are charged; a migration that uses up its budget stops every node alike. */
  readonly store: Blockstore;
  actor(address: Address): Omit<ActorRecord, "balance"> | undefined;
  setHead(address: Address, head: CID): void;
  /** Gives an actor that exists other code. */
  setCode(address: Address, codeName: string): void;
  /** Puts an actor where none has code; money that lies there stays. */
  install(address: Address, codeName: string, head: CID | null): void;
}

export interface ProtocolVersion {
  readonly version: number;
  /** The actors from this version on; default: those of the version before. */
  readonly codes?: CodeTable;
  /** Runs once, before anything else at the height of the upgrade. */
  readonly migrate?: (context: MigrationContext) => void;
}

/** Versions without gaps, the first one first. */
export type Protocols = readonly ProtocolVersion[];

/** What this program knows by itself. */
export const builtinProtocols: Protocols = [{ version: firstVersion }];

export function knownVersion(protocols: Protocols = builtinProtocols): number {
  return protocols.at(-1)?.version ?? firstVersion;
}

/** The code table of a version: its own, or that of the newest version below that has one. */
export function codesAt(protocols: Protocols, version: number): CodeTable | undefined {
  return protocols.findLast((known) => known.version <= version && known.codes !== undefined)?.codes;
}

/** Blocks' worth of gas that one migration may use: it runs within a round. */
const migrationBlocks = 4;

/** Runs the migrations of the versions above `from` up to `to`. `upgrade/migration-failed`. */
export function migrate(
  tree: StateTree,
  { protocols, from, to }: { readonly protocols: Protocols; readonly from: number; readonly to: number },
  at: { readonly height: Epoch; readonly params: NetworkParams },
): void {
  for (const { version, migrate: run } of protocols) {
    if (run === undefined || version <= from || version > to) continue;
    const snapshot = tree.snapshot();
    try {
      run(contextOf(tree, new GasMeter(at.params.blockGasLimit * migrationBlocks), at));
      tree.commit(snapshot);
    } catch (error) {
      tree.revert(snapshot);
      if (!(error instanceof OutOfGas)) throw error;
      throw upgradeErrors.migrationTooLarge({ version, height: at.height }, error);
    }
  }
}

function contextOf(
  tree: StateTree,
  gas: GasMeter,
  { height, params }: { readonly height: Epoch; readonly params: NetworkParams },
): MigrationContext {
  const prices = params.gas;
  const must = (address: Address): ActorRecord => {
    gas.charge(prices.stateReadObject);
    const record = tree.get(address);
    assert(record !== undefined, `the migrated actor ${address} exists`);
    return record;
  };
  const set = (address: Address, record: ActorRecord): void => {
    gas.charge(prices.stateWriteObject);
    tree.set(address, record);
  };
  return {
    height,
    params,
    store: chargedObjects(tree, gas, prices),
    actor(address) {
      gas.charge(prices.stateReadObject);
      return tree.get(address);
    },
    setHead: (address, head) => set(address, { ...must(address), head }),
    setCode: (address, codeName) => set(address, { ...must(address), code: codeCid(codeName) }),
    install(address, codeName, head) {
      gas.charge(prices.newActor);
      const before = tree.get(address);
      assert(before === undefined || isEmptyCode(before.code), `there is no actor yet at ${address}`);
      set(address, { ...newRecord(codeCid(codeName), before?.balance ?? zeroAtto), head });
    },
  };
}

function chargedObjects({ objects }: StateTree, gas: GasMeter, prices: GasSchedule): Blockstore {
  return {
    get(cid) {
      gas.charge(prices.stateReadObject);
      const bytes = objects.get(cid);
      if (bytes !== undefined) gas.charge(prices.stateReadByte * bytes.length);
      return bytes;
    },
    put(cid, bytes) {
      gas.charge(prices.stateWriteObject + prices.stateWriteByte * bytes.length);
      objects.put(cid, bytes);
    },
    has(cid) {
      gas.charge(prices.stateReadObject);
      return objects.has(cid);
    },
  };
}
