/** Errors of SDR sealing. They are for callers; a false proof of a peer is `false`, never an error. */
import { defineErrors } from "@holdfast/base";

export const sdrErrors = defineErrors("sdr", {
  badSectorSize: {
    exit: "usage",
    message: (data: { sectorBytes: number; largest: number }) =>
      `an SDR sector of ${data.sectorBytes} bytes cannot be sealed here`,
    fix: (data) =>
      `use a size of 128·2^k bytes up to ${data.largest}: sealing keeps all layers and trees in memory`,
  },
  badLayers: {
    exit: "usage",
    message: (data: { layers: number; known: readonly number[] }) =>
      `a column of ${data.layers} layers has no hash`,
    fix: (data) => `use one of ${data.known.join(", ")} layers: Poseidon has these arities`,
  },
  badSectorId: {
    exit: "usage",
    message: (data: { sectorId: string }) => `${data.sectorId} is no sector number`,
    fix: "give a whole number from 0 to 2^64 − 1",
  },
  badPartition: {
    exit: "usage",
    message: (data: { partition: number; count: number }) =>
      `no partition ${data.partition}: a sector of this size has ${data.count}`,
    fix: "give a partition from 0 to their number − 1",
  },
});
