/** Errors of the message pool and of the sender service. */
import { defineErrors } from "@holdfast/base";

export const mempoolErrors = defineErrors("mempool", {
  known: {
    exit: "refused",
    message: (data: { cid: string }) => `the message ${data.cid} is in the pool already`,
    fix: "nothing to do: it waits for a block",
  },
  full: {
    exit: "retry-later",
    message: (data: { limit: number }) => `the pool holds ${data.limit} messages, its limit`,
    fix: "send it again later, or offer a higher gas price",
  },
  senderFull: {
    exit: "retry-later",
    message: (data: { from: string; limit: number }) =>
      `${data.from} has ${data.limit} messages waiting, the limit`,
    fix: "wait until some of them are in the chain",
  },
  nonceGap: {
    exit: "retry-later",
    message: (data: { from: string; nonce: number; expected: number }) =>
      `the message has nonce ${data.nonce}, ${data.from} is at ${data.expected}`,
    fix: "send the messages in between first",
  },
  insufficientFunds: {
    exit: "funds",
    message: (data: { from: string; waiting: number }) =>
      `${data.from} cannot pay this message and the ${data.waiting} of its that wait`,
    fix: "wait until they are in the chain, or send money to this address",
  },
  underpriced: {
    exit: "refused",
    message: (data: { from: string; nonce: number }) =>
      `another message of ${data.from} with nonce ${data.nonce} waits and pays as much`,
    fix: "to replace it, offer a gas price that is at least a tenth higher",
  },
});

export const senderErrors = defineErrors("sender", {
  wouldFail: {
    exit: "refused",
    message: (data: { method: string; exitCode: number; meaning: string }) =>
      `${data.method || "the transfer"} would fail now: ${data.meaning} (exit code ${data.exitCode})`,
    fix: "correct the message, or give --gas-limit to send it all the same",
  },
  insufficientFunds: {
    exit: "funds",
    message: (data: { from: string; balanceFil: string; neededFil: string }) =>
      `${data.from} holds ${data.balanceFil} FIL, ${data.neededFil} FIL are needed`,
    fix: "send money to this address, or pay from another one with --from",
  },
  unknownMessage: {
    exit: "not-found",
    message: (data: { cid: string }) => `this node knows no message ${data.cid}`,
    fix: "check the CID; a message of another node is known once it is in a block",
  },
  waitTimeout: {
    exit: "timeout",
    message: (data: { cid: string; timeoutMs: number }) =>
      `the message ${data.cid} is not in the chain after ${data.timeoutMs} ms`,
    fix: "it still waits: look with `holdfast why CID`, or wait longer",
  },
  notOurs: {
    exit: "refused",
    message: (data: { cid: string; reason: string }) =>
      `the message ${data.cid} cannot be changed: ${data.reason}`,
    fix: "only the node that sent a message can, while it waits; see `holdfast message why CID`",
  },
  ofAJob: {
    exit: "refused",
    message: (data: { cid: string; job: string }) =>
      `the message ${data.cid} belongs to work of the node (${data.job}), which would send it again`,
    fix: "offer more for it with `holdfast message replace CID`",
  },
  priceTooLow: {
    exit: "usage",
    message: (data: { cid: string; least: string }) =>
      `to take the place of ${data.cid} a message pays at least ${data.least} attoFIL for a unit of gas`,
    fix: "offer more with --gas-price",
  },
  cancelled: {
    exit: "refused",
    message: (data: { cid: string }) => `the message ${data.cid} was cancelled`,
    fix: "send it again if it is still wanted",
  },
  replaced: {
    exit: "refused",
    message: (data: { cid: string; from: string; nonce: number }) =>
      `the message ${data.cid} can never be mined: ${data.from} used nonce ${data.nonce} for another message`,
    fix: "send it again; do not use one key on two nodes at the same time",
  },
});
