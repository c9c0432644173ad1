/** What can turn out not to hold in the demo. */
import { defineErrors } from "@holdfast/base";

type NoData = Record<never, never>;

export const demoErrors = defineErrors("demo", {
  noNode: {
    exit: "internal",
    message: (data: { role: string }) => `the network has no ${data.role} node`,
    fix: "this is a bug of holdfast: please report it",
  },
  noReceipt: {
    exit: "retry-later",
    message: (_data: NoData) => "the network stopped in the middle of the story",
    fix: "run it again; if it happens again, look at the nodes with `holdfast up --state DIR`",
  },
  notProven: {
    exit: "proof-invalid",
    message: (data: { miner: string; sectorId: number; state: string }) =>
      `sector ${data.sectorId} of ${data.miner} has no proof of spacetime on the chain (${data.state})`,
    fix: "this must not happen: please report it, with the logs of `holdfast up --state DIR`",
  },
  notPaid: {
    exit: "timeout",
    message: (data: { dealId: string; height: number; validAt: number }) =>
      `the deal ${data.dealId} is not paid at height ${data.height}; its first voucher holds since ${data.validAt}`,
    fix: "this must not happen: please report it, with the logs of `holdfast up --state DIR`",
  },
  interrupted: {
    exit: "retry-later",
    message: (_data: NoData) => "interrupted",
    fix: "run it again: nothing was left behind",
  },
  tooSlow: {
    exit: "timeout",
    message: (data: { minutes: number }) => `the story was not over after ${data.minutes} minutes`,
    fix: "run it on a machine with more time for it, or with a longer --round",
  },
});
