/** Operating errors of the consensus package: what a peer's block, a tipset or a message got wrong. */
import { defineErrors } from "@holdfast/base";

export const tipsetErrors = defineErrors("tipset", {
  empty: {
    exit: "refused",
    message: (_: Record<string, never>) => "A tipset needs at least one block.",
    fix: "Give the blocks.",
  },
  tooManyBlocks: {
    exit: "refused",
    message: (d: { blocks: number; limit: number }) => `A tipset of ${d.blocks} blocks exceeds ${d.limit}.`,
    fix: "Keep the blocks with the smallest tickets.",
  },
  duplicateBlock: {
    exit: "refused",
    message: (d: { block: string }) => `The block ${d.block} appears twice in the tipset.`,
    fix: "Name each block once.",
  },
  twoBlocksOfOneMiner: {
    exit: "refused",
    message: (d: { miner: string; height: number }) =>
      `The miner ${d.miner} has two blocks at height ${d.height}.`,
    fix: "Keep one of the two; publishing both is a consensus fault that can be reported.",
  },
  differentHeights: {
    exit: "refused",
    message: (d: { a: number; b: number }) => `Blocks of the heights ${d.a} and ${d.b} form no tipset.`,
    fix: "Group blocks by height.",
  },
  differentParents: {
    exit: "refused",
    message: (d: { block: string }) => `The block ${d.block} has other parents than the rest of the tipset.`,
    fix: "Group blocks by parents.",
  },
  differentParentWeights: {
    exit: "refused",
    message: (d: { block: string }) => `The block ${d.block} claims another parent weight than the rest.`,
    fix: "Validate the headers first; one of the claims is wrong.",
  },
  differentParentStates: {
    exit: "refused",
    message: (d: { block: string }) => `The block ${d.block} claims another parent state than the rest.`,
    fix: "Validate the headers first; one of the claims is wrong.",
  },
});

const resend = "Correct the message and sign it again.";

/** Why a message cannot be in a block. `isPermanentRejection` says which can change by waiting. */
export const messageErrors = defineErrors("message", {
  tooLarge: {
    exit: "usage",
    message: (d: { bytes: number; limit: number }) =>
      `The message has ${d.bytes} bytes; the limit is ${d.limit}.`,
    fix: "Send less data in one message.",
  },
  selfSend: {
    exit: "usage",
    message: (d: { address: string }) => `${d.address} cannot send to itself.`,
    fix: resend,
  },
  zeroRecipient: {
    exit: "usage",
    message: (_: Record<string, never>) => "The message has no recipient (the zero address).",
    fix: resend,
  },
  wrongNetwork: {
    exit: "usage",
    message: (d: { address: string; network: number }) =>
      `${d.address} belongs to another network than this one (${d.network}).`,
    fix: "Use addresses of this network: fc… on the main network, tf… on test networks.",
  },
  negativeAmount: {
    exit: "usage",
    message: (d: { field: string }) => `The message's ${d.field} is negative.`,
    fix: resend,
  },
  gasLimitTooHigh: {
    exit: "usage",
    message: (d: { gasLimit: number; limit: number }) =>
      `The gas limit ${d.gasLimit} is above what a block may use (${d.limit}).`,
    fix: "Give a smaller gas limit; a preview of the call says how much it needs.",
  },
  gasLimitTooLow: {
    exit: "usage",
    message: (d: { gasLimit: number; needed: number }) =>
      `The gas limit ${d.gasLimit} does not even pay for including the message (${d.needed}).`,
    fix: "Give a higher gas limit; a preview of the call says how much it needs.",
  },
  badSignature: {
    exit: "refused",
    message: (d: { from: string }) => `The message is not signed by its sender ${d.from}.`,
    fix: "Sign the message with the sender's key.",
  },
  senderNotFound: {
    exit: "not-found",
    message: (d: { from: string }) => `The sender ${d.from} does not exist on the chain.`,
    fix: "Send some FIL to this address first.",
  },
  senderNotAccount: {
    exit: "refused",
    message: (d: { from: string }) => `The sender ${d.from} is not an account.`,
    fix: "Send from an account of the wallet.",
  },
  nonceTooLow: {
    exit: "refused",
    message: (d: { from: string; nonce: number; expected: number }) =>
      `The nonce ${d.nonce} of ${d.from} was used already; the next one is ${d.expected}.`,
    fix: "Sign the message again with the next nonce.",
  },
  nonceTooHigh: {
    exit: "retry-later",
    message: (d: { from: string; nonce: number; expected: number }) =>
      `The nonce ${d.nonce} of ${d.from} leaves a gap; the next one is ${d.expected}.`,
    fix: "Send the messages with the missing nonces first.",
  },
  insufficientFunds: {
    exit: "funds",
    message: (d: { from: string; balance: string; needed: string }) =>
      `${d.from} holds ${d.balance} attoFIL; value and gas limit need ${d.needed}.`,
    fix: "Fund the sender, or lower the value, the gas price or the gas limit.",
  },
  blockFull: {
    exit: "retry-later",
    message: (d: { gasLimit: number; left: number }) =>
      `The block has room for ${d.left} units of gas, the message asks for ${d.gasLimit}.`,
    fix: "Wait for the next block.",
  },
  fault: {
    exit: "internal",
    message: (d: { cause: string }) =>
      `Running the message fails in a way that no actor reported: ${d.cause}.`,
    fix: "Please report this message: it shows a defect of an actor.",
  },
});

const notOurs = "The block was made by a faulty or dishonest miner. Do not forward it.";

/** Everything that a peer's block can claim wrongly, one code for each lie. */
export const blockErrors = defineErrors("block", {
  wrongParents: {
    exit: "refused",
    message: (d: { parents: string; expected: string }) =>
      `The block names the parents ${d.parents}, not the tipset ${d.expected}.`,
    fix: notOurs,
  },
  heightNotAboveParent: {
    exit: "refused",
    message: (d: { height: number; parent: number }) =>
      `The block's height ${d.height} is not above its parent's (${d.parent}).`,
    fix: notOurs,
  },
  wrongTimestamp: {
    exit: "refused",
    message: (d: { timestampMs: number; expectedMs: number }) =>
      `The timestamp ${d.timestampMs} does not belong to the block's height (${d.expectedMs}).`,
    fix: notOurs,
  },
  fromTheFuture: {
    exit: "retry-later",
    message: (d: { timestampMs: number; nowMs: number }) =>
      `The block's time ${d.timestampMs} lies too far ahead of this machine's clock (${d.nowMs}).`,
    fix: "Check this machine's clock (NTP); if it is right, the miner's is wrong.",
  },
  wrongParentWeight: {
    exit: "refused",
    message: (d: { claimed: string; expected: string }) =>
      `The block claims the parent weight ${d.claimed}; it is ${d.expected}.`,
    fix: notOurs,
  },
  wrongParentState: {
    exit: "refused",
    message: (d: { claimed: string; expected: string }) =>
      `The block claims the parent state ${d.claimed}; it is ${d.expected}.`,
    fix: notOurs,
  },
  winningPostTooLarge: {
    exit: "refused",
    message: (d: { bytes: number; limit: number }) =>
      `The winning proof has ${d.bytes} bytes; the limit is ${d.limit}.`,
    fix: notOurs,
  },
  unknownMiner: {
    exit: "refused",
    message: (d: { miner: string }) => `${d.miner} is not a miner in the parent state.`,
    fix: notOurs,
  },
  noPower: {
    exit: "refused",
    message: (d: { miner: string }) => `The miner ${d.miner} has no power in the parent state.`,
    fix: notOurs,
  },
  needlessProof: {
    exit: "refused",
    message: (d: { miner: string }) => `The miner ${d.miner} has no sector, and its block proves one.`,
    fix: notOurs,
  },
  badSignature: {
    exit: "refused",
    message: (d: { miner: string; worker: string }) =>
      `The block of ${d.miner} is not signed by its worker ${d.worker}.`,
    fix: notOurs,
  },
  badTicket: {
    exit: "refused",
    message: (d: { miner: string }) => `The ticket is not the one that ${d.miner} has to draw here.`,
    fix: notOurs,
  },
  badElectionProof: {
    exit: "refused",
    message: (d: { miner: string }) => `The election proof is not the one that ${d.miner} has to draw here.`,
    fix: notOurs,
  },
  notAWinner: {
    exit: "refused",
    message: (d: { miner: string; power: string; total: string }) =>
      `The election proof does not win with ${d.power} of ${d.total} bytes of power.`,
    fix: notOurs,
  },
  badWinningPost: {
    exit: "proof-invalid",
    message: (d: { miner: string; sector: number }) =>
      `The winning proof of ${d.miner} over its sector ${d.sector} does not verify.`,
    fix: notOurs,
  },
  tooManyMessages: {
    exit: "refused",
    message: (d: { messages: number; limit: number }) =>
      `The block holds ${d.messages} messages; the limit is ${d.limit}.`,
    fix: notOurs,
  },
  gasAboveLimit: {
    exit: "refused",
    message: (d: { gas: number; limit: number }) =>
      `The gas limits of the block's messages sum up to ${d.gas}; the limit is ${d.limit}.`,
    fix: notOurs,
  },
  duplicateMessage: {
    exit: "refused",
    message: (d: { message: string }) => `The block holds the message ${d.message} twice.`,
    fix: notOurs,
  },
  wrongMessagesRoot: {
    exit: "refused",
    message: (d: { claimed: string; computed: string }) =>
      `The header commits to the messages ${d.claimed}; the body holds ${d.computed}.`,
    fix: "The body does not belong to this header. Fetch it again from another peer.",
  },
  invalidMessage: {
    exit: "refused",
    message: (d: { message: string; reason: string; text: string }) =>
      `The block's message ${d.message} cannot be applied (${d.reason}): ${d.text}`,
    fix: notOurs,
  },
  wrongReceiptsRoot: {
    exit: "refused",
    message: (d: { claimed: string; computed: string }) =>
      `The header claims the receipts ${d.claimed}; executing gives ${d.computed}.`,
    fix: notOurs,
  },
  wrongStateRoot: {
    exit: "refused",
    message: (d: { claimed: string; computed: string }) =>
      `The header claims the state ${d.claimed}; executing gives ${d.computed}.`,
    fix: notOurs,
  },
});

/** Failures that no block can cause: they mean that the chain's own rules are broken on this machine. */
export const stateErrors = defineErrors("state", {
  implicitMessageFailed: {
    exit: "internal",
    message: (d: { method: string; exitCode: number; text: string }) =>
      `The network's own step ${d.method} failed with exit code ${d.exitCode}: ${d.text}`,
    fix: "Please report this with the tipset's height; the node cannot go on from this state.",
  },
  actorNotFound: {
    exit: "not-found",
    message: (d: { address: string }) => `There is no actor at ${d.address}.`,
    fix: "Check the address; an account exists from its first payment on.",
  },
  wrongKindOfActor: {
    exit: "usage",
    message: (d: { address: string; expected: string; found: string }) =>
      `${d.address} is not a ${d.expected} but a ${d.found}.`,
    fix: "Check the address.",
  },
  moneyNotConserved: {
    exit: "internal",
    message: (d: { total: string; expected: string }) =>
      `All balances sum up to ${d.total} attoFIL; the genesis holds ${d.expected}.`,
    fix: "Stop the node and report this: its state is not to be trusted.",
  },
});

export const genesisErrors = defineErrors("genesis", {
  invalidParams: {
    exit: "usage",
    message: (d: { reason: string }) => `The network's parameters contradict each other: ${d.reason}.`,
    fix: "Correct the named parameters.",
  },
  duplicateAddress: {
    exit: "usage",
    message: (d: { address: string }) => `The genesis names the address ${d.address} twice.`,
    fix: "Give each account once, with its whole balance.",
  },
  wrongNetwork: {
    exit: "usage",
    message: (d: { address: string; network: number }) =>
      `${d.address} does not belong to the network ${d.network} of this genesis.`,
    fix: "Use addresses of one network.",
  },
  unsupportedSectorSize: {
    exit: "usage",
    message: (d: { sectorBytes: number }) =>
      `The network's parameters do not list sectors of ${d.sectorBytes} bytes.`,
    fix: "Add the size to `sectorClasses` of the parameters, or seal sectors of a listed size.",
  },
  pledgeNotCovered: {
    exit: "usage",
    message: (d: { miner: number; balance: string; needed: string }) =>
      `The miner ${d.miner} starts with ${d.balance} attoFIL; its sectors need a pledge of ${d.needed}.`,
    fix: "Give the miner a larger balance.",
  },
  invalidMiner: {
    exit: "usage",
    message: (d: { miner: number; reason: string }) =>
      `The miner ${d.miner} of the genesis is invalid: ${d.reason}.`,
    fix: "Correct the entry.",
  },
});

export const upgradeErrors = defineErrors("upgrade", {
  unknownVersion: {
    exit: "refused",
    message: (d: { version: number; height: number; known: number }) =>
      `From height ${d.height} on the network follows version ${d.version} of its rules; this program knows ${d.known}.`,
    fix: "Install a program that knows the version; the node goes on where it stands.",
  },
  migrationTooLarge: {
    exit: "internal",
    message: (d: { version: number; height: number }) =>
      `The migration to version ${d.version} at height ${d.height} needs more work than a migration may.`,
    fix: "Please report this: the version must be split into several upgrades.",
  },
});
