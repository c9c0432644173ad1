/** What ends a simulated life or a simulation. */
import { defineErrors } from "@holdfast/base";

export const simErrors = defineErrors("sim", {
  killed: {
    exit: "internal",
    message: (data: { node: string }) => `${data.node} was killed here by the simulator`,
    fix: "nothing: what a dead process would have done next is not done",
  },
  unwilling: {
    exit: "internal",
    message: (data: { deed: string }) => `a villain does not make ${data.deed}`,
    fix: "nothing: it is one",
  },
  badOption: {
    exit: "usage",
    message: (data: { option: string; reason: string }) => `${data.option}: ${data.reason}`,
    fix: "npm run sim -- --help lists the options",
  },
  badRepro: {
    exit: "usage",
    message: (data: { path: string; reason: string }) => `${data.path} is no repro file: ${data.reason}`,
    fix: "name the repro.json that a failed simulation wrote",
  },
});
