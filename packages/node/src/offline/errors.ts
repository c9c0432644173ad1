/** Errors of offline work: what a person gave, and proofs that do not hold. */
import { defineErrors } from "@holdfast/base";

export const offlineErrors = defineErrors("proof", {
  badFile: {
    exit: "usage",
    message: (data: { problem: string }) => `this is no proof file: ${data.problem}`,
    fix: "give a file that `holdfast piece inclusion prove` or `holdfast proof seal --out FILE` has written",
  },
  fileTooLarge: {
    exit: "usage",
    message: (data: { limitBytes: number }) => `a proof file has at most ${data.limitBytes} bytes`,
    fix: "give a file that `holdfast piece inclusion prove` or `holdfast proof seal --out FILE` has written",
  },
  noSpace: {
    exit: "retry-later",
    message: (data: { folder: string; neededBytes: number; freeBytes: number }) =>
      `sealing needs ${data.neededBytes} bytes in ${data.folder}, where ${data.freeBytes} are free`,
    fix: "free some space, or name another folder with --scratch; nothing was written",
  },
  notProven: {
    exit: "internal",
    message: (_data: Record<never, never>) => "the proof that was just made does not verify",
    fix: "this is a bug of holdfast: please report it, with the command",
  },
  invalid: {
    exit: "proof-invalid",
    message: (data: { what: string }) => `the proof does not hold: ${data.what}`,
    fix: "do not believe what it claims; ask whoever made it for the right one",
  },
});
