/** What the API needs of the rooms that speak with other programs of IPFS. */
import type { BroughtData, ImportedCar, MethodResult } from "@holdfast/api";
import type { Cancel } from "@holdfast/base";

/** CAR files of this node's files. */
export interface CarDoor {
  importCar(bytes: AsyncIterable<Uint8Array>, signal: Cancel): Promise<ImportedCar>;
  /** The data of a deal of this miner that was to be carried here. */
  bringData(dealId: string, bytes: AsyncIterable<Uint8Array>, signal: AbortSignal): Promise<BroughtData>;
  /** Of version 2 the length is not known before its end. */
  openCar(
    cid: string,
    version: 1 | 2,
    signal: Cancel,
  ): Promise<{ readonly sizeBytes: number | null; readonly bytes: AsyncIterable<Uint8Array> }>;
}

/** Other programs of IPFS. */
export interface IpfsDoor {
  status(): MethodResult<"ipfs.status">;
  pull(
    cid: string,
    from: readonly string[],
    progress: (progress: {
      readonly fetchedBlocks: number;
      readonly fetchedBytes: number;
      readonly totalBytes: number | null;
    }) => void,
    signal: Cancel,
  ): Promise<{
    readonly root: string;
    readonly sizeBytes: number;
    readonly carBytes: number;
    readonly fetchedBlocks: number;
    readonly fetchedBytes: number;
  }>;
}
