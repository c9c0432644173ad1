/** Errors of finding peers, of invitations and of the genesis that an invitation promises. */
import { defineErrors } from "@holdfast/base";

const anew = "ask for a new one: `holdfast net invite` on any node of the network prints it";

export const discoveryErrors = defineErrors("discovery", {
  stopped: {
    exit: "retry-later",
    message: (_data: Record<never, never>) => "the node is stopping",
    fix: "start the node again",
  },
  busy: {
    exit: "retry-later",
    message: (_data: Record<never, never>) => "others fetch the genesis from this node just now",
    fix: "try again",
  },
  noInvitation: {
    exit: "usage",
    message: (data: { start: string }) =>
      `${JSON.stringify(data.start)}… is no invitation: they begin with holdfast1x`,
    fix: "copy the whole line that `holdfast net invite` prints on a node of the network",
  },
  invitationVersion: {
    exit: "usage",
    message: (data: { found: number; known: number }) =>
      `the invitation has version ${data.found}, this program reads version ${data.known}`,
    fix: "use a program of the inviter's release, or ask for an invitation of yours",
  },
  invitationCutOff: {
    exit: "usage",
    message: (data: { haveBytes: number; wantedBytes: number }) =>
      `the invitation is cut off: ${data.haveBytes} of ${data.wantedBytes} bytes are here`,
    fix: "copy all of it; it may have been broken into several lines",
  },
  invitationDamaged: {
    exit: "usage",
    message: (data: { detail: string }) => `the invitation is damaged: ${data.detail}`,
    fix: anew,
  },
  invitationExpired: {
    exit: "refused",
    message: (data: { network: string; expired: string }) =>
      `the invitation to ${data.network} ended at ${data.expired}`,
    fix: anew,
  },
  inviterSilent: {
    exit: "network",
    message: (data: { addresses: readonly string[]; detail: string }) =>
      data.addresses.length === 0
        ? "the invitation names no peer"
        : `none of the peers that the invitation names answers: ${data.detail}`,
    fix: "check that one of them runs and can be reached from here, or pass its genesis file with --genesis",
  },
  otherNetwork: {
    exit: "refused",
    message: (data: { peer: string; wanted: string }) =>
      `${data.peer} is of another network: it does not have the genesis block ${data.wanted}`,
    fix: anew,
  },
  genesisDiffers: {
    exit: "proof-invalid",
    message: (data: { peer: string; wanted: string; detail: string }) =>
      `what ${data.peer} sent is not the genesis ${data.wanted}: ${data.detail}`,
    fix: anew,
  },
  listensNowhere: {
    exit: "refused",
    message: (_data: Record<never, never>) => "this node listens nowhere, so nobody could join through it",
    fix: "start it without --offline and with [net] listen in config.toml, or name an address with --address",
  },
});
