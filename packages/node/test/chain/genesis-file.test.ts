/** A genesis file comes from whoever started the network: what no node could run or judge is refused at once. */
import { addressBytes, type Blockstore, type CID, Hamt, HoldfastError, putObject } from "@holdfast/base";
import {
  actorRecordCodec,
  blockHeaderCodec,
  builtinAddresses,
  createGenesis,
  createInitState,
  devnetParams,
  type NetworkParams,
} from "@holdfast/consensus";
import { describe, expect, it } from "vitest";
import { type CarBlock, writeCar } from "../../src/car.ts";
import { memoryDatabase } from "../../src/chain/index.ts";
import { loadGenesis } from "../../src/genesis.ts";

const params = devnetParams({ name: "given", roundMs: 1_000 });

/** A genesis file with these parameters, made by somebody who checks nothing. */
function fileWith(given: Partial<NetworkParams>): Uint8Array {
  const blocks = new Map<string, CarBlock>();
  const store: Blockstore = {
    get: (cid: CID) => blocks.get(cid.toString())?.bytes,
    put: (cid: CID, bytes: Uint8Array) => void blocks.set(cid.toString(), { cid, bytes }),
    has: (cid: CID) => blocks.has(cid.toString()),
  };
  const { header, state } = createGenesis({ params, accounts: [], miners: [], timestampMs: 0 }, store);
  const actors = Hamt.load(store, actorRecordCodec, state);
  const init = addressBytes(builtinAddresses(params.networkByte).init);
  const record = actors.get(init);
  if (record === undefined) throw new RangeError("a genesis has an init actor");
  actors.set(init, { ...record, head: createInitState(store, { ...params, ...given }) });
  const root = putObject(store, blockHeaderCodec, { ...header, stateRoot: actors.flush() });
  return writeCar(root, blocks.values());
}

async function verdictOn(given: Partial<NetworkParams>): Promise<string> {
  try {
    await loadGenesis(fileWith(given), memoryDatabase());
    return "taken";
  } catch (error) {
    return error instanceof HoldfastError ? `${error.code}: ${error.message}` : String(error);
  }
}

describe("a genesis file", () => {
  it("is taken with the parameters of a devnet", async () => {
    expect(await verdictOn({})).toBe("taken");
  });

  it("is refused with parameters that contradict each other", async () => {
    for (const given of [
      { roundMs: 0 },
      { deadlinesPerPeriod: 0 },
      { deadlinesPerPeriod: 7 },
      { partitionSectors: 0 },
      { proofWindowEpochs: 2 ** 39 },
      { declarationCutoffEpochs: 2 ** 39 },
    ]) {
      expect(await verdictOn(given)).toMatch(/^chain\/bad-genesis: .*contradict each other/);
    }
  });

  it("is refused with verifying keys that are none", async () => {
    const none = new Uint8Array(580).fill(9);
    const keys = { seal: none, window: none, winning: new Uint8Array(0) };
    const profile = "zigzag-poseidon-2KiB";
    const garbage = { sectorBytes: 2_048, profile, proofMode: "groth16", keys } as const;
    expect(await verdictOn({ sectorClasses: [garbage] })).toMatch(
      /key of seal proofs of zigzag-poseidon-2KiB/,
    );
  });
});
