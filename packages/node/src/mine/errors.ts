/** Errors of mining. */
import { defineErrors } from "@holdfast/base";

export const mineErrors = defineErrors("mine", {
  notOperator: {
    exit: "refused",
    message: (data: { miner: string; worker: string }) =>
      `this node does not hold the worker key ${data.worker} of ${data.miner}`,
    fix: "import the worker's key with `holdfast wallet import`, or correct mining.miner in config.toml",
  },
  twinSeen: {
    exit: "refused",
    message: (data: { miner: string; height: number; block: string }) =>
      `another node mines with the keys of ${data.miner}: it has signed the block ${data.block} of height ${data.height}`,
    fix:
      "this node does nothing more for the miner, because two blocks of one height cost all power and pledge: stop one of " +
      "the two, then start the other again, which looks first whether it is alone",
  },
  messageFailed: {
    exit: "refused",
    message: (data: { method: string; sectorId: number; exitCode: number; meaning: string }) =>
      `${data.method} of sector ${data.sectorId} failed on the chain: ${data.meaning} (exit code ${data.exitCode})`,
    fix: "see `holdfast why SECTOR`; it is sent again after some rounds",
  },
  attemptsSpent: {
    exit: "refused",
    message: (data: { message: string; attempts: number }) =>
      `${data.message} failed on the chain ${data.attempts} times`,
    fix: "see `holdfast why SECTOR`; its deals fail at their deadline and their payers keep the money",
  },
  postRefused: {
    exit: "refused",
    message: (data: { deadline: number; attempts: number; reason: string }) =>
      `the proof of deadline ${data.deadline} failed on the chain ${data.attempts} times: ${data.reason}`,
    fix: "its sectors become faulty at the judgement; they recover with the next window's proof",
  },
  pledgeMissing: {
    exit: "funds",
    message: (data: { sectorId: number; miner: string; freeFil: string; needFil: string }) =>
      `sector ${data.sectorId} needs a pledge of ${data.needFil} FIL; the miner ${data.miner} has ${data.freeFil} FIL free`,
    fix: "send the difference to the miner's address with `holdfast wallet send`",
  },
  sealLost: {
    exit: "refused",
    message: (data: { sectorId: number; reason: string }) =>
      `sector ${data.sectorId} can never be on the chain: ${data.reason}, and its number is used`,
    fix: "nothing brings it back; its deals fail at their deadline and their payers keep the money",
  },
});
