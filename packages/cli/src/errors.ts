/** Errors that arise in the command line itself, before or after a node is asked. */
import { defineErrors } from "@holdfast/base";

export const cliErrors = defineErrors("cli", {
  usage: {
    exit: "usage",
    message: (data: { problem: string }) => data.problem,
    fix: "see `holdfast --help`, or `--help` after any command",
  },
  noNode: {
    exit: "network",
    message: (data: { looked: string }) => `no running node was found (${data.looked})`,
    fix: "start a network with `holdfast up`, or name a node with --repo DIR, or --api URL and --token TOKEN",
  },
  noSuchNode: {
    exit: "not-found",
    message: (data: { name: string; known: string }) => `the running network has no node ${data.name}; it has ${data.known}`,
    fix: "choose one of these names with --node",
  },
  fileMissing: {
    exit: "not-found",
    message: (data: { path: string }) => `there is no file ${data.path}`,
    fix: "check the path",
  },
  notAFile: {
    exit: "usage",
    message: (data: { path: string }) => `${data.path} is not a regular file`,
    fix: "name one file; a folder can be packed with tar first",
  },
  fileEmpty: {
    exit: "usage",
    message: (data: { path: string }) => `${data.path} is empty: there is nothing to store`,
    fix: "name a file that holds at least one byte",
  },
  fileExists: {
    exit: "refused",
    message: (data: { path: string }) => `${data.path} exists already and holds something else`,
    fix: "choose another name with -o, or remove the file",
  },
  unwritable: {
    exit: "refused",
    message: (data: { path: string; detail: string }) => `${data.path} cannot be written: ${data.detail}`,
    fix: "check the folder, its rights and the free space; what was fetched so far is kept",
  },
  differs: {
    exit: "proof-invalid",
    message: (data: { path: string; cid: string }) => `${data.path} does not hold the bytes of ${data.cid}`,
    fix: "remove it and fetch it again",
  },
  interrupted: {
    exit: "retry-later",
    message: (_data: Record<never, never>) => "interrupted",
    fix: "run the same command again: what was done is kept",
  },
});
