/** Errors of attested pinning. What is wrong with a report that is heard has the name that the chain gives it. */
import { defineErrors } from "@holdfast/base";

export const poscErrors = defineErrors("posc", {
  notAttesting: {
    exit: "refused",
    message: (data: { reason: string }) => `this node cannot show what program it runs: ${data.reason}`,
    fix: "run it in an enclave, or on a network that lets software attest (`holdfast network show`)",
  },
  programNotAllowed: {
    exit: "refused",
    message: (data: { kind: string; program: string }) =>
      `the network lets no node run this program: ${data.kind} ${data.program} is not on its list, or no longer`,
    fix: "run a release that is on the list, or let the network's authority add this one",
  },
  notJoined: {
    exit: "not-found",
    message: (_data: Record<never, never>) => "this node is no pinning node of the network",
    fix: "join with `holdfast pin node join --capacity SIZE`",
  },
  alreadyJoined: {
    exit: "refused",
    message: (data: { node: number }) => `this node is the pinning node ${data.node} already`,
    fix: "see `holdfast pin node status`",
  },
  noPins: {
    exit: "refused",
    message: (_data: Record<never, never>) => "this node keeps no pinned content",
    fix: "give it room: pins.quotaBytes in config.toml",
  },
  chainTooYoung: {
    exit: "retry-later",
    message: (_data: Record<never, never>) => "the chain has no draw yet that evidence could be bound to",
    fix: "try again after some rounds",
  },
  failed: {
    exit: "refused",
    message: (data: { method: string; exitCode: number; meaning: string }) =>
      `the chain refused ${data.method}: ${data.meaning}`,
    fix: "see `holdfast pin node status` and `holdfast wallet ls`",
  },
  noReport: {
    exit: "not-found",
    message: (data: { what: string }) => `there is no report ${data.what} here`,
    fix: "list them with `holdfast pin report ls`",
  },
  badReport: {
    exit: "usage",
    message: (data: { problem: string }) => `these are no bytes of a report: ${data.problem}`,
    fix: "give a report as `holdfast pin report show --json` prints it",
  },
  walkTooLong: {
    exit: "refused",
    message: (data: { peer: string }) => `${data.peer} sends more than the blocks of a walk`,
    fix: "ask another node",
  },
  noNode: {
    exit: "not-found",
    message: (data: { node: number }) => `there is no pinning node ${data.node} on this network`,
    fix: "list them with `holdfast pin node ls`",
  },
  noAnswer: {
    exit: "timeout",
    message: (data: { node: number }) => `node ${data.node} does not answer`,
    fix: "see when it was heard last with `holdfast pin node show NODE`",
  },
  noDeposit: {
    exit: "refused",
    message: (_data: Record<never, never>) => "this node challenges nobody: it knows no deposit",
    fix: "let another node challenge, or show the blocks of the walk",
  },
  nothingToDispute: {
    exit: "refused",
    message: (data: { node: number; slot: number; sample: number; why: string }) =>
      `sample ${data.sample} of node ${data.node} for slot ${data.slot} cannot be disputed: ${data.why}`,
    fix: "look at the report with `holdfast pin report show NODE SLOT`",
  },
  stopped: {
    exit: "retry-later",
    message: (_data: Record<never, never>) => "the node stops",
    fix: "start it again",
  },
});
