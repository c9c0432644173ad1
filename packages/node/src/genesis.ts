/**
 * The genesis of a network as one file: a CAR whose root is the genesis block and which holds the whole
 * first state. Whoever has the same file is on the same network.
 */
import { type Blockstore, type CID, decode, HoldfastError, putObject } from "@holdfast/base";
import {
  blockHeaderCodec,
  checkNetworkParams,
  createGenesis,
  type FullBlock,
  type Genesis,
  type GenesisSpec,
  genesisErrors,
  type NetworkParams,
  readNetworkParams,
} from "@holdfast/consensus";
import { decodeVerifyingKey } from "@holdfast/proofs/verify";
import { type CarBlock, readCar, writeCar } from "./car.ts";
import { chainErrors } from "./chain/index.ts";

export interface LoadedGenesis {
  readonly block: FullBlock;
  readonly stateRoot: CID;
}

/** Builds a genesis and its file. Errors: `genesis/…`. */
export function makeGenesis(spec: GenesisSpec): { readonly genesis: Genesis; readonly car: Uint8Array } {
  const store = new ListingBlockstore();
  const genesis = createGenesis(spec, store);
  const root = putObject(store, blockHeaderCodec, genesis.header);
  return { genesis, car: writeCar(root, store.blocks()) };
}

/** Reads a genesis file into a store. Errors: `chain/bad-genesis`. */
export async function loadGenesis(car: Uint8Array, store: Blockstore): Promise<LoadedGenesis> {
  try {
    return await readGenesis(car, store);
  } catch (cause) {
    const detail = cause instanceof HoldfastError ? cause.message : String(cause);
    throw chainErrors.badGenesis({ detail }, cause);
  }
}

async function readGenesis(car: Uint8Array, store: Blockstore): Promise<LoadedGenesis> {
  const { root, blocks } = await readCar(once(car));
  let bytes: Uint8Array | undefined;
  for await (const block of blocks) {
    if (block.cid.equals(root)) bytes = block.bytes;
    store.put(block.cid, block.bytes);
  }
  const block = { header: decode(blockHeaderCodec, bytes ?? new Uint8Array(0)), messages: [] };
  const params = readNetworkParams(store, block.header.stateRoot);
  checkNetworkParams(params);
  checkKeys(params);
  return { block, stateRoot: block.header.stateRoot };
}

/** Keys that are none would let nobody prove anything, and every node would find that out by itself. */
function checkKeys({ sectorClasses }: NetworkParams): void {
  for (const { profile, keys } of sectorClasses) {
    for (const [use, key] of Object.entries(keys ?? {})) {
      if (decodeVerifyingKey(key) !== undefined) continue;
      throw genesisErrors.invalidParams({
        reason: `the key of ${use} proofs of ${profile} is no verifying key`,
      });
    }
  }
}

async function* once(bytes: Uint8Array): AsyncIterable<Uint8Array> {
  yield bytes;
}

/** Remembers the order in which blocks came. */
class ListingBlockstore implements Blockstore {
  readonly #blocks = new Map<string, CarBlock>();

  get(cid: CID): Uint8Array | undefined {
    return this.#blocks.get(cid.toString())?.bytes;
  }
  put(cid: CID, bytes: Uint8Array): void {
    this.#blocks.set(cid.toString(), { cid, bytes });
  }
  has(cid: CID): boolean {
    return this.#blocks.has(cid.toString());
  }
  blocks(): Iterable<CarBlock> {
    return this.#blocks.values();
  }
}
