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
  badSubject: {
    exit: "usage",
    message: (data: { subject: string }) =>
      `${JSON.stringify(data.subject)} is no peer id, IP address or range such as 203.0.113.0/24.`,
    fix: "Name a peer as `holdfast net peers` prints it, an address, or a range in CIDR notation.",
  },
  tooManyBans: {
    exit: "refused",
    message: (data: { most: number; by: string }) => `${data.most} bans are on the list already.`,
    fix: "Lift some with `holdfast net unban`, or ban a range instead of its addresses.",
  },
  notBanned: {
    exit: "not-found",
    message: (data: { subject: string }) => `${data.subject} is not banned.`,
    fix: "See `holdfast net bans`.",
  },
  notConnected: {
    exit: "not-found",
    message: (data: { peer: string }) => `There is no connection to ${data.peer}.`,
    fix: "See `holdfast net peers`, or connect with `holdfast net connect`.",
  },
});
