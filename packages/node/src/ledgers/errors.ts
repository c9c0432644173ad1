/** What can go wrong between us and a node of another chain. */
import { defineErrors } from "@holdfast/base";

export const ledgerErrors = defineErrors("ledger", {
  rpcFailed: {
    exit: "network",
    message: (d: { method: string; problem: string }) =>
      `The chain's node did not answer ${d.method}: ${d.problem}`,
    fix: "Check the URL, or ask another node of that chain; some refuse old logs or long ranges.",
  },
  badAnswer: {
    exit: "network",
    message: (d: { what: string; problem: string }) =>
      `The chain's node gave ${d.what} that is none: ${d.problem}`,
    fix: "Ask another node of that chain.",
  },
  deepReorganisation: {
    exit: "retry-later",
    message: (d: { block: number; confirmations: number }) =>
      `The other chain has replaced block ${d.block}, deeper than ${d.confirmations} confirmations.`,
    fix: "Read again from an earlier block, and wait for more confirmations (--confirmations).",
  },
});
