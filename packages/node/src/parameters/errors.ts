/** Errors of parameter files: making, keeping, publishing, fetching. */
import { defineErrors } from "@holdfast/base";

export const paramsErrors = defineErrors("params", {
  unwritable: {
    exit: "refused",
    message: (data: { path: string; detail: string }) => `${data.path} cannot be written: ${data.detail}`,
    fix: "check the folder (HOLDFAST_PARAMS names another one), its rights and the free space",
  },
  unreadable: {
    exit: "refused",
    message: (data: { path: string; detail: string }) => `${data.path} cannot be read: ${data.detail}`,
    fix: "check the rights of the file and the disk it lies on",
  },
  unknown: {
    exit: "not-found",
    message: (data: { what: string; folder: string }) =>
      `there are no parameters ${data.what} in ${data.folder}`,
    fix: "see what there is with `holdfast params ls`; make or fetch them with `holdfast params cache`, `holdfast params fetch`",
  },
  noProfile: {
    exit: "usage",
    message: (data: { profile: string }) => `there is no row ${data.profile} in the table of sector sizes`,
    fix: "see `holdfast params cache --help`",
  },
  otherMaker: {
    exit: "refused",
    message: (data: { id: string }) =>
      `${data.id} is there already, and one party made it without contributors`,
    fix: "move its files away (`holdfast params ls` says where they lie), then run it again",
  },
  wrongDigest: {
    exit: "proof-invalid",
    message: (data: { name: string; kept: string; from: string }) =>
      `${data.name} from ${data.from} has not the digest that it must have; it is kept as ${data.kept}`,
    fix: "fetch it from another source with --from",
  },
  nowhere: {
    exit: "usage",
    message: (_data: Record<never, never>) =>
      "there is nowhere to fetch from: no source is named and no node runs",
    fix: "name a gateway or a folder with --from, or start a node",
  },
  badSource: {
    exit: "usage",
    message: (data: { source: string; problem: string }) => `${data.source} is no source: ${data.problem}`,
    fix: "give a URL such as https://ipfs.io, or a folder",
  },
  notFetched: {
    exit: "network",
    message: (data: { name: string; reasons: string }) =>
      `${data.name} could not be fetched: ${data.reasons}`,
    fix: "run it again to go on where it stopped, or name another source with --from",
  },
  notAdded: {
    exit: "network",
    message: (data: { name: string; detail: string }) =>
      `${data.name} could not be added to IPFS: ${data.detail}`,
    fix: "check that the IPFS node runs and that the address of its API is right, then run it again",
  },
  badAnswer: {
    exit: "network",
    message: (data: { status: number; text: string }) =>
      `the IPFS node answered with status ${data.status}: ${data.text}`,
    fix: "check that the address is that of an IPFS RPC API, then run it again",
  },
  noList: {
    exit: "not-found",
    message: (data: { path: string }) => `there is no list ${data.path}`,
    fix: "name the parameters.json of a release or of `holdfast params publish` with --json-file",
  },
  notProven: {
    exit: "proof-invalid",
    message: (data: { id: string; problem: string }) => `${data.id} does not verify: ${data.problem}`,
    fix: "do not use these parameters; fetch or make them again",
  },
});
