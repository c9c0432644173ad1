/** Errors of idle space. They are for callers; a false proof of a peer is `false`, never an error. */
import { defineErrors } from "@holdfast/base";

export const cessErrors = defineErrors("cess", {
  badShape: {
    exit: "usage",
    message: (data: { layers: number; nodes: number; degree: number; problem: string }) =>
      `no idle files have k = ${data.layers}, n = ${data.nodes} and d = ${data.degree}: ${data.problem}`,
    fix: "the network's are k = 8, n = 1048576, d = 64; small ones for tests k = 8, n = 1024, d = 4",
  },
  badSet: {
    exit: "usage",
    message: (data: { problem: string }) => `there is no such set of idle files: ${data.problem}`,
    fix: "a set of the network has 32 clusters; clusters are counted from 1",
  },
  badMiner: {
    exit: "usage",
    message: (data: { bytes: number }) => `a miner id has 32 bytes, not ${data.bytes}`,
    fix: "give the account's public key",
  },
  badKey: {
    exit: "usage",
    message: (data: { problem: string }) => `this is no key of an accumulator: ${data.problem}`,
    fix: "give N, the product of two secret primes, and G, a square modulo N, both in hex",
  },
});
