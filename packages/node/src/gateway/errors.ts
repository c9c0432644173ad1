/** Errors of gateways, ours and those of others that we ask. */
import { defineErrors } from "@holdfast/base";

export const gatewayErrors = defineErrors("gateway", {
  badRequest: {
    exit: "usage",
    message: (data: { detail: string }) => data.detail,
    fix: "ask for /ipfs/CID, /ipfs/CID/PATH, with ?format=raw or ?format=car for blocks that can be checked",
  },
  notServed: {
    exit: "refused",
    message: (data: { detail: string }) => data.detail,
    fix: "ask for ?format=raw or ?format=car, or another gateway",
  },
  notHere: {
    exit: "not-found",
    message: (data: { cid: string }) =>
      `the block ${data.cid} is not on this node, and was to be had only from here`,
    fix: "ask without `Cache-Control: only-if-cached`",
  },
  notHad: {
    exit: "timeout",
    message: (data: { cid: string }) =>
      `the block ${data.cid} is not on this node, and no peer gave it in time`,
    fix: "connect to a peer that has it: `holdfast net connect`",
  },
  busy: {
    exit: "retry-later",
    message: (data: { requests: number }) =>
      `the gateway serves ${data.requests} requests, as many as it can`,
    fix: "try again in a moment",
  },
  cannotListen: {
    exit: "usage",
    message: (data: { address: string; detail: string }) =>
      `the gateway cannot listen on ${data.address}: ${data.detail}`,
    fix: 'choose another address for gateway.listen in config.toml; "" is none',
  },
  badUrl: {
    exit: "usage",
    message: (data: { url: string; problem: string }) => `${data.url} is no gateway: ${data.problem}`,
    fix: "give an address such as http://127.0.0.1:8080",
  },
  remoteFailed: {
    exit: "network",
    message: (data: { url: string; detail: string }) =>
      `the gateway ${data.url} did not answer: ${data.detail}`,
    fix: "check the address, or ask another one",
  },
});
