/** Errors of idle space. */
import { byteCount, defineErrors, formatBytes, HoldfastError } from "@holdfast/base";

export const idleErrors = defineErrors("idle", {
  tooSmall: {
    exit: "usage",
    message: (data: { askedBytes: number; leastBytes: number }) =>
      `${formatBytes(byteCount(data.askedBytes))} hold no kept layer: the least is ${formatBytes(byteCount(data.leastBytes))}`,
    fix: "give more with `holdfast idle fill --max SIZE`, or `--max none` for all that is free",
  },
  noRoom: {
    exit: "refused",
    message: (data: { askedBytes: number; freedBytes: number }) =>
      `of ${formatBytes(byteCount(data.askedBytes))} idle space could free ${formatBytes(byteCount(data.freedBytes))}`,
    fix: "attach another volume (`holdfast storage attach`), or give idle space less (`holdfast idle fill --max`)",
  },
  busy: {
    exit: "retry-later",
    message: (_data: Record<never, never>) => "too many sectors wait for the room of idle space",
    fix: "try again when some of them have it",
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
  moved: {
    exit: "retry-later",
    message: (data: { path: string }) => `the idle files in ${data.path} were moved to another volume`,
    fix: "nothing: they are read there at the next block",
  },
  tooMuchMemory: {
    exit: "refused",
    message: (data: { neededBytes: number; mostBytes: number }) =>
      `a set needs ${formatBytes(byteCount(data.neededBytes))} of memory, and idle space may have ${formatBytes(byteCount(data.mostBytes))}`,
    fix: "give it more with `holdfast idle fill --memory`, if the machine has it",
  },
  stopped: {
    exit: "retry-later",
    message: (_data: Record<never, never>) => "the node stops",
    fix: "start it again, then repeat the command",
  },
});

/** A code of the system that says nothing of the medium: no handles left, no permission, no memory. */
const isOfProcess = /\((?!EIO\))E\w+\)$/;

/** Whether the disk has not got these bytes any more: an input/output error, and nothing that passes by itself. */
export const isUnreadable = (error: unknown): boolean =>
  error instanceof HoldfastError &&
  error.code === "disk/io" &&
  !isOfProcess.test(String(error.data.operation));
