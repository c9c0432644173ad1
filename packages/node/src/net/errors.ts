/** What can go wrong when the node takes its place on the network. Streams and connections fail with `wire/…`. */
import { defineErrors } from "@holdfast/base";

export const netErrors = defineErrors("net", {
  portInUse: {
    exit: "network",
    message: (data: { address: string }) => `Another program listens on ${data.address} already.`,
    fix: "Stop that program, or choose another port in [net] listen of config.toml (0 takes a free one).",
  },
  cannotListen: {
    exit: "network",
    message: (data: { addresses: readonly string[]; reason: string }) =>
      `This machine cannot listen on ${data.addresses.join(", ")}: ${data.reason}.`,
    fix: "Give addresses of this machine, such as /ip4/0.0.0.0/tcp/4001, in [net] listen of config.toml.",
  },
  badKey: {
    exit: "usage",
    message: (data: { lengthBytes: number }) =>
      `A node's key is a seed of 32 bytes, not ${data.lengthBytes}.`,
    fix: "Remove the damaged key file; the node makes itself a new identity.",
  },
  tooManyStreams: {
    exit: "retry-later",
    message: (data: { peer: string; protocol: string; limit: number }) =>
      `${data.limit} streams of ${data.protocol} with ${data.peer} are open already.`,
    fix: "Wait until some of them have ended.",
  },
});
