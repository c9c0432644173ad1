/** Errors of Fr32 padding. */
import { defineErrors } from "@holdfast/base";

export const fr32Errors = defineErrors("fr32", {
  badLength: {
    exit: "usage",
    message: (data: { paddedBytes: number }) =>
      `${data.paddedBytes} bytes are not Fr32-padded data: they are no whole number of 32-byte elements`,
    fix: "pass whole elements, as padUser made them",
  },
  notPadded: {
    exit: "usage",
    message: (data: { index: number }) =>
      `element ${data.index} is not Fr32-padded: its two top bits are not zero`,
    fix: "pass padded data; user bytes must go through padUser first",
  },
  tooShort: {
    exit: "usage",
    message: (data: { userBytes: number; capacity: number }) =>
      `${data.userBytes} user bytes were asked for, the padded data hold ${data.capacity}`,
    fix: "ask for no more user bytes than were padded",
  },
});
