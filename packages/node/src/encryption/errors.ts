/** Errors of encrypted files as a person of this node sees them; those of the format are `age/…`. */
import { defineErrors } from "@holdfast/base";

export const encryptionErrors = defineErrors("encryption", {
  noKey: {
    exit: "refused",
    message: (data: { cid: string }) => `${data.cid} is encrypted, and no key of this node opens it`,
    fix: "import the key of who stored it (`holdfast wallet import`), or take it as it is: `holdfast get CID --raw`",
  },
  emptyInput: {
    exit: "usage",
    message: (_data: Record<never, never>) => "there is nothing to store",
    fix: "give a file with at least one byte",
  },
  contentChanged: {
    exit: "retry-later",
    message: (data: { expected: string; found: string }) =>
      `what came is not what was announced: SHA-256 ${data.found}, not ${data.expected}`,
    fix: "the file has changed while it was read: run the same command again",
  },
  badRequest: {
    exit: "usage",
    message: (data: { problem: string }) => data.problem,
    fix: "see `holdfast put --help`",
  },
  badName: {
    exit: "usage",
    message: (data: { path: string; reason: string }) => `${data.path} cannot be stored: ${data.reason}`,
    fix: "rename it",
  },
  tooManyEntries: {
    exit: "usage",
    message: (data: { limit: number }) => `the folder has more than ${data.limit} entries`,
    fix: "store it in several parts",
  },
  badIndex: {
    exit: "proof-invalid",
    message: (data: { cid: string; reason: string }) =>
      `the list of what is in the encrypted folder ${data.cid} cannot be read: ${data.reason}`,
    fix: "fetch all of it: `holdfast get CID -o FOLDER`",
  },
  badOffset: {
    exit: "usage",
    message: (data: { offsetBytes: number; sizeBytes: number }) =>
      `there is no byte ${data.offsetBytes} in a file of ${data.sizeBytes} bytes`,
    fix: "ask for a range within the file",
  },
  isAFolder: {
    exit: "usage",
    message: (data: { cid: string }) => `${data.cid} is a folder`,
    fix: "list it with `holdfast ls CID`, fetch all of it with `holdfast get CID -o FOLDER`, or name a file in it: CID/PATH",
  },
  notAFolder: {
    exit: "usage",
    message: (data: { cid: string }) => `${data.cid} is a file and has no entries`,
    fix: "leave the path away",
  },
  noEntry: {
    exit: "not-found",
    message: (data: { root: string; path: string }) => `there is no ${data.path} in ${data.root}`,
    fix: "list the folder with `holdfast ls CID`",
  },
});
