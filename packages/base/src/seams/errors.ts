/**
 * What can go wrong at the disk and on the wire. The real and the simulated twins fail with the same codes,
 * so that what a simulation taught holds in production.
 */
import { defineErrors } from "../errors.ts";

export const diskErrors = defineErrors("disk", {
  badPath: {
    exit: "usage",
    message: (data: { path: string; reason: string }) =>
      `The path ${JSON.stringify(data.path)} ${data.reason}.`,
    fix: "Use a relative path with forward slashes that stays below the folder.",
  },
  notFound: {
    exit: "not-found",
    message: (data: { path: string }) => `There is no file "${data.path}".`,
    fix: "Check the name, or create the file first.",
  },
  notAFile: {
    exit: "refused",
    message: (data: { path: string }) => `"${data.path}" is a folder, not a file.`,
    fix: "Remove the folder, or use another name.",
  },
  notAFolder: {
    exit: "refused",
    message: (data: { path: string }) => `A part of the path "${data.path}" is a file, not a folder.`,
    fix: "Remove the file, or use another name.",
  },
  full: {
    exit: "retry-later",
    message: (data: { path: string }) => `No space is left on the disk for "${data.path}".`,
    fix: "Free some space, or move the data to a larger disk; nothing was written.",
  },
  io: {
    exit: "internal",
    message: (data: { path: string; operation: string }) =>
      `The disk failed in ${data.operation} of "${data.path}".`,
    fix: "Check the disk (dmesg, smartctl): it reports an input/output error.",
  },
  readOnly: {
    exit: "refused",
    message: (data: { path: string }) => `"${data.path}" was opened for reading only.`,
    fix: 'Open it with the mode "write" or "create".',
  },
  closed: {
    exit: "internal",
    message: (data: { path: string }) => `The file "${data.path}" is closed.`,
    fix: "Open the file again.",
  },
});

export const wireErrors = defineErrors("wire", {
  unreachable: {
    exit: "network",
    message: (data: { peer: string }) => `The peer ${data.peer} cannot be reached.`,
    fix: "Check that the other node runs and that its address is right: `holdfast net peers`.",
  },
  protocolUnsupported: {
    exit: "network",
    message: (data: { peer: string; protocol: string }) =>
      `The peer ${data.peer} does not speak ${data.protocol}.`,
    fix: "The other node may run an older release, or not offer this service.",
  },
  streamAborted: {
    exit: "network",
    message: (data: { peer: string; protocol: string }) =>
      `The stream ${data.protocol} with ${data.peer} was cut.`,
    fix: "Try again; the connection was lost or the other side gave up.",
  },
  closed: {
    exit: "network",
    message: (data: { what: string }) => `The ${data.what} is closed.`,
    fix: "Start the node again, or open a new stream.",
  },
  badAddress: {
    exit: "usage",
    message: (data: { address: string }) => `"${data.address}" is no address that can be dialled.`,
    fix: "Give an address as `holdfast status` of the other node prints it.",
  },
  messageTooLong: {
    exit: "usage",
    message: (data: { lengthBytes: number; maxBytes: number }) =>
      `A gossip message of ${data.lengthBytes} bytes is over the limit of ${data.maxBytes}.`,
    fix: "Send large content over a stream.",
  },
});
