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
  pruned: {
    exit: "not-found",
    message: (data: { what: string; height: number; from: number }) =>
      `the ${data.what} of height ${data.height} are not here: this node keeps them from height ${data.from} on`,
    fix: "ask an archive node: one that runs with chain.pruneEpochs = 0 and did not start from a snapshot",
  },
  belowHorizon: {
    exit: "refused",
    message: (data: { height: number; from: number }) =>
      `a chain stands on height ${data.height}, but states are held from height ${data.from} on`,
    fix: "nothing to do: it forks off below what is final",
  },
  badCheckpoint: {
    exit: "usage",
    message: (data: { text: string }) => `${data.text} is not a checkpoint`,
    fix: "write it as CID[,CID…]@HEIGHT: the blocks of one tipset, as `holdfast chain ls` of a node that you trust shows them",
  },
  contradictsCheckpoint: {
    exit: "refused",
    message: (data: { height: number; checkpoint: string }) =>
      `a chain that reaches height ${data.height} does not contain the checkpoint ${data.checkpoint}: it is another history`,
    fix: "connect to peers that have the checkpoint; if all that you trust lack it, the checkpoint is wrong",
  },
  notOnCheckpoint: {
    exit: "refused",
    message: (data: { height: number; checkpoint: string }) =>
      `the chain of this repo reaches height ${data.height} and does not contain the checkpoint ${data.checkpoint}`,
    fix: "compare the checkpoint with a node that you trust; if it is right, begin with an empty repo",
  },
  badGenesis: {
    exit: "usage",
    message: (data: { detail: string }) => `the genesis file is not valid: ${data.detail}`,
    fix: "copy genesis.car from a node of the network again",
  },
});
