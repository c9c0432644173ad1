/** Errors of constraint systems. They are for whoever makes a witness; a false witness is an answer, not an error. */
import { defineErrors } from "@holdfast/base";

export const r1csErrors = defineErrors("r1cs", {
  missingValue: {
    exit: "usage",
    message: (data: { variable: number; part: string }) =>
      `the assignment has no value for variable ${data.variable} (${data.part})`,
    fix: "give every value that the circuit's assignment names, in arrays of the circuit's lengths",
  },
  tooLarge: {
    exit: "usage",
    message: (data: { what: string; count: number; limit: number }) =>
      `the circuit has ${data.count} ${data.what}, and ${data.limit} at most can be written`,
    fix: "make the circuit smaller: fewer challenges in one proof",
  },
});
