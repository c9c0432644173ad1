/** A sector that a miner has from the beginning. */
import type { Epoch, SectorId } from "@holdfast/base";

/** The ticket in the identity of every sector of the genesis: there is no chain yet to draw one from. */
export const genesisSectorTicket: Uint8Array = new Uint8Array(32);

export interface GenesisSector {
  readonly sectorId: SectorId;
  /** Padded size (bytes). */
  readonly sectorBytes: number;
  readonly commD: Uint8Array;
  readonly commR: Uint8Array;
  readonly commRStar: Uint8Array;
  /** Default: the longest lifetime that the network allows. */
  readonly expiration?: Epoch;
}
