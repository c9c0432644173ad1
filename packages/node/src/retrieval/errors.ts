/** Errors of files: their blocks, their trees, and getting them from other nodes. */
import { defineErrors } from "@holdfast/base";

export const retrievalErrors = defineErrors("retrieval", {
  emptyFile: {
    exit: "usage",
    message: (_data: Record<never, never>) => "the file is empty: there is nothing to store",
    fix: "give a file with at least one byte",
  },
  badLayout: {
    exit: "usage",
    message: (data: { problem: string }) => `a file cannot be laid out so: ${data.problem}`,
    fix: "leave --cid-version, --raw-leaves and --chunk-size away, unless a CID of `ipfs add` is to be met",
  },
  tooLarge: {
    exit: "usage",
    message: (data: { what: string; limit: number }) =>
      `the file is too large: more than ${data.limit} ${data.what}`,
    fix: "split the file",
  },
  quotaFull: {
    exit: "retry-later",
    message: (data: { usedBytes: number; neededBytes: number; quotaBytes: number }) =>
      `the room for files is full: ${data.usedBytes} of ${data.quotaBytes} bytes are used, ` +
      `${data.neededBytes} more are needed`,
    fix: "remove copies that are not needed here (`holdfast rm CID`), or raise `files.quotaBytes` in the config",
  },
  corruptBlock: {
    exit: "proof-invalid",
    message: (data: { cid: string }) => `the bytes of block ${data.cid} do not match its CID`,
    fix: "get the block from another peer",
  },
  unsupportedCid: {
    exit: "refused",
    message: (data: { cid: string; reason: string }) =>
      `the block ${data.cid} cannot be used: ${data.reason}`,
    fix: "import the file again with `holdfast put`, or with `ipfs add --cid-version=1`",
  },
  notAFile: {
    exit: "refused",
    message: (data: { cid: string; reason: string }) => `${data.cid} is not a file: ${data.reason}`,
    fix: "give the CID of a file or folder, as `holdfast put` and `ipfs add` make them",
  },
  isAFolder: {
    exit: "usage",
    message: (data: { cid: string }) => `${data.cid} is a folder`,
    fix: "list it with `holdfast ls CID`, fetch all of it with `holdfast get CID -o FOLDER`, or name a file in it: CID/PATH",
  },
  notAFolder: {
    exit: "usage",
    message: (data: { cid: string }) => `${data.cid} is a file and has no entries`,
    fix: "leave the path away",
  },
  noEntry: {
    exit: "not-found",
    message: (data: { root: string; path: string }) => `there is no ${data.path} in ${data.root}`,
    fix: "list the folder with `holdfast ls CID`",
  },
  badNode: {
    exit: "refused",
    message: (data: { cid: string }) => `the block ${data.cid} is not what its codec says`,
    fix: "ask for the block itself, with ?format=raw",
  },
  insideNode: {
    exit: "refused",
    message: (data: { cid: string; path: string }) =>
      `${data.path} leads into the node ${data.cid}, not to a block: parts of nodes are not given by themselves`,
    fix: "ask for the node, and read the part out of it",
  },
  badName: {
    exit: "usage",
    message: (data: { path: string; reason: string }) => `${data.path} cannot be stored: ${data.reason}`,
    fix: "rename it",
  },
  badEntry: {
    exit: "usage",
    message: (data: { path: string; reason: string }) => `${data.path} cannot be stored: ${data.reason}`,
    fix: "leave it out, or put a copy of what it leads to in its place",
  },
  dagTooBig: {
    exit: "refused",
    message: (data: { root: string; what: string; limit: number }) =>
      `the tree of ${data.root} has more than ${data.limit} ${data.what}`,
    fix: "the CID was not made by a file import; check it",
  },
  missingBlock: {
    exit: "not-found",
    message: (data: { root: string; cid: string }) =>
      `the block ${data.cid} of ${data.root} is not on this node`,
    fix: "fetch the file again: `holdfast get`",
  },
  badOffset: {
    exit: "usage",
    message: (data: { offsetBytes: number; sizeBytes: number }) =>
      `the offset ${data.offsetBytes} is beyond the end (${data.sizeBytes} bytes)`,
    fix: "give an offset from 0 to the size",
  },
  noProvider: {
    exit: "network",
    message: (data: { cid: string; tried: number; reasons: string }) =>
      data.tried === 0
        ? `nobody is known to have ${data.cid}`
        : `none of ${data.tried} providers gave ${data.cid}: ${data.reasons}`,
    fix: "check that a miner of its deal is online (`holdfast ls`), then try again: what arrived is kept",
  },
  refused: {
    exit: "network",
    message: (data: { peer: string; reason: string }) =>
      `the peer ${data.peer} does not give the file: ${data.reason}`,
    fix: "nothing to do: other providers are asked",
  },
  busy: {
    exit: "retry-later",
    message: (data: { peer: string }) => `the peer ${data.peer} serves as many retrievals as it can`,
    fix: "try again in a moment",
  },
  badStream: {
    exit: "network",
    message: (data: { peer: string; detail: string }) =>
      `the peer ${data.peer} does not keep to the protocol: ${data.detail}`,
    fix: "nothing to do: other providers are asked",
  },
  unwantedBlock: {
    exit: "proof-invalid",
    message: (data: { peer: string; wanted: string; found: string }) =>
      `the peer ${data.peer} sent block ${data.found} where ${data.wanted} belongs`,
    fix: "nothing to do: the peer is not used for this file any more",
  },
  cut: {
    exit: "network",
    message: (data: { peer: string; receivedBytes: number }) =>
      `the stream from ${data.peer} was cut after ${data.receivedBytes} bytes`,
    fix: "nothing to do: the rest is fetched from where it stopped",
  },
  stalled: {
    exit: "timeout",
    message: (data: { peer: string; waitedMs: number }) =>
      `nothing moved with the peer ${data.peer} for ${data.waitedMs} ms`,
    fix: "nothing to do: other providers are asked",
  },
  priceAboveMax: {
    exit: "funds",
    message: (data: { cid: string; what: string; askedFil: string; maxFil: string }) =>
      `whoever has ${data.cid} asks ${data.askedFil} FIL for ${data.what}, and at most ${data.maxFil} FIL are allowed`,
    fix: "allow more: `holdfast get CID --max-price AMOUNT`; `holdfast find CID` lists who asks how much",
  },
  unpaid: {
    exit: "funds",
    message: (data: { peer: string; reason: string }) =>
      `the peer ${data.peer} sends nothing more before it is paid: ${data.reason}`,
    fix: "see the channel with `holdfast channel ls`; other providers are asked meanwhile",
  },
  channelUnfit: {
    exit: "funds",
    message: (data: { payer: string; channel: number; reason: string }) =>
      `the channel ${data.channel} of ${data.payer} cannot pay for a retrieval: ${data.reason}`,
    fix: "open another channel to the address that the provider names",
  },
  tooManyChannels: {
    exit: "retry-later",
    message: (data: { channels: number }) =>
      `this node pays for blocks from ${data.channels} channels already, as many as it may have`,
    fix: "wait until some have ended: what is left in them comes back by itself",
  },
  channelRefused: {
    exit: "funds",
    message: (data: { message: string; exitCode: number }) =>
      `the chain refused the message ${data.message} of a channel that was to pay for a retrieval (${data.exitCode})`,
    fix: "see why with `holdfast message show CID`, then try again",
  },
  noWallet: {
    exit: "funds",
    message: (_data: Record<never, never>) => "this node has no account that could pay for a retrieval",
    fix: "run `holdfast wallet new` and give it money, or ask a provider that is free",
  },
  ended: {
    exit: "retry-later",
    message: (_data: Record<never, never>) => "this side has ended the retrieval",
    fix: "run the same command again: what arrived is kept",
  },
  closed: {
    exit: "retry-later",
    message: (_data: Record<never, never>) => "the node is shutting down",
    fix: "start the node again and repeat the command: what arrived is kept",
  },
});
