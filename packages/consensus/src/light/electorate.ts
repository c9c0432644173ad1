/** Whose signatures and tickets count above a trusted state, and for how much. */
import type { Address, CID } from "@holdfast/base";
import { readElectionFacts } from "../views/miner.ts";
import type { StateQuestion, StateWitness } from "./witness.ts";
import { proveRead } from "./witness.ts";

/** What a miner weighs and signs with, in a trusted state. */
export interface Voice {
  readonly worker: Address;
  /** BLS12-381 public key of the VRF, 48 bytes. */
  readonly workerKey: Uint8Array;
  readonly power: bigint;
}
export interface Electorate {
  readonly totalPower: bigint;
  readonly voices: ReadonlyMap<Address, Voice>;
}

/** The question whose proof `advance` takes: keys and power of these miners. */
export function askElectorate(state: CID, miners: readonly Address[]): StateQuestion<Electorate> {
  return (store) => {
    let totalPower = 0n;
    const voices = new Map<Address, Voice>();
    for (const miner of miners) {
      const facts = readElectionFacts(store, state, miner);
      if (facts === undefined) continue;
      const { worker, workerKey, power } = facts;
      totalPower = facts.totalPower;
      voices.set(miner, { worker, workerKey, power });
    }
    return { totalPower, voices };
  };
}

/** For a full node: the proof that a light client's `advance` takes. */
export function proveElectorate(
  store: Parameters<typeof proveRead>[0],
  state: CID,
  miners: readonly Address[],
): StateWitness {
  return proveRead(store, askElectorate(state, miners)).witness;
}
