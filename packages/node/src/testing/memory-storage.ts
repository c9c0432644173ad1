/** A miner's sectors in the test network: sealed and proven in its thread, kept in memory. */
import { silentLogger } from "@holdfast/base";
import { type SimClock, SimDisk } from "@holdfast/base/testing";
import { type NetworkParams, vanillaClasses } from "@holdfast/consensus";
import { createProver } from "@holdfast/proofs";
import { openStorage, type Storage } from "@holdfast/storage";
import type { NetworkOptions } from "./nodes.ts";

/** Sizes of a miner's new sectors: the usual one, then the others. */
function sizesOf({
  sectorBytes = 2_048,
  otherSectorBytes = [],
}: NetworkOptions): readonly [number, ...number[]] {
  return [sectorBytes, ...otherSectorBytes];
}

/** Of the network; the genesis has sectors of 1 KiB. */
export function classesOf(options: NetworkOptions) {
  return vanillaClasses([...new Set([1_024, ...sizesOf(options)])]);
}

export function openMemoryStorage(
  {
    clock,
    params,
    name,
  }: { readonly clock: SimClock; readonly params: NetworkParams; readonly name: string },
  options: NetworkOptions,
): Promise<Storage> {
  const { logger = silentLogger, diskOf = () => new SimDisk() } = options;
  const [sectorBytes, ...otherSectorBytes] = sizesOf(options);
  return openStorage({
    sectorBytes,
    otherSectorBytes,
    classes: params.sectorClasses,
    disk: diskOf(name),
    dbPath: ":memory:",
    prover: createProver(),
    clock,
    logger,
  });
}
