/** Operating errors of serving light clients, and of being one on this machine. */
import { defineErrors } from "@holdfast/base";

export const lightServiceErrors = defineErrors("light", {
  stopped: {
    exit: "retry-later",
    message: (_: Record<string, never>) => "It was stopped.",
    fix: "Ask again.",
  },
  noAnchor: {
    exit: "usage",
    message: (d: { path: string }) => `${d.path} holds nothing yet, and nothing says where to begin.`,
    fix: "Give --invitation TEXT, or --genesis CID (and better --checkpoint CID[,CID…]@HEIGHT), from who you trust.",
  },
  neverSynced: {
    exit: "not-found",
    message: (d: { path: string }) => `${d.path} holds nothing yet: no network was followed with it.`,
    fix: "Begin with `holdfast light sync --invitation TEXT`, or name another file with --file.",
  },
  badFile: {
    exit: "refused",
    message: (d: { path: string; detail: string }) => `${d.path} is no file of a light client: ${d.detail}.`,
    fix: "Name another with --file, or remove it and begin anew with --invitation or --genesis.",
  },
  otherAnchor: {
    exit: "usage",
    message: (d: { path: string; holds: string; given: string }) =>
      `${d.path} follows the network of genesis ${d.holds}, not ${d.given}.`,
    fix: "Name another file with --file.",
  },
  unwritable: {
    exit: "refused",
    message: (d: { path: string; detail: string }) => `${d.path} cannot be written: ${d.detail}.`,
    fix: "Name another file with --file.",
  },
});
