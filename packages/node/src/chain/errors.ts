/** Errors of the chain store. */
import { defineErrors } from "@holdfast/base";

export const chainErrors = defineErrors("chain", {
  damaged: {
    exit: "internal",
    message: (data: { path: string; detail: string }) =>
      `the chain database ${data.path} cannot be opened: ${data.detail}`,
    fix: "move the folder away and start again: the node fetches the chain from its peers",
  },
  inUse: {
    exit: "refused",
    message: (data: { path: string }) => `the chain database ${data.path} is open in another process`,
    fix: "stop the other node of this repo",
  },
  full: {
    exit: "retry-later",
    message: (data: { detail: string }) => `the chain cannot be written: ${data.detail}`,
    fix: "free space on the disk and start the node again; everything acknowledged is kept",
  },
  wrongGenesis: {
    exit: "refused",
    message: (data: { found: string; expected: string }) =>
      `the repo holds the chain of genesis ${data.found}, not of ${data.expected}`,
    fix: "use the repo with its own network, or begin with an empty one",
  },
  noGenesis: {
    exit: "not-found",
    message: (_data: Record<never, never>) => "the repo holds no chain and no genesis was given",
    fix: "make the repo with `holdfast init --genesis FILE`",
  },
  unknownTipset: {
    exit: "not-found",
    message: (data: { key: string }) => `this node does not know the tipset ${data.key}`,
    fix: "wait until the node has caught up, or check the CID",
  },
  badGenesis: {
    exit: "usage",
    message: (data: { detail: string }) => `the genesis file is not valid: ${data.detail}`,
    fix: "copy genesis.car from a node of the network again",
  },
});
