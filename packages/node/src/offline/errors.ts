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
  folderInUse: {
    exit: "refused",
    message: (data: { folder: string }) => `the folder ${data.folder} is not empty`,
    fix: "name a folder that is not there yet",
  },
  folderFailed: {
    exit: "refused",
    message: (data: { folder: string; detail: string }) =>
      `idle files cannot be written to ${data.folder}: ${data.detail}`,
    fix: "check the folder, its rights and the free space",
  },
  tooMuchIdle: {
    exit: "usage",
    message: (data: { neededBytes: number; mostBytes: number }) =>
      `such a set takes ${data.neededBytes} bytes of memory, ${data.mostBytes} are allowed here`,
    fix: "use fewer clusters, a smaller k or a smaller d",
  },
  unknownKind: {
    exit: "usage",
    message: (data: { kind: string; known: readonly string[] }) =>
      `there is no evidence of the kind ${data.kind}`,
    fix: (data) =>
      `use one of ${data.known.join(", ")}, or leave --kind away: evidence tells its kind itself`,
  },
  noCollateral: {
    exit: "usage",
    message: (_data: Record<never, never>) => "none of the files of collateral holds any",
    fix: "give what the vendor's service delivers: TCB info, identities, revocation lists and certificates",
  },
  invalid: {
    exit: "proof-invalid",
    message: (data: { what: string }) => `the proof does not hold: ${data.what}`,
    fix: "do not believe what it claims; ask whoever made it for the right one",
  },
});
