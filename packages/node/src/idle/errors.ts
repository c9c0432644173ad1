/** Errors of idle space. */
import { defineErrors } from "@holdfast/base";

export const idleErrors = defineErrors("idle", {
  notCounted: {
    exit: "refused",
    message: (data: { network: string }) => `the network ${data.network} counts no idle space`,
    fix: "a network gets it with its parameters (`holdfast genesis new --help`)",
  },
  tooSmall: {
    exit: "usage",
    message: (data: { askedBytes: number; leastBytes: number }) =>
      `${data.askedBytes} bytes hold no kept layer: the least is ${data.leastBytes}`,
    fix: "give more, or 0 to take no more space",
  },
  noRoom: {
    exit: "refused",
    message: (data: { askedBytes: number; freedBytes: number }) =>
      `of ${data.askedBytes} bytes idle space could free ${data.freedBytes}`,
    fix: "attach another volume (`holdfast storage attach`), or give idle space less (`holdfast idle fill --max`)",
  },
  otherRoots: {
    exit: "internal",
    message: (data: { layer: number }) => `kept layer ${data.layer} was made again and is another`,
    fix: "check memory and disk of this machine: labels follow from the registration alone",
  },
  damaged: {
    exit: "internal",
    message: (data: { path: string }) => `the idle file ${data.path} is not there, or not whole`,
    fix: "nothing: it is made again",
  },
  tooMuchMemory: {
    exit: "refused",
    message: (data: { neededBytes: number; mostBytes: number }) =>
      `a set needs ${data.neededBytes} bytes of memory, and idle space may have ${data.mostBytes}`,
    fix: "give it more with `holdfast idle fill --memory`, if the machine has it",
  },
  stopped: {
    exit: "retry-later",
    message: (_data: Record<never, never>) => "the node stops",
    fix: "start it again, then repeat the command",
  },
});
