/** Errors of the delay function, for those who compute it; a false proof of a peer is `false`, never an error. */
import { defineErrors } from "@holdfast/base";

export const vdfErrors = defineErrors("vdf", {
  badIterations: {
    exit: "usage",
    message: (data: { iterations: number; max: number }) =>
      `a delay of ${data.iterations} squarings cannot be computed`,
    fix: (data) => `give a whole number of squarings from 1 to ${data.max}`,
  },
});
