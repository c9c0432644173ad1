/** Errors of pinning. The first words of a code say whether another try may help: see `isFinal`. */
import { defineErrors, HoldfastError } from "@holdfast/base";

export const pinErrors = defineErrors("pins", {
  notFound: {
    exit: "not-found",
    message: (data: { id: string }) => `there is no pin ${data.id} here`,
    fix: "list them with `holdfast pin local ls`",
  },
  badRequest: {
    exit: "usage",
    message: (data: { problem: string }) => `the request is wrong: ${data.problem}`,
    fix: "see the specification of the IPFS Pinning Service API, or `holdfast pin local add --help`",
  },
  noAccess: {
    exit: "refused",
    message: (_data: Record<never, never>) => "the access token is missing or unknown",
    fix: "send `Authorization: Bearer TOKEN`; `holdfast pin access new NAME` makes one",
  },
  noSuchAccess: {
    exit: "not-found",
    message: (data: { name: string }) => `nobody has access under the name ${data.name}`,
    fix: "list who has with `holdfast pin access ls`",
  },
  accessTaken: {
    exit: "usage",
    message: (data: { name: string }) => `there is access under the name ${data.name} already`,
    fix: "take another name, or end that one with `holdfast pin access rm NAME`",
  },
  accountFull: {
    exit: "funds",
    message: (data: { account: string; usedBytes: number; maxBytes: number }) =>
      `${data.account} may keep ${data.maxBytes} bytes here and keeps ${data.usedBytes}`,
    fix: "remove pins, or let the operator give more: `holdfast pin access new NAME --max SIZE`",
  },
  tooMany: {
    exit: "retry-later",
    message: (data: { limit: number }) => `${data.limit} requests wait to be pinned already`,
    fix: "try again when some of them are done",
  },
  tooBig: {
    exit: "refused",
    message: (data: { cid: string; maxBytes: number }) =>
      `what ${data.cid} names is larger than the ${data.maxBytes} bytes that may be pinned for it`,
    fix: "pin it with its true size, or a part of it",
  },
  tooManyBlocks: {
    exit: "refused",
    message: (data: { cid: string; limit: number }) => `${data.cid} has more than ${data.limit} blocks`,
    fix: "pin its parts",
  },
  noRoom: {
    exit: "retry-later",
    message: (data: { usedBytes: number; quotaBytes: number }) =>
      `pins take ${data.usedBytes} of ${data.quotaBytes} bytes`,
    fix: "raise pins.quotaBytes in config.toml, or remove pins",
  },
  blockMissing: {
    exit: "not-found",
    message: (data: { cid: string }) => `nobody who was asked has the block ${data.cid}`,
    fix: "name a peer that has it with --origin, or wait until one is connected",
  },
  corruptBlock: {
    exit: "network",
    message: (data: { cid: string }) => `what came for ${data.cid} is not that block`,
    fix: "it is asked of others with the next try",
  },
  unsupported: {
    exit: "refused",
    message: (data: { cid: string; reason: string }) => `${data.cid} cannot be pinned here: ${data.reason}`,
    fix: "raw, dag-pb and dag-cbor blocks with SHA-256 or BLAKE2b-256 are kept; a Kubo daemon keeps others (pins.kubo)",
  },
  kubo: {
    exit: "network",
    message: (data: { url: string; detail: string }) =>
      `the Kubo daemon at ${data.url} does not do it: ${data.detail}`,
    fix: "check pins.kubo in config.toml and that the daemon runs",
  },
  kuboTaken: {
    exit: "refused",
    message: (data: { url: string; node: string }) =>
      `the Kubo daemon at ${data.url} keeps the pins of another node, ${data.node}`,
    fix:
      "give each node a daemon of its own; if that node is gone: `ipfs files rm /holdfast-node` there; to share one all " +
      "the same: pins.kuboShared in config.toml",
  },
  noService: {
    exit: "not-found",
    message: (data: { name: string }) => `no pinning service is known under the name ${data.name}`,
    fix: "add it with `holdfast pin remote service add NAME URL`",
  },
  serviceTaken: {
    exit: "usage",
    message: (data: { name: string }) => `a pinning service is known under the name ${data.name} already`,
    fix: "take another name, or remove that one with `holdfast pin remote service rm NAME`",
  },
  serviceFailed: {
    exit: "network",
    message: (data: { name: string; status: number; reason: string; details: string }) =>
      `the pinning service ${data.name} answers ${data.status} ${data.reason} ${data.details}`.trimEnd(),
    fix: "check its URL and token: `holdfast pin remote service ls`",
  },
  serviceUnreachable: {
    exit: "network",
    message: (data: { name: string; detail: string }) =>
      `the pinning service ${data.name} gives no proper answer: ${data.detail}`,
    fix: "check its URL: `holdfast pin remote service ls`",
  },
  cannotListen: {
    exit: "refused",
    message: (data: { address: string; detail: string }) =>
      `the pinning service cannot listen on ${data.address}: ${data.detail}`,
    fix: "set pins.listen in config.toml to a free address, or to nothing",
  },
  ended: {
    exit: "retry-later",
    message: (_data: Record<never, never>) => "the pin was removed, or the node stops",
    fix: "start the node again; what was fetched is kept",
  },
});

const finalCodes: ReadonlySet<string> = new Set([
  "pins/too-big",
  "pins/too-many-blocks",
  "pins/unsupported",
  "pins/account-full",
  "cid/malformed",
]);

/** Whether the same request must fail again. */
export function isFinal(error: unknown): boolean {
  return error instanceof HoldfastError && finalCodes.has(error.code);
}
