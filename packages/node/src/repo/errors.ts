/** Errors of a node's repo and configuration. */
import { defineErrors } from "@holdfast/base";

export const repoErrors = defineErrors("repo", {
  notFound: {
    exit: "not-found",
    message: (data: { path: string }) => `there is no Holdfast repo in ${data.path}`,
    fix: "make one with `holdfast init --repo DIR --genesis FILE`, or name another with --repo",
  },
  noMiner: {
    exit: "refused",
    message: (data: { path: string }) => `the node in ${data.path} runs no miner, so there is no work in it`,
    fix: "name the folder of a miner with --repo: its `holdfast mine status` says that it mines",
  },
  exists: {
    exit: "refused",
    message: (data: { path: string }) => `${data.path} already holds a Holdfast repo`,
    fix: "use it with `holdfast daemon --repo DIR`, or choose an empty folder",
  },
  wrongVersion: {
    exit: "refused",
    message: (data: { path: string; found: string; expected: string }) =>
      `the repo ${data.path} has version ${data.found}, this program needs ${data.expected}`,
    fix: "use the program of the version that made the repo, or another folder",
  },
  locked: {
    exit: "refused",
    message: (data: { path: string; pid: number; api: string }) =>
      `the repo ${data.path} is in use by process ${data.pid}${data.api === "" ? "" : ` (API ${data.api})`}`,
    fix: "talk to that process with --repo, or stop it first",
  },
  lockContended: {
    exit: "retry-later",
    message: (data: { path: string }) => `several programs try to open ${data.path} at the same time`,
    fix: "run the command again",
  },
  unwritable: {
    exit: "refused",
    message: (data: { path: string; detail: string }) =>
      `the folder ${data.path} cannot be written: ${data.detail}`,
    fix: "check the owner, the rights and the free space of the folder",
  },
  partMissing: {
    exit: "not-found",
    message: (data: { path: string; fix: string }) => `${data.path} is missing: the repo is not whole`,
    fix: ({ fix }: { fix: string }) => fix,
  },
  unreadable: {
    exit: "refused",
    message: (data: { path: string; detail: string }) => `${data.path} cannot be read: ${data.detail}`,
    fix: "check the owner and the rights of the file",
  },
  badConfig: {
    exit: "usage",
    message: (data: { path: string; problems: string }) =>
      `the configuration ${data.path} cannot be used: ${data.problems}`,
    fix: "correct what is named; the comments of the file explain each key, and `holdfast init` writes a fresh one",
  },
  unknownNode: {
    exit: "not-found",
    message: (data: { path: string }) => `no node runs on the repo ${data.path}`,
    fix: "start it with `holdfast daemon --repo DIR`",
  },
});
