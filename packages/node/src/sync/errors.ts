/** Errors of synchronisation; what is wrong with a block itself has the codes of `consensus`. */
import { defineErrors } from "@holdfast/base";

export const syncErrors = defineErrors("sync", {
  wrongNetwork: {
    exit: "refused",
    message: (data: { peer: string; genesis: string }) =>
      `the peer ${data.peer} is on another network (genesis ${data.genesis})`,
    fix: "connect to peers of this network, or use the genesis file of theirs",
  },
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
    message: (data: { block: string }) => `the block ${data.block} was found invalid before`,
    fix: "nothing to do: the block is not taken in",
  },
  stopped: {
    exit: "retry-later",
    message: (_data: Record<never, never>) => "the node is stopping",
    fix: "start the node again",
  },
});
