/**
 * Typed reading of a state by its root: no gas, no execution, no height. Every status that a node shows comes
 * from here. A state that the store does not hold is `store/missing-block`.
 */
import type { Address, Blockstore, CID, Codec, NetworkByte } from "@holdfast/base";
import { addressBytes, addressFromBytes, getObject, Hamt } from "@holdfast/base";
import { builtinActors } from "../actors/index.ts";
import { stateErrors } from "../errors.ts";
import type { ActorRecord } from "../types/actor.ts";
import { actorRecordCodec } from "../types/actor.ts";
import { builtinAddresses, codeNames } from "../types/builtins.ts";
import type { NetworkParams } from "../types/params.ts";
import { type ProtocolState, readProtocolObject } from "../types/upgrade.ts";
import { CodeTable } from "../vm/codes.ts";

let builtinTable: CodeTable | undefined;

/** Name of an actor's code, for example "mineractor"; the CID's text if it is not one of ours. */
export function codeNameOfCid(code: CID): string {
  builtinTable ??= new CodeTable(builtinActors);
  return builtinTable.ofCid(code)?.name ?? code.toString();
}

interface ReadTable {
  readonly state: CID;
  readonly table: Hamt<ActorRecord>;
  /** Each may have decoded a path more. */
  reads: number;
}

/**
 * Of each store the tables that were read last: everybody asks about the head and its parent, and the top of a large
 * table is long to decode. A table is never changed here, so what it has decoded is what the store holds.
 */
const readTables = new WeakMap<Blockstore, ReadTable[]>();
const tablesOfStore = 2;
const readsOfTable = 1_024;

function tableOf(store: Blockstore, state: CID): Hamt<ActorRecord> {
  const recent = readTables.get(store) ?? [];
  const known = recent.find((one) => one.state.equals(state));
  if (known !== undefined && known.reads < readsOfTable) {
    known.reads += 1;
    return known.table;
  }
  const table = Hamt.load(store, actorRecordCodec, state);
  const others = recent.filter((one) => one !== known);
  readTables.set(store, [{ state, table, reads: 1 }, ...others].slice(0, tablesOfStore));
  return table;
}

/** The record of an actor, undefined if there is none. */
export function readActor(store: Blockstore, state: CID, address: Address): ActorRecord | undefined {
  return tableOf(store, state).get(addressBytes(address));
}

/** All actors in the order of the state's HAMT. */
export function* listActors(store: Blockstore, state: CID): IterableIterator<[Address, ActorRecord]> {
  for (const [key, record] of Hamt.load(store, actorRecordCodec, state).entries()) {
    yield [addressFromBytes(key), record];
  }
}

/**
 * The state object of an actor that must have the given code. `state/actor-not-found`,
 * `state/wrong-kind-of-actor`.
 */
export function readHead<T>(
  store: Blockstore,
  state: CID,
  address: Address,
  codeName: string,
  codec: Codec<T>,
): { readonly record: ActorRecord; readonly head: T } {
  const { record, head } = findHead(store, state, address, codeName);
  return { record, head: getObject(store, codec, head) };
}

function findHead(
  store: Blockstore,
  state: CID,
  address: Address,
  codeName: string,
): { readonly record: ActorRecord; readonly head: CID } {
  const record = readActor(store, state, address);
  if (record === undefined) throw stateErrors.actorNotFound({ address });
  const found = codeNameOfCid(record.code);
  if (found !== codeName || record.head === null) {
    throw stateErrors.wrongKindOfActor({ address, expected: codeName, found });
  }
  return { record, head: record.head };
}

/** The network byte of a state's addresses; `state/actor-not-found` if it is no state of ours. */
export function networkOf(store: Blockstore, state: CID): NetworkByte {
  for (const network of [0, 1] as const) {
    if (readActor(store, state, builtinAddresses(network).init) !== undefined) return network;
  }
  throw stateErrors.actorNotFound({ address: builtinAddresses(0).init });
}

/** What the init actor holds in a state; `state/…`. */
export function readProtocol(store: Blockstore, state: CID): ProtocolState {
  const { init } = builtinAddresses(networkOf(store, state));
  return readProtocolObject(store, findHead(store, state, init, codeNames.init).head);
}

/** The network's parameters as the state has them. */
export function readNetworkParams(store: Blockstore, state: CID): NetworkParams {
  return readProtocol(store, state).params;
}
