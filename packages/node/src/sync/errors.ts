/** Errors of synchronisation; what is wrong with a block itself has the codes of `consensus`. */
import { defineErrors } from "@holdfast/base";

export const syncErrors = defineErrors("sync", {
  ancestorsMissing: {
    exit: "network",
    message: (data: { key: string; tried: number }) =>
      `none of ${data.tried} peers has the tipset ${data.key}`,
    fix: "connect to more peers with `holdfast net connect`",
  },
  badAnswer: {
    exit: "network",
    message: (data: { peer: string; detail: string }) =>
      `the peer ${data.peer} answered a chain request wrongly: ${data.detail}`,
    fix: "nothing to do: other peers are asked",
  },
  cutOff: {
    exit: "network",
    message: (data: { peer: string }) => `the peer ${data.peer} stopped in the middle of an answer`,
    fix: "nothing to do: other peers are asked",
  },
  badChain: {
    exit: "refused",
    message: (data: { height: number; reason: string }) =>
      `a chain of headers is wrong at height ${data.height}: ${data.reason}`,
    fix: "nothing to do: the chain is not taken in",
  },
  bodiesMissing: {
    exit: "network",
    message: (data: { height: number; tried: number }) =>
      `none of ${data.tried} peers gives the messages of the blocks at height ${data.height}`,
    fix: "connect to more peers with `holdfast net connect`",
  },
  notBegun: {
    exit: "retry-later",
    message: (data: { height: number }) =>
      `a block of height ${data.height} stands on the genesis, and the chain is to begin at a checkpoint`,
    fix: "nothing to do: this node mines when it has the checkpoint's state; `holdfast sync status` shows how far it is",
  },
  stateMissing: {
    exit: "network",
    message: (data: { detail: string }) => `the state of the checkpoint is not to be had: ${data.detail}`,
    fix: "connect to nodes that hold it, or name a newer checkpoint",
  },
  notHeavier: {
    exit: "refused",
    message: (data: { height: number }) => `the chain to height ${data.height} cannot outweigh ours`,
    fix: "nothing to do: the node stays on its chain",
  },
  beyondFinality: {
    exit: "refused",
    message: (data: { finality: number }) =>
      `a chain forks off more than ${data.finality} epochs below the head, where everything is final`,
    fix: "if this node was on the wrong side of a split, begin again with an empty repo",
  },
  foreignBody: {
    exit: "network",
    message: (data: { block: string }) =>
      `the messages that came with the block ${data.block} are not those that its header names`,
    fix: "nothing to do: other peers have the right ones",
  },
  knownBad: {
    exit: "refused",
    message: (data: { block: string; root: string; reason: string }) =>
      data.block === data.root
        ? `the block ${data.block} was found invalid before: ${data.reason}`
        : `the block ${data.block} stands on ${data.root}, which was found invalid before: ${data.reason}`,
    fix: "if that was a mistake of this node, `holdfast chain bad clear` lets it look again",
  },
  stopped: {
    exit: "retry-later",
    message: (_data: Record<never, never>) => "the node is stopping",
    fix: "start the node again",
  },
});
