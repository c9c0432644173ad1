/** Errors of the faucet. What a faucet refuses is the same error at its own node and at the node that asked it. */
import { defineErrors } from "@holdfast/base";

const dateText = (ms: number): string => new Date(ms).toISOString();

export const faucetErrors = defineErrors("faucet", {
  notAllowedHere: {
    exit: "refused",
    message: (data: { network: string }) => `the network ${data.network} has no faucet by its genesis`,
    fix: "take money from somebody who has some; a test network gets a faucet with `holdfast genesis new --faucet`",
  },
  notOurs: {
    exit: "refused",
    message: (data: { account: string }) =>
      `the faucet is to pay from ${data.account}, and this node has no key of it`,
    fix: "set faucet.account in config.toml to one of this node's addresses, or leave it empty",
  },
  noneKnown: {
    exit: "not-found",
    message: (data: { asked: number }) => `no faucet is known: none of ${data.asked} connected peers has one`,
    fix: "name one with --from and its multiaddr; `holdfast daemon --faucet` runs one",
  },
  notServed: {
    exit: "not-found",
    message: (data: { peer: string }) => `the peer ${data.peer} runs no faucet`,
    fix: "ask another one, or leave out --from: then all connected peers are asked",
  },
  otherNetwork: {
    exit: "refused",
    message: (data: { genesis: string }) =>
      `the faucet is of another network than the one of genesis ${data.genesis}`,
    fix: "ask a faucet of this network",
  },
  wrongAddress: {
    exit: "usage",
    message: (data: { problem: string }) => `the faucet does not pay there: ${data.problem}`,
    fix: "give an address of this network that is not the faucet's own (`holdfast wallet ls`)",
  },
  limitReached: {
    exit: "retry-later",
    message: (data: { by: string; nextMs: number }) =>
      `the faucet gives no more ${data.by} before ${dateText(data.nextMs)}`,
    fix: "try again then, or ask another faucet with --from",
  },
  empty: {
    exit: "funds",
    message: (data: { account: string }) => `the faucet's account ${data.account} has not enough left`,
    fix: "send it money, or ask another faucet with --from",
  },
  keyReused: {
    exit: "usage",
    message: (data: { key: string }) => `another address was paid for the key ${data.key}`,
    fix: "take a new key for another address",
  },
  busy: {
    exit: "retry-later",
    message: (_data: Record<never, never>) => "the faucet has as many requests as it takes at a time",
    fix: "try again in some seconds",
  },
  badAnswer: {
    exit: "network",
    message: (data: { peer: string; detail: string }) =>
      `the answer of the faucet ${data.peer} is not to be trusted: ${data.detail}`,
    fix: "ask another faucet with --from",
  },
  notMined: {
    exit: "timeout",
    message: (data: { cid: string; timeoutMs: number }) =>
      `the faucet's payment ${data.cid} is not in the chain after ${data.timeoutMs} ms`,
    fix: "it may still come: look with `holdfast wallet ls`; a repeat with the same --key pays nothing twice",
  },
  stopped: {
    exit: "retry-later",
    message: (_data: Record<never, never>) => "the node stops",
    fix: "start it again, then repeat the command",
  },
});
