/** Errors of mining. */
import { defineErrors } from "@holdfast/base";

export const mineErrors = defineErrors("mine", {
  notOperator: {
    exit: "refused",
    message: (data: { miner: string; worker: string }) =>
      `this node does not hold the worker key ${data.worker} of ${data.miner}`,
    fix: "import the worker's key with `holdfast wallet import`, or correct mining.miner in config.toml",
  },
  messageFailed: {
    exit: "refused",
    message: (data: { method: string; sectorId: number; exitCode: number; meaning: string }) =>
      `${data.method} of sector ${data.sectorId} failed on the chain: ${data.meaning} (exit code ${data.exitCode})`,
    fix: "see `holdfast why SECTOR`; a new sector takes its pieces when it is sealed again",
  },
});
