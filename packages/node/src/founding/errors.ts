/** Errors of founding a network and of reading the file of one. */
import { defineErrors } from "@holdfast/base";

export const foundingErrors = defineErrors("network", {
  badFile: {
    exit: "usage",
    message: (d: { file: string; problem: string }) => `${d.file} is no such file: ${d.problem}`,
    fix: "correct what is named, or ask whoever gave it for the file as it was made",
  },
  contradiction: {
    exit: "proof-invalid",
    message: (d: { file: string; field: string; said: string; found: string }) =>
      `${d.file} says ${d.field} is ${d.said}; its genesis says ${d.found}`,
    fix: "do not use it: somebody has changed what people read, or what machines do",
  },
  noFounder: {
    exit: "refused",
    message: (_d: Record<never, never>) => "nobody has brought a sector: no first block could be won",
    fix: "each founder runs `holdfast genesis sector`; add what it writes with `holdfast genesis add-miner`",
  },
  sealNotProven: {
    exit: "proof-invalid",
    message: (d: { miner: string; sectorId: number; problem: string }) =>
      `sector ${d.sectorId} of the founder ${d.miner} is not proven: ${d.problem}`,
    fix: "ask that founder for the file as `holdfast genesis sector` wrote it for this draft, or found without it",
  },
  alreadyFounder: {
    exit: "refused",
    message: (d: { folder: string }) => `${d.folder} holds a founder's sectors already`,
    fix: "use its founder.json, or another folder",
  },
  unfinishedFounder: {
    exit: "refused",
    message: (d: { folder: string }) =>
      `${d.folder} holds a founding that was cut off before its founder.json`,
    fix: "remove that folder, in which nothing is in use yet, or take another",
  },
  badFounder: {
    exit: "proof-invalid",
    message: (d: { problem: string }) => `the founder's file does not hold: ${d.problem}`,
    fix: "ask the founder for the file as `holdfast genesis sector` wrote it for this draft",
  },
});
