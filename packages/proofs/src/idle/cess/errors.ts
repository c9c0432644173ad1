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
  badCount: {
    exit: "usage",
    message: (data: { count: number; most: number }) =>
      `an update of the accumulator takes 1 to ${data.most} files here, not ${data.count}`,
    fix: "files of one update lie in one sub-accumulator: end it at a multiple of 256",
  },
  noSuchFiles: {
    exit: "not-found",
    message: (data: { left: number; right: number; front: number; rear: number }) =>
      `files ${data.left} to ${data.right - 1} are not all in the accumulator`,
    fix: "ask for files behind the front, up to the rear",
  },
  badRecovery: {
    exit: "refused",
    message: (data: { problem: string }) => `the accumulator cannot be recovered: ${data.problem}`,
    fix: "recover from the elements that were saved with the last confirmed update",
  },
  updatePending: {
    exit: "refused",
    message: (_data: { readonly [key: string]: never }) =>
      "the accumulator waits for the end of another update",
    fix: "confirm the update or roll it back",
  },
  noUpdate: {
    exit: "refused",
    message: (_data: { readonly [key: string]: never }) =>
      "no update of the accumulator waits to be confirmed",
    fix: "prepare one first",
  },
  badFiles: {
    exit: "usage",
    message: (data: { problem: string }) => `these idle files cannot be proven: ${data.problem}`,
    fix: "give the files of the set that was committed to",
  },
  badMessage: {
    exit: "refused",
    message: (data: { problem: string }) => `this is no message of the proof of idle space: ${data.problem}`,
    fix: "ask whoever sent it: every message has exactly one encoding",
  },
});
