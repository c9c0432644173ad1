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
  tooManyObjects: {
    exit: "refused",
    message: (data: { limit: number }) => `a walk of the states meets more than ${data.limit} objects`,
    fix: "run this network with a program whose limit is higher; it is memory, 48 bytes for each",
  },
  keepTooFew: {
    exit: "usage",
    message: (data: { keep: number; least: number }) =>
      `at least the last ${data.least} epochs stay, not ${data.keep}: forks are followed to finality`,
    fix: "give a larger number of epochs",
  },
  snapshotCut: {
    exit: "network",
    message: (data: { expected: string }) => `the snapshot ends before ${data.expected}`,
    fix: "fetch it again; nothing of it was taken over",
  },
  snapshotAltered: {
    exit: "proof-invalid",
    message: (data: { detail: string }) => `the snapshot is not what its roots name: ${data.detail}`,
    fix: "fetch it from somebody else; nothing of it was taken over",
  },
  snapshotPadded: {
    exit: "refused",
    message: (data: { found: string }) => `the snapshot goes on with ${data.found} after its end`,
    fix: "fetch it from somebody else; nothing of it was taken over",
  },
  snapshotForeign: {
    exit: "refused",
    message: (data: { found: string; expected: string }) =>
      `the snapshot is of the network with the genesis ${data.found}, not of ${data.expected}`,
    fix: "take one of this repo's network, or make a repo with the genesis file of the other",
  },
  snapshotOlder: {
    exit: "refused",
    message: (data: { height: number; own: number }) =>
      `the snapshot's height ${data.height} adds nothing: this repo is at height ${data.own} of a chain as heavy`,
    fix: "start the node: it fetches the rest from its peers",
  },
  snapshotForks: {
    exit: "refused",
    message: (data: { height: number }) =>
      `the snapshot is of another chain than the one that is final in this repo at height ${data.height}`,
    fix: "ask a node that you trust which is right; if it is the snapshot's, begin with an empty repo",
  },
  snapshotHeight: {
    exit: "usage",
    message: (data: { detail: string }) => `no snapshot can be made: ${data.detail}`,
    fix: "choose a height between 1 and the head's, or wait until the chain is older than finality",
  },
  beginningForeign: {
    exit: "refused",
    message: (data: { checkpoint: string; detail: string }) =>
      `the checkpoint ${data.checkpoint} is none of this network: ${data.detail}`,
    fix: "ask where the checkpoint comes from, and begin with an empty repo",
  },
  beginningCut: {
    exit: "refused",
    message: (data: { checkpoint: string }) =>
      `this repo was about to begin at the checkpoint ${data.checkpoint} when it was stopped`,
    fix: "start it with that checkpoint, or begin with an empty repo",
  },
  badGenesis: {
    exit: "usage",
    message: (data: { detail: string }) => `the genesis file is not valid: ${data.detail}`,
    fix: "copy genesis.car from a node of the network again",
  },
});
