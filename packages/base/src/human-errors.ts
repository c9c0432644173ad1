/** What can be wrong with an amount, a size or a duration that someone typed. */
import { defineErrors } from "./errors.ts";

export const amountErrors = defineErrors("amount", {
  malformed: {
    exit: "usage",
    message: (data: { text: string; expected: string }) =>
      `${JSON.stringify(data.text)} is not ${data.expected}`,
    fix: (data: { expected: string }) => `Give ${data.expected}.`,
  },
  tooPrecise: {
    exit: "usage",
    message: (data: { text: string; smallest: string }) =>
      `${JSON.stringify(data.text)} is not a whole number of ${data.smallest}, the smallest unit`,
    fix: "Leave out the last decimals.",
  },
  negative: {
    exit: "usage",
    message: (data: { text: string }) => `${JSON.stringify(data.text)} is negative`,
    fix: "Give zero or more.",
  },
  overflow: {
    exit: "usage",
    message: (data: { text: string }) =>
      `${JSON.stringify(data.text)} is larger than anything the network can hold`,
    fix: "Check the number and its unit.",
  },
});
