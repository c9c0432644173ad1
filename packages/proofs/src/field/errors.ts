/** Errors of field elements. */
import { defineErrors } from "@holdfast/base";

export const fieldErrors = defineErrors("field", {
  badLength: {
    exit: "usage",
    message: (data: { length: number }) => `${data.length} bytes are not a run of 32-byte field elements`,
    fix: "pass whole 32-byte little-endian elements",
  },
  notCanonical: {
    exit: "usage",
    message: (data: { index: number; hex: string }) =>
      `element ${data.index} (${data.hex}, little-endian) is not below the modulus of the field`,
    fix: "pass elements below the BLS12-381 scalar modulus; pad user data with Fr32 first",
  },
});
