/**
 * The numbers of Filecoin's SDR by sector size, and what this room needs of a row of the sector table.
 * Source: Filecoin specs, SDR; the constants of rust-fil-proofs 19 (layers, minimum challenges).
 */
import { exactLog2, nodeBytes } from "../merkle/index.ts";
import { sdrErrors } from "./errors.ts";

/** A row of the sector table, as far as SDR needs it. */
export interface SdrProfile {
  /** Part of the porep id of every network, so of every graph and replica. */
  readonly id: string;
  /** Padded bytes: 32 per node. */
  readonly sectorBytes: number;
  /** What a client can store in it. */
  readonly userBytes: number;
  readonly nodes: number;
  /** Two or eleven as Filecoin has it, or another arity of Poseidon. */
  readonly layers: number;
  /** One entry: challenged nodes of the seal proof, in all layers at once. */
  readonly sealChallenges: readonly number[];
  readonly windowChallenges: number;
  readonly winningChallenges: number;
}

/** Size and layers: what the lengths of sealed bytes follow from. */
export type SdrShape = Pick<SdrProfile, "sectorBytes" | "nodes" | "layers">;

const GiB = 2 ** 30;
const productionBytes = 32 * GiB;
const minSealBytes = 128;
/** Sealing keeps two layers and the rows of two trees in memory: 2.3 sectors. */
export const maxSdrSealBytes = GiB;
/** A column is hashed by one Poseidon of its own arity. */
const columnArities: readonly number[] = [2, 4, 8, 11, 16, 24, 36];

/** Filecoin's layers: 2 for test sizes, 11 from 32 GiB on. */
export function sdrLayers(sectorBytes: number): number {
  return sectorBytes < productionBytes ? 2 : 11;
}

/** Filecoin's least number of challenged nodes: 2 for test sizes, 176 from 32 GiB on. */
export function sdrChallengeCount(sectorBytes: number): number {
  return sectorBytes < productionBytes ? 2 : 176;
}

/** Checks a size and a number of layers for sealing. Throws sdr/bad-sector-size, sdr/bad-layers. */
export function sdrShape(sectorBytes: number, layers: number = sdrLayers(sectorBytes)): SdrShape {
  const fits = sectorBytes >= minSealBytes && sectorBytes <= maxSdrSealBytes;
  if (!fits || exactLog2(sectorBytes) === undefined) {
    throw sdrErrors.badSectorSize({ sectorBytes, largest: maxSdrSealBytes });
  }
  if (!columnArities.includes(layers)) throw sdrErrors.badLayers({ layers, known: columnArities });
  return { sectorBytes, nodes: sectorBytes / nodeBytes, layers };
}
